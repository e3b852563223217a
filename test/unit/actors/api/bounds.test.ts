/**
 * Goal: whatever a client writes within the bounds of a front, each endpoint answers; nothing of it
 * makes a message too large or runs out of stack, either of which would end the actor. Method:
 * every operation of the document with parameters, a header and a body as long or as deep as they
 * may be.
 */
import { expect, test } from 'vitest'
import { limits } from '../../../../src/core/base/limits.ts'
import { apiDocument } from '../../../../src/actors/api/table.ts'
import { apiWorld } from './world.ts'

interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string }[]
}

const paths = apiDocument('2.0.0').paths as Readonly<Record<string, Record<string, Operation>>>
const LONG = 'x'.repeat(limits.httpHeaderBytes.default - 200)
const DEEP = '['.repeat(200_000)

const bodies = [
  `{"message":${DEEP}`,
  `{"message":${DEEP}${']'.repeat(DEEP.length)}}`,
  JSON.stringify({ zone: 'é'.repeat(1_000), service: LONG, reason: LONG, by: LONG, id: LONG }),
]
const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { parameters = [] }]) => {
    const query = parameters.filter((one) => one.in === 'query').map(({ name }) => name)
    return { method: method.toUpperCase(), path, query }
  }),
)

test.each(operations)('$method $path answers', async ({ method, path, query }) => {
  const { call } = await apiWorld()
  const headers = { 'x-user': 'é'.repeat(2_000) }
  const long = path.replaceAll(/\{[^}]+\}/g, LONG)
  const usual = path.replaceAll(/\{[^}]+\}/g, 'a.test')
  for (const target of [long, usual, ...query.map((name) => `${usual}?${name}=${LONG}`)])
    expect((await call(method, target, { headers })).status).toBeGreaterThan(0)
  if (method === 'GET') return
  for (const body of bodies)
    expect((await call(method, usual, { headers, body })).status).toBeGreaterThan(0)
})
