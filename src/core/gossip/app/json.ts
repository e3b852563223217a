/**
 * JSON from strangers: bounded before it is parsed, read field by field, nothing thrown.
 *
 * Length, nesting and the number of values are measured on the octets, so that the parser never
 * sees more than it may cost. A field is read by name through one of the readers below, which keep
 * the first fault; unknown fields are passed over, as the Go program does.
 */
import { limits } from '../../base/limits.ts'
import { type Result, fail, ok } from '../../base/result.ts'

export interface Malformed {
  readonly code: 'malformed'
  /** What is wrong, and where: `payload.backends[3].port is not a whole number in 1-65535`. */
  readonly message: string
}

export type JsonObject = Readonly<Record<string, unknown>>

const malformed = (message: string): Malformed => ({ code: 'malformed', message })

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c

/** Why the octets must not go to the parser; undefined when they may. */
function tooMuch(bytes: Uint8Array): string | undefined {
  let depth = 0
  let values = 1
  let quoted = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (quoted) {
      if (byte === BACKSLASH) at++
      else if (byte === QUOTE) quoted = false
    } else if (byte === QUOTE) quoted = true
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > limits.reportDepth.default)
        return `nests deeper than ${limits.reportDepth.default} levels`
      values++
    } else if (byte === 0x7d || byte === 0x5d) depth--
    else if (byte === COMMA && ++values > limits.reportValues.default)
      return `holds more than ${limits.reportValues.default} values`
  }
  return undefined
}

/** An object of JSON in UTF-8, at most `maxBytes` long. */
export function parseObject(bytes: Uint8Array, maxBytes: number): Result<JsonObject, Malformed> {
  if (bytes.length > maxBytes) return fail(malformed(`has ${bytes.length} bytes, over ${maxBytes}`))
  const excess = tooMuch(bytes)
  if (excess !== undefined) return fail(malformed(excess))
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return fail(malformed('is not JSON in UTF-8'))
  }
  return isObject(value) ? ok(value) : fail(malformed('is not a JSON object'))
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Whether the text has a control character, or half of a surrogate pair: neither belongs into a log
 * or into a database.
 */
const CONTROL = /[\u0000-\u001f\u007f-\u009f]|[\ud800-\udbff](?![\udc00-\udfff])/
const LONE_LOW = /(?:^|[^\ud800-\udbff])[\udc00-\udfff]/

/** The text as `Fields.text` takes it: without control characters, whole, and short enough. */
export const cleanText = (text: string, maxChars: number): string =>
  text
    .slice(0, maxChars)
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
    .replace(/\p{Surrogate}/gu, '\ufffd')

/** Reads the fields of one object; the first fault is kept in `faults`, which readers share. */
export class Fields {
  readonly #object: JsonObject
  readonly #path: string
  readonly #faults: string[]

  constructor(object: JsonObject, path: string, faults: string[]) {
    this.#object = object
    this.#path = path
    this.#faults = faults
  }

  fault(name: string, what: string): void {
    if (this.#faults.length === 0) this.#faults.push(`${this.#path}${name} ${what}`)
  }

  /** JSON null counts as absent, as Go writes an empty list or pointer so. */
  has(name: string): boolean {
    return this.#value(name) !== undefined
  }

  #value(name: string): unknown {
    const value = Object.hasOwn(this.#object, name) ? this.#object[name] : undefined
    return value === null ? undefined : value
  }

  /** A text without control characters; '' when absent. */
  text(name: string, maxChars: number): string {
    const value = this.#value(name)
    if (value === undefined) return ''
    if (typeof value !== 'string') this.fault(name, 'is not a text')
    else if (value.length > maxChars) this.fault(name, `is longer than ${maxChars} characters`)
    else if (CONTROL.test(value) || LONE_LOW.test(value))
      this.fault(name, 'holds control characters')
    else return value
    return ''
  }

  /** A text of several lines; '' when absent. */
  lines(name: string, maxChars: number): string {
    const value = this.#value(name)
    if (typeof value === 'string' && value.length <= maxChars) return value
    this.fault(name, `is not a text of at most ${maxChars} characters`)
    return ''
  }

  required(name: string, maxChars: number): string {
    if (!this.has(name)) this.fault(name, 'is missing')
    const value = this.text(name, maxChars)
    if (value === '') this.fault(name, 'is empty')
    return value
  }

  matching(name: string, pattern: RegExp, maxChars: number, what: string): string {
    const value = this.required(name, maxChars)
    if (!pattern.test(value)) this.fault(name, `is not ${what}`)
    return value
  }

  /** A whole number within the bounds; `absent` when there is none. */
  integer<A>(name: string, min: number, max: number, absent: A): number | A {
    const value = this.#value(name)
    if (value === undefined) return absent
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max)
      return value
    this.fault(name, `is not a whole number in ${min}-${max}`)
    return absent
  }

  /** Any finite number within the bounds; undefined when there is none. */
  number(name: string, min: number, max: number): number | undefined {
    const value = this.#value(name)
    if (value === undefined) return undefined
    if (typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max)
      return value
    this.fault(name, `is not a number in ${min}-${max}`)
    return undefined
  }

  bool(name: string): boolean | undefined {
    const value = this.#value(name)
    if (value === undefined || typeof value === 'boolean') return value
    this.fault(name, 'is not true or false')
    return undefined
  }

  word<const W extends string>(name: string, words: readonly W[], absent: W): W {
    const value = this.#value(name)
    if (value === undefined) return absent
    const found = words.find((word) => word === value)
    if (found === undefined) this.fault(name, `is none of ${words.join(', ')}`)
    return found ?? absent
  }

  /** The object under a name, or undefined. */
  object(name: string): Fields | undefined {
    const value = this.#value(name)
    if (value === undefined) return undefined
    if (isObject(value)) return new Fields(value, `${this.#path}${name}.`, this.#faults)
    this.fault(name, 'is not an object')
    return undefined
  }

  /** The objects of a list, each read by `read`; undefined when there is no list. */
  list<T>(name: string, max: number, read: (item: Fields) => T): T[] | undefined {
    const value = this.#value(name)
    if (value === undefined) return undefined
    if (!Array.isArray(value)) {
      this.fault(name, 'is not a list')
      return undefined
    }
    if (value.length > max) {
      this.fault(name, `holds ${value.length} entries, over ${max}`)
      return undefined
    }
    const items: T[] = []
    for (const [index, item] of value.entries()) {
      if (!isObject(item)) {
        this.fault(`${name}[${index}]`, 'is not an object')
        break
      }
      items.push(read(new Fields(item, `${this.#path}${name}[${index}].`, this.#faults)))
      // What follows the first fault is not looked at: the message is refused whole.
      if (this.#faults.length > 0) break
    }
    return items
  }
}

/** Reads an object that was parsed; a fault of any field refuses it whole. */
export function readFields<T>(
  object: JsonObject,
  path: string,
  read: (fields: Fields) => T,
): Result<T, Malformed> {
  const faults: string[] = []
  const value = read(new Fields(object, path, faults))
  return faults.length === 0 ? ok(value) : fail(malformed(faults[0]!))
}
