/**
 * The OpenAPI 3.1 document, made of the routes and their schemas: nothing in it is written by hand,
 * so it says what the router does.
 *
 * A schema with a name stands once under `components`. A route without a schema is listed with what
 * all routes have in common.
 */
import { reasonPhrase } from '../../core/net/http-status.ts'
import { z, type ZodType } from 'zod'
import type { Route } from './router.ts'
import type { OtherContent, RouteSchema } from './schema.ts'
import { problem } from './schemas/common.ts'

type Json = Readonly<Record<string, unknown>>

/** Schemas by name, gathered while the document is made. */
class Components {
  readonly schemas = new Map<string, Json>()

  /** The JSON Schema of one, its named parts replaced by references. */
  of(schema: ZodType): Json {
    const { $schema: _, ...json } = z.toJSONSchema(schema, {
      unrepresentable: 'any',
      override: ({ zodSchema, jsonSchema }) => {
        // An object may gain fields in a later version; clients must not break on them.
        if (zodSchema._zod.def.type === 'object') delete jsonSchema['additionalProperties']
        // Of the types of this program, and no statement about requests.
        delete jsonSchema['readOnly']
      },
    }) as Json
    return this.#hoisted(json) as Json
  }

  #hoisted(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((one) => this.#hoisted(one))
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value).map(([key, one]) => [key, this.#hoisted(one)] as const)
    const json: Json = Object.fromEntries(entries)
    const { title, ...rest } = json
    // A property called "title" is a schema, and no text.
    if (typeof title !== 'string') return json
    this.schemas.set(title, rest)
    return { $ref: `#/components/schemas/${title}` }
  }
}

const reference = (name: string): Json => ({ $ref: `#/components/responses/${name}` })

const COMMON: readonly (readonly [number, string])[] = [
  [400, 'BadRequest'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'NotFound'],
  [429, 'TooManyRequests'],
  [503, 'Unavailable'],
]

export function openApi(routes: readonly Route[], version: string): Json {
  const components = new Components()
  const paths = new Map<string, Record<string, Json>>()
  for (const route of routes) {
    const item = paths.get(route.pattern) ?? {}
    item[route.method.toLowerCase()] = operationOf(route, components)
    paths.set(route.pattern, item)
  }
  const responses = commonResponses(components)
  const byName = [...components.schemas].sort(([one], [two]) => (one < two ? -1 : 1))
  const tags = new Set(routes.map((route) => tagOf(route)))
  return {
    openapi: '3.1.0',
    info: {
      title: 'OpenGSLB',
      version,
      summary: 'The HTTP API of a global server load balancer that speaks DNS.',
    },
    servers: [{ url: '/' }],
    // Whom a network admits needs no token, unless api.auth.required says so.
    security: [{}, { bearer: [] }],
    tags: [...tags].sort().map((name) => ({ name })),
    paths: Object.fromEntries([...paths].sort(([one], [two]) => (one < two ? -1 : 1))),
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      parameters: PARAMETERS,
      headers: HEADERS,
      responses,
      schemas: Object.fromEntries(byName),
    },
  }
}

const PARAMETERS: Json = {
  RequestId: {
    name: 'x-request-id',
    in: 'header',
    description: 'An id of the request, given back with the answer.',
    schema: { type: 'string', maxLength: 128 },
  },
  IfNoneMatch: {
    name: 'if-none-match',
    in: 'header',
    description: 'ETags of answers held; the answer is 304 where it would be one of them.',
    schema: { type: 'string' },
  },
  IdempotencyKey: {
    name: 'idempotency-key',
    in: 'header',
    description: 'Asked for again with the same key, the change is not made twice.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  },
}

const HEADERS: Json = {
  RequestId: { description: 'The id of the request.', schema: { type: 'string' } },
  ETag: { description: 'Tag of this content.', schema: { type: 'string' } },
}

const requestIdHeader: Json = { 'x-request-id': { $ref: '#/components/headers/RequestId' } }

function commonResponses(components: Components): Json {
  const schema = components.of(problem)
  const content = { 'application/json': { schema }, 'application/problem+json': { schema } }
  const of = (status: number): Json => ({
    description: reasonPhrase[status] ?? 'Error',
    headers: requestIdHeader,
    content:
      // A stranger is told nothing but this word, as in the original.
      status === 403 ? { ...content, 'text/plain': { schema: { type: 'string' } } } : content,
  })
  return {
    ...Object.fromEntries(COMMON.map(([status, name]) => [name, of(status)])),
    Conflict: of(409),
    Unprocessable: of(422),
    Error: { ...of(500), description: 'Any other error' },
    NotModified: {
      description: reasonPhrase[304],
      headers: { ...requestIdHeader, etag: { $ref: '#/components/headers/ETag' } },
    },
  }
}

const tagOf = ({ schema, pattern }: Route): string =>
  schema?.tag ?? pattern.split('/').find((part) => !['', 'api', 'v1'].includes(part)) ?? 'system'

/** `getOverridesByServiceByAddress`. */
function operationIdOf({ method, pattern }: Route): string {
  const isFirst = pattern.startsWith('/api/v1/')
  // What lies outside the first version of the API keeps its whole path in its name.
  const path = isFirst ? pattern.slice('/api/v1'.length) : `/root${pattern}`
  const named = path
    .slice(1)
    .split('/')
    .map((part) => {
      const words = part.replace(/[{}]/g, '').split(/[^A-Za-z0-9]+/)
      const joined = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('')
      return part.startsWith('{') ? `By${joined}` : joined
    })
  return method.toLowerCase() + named.join('')
}

function operationOf(route: Route, components: Components): Json {
  const { schema, doc, guarded } = route
  return {
    operationId: operationIdOf(route),
    summary: doc,
    tags: [tagOf(route)],
    ...(guarded ? {} : { security: [{}] }),
    parameters: parametersOf(route, components),
    ...(schema?.body === undefined
      ? {}
      : {
          requestBody: {
            required: schema.otherBody !== 'none',
            content: {
              'application/json': { schema: components.of(schema.body) },
              ...(schema.otherBody === 'application/yaml'
                ? { 'application/yaml': { schema: { type: 'string' } } }
                : {}),
            },
          },
        }),
    responses: responsesOf(route, components),
  }
}

function parametersOf({ method, pattern, schema }: Route, components: Components): Json[] {
  const inPath = [...pattern.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name!)
  const of = (place: string, schemas: Readonly<Record<string, ZodType>> = {}) =>
    Object.entries(schemas).map(([name, one]) => parameterOf(place, name, one, components))
  const ref = (name: string): Json => ({ $ref: `#/components/parameters/${name}` })
  return [
    ...inPath.map((name) =>
      parameterOf('path', name, schema?.params?.[name] ?? z.string().min(1), components),
    ),
    ...of('query', schema?.query),
    ...of('header', schema?.headers),
    ref('RequestId'),
    ...(schema?.etag === true ? [ref('IfNoneMatch')] : []),
    ...(method === 'POST' ? [ref('IdempotencyKey')] : []),
  ]
}

function parameterOf(place: string, name: string, schema: ZodType, components: Components): Json {
  const { description, ...json } = components.of(schema)
  const required = place === 'path' || !schema.safeParse(undefined).success
  const told = typeof description === 'string' ? { description } : {}
  return { name, in: place, required, ...told, schema: json }
}

function responsesOf({ method, schema }: Route, components: Components): Json {
  const own =
    schema === undefined
      ? [['2XX', { description: 'Done', content: { '*/*': { schema: {} } } }] as const]
      : Object.entries(schema.answers).map(([code, answer]) => {
          return [code, responseOf(Number(code), answer, schema, components)] as const
        })
  return {
    ...Object.fromEntries(COMMON.map(([status, name]) => [String(status), reference(name)])),
    ...(method === 'POST' ? { 409: reference('Conflict'), 422: reference('Unprocessable') } : {}),
    ...(schema?.etag === true ? { 304: reference('NotModified') } : {}),
    ...Object.fromEntries(own),
    default: reference('Error'),
  }
}

function responseOf(
  status: number,
  answer: ZodType | OtherContent,
  schema: RouteSchema | undefined,
  components: Components,
): Json {
  const description = reasonPhrase[status] ?? `Status ${status}`
  const isTagged = schema?.etag === true && status === 200
  const etag = isTagged ? { etag: { $ref: '#/components/headers/ETag' } } : {}
  const headers = { ...requestIdHeader, ...etag }
  if (answer === 'none') return { description, headers }
  if (typeof answer === 'string')
    return { description, headers, content: { [answer]: { schema: { type: 'string' } } } }
  const json = components.of(answer)
  // A problem comes as what the client accepts; a state told with an error status is plain JSON.
  const types =
    answer === problem ? ['application/json', 'application/problem+json'] : ['application/json']
  const other = status === 200 ? schema?.otherContent : undefined
  return {
    description,
    headers,
    content: {
      ...Object.fromEntries(types.map((type) => [type, { schema: json }])),
      ...(other === undefined ? {} : { [other]: { schema: { type: 'string' } } }),
    },
  }
}
