/**
 * Holds a value against a JSON Schema, as far as the OpenAPI document uses it.
 *
 * Stricter than the standard in one thing: a property that an object schema does not name is a
 * fault, unless it says what further ones are. So an answer cannot say more than is documented.
 */
export type Json = Readonly<Record<string, unknown>>

const KNOWN = new Set([
  ...['$ref', 'type', 'properties', 'required', 'additionalProperties', 'propertyNames', 'items'],
  ...['enum', 'const', 'anyOf', 'format', 'pattern', 'minimum', 'maximum', 'minLength'],
  ...['maxLength', 'description', 'minItems', 'maxItems'],
])

export class SchemaReader {
  readonly #document: Json

  constructor(document: Json) {
    this.#document = document
  }

  /** What `#/a/b` points to; undefined where it points to nothing. */
  resolve(reference: string): Json | undefined {
    let at: unknown = this.#document
    for (const part of reference.replace(/^#\//, '').split('/')) {
      if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined
      at = (at as Json)[part]
    }
    return at as Json
  }

  faultsOf(schema: Json, value: unknown, at = '$'): string[] {
    const reference = schema['$ref']
    if (typeof reference === 'string') {
      const target = this.resolve(reference)
      return target === undefined
        ? [`${at}: ${reference} leads nowhere`]
        : this.faultsOf(target, value, at)
    }
    const unknown = Object.keys(schema).filter((key) => !KNOWN.has(key))
    if (unknown.length > 0) return [`${at}: the schema uses ${unknown.join(', ')}`]
    return [
      ...this.#choices(schema, value, at),
      ...typeFaults(schema, value, at),
      ...this.#objectFaults(schema, value, at),
      ...this.#listFaults(schema, value, at),
      ...textFaults(schema, value, at),
      ...numberFaults(schema, value, at),
    ]
  }

  #choices(schema: Json, value: unknown, at: string): string[] {
    const { anyOf, enum: words, const: only } = schema
    if (Array.isArray(words) && !words.includes(value))
      return [`${at}: ${JSON.stringify(value)} is none of ${words.join(', ')}`]
    if (only !== undefined && value !== only)
      return [`${at}: ${JSON.stringify(value)} is not ${JSON.stringify(only)}`]
    if (!Array.isArray(anyOf)) return []
    const each = anyOf.map((one: Json) => this.faultsOf(one, value, at))
    return each.some((faults) => faults.length === 0) ? [] : each[0]!
  }

  #objectFaults(schema: Json, value: unknown, at: string): string[] {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
    const properties = (schema['properties'] ?? {}) as Readonly<Record<string, Json>>
    const rest = schema['additionalProperties']
    const required = (schema['required'] ?? []) as readonly string[]
    const isOpen = schema['properties'] === undefined
    return [
      ...required
        .filter((name) => !Object.hasOwn(value, name))
        .map((name) => `${at}.${name} is missing`),
      ...Object.entries(value).flatMap(([name, one]) => {
        const own = Object.hasOwn(properties, name) ? properties[name] : undefined
        if (own !== undefined) return this.faultsOf(own, one, `${at}.${name}`)
        if (typeof rest === 'object') return this.faultsOf(rest as Json, one, `${at}.${name}`)
        return isOpen ? [] : [`${at}.${name} is not documented`]
      }),
    ]
  }

  #listFaults({ items, minItems, maxItems }: Json, value: unknown, at: string): string[] {
    if (!Array.isArray(value)) return []
    const few = typeof minItems === 'number' && value.length < minItems
    const many = typeof maxItems === 'number' && value.length > maxItems
    if (few || many) return [`${at}: ${value.length} items`]
    if (typeof items !== 'object') return []
    return value.flatMap((one, index) => this.faultsOf(items as Json, one, `${at}[${index}]`))
  }
}

const nameOf = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value
}

function typeFaults({ type }: Json, value: unknown, at: string): string[] {
  if (type === undefined) return []
  const found = nameOf(value)
  const types = Array.isArray(type) ? type : [type]
  const fits = types.some((one) => (one === 'integer' ? Number.isInteger(value) : one === found))
  return fits ? [] : [`${at}: ${found} is not ${types.join(' or ')}`]
}

const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/

function textFaults(schema: Json, value: unknown, at: string): string[] {
  if (typeof value !== 'string') return []
  const { format, pattern, minLength, maxLength } = schema
  if (format === 'date-time' && !DATE_TIME.test(value)) return [`${at}: ${value} is no time`]
  if (typeof pattern === 'string' && !new RegExp(pattern).test(value))
    return [`${at}: ${value} does not match ${pattern}`]
  // JSON Schema validation section 6.3.1: a length is in code points.
  const { length } = [...value]
  const short = typeof minLength === 'number' && length < minLength
  const long = typeof maxLength === 'number' && length > maxLength
  return short || long ? [`${at}: ${length} characters`] : []
}

function numberFaults({ minimum, maximum }: Json, value: unknown, at: string): string[] {
  if (typeof value !== 'number') return []
  const low = typeof minimum === 'number' && value < minimum
  const high = typeof maximum === 'number' && value > maximum
  return low || high ? [`${at}: ${value} is out of bounds`] : []
}
