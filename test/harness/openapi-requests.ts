/**
 * Requests made of the OpenAPI document: for each operation ones that it allows, and ones that it
 * does not.
 */
import fc from 'fast-check'
import type { Operation } from './openapi.ts'
import type { Json, SchemaReader } from './json-schema.ts'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const NAMES = ['app.example.com', '10.0.0.1', '2001:db8::1', 'us-east', 'node-1', 'nope', '80']

/** What a text is by its name: a schema allows any, and a handler goes on with few. */
const LIKELY: Readonly<Record<string, readonly unknown[]>> = {
  domain: ['app.example.com', 'x.wild.example.com', `${'a.'.repeat(100)}example.com`],
  client_ip: ['10.0.0.1', '2001:db8::1'],
  client_subnet: ['10.1.0.0/16'],
  query_type: ['A', 'AAAA', 'a'],
  service: ['app.example.com'],
  address: ['10.0.0.1', '::1'],
}

function likely(name: string, otherwise: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const values = Object.hasOwn(LIKELY, name) ? LIKELY[name] : undefined
  return values === undefined
    ? otherwise
    : fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...values) }, otherwise)
}

/** Values that a schema allows. */
export function allowed(reader: SchemaReader, schema: Json, depth = 0): fc.Arbitrary<unknown> {
  const reference = schema['$ref']
  if (typeof reference === 'string')
    return allowed(reader, reader.resolve(reference) ?? {}, depth + 1)
  const { enum: words, const: only, anyOf, type } = schema
  if (Array.isArray(words)) return fc.constantFrom(...words)
  if (only !== undefined) return fc.constant(only)
  if (Array.isArray(anyOf)) return fc.oneof(...anyOf.map((one) => allowed(reader, one, depth + 1)))
  if (type === 'boolean') return fc.boolean()
  if (type === 'integer' || type === 'number') return numberIn(schema, type === 'integer')
  if (type === 'string') return textIn(schema)
  if (type === 'array')
    return fc.array(allowed(reader, (schema['items'] ?? {}) as Json, depth + 1), { maxLength: 3 })
  if (type === 'object') return objectOf(reader, schema, depth)
  return fc.jsonValue({ maxDepth: 1 })
}

function numberIn(schema: Json, isWhole: boolean): fc.Arbitrary<number> {
  const min = Math.max(Number(schema['minimum'] ?? -1_000), -1e9)
  const max = Math.min(Number(schema['maximum'] ?? 1_000_000), 1e9)
  return isWhole
    ? fc.integer({ min: Math.ceil(min), max: Math.floor(max) })
    : fc.double({ min, max, noNaN: true, noDefaultInfinity: true })
}

const textIn = (schema: Json): fc.Arbitrary<string> => {
  const minLength = Number(schema['minLength'] ?? 0)
  const maxLength = Math.min(Number(schema['maxLength'] ?? 40), 40)
  return fc.oneof(
    fc.constantFrom(...NAMES).map((name) => name.slice(0, maxLength)),
    fc.string({ minLength, maxLength, unit: 'grapheme', size: 'max' }),
  )
}

function objectOf(reader: SchemaReader, schema: Json, depth: number): fc.Arbitrary<unknown> {
  const properties = Object.entries((schema['properties'] ?? {}) as Readonly<Record<string, Json>>)
  const required = (schema['required'] ?? []) as string[]
  if (properties.length === 0)
    return fc.dictionary(fc.string({ maxLength: 10 }), fc.jsonValue({ maxDepth: 1 }), {
      maxKeys: 4,
    })
  const model = Object.fromEntries(
    properties.map(([name, one]) => [name, likely(name, allowed(reader, one, depth + 1))]),
  )
  return fc.record(model, { requiredKeys: required })
}

/** Texts that no schema asked for, hostile ones among them. */
const anything = fc.oneof(
  fc.constantFrom(...NAMES, '', '0', '-1', 'NaN', '1e9', 'null', '%', '../..', '\u0000', '{}'),
  fc.string({ maxLength: 30, unit: 'binary' }),
  fc.string({ maxLength: 200 }),
)

const bodyTexts = fc.oneof(
  anything,
  fc.json({ maxDepth: 3 }),
  fc.constantFrom('{', '[]', 'null', '{"__proto__":{"x":1}}', '"x"', '[[[[', '{"a":1}x'),
)

/** An operation asked rightly, or with something that is not right. */
export function requestsOf(
  reader: SchemaReader,
  { method, pattern, operation }: Operation,
): fc.Arbitrary<Asked> {
  const parameters = ((operation['parameters'] ?? []) as readonly Json[]).map((one) =>
    typeof one['$ref'] === 'string' ? (reader.resolve(one['$ref']) ?? {}) : one,
  )
  const inPlace = (place: string) => parameters.filter((one) => one['in'] === place)
  const textFor = (one: Json) =>
    fc.oneof(
      { weight: 3, arbitrary: allowed(reader, one['schema'] as Json).map(textOf) },
      { weight: 1, arbitrary: anything },
    )
  const some = (place: string) =>
    fc.record(
      Object.fromEntries(inPlace(place).map((one) => [String(one['name']), textFor(one)])),
      { requiredKeys: place === 'path' ? inPlace('path').map((one) => String(one['name'])) : [] },
    )
  const schema = bodySchemaOf(operation)
  const body =
    schema === undefined
      ? fc.constantFrom('', '{}')
      : fc.oneof(
          { weight: 3, arbitrary: allowed(reader, schema).map((one) => JSON.stringify(one)) },
          { weight: 1, arbitrary: bodyTexts },
        )
  return fc
    .record({ path: some('path'), query: some('query'), header: some('header'), body })
    .map((parts) => ({
      method,
      path: pattern.replace(/\{([^}]+)\}/g, (_, name: string) =>
        encodeURIComponent(wellFormed(parts.path[name] || 'x')),
      ),
      query: new URLSearchParams(
        Object.entries(parts.query).map(([name, text]): [string, string] => {
          return [name, wellFormed(text ?? '')]
        }),
      ).toString(),
      headers: headersOf(parts.header),
      body: parts.body ?? '{}',
    }))
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))

/** Without halves of surrogate pairs, which no encoding can carry. */
const wellFormed = (text: string) => text.replace(/\p{Cs}/gu, '?')

/** What a client of ours can put on the wire; the rest is for tests with raw sockets. */
const headersOf = (texts: Readonly<Record<string, string | undefined>>) =>
  Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [
      name,
      (text ?? '').replace(/[^\x21-\x7e]/g, '').slice(0, 300),
    ]),
  )

function bodySchemaOf(operation: Json): Json | undefined {
  const body = operation['requestBody'] as Json | undefined
  const content = body?.['content'] as Readonly<Record<string, Json>> | undefined
  return content?.['application/json']?.['schema'] as Json | undefined
}
