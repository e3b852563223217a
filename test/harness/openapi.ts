/**
 * Holds answers of the API against its OpenAPI document, and the document against its own rules.
 *
 *     const conformance = new Conformance(apiDocument('2.0.0'))
 *     expect(conformance.faultsOf({ method: 'GET', path: '/api/v1/live', … })).toEqual([])
 */
import { type Json, SchemaReader } from './json-schema.ts'

export interface Spoken {
  readonly method: string
  /** As sent, without the query. */
  readonly path: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

export interface Operation {
  readonly method: string
  readonly pattern: string
  readonly operation: Json
}

const METHODS = new Set(['get', 'put', 'post', 'delete', 'patch'])

/** A slash at the end changes nothing; an encoded slash stays in its segment. */
const segmentsOf = (path: string) => path.replace(/(.)\/$/, '$1').split('/')

export class Conformance {
  readonly reader: SchemaReader
  readonly operations: readonly Operation[]

  constructor(document: Json) {
    this.reader = new SchemaReader(document)
    const paths = document['paths'] as Readonly<Record<string, Readonly<Record<string, Json>>>>
    this.operations = Object.entries(paths).flatMap(([pattern, item]) =>
      Object.entries(item)
        .filter(([method]) => METHODS.has(method))
        .map(([method, operation]) => ({ method: method.toUpperCase(), pattern, operation })),
    )
  }

  /** A literal segment goes before a parameter. */
  operationOf(method: string, path: string): Operation | undefined {
    const segments = segmentsOf(path)
    const wanted = method === 'HEAD' ? 'GET' : method
    const fits = this.operations.filter((one) => {
      const parts = one.pattern.split('/')
      return (
        one.method === wanted &&
        parts.length === segments.length &&
        parts.every((part, at) => part === segments[at] || (part.startsWith('{') && segments[at]))
      )
    })
    const params = ({ pattern }: Operation) => pattern.split('{').length
    return fits.sort((one, two) => params(one) - params(two))[0]
  }

  faultsOf(spoken: Spoken): string[] {
    const { method, path, status, headers, text } = spoken
    const where = `${method} ${path} -> ${status}`
    const found = this.operationOf(method, path)
    // What has no operation is an error of the common shape, or a 403 in one word.
    const responses = (found?.operation['responses'] ?? {
      403: { $ref: '#/components/responses/Forbidden' },
      default: { $ref: '#/components/responses/Error' },
    }) as Readonly<Record<string, Json>>
    const known = responses[status] ?? responses[`${String(status)[0]}XX`] ?? responses['default']
    const response = this.#resolved(known)
    if (response === undefined) return [`${where}: the status is not documented`]
    const content = response['content'] as Readonly<Record<string, Json>> | undefined
    if (content === undefined || method === 'HEAD')
      return text === '' || method === 'HEAD' ? [] : [`${where}: a body is not documented`]
    const type = (headers['content-type'] ?? '').replace(/;.*/, '')
    const media = content[type] ?? content['*/*']
    if (media === undefined) return [`${where}: content of type "${type}" is not documented`]
    if (!type.endsWith('json')) return []
    const schema = media['schema'] as Json
    return this.reader.faultsOf(schema, JSON.parse(text)).map((fault) => `${where}: ${fault}`)
  }

  #resolved(response: Json | undefined): Json | undefined {
    const reference = response?.['$ref']
    return typeof reference === 'string' ? this.reader.resolve(reference) : response
  }
}

/** Every fault of the document itself. */
export function lintOpenApi(document: Json): string[] {
  const conformance = new Conformance(document)
  const ids = new Map<string, string>()
  const faults: string[] = []
  if (!/^3\.1\.\d+$/.test(String(document['openapi']))) faults.push('it is no OpenAPI 3.1 document')
  for (const { method, pattern, operation } of conformance.operations) {
    const where = `${method} ${pattern}`
    const id = operation['operationId']
    if (typeof id !== 'string' || !/^[a-z][A-Za-z0-9]*$/.test(id)) faults.push(`${where}: no id`)
    else if (ids.has(id)) faults.push(`${where}: shares its id with ${ids.get(id)}`)
    else ids.set(id, where)
    if (!operation['summary']) faults.push(`${where}: no summary`)
    if (!Array.isArray(operation['tags'])) faults.push(`${where}: no tag`)
    faults.push(...parameterFaults(conformance, pattern, operation, where))
    const statuses = Object.keys((operation['responses'] ?? {}) as Json)
    if (!statuses.some((status) => /^[23](?:\d\d|XX)$|^409$/.test(status)))
      faults.push(`${where}: no answer when all goes well`)
    if (!statuses.includes('default')) faults.push(`${where}: no default answer`)
  }
  return [...faults, ...referenceFaults(conformance.reader, document)]
}

function parameterFaults(
  { reader }: Conformance,
  pattern: string,
  operation: Json,
  where: string,
): string[] {
  const given = ((operation['parameters'] ?? []) as readonly Json[]).map((one) =>
    typeof one['$ref'] === 'string' ? (reader.resolve(one['$ref']) ?? {}) : one,
  )
  const named = new Set(given.map((one) => `${String(one['in'])} ${String(one['name'])}`))
  const inPath = [...pattern.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name!)
  const declared = given.filter((one) => one['in'] === 'path').map((one) => String(one['name']))
  return [
    ...inPath.filter((name) => !declared.includes(name)).map((name) => `${where}: no ${name}`),
    ...declared.filter((name) => !inPath.includes(name)).map((name) => `${where}: what is ${name}`),
    ...given
      .filter((one) => one['in'] === 'path' && one['required'] !== true)
      .map((one) => `${where}: ${String(one['name'])} is in the path and not required`),
    ...given
      .filter((one) => !one['schema'])
      .map((one) => `${where}: ${String(one['name'])} is any`),
    ...(named.size < given.length ? [`${where}: a parameter is declared twice`] : []),
  ]
}

/** References that lead nowhere, and components that nobody refers to. */
function referenceFaults(reader: SchemaReader, document: Json): string[] {
  const used = new Set<string>()
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    const reference = (value as Json)['$ref']
    if (typeof reference === 'string') used.add(reference)
    Object.values(value).forEach(visit)
  }
  visit(document)
  const broken = [...used].filter((one) => reader.resolve(one) === undefined)
  const components = document['components'] as Readonly<Record<string, Json>>
  const unused = Object.keys(components['schemas'] ?? {})
    .map((name) => `#/components/schemas/${name}`)
    .filter((one) => !used.has(one))
  return [
    ...broken.map((one) => `${one} leads nowhere`),
    ...unused.map((one) => `${one} is referred to by nobody`),
  ]
}
