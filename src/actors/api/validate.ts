/**
 * Holds a request against what its route says it takes, before a handler sees it.
 *
 * Every fault names the field, what was given, and what is allowed. A field that a route does not
 * know is passed over, and `null` counts as absent, as both did in the original.
 */
import type { ZodType } from 'zod'
import { limits } from '../../core/base/limits.ts'
import { parseObject } from './body.ts'
import { type HttpAnswer, json } from './http.ts'
import type { Fault } from './problem.ts'
import type { Call } from './router.ts'
import type { RouteSchema } from './schema.ts'
import { allowedBy, type Issue } from './wording.ts'

/** The answer that turns the request away, or undefined where it is as it should be. */
export function invalid(schema: RouteSchema | undefined, call: Call): HttpAnswer | undefined {
  if (schema === undefined) return undefined
  const { params, query, request } = call
  const faults = [
    ...textFaults('path', schema.params, (name) => params[name]),
    ...textFaults('query', schema.query, (name) => query.get(name) ?? undefined),
    ...textFaults('header', schema.headers, (name) => request.headers[name]),
  ]
  if (schema.body !== undefined && isJsonMeant(schema, request)) {
    const object = parseObject(request.body)
    if (!object.ok) return json(400, { error: object.error, code: 400 })
    faults.push(...faultsOf('body', schema.body, withoutNulls(object.value)))
  }
  const first = faults[0]
  if (first === undefined) return undefined
  const error = sentence(first)
  return json(400, { error, code: 400, errors: faults.slice(0, limits.problemFaults.default) })
}

function isJsonMeant({ otherBody }: RouteSchema, { headers, body }: Call['request']): boolean {
  if (otherBody === 'none') return body.length > 0
  return otherBody === undefined || (headers['content-type'] ?? '').includes('json')
}

/** `name is required`, or `ttl must be a number from 0 to 3600, not "soon"`. */
function sentence({ field, allowed, value }: Fault): string {
  if (value === undefined && allowed === REQUIRED) return `${field} is required`
  return value === undefined
    ? `${field} must be ${allowed}`
    : `${field} must be ${allowed}, not ${value}`
}

const REQUIRED = 'present'

function textFaults(
  place: Fault['in'],
  schemas: Readonly<Record<string, ZodType>> | undefined,
  given: (name: string) => string | undefined,
): Fault[] {
  return Object.entries(schemas ?? {}).flatMap(([name, schema]) =>
    faultsOf(place, schema, given(name), name),
  )
}

function faultsOf(place: Fault['in'], schema: ZodType, value: unknown, name = ''): Fault[] {
  const read = schema.safeParse(value)
  if (read.success) return []
  return read.error.issues.flatMap((issue) => {
    const path = issue.path.map(String)
    const given = valueAt(value, path)
    const field = [name, ...path].filter((part) => part !== '').join('.') || place
    if (given === undefined) return [{ in: place, field, allowed: REQUIRED }]
    return [{ in: place, field, allowed: allowedBy(issue as Issue), value: shown(given) }]
  })
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let at: unknown = value
  for (const part of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined
    at = (at as Record<string, unknown>)[part]
  }
  return at
}

/** The value as JSON, in bounds. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  const most = limits.problemValueChars.default
  return text.length <= most ? text : `${text.slice(0, most)}…`
}

/** Of what was parsed, which is not nested deep. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withoutNulls)
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== null)
      .map(([key, one]) => [key, withoutNulls(one)]),
  )
}
