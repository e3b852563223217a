/**
 * Request bodies: JSON objects, read field by field, every fault a sentence that names the place.
 */
import { limits } from '../../core/base/limits.ts'
import { fail, ok, type Result } from '../../core/base/result.ts'

export type JsonObject = Readonly<Record<string, unknown>>

const [QUOTE, BACKSLASH] = [0x22, 0x5c]
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

const decoder = new TextDecoder('utf-8', { fatal: true })

/** More than any body that is known has. What reads a deeper one may run out of stack. */
const DEPTH_MAX = 128

/** Whether brackets outside of texts nest deeper than this. */
function isDeeper(source: string, most: number): boolean {
  let depth = 0
  let isText = false
  for (let at = 0; at < source.length; at++) {
    const code = source.charCodeAt(at)
    if (isText) {
      if (code === BACKSLASH) at++
      else if (code === QUOTE) isText = false
    } else if (code === QUOTE) isText = true
    else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      if (++depth > most) return true
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth--
  }
  return false
}

export function parseObject(body: Uint8Array): Result<JsonObject, string> {
  let source: string
  try {
    source = decoder.decode(body)
  } catch {
    return fail('invalid request body: not UTF-8')
  }
  if (source.trim() === '') return fail('invalid request body: it is empty')
  if (isDeeper(source, DEPTH_MAX))
    return fail(`invalid request body: nested more than ${DEPTH_MAX} levels deep`)
  try {
    const value: unknown = JSON.parse(source)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return ok(value as JsonObject)
    return fail('invalid request body: not a JSON object')
  } catch (error) {
    const message = error instanceof Error ? error.message : ''
    return fail(`invalid request body: ${describe(message, source)}`)
  }
}

/** Adds line and column; the engine tells an offset at best, and quotes the body at worst. */
function describe(message: string, source: string): string {
  const offset = Number(/at position (\d+)/.exec(message)?.[1] ?? source.length)
  const before = source.slice(0, offset).split('\n')
  const place = `line ${before.length}, column ${before[before.length - 1]!.length + 1}`
  const found =
    offset >= source.length ? 'end of the text' : `character ${JSON.stringify(source[offset])}`
  return `unexpected ${found} at ${place}`
}

/** Says of a body with a field that none of these is: a client must not believe it was heeded. */
export function unknownIn(object: JsonObject, known: ReadonlySet<string>): string | undefined {
  const unknown = Object.keys(object).find((name) => !known.has(name))
  return unknown === undefined ? undefined : `${unknown}: is not known here`
}

/**
 * Reads typed fields of one object and gathers the first fault of all of them.
 *
 * `null` counts as absent, as it does for most writers of JSON.
 */
export class Fields {
  fault: string | undefined
  readonly #object: JsonObject

  constructor(object: JsonObject) {
    this.#object = object
  }

  boolean(name: string): boolean | undefined {
    return this.#read(name, 'true or false', (value) => typeof value === 'boolean')
  }

  requiredBoolean(name: string): boolean {
    return this.#required(name, this.boolean(name), false)
  }

  text(name: string): string | undefined {
    const most = limits.apiTextChars.default
    const fits = (value: unknown) => typeof value === 'string' && value.length <= most
    return this.#read(name, `a string of at most ${most} characters`, fits)
  }

  requiredText(name: string): string {
    const value = this.text(name)
    return this.#required(name, value === '' ? undefined : value, '')
  }

  /** A number in [min, max]. */
  number(name: string, min: number, max: number): number | undefined {
    const fits = (value: unknown) => typeof value === 'number' && value >= min && value <= max
    return this.#read(name, `a number from ${min} to ${max}`, fits)
  }

  object(name: string): JsonObject | undefined {
    const fits = (value: unknown) => typeof value === 'object' && !Array.isArray(value)
    return this.#read(name, 'an object', fits)
  }

  #read<T>(name: string, shape: string, fits: (value: unknown) => boolean): T | undefined {
    const value = Object.hasOwn(this.#object, name) ? this.#object[name] : undefined
    if (value === undefined || value === null) return undefined
    if (fits(value)) return value as T
    this.fault ??= `${name} must be ${shape}`
    return undefined
  }

  #required<T>(name: string, value: T | undefined, fallback: T): T {
    if (value === undefined) this.fault ??= `${name} is required`
    return value ?? fallback
  }
}
