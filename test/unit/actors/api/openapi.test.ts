// Goal: the OpenAPI document is well made and says of every route what it does.
// Method: rules of our own over the document; each is shown to fail on a broken one.
import { expect, test } from 'vitest'
import type { Context } from '../../../../src/actors/api/context.ts'
import { apiDocument, apiRoutes } from '../../../../src/actors/api/table.ts'
import { Conformance, lintOpenApi } from '../../../harness/openapi.ts'
import { apiWorld } from './world.ts'

const document = apiDocument('2.0.0') as Readonly<Record<string, never>>

test('every operation has an id, a summary, its parameters and answers, and references resolve', () => {
  expect(lintOpenApi(document)).toEqual([])
})

test('no two routes answer the same method and path', () => {
  const routes = apiRoutes({ config: () => ({}) } as unknown as Context)
  const names = routes.map(({ method, pattern }) => `${method} ${pattern}`)
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
})

test('a broken document is seen', () => {
  const { paths, components } = structuredClone(document) as Record<
    string,
    Record<string, Record<string, Record<string, unknown>>>
  >
  const live = paths!['/api/v1/live']!['get']!
  live['operationId'] = 'getReady'
  live['responses'] = { 500: { $ref: '#/components/responses/Nope' } }
  paths!['/api/v1/gossip/nodes/{id}']!['get']!['parameters'] = [{ name: 'x', in: 'path' }]
  components!['schemas']!['Orphan'] = {}
  const faults = lintOpenApi({ ...document, paths, components })
  for (const part of ['shares its id', 'no answer', 'no default', 'no id', 'what is x', 'is any'])
    expect(faults.join('\n')).toContain(part)
  expect(faults).toContain('#/components/responses/Nope leads nowhere')
  expect(faults).toContain('#/components/schemas/Orphan is referred to by nobody')
})

test('it is served, and lists every endpoint of the index', async () => {
  const { call } = await apiWorld()
  const served = await call('GET', '/api/v1/openapi.json', { from: '192.0.2.1' })
  expect(served.status).toBe(200)
  expect(served.json).toEqual(JSON.parse(JSON.stringify(document)))
  const { endpoints } = (await call('GET', '/api/v1')).json
  for (const { path } of endpoints as { path: string }[])
    expect(served.json.paths).toHaveProperty([path])
})

test('an answer that says less, more or something else than documented is a fault', () => {
  const conformance = new Conformance(document)
  const answer = (value: unknown, status = 200, type = 'application/json') =>
    conformance.faultsOf({
      ...{ method: 'GET', path: '/api/v1/live', status },
      headers: { 'content-type': type },
      text: JSON.stringify(value),
    })
  expect(answer({ alive: true })).toEqual([])
  expect(answer({})[0]).toContain('alive is missing')
  expect(answer({ alive: 'yes' })[0]).toContain('is not true')
  expect(answer({ alive: true, more: 1 })[0]).toContain('more is not documented')
  expect(answer({ alive: true }, 200, 'text/html')[0]).toContain('content of type')
  expect(answer({ alive: true }, 500)[0]).toContain('error is missing')
})
