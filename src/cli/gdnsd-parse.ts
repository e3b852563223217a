/**
 * Reads a gdnsd configuration: hashes, lists and plain values, as gdnsd.config(5) describes them.
 *
 * `{ key => value }`, `[ a, b ]`, words and "quoted texts", commas where one likes, comments after
 * `#`. The braces of the whole may be left out. Files that are included are not followed: they are
 * named as notes. Depth and size are bounded, and nothing is thrown.
 */
import { fail, ok, type Result } from '../core/base/result.ts'

export type Value = string | readonly Value[] | Hash
/** In the order of the file. */
export interface Hash {
  readonly entries: ReadonlyMap<string, Value>
}

const DEPTH_MAX = 24
const TOKENS_MAX = 200_000

export const isHash = (value: Value | undefined): value is Hash =>
  typeof value === 'object' && 'entries' in value && value.entries instanceof Map

interface Token {
  readonly text: string
  readonly line: number
  /** A word or a quoted text, which is never punctuation. */
  readonly isValue: boolean
}

const PARTS = [
  /\s+|#[^\n]*/,
  /=>|[{}[\],]/,
  /"((?:[^"\\]|\\.)*)"/,
  /\$include\b/,
  // A word may hold "=", but not "=>".
  /[^\s{}[\],"#=]+(?:=(?!>)[^\s{}[\],"#=]*)*/,
]
const PATTERN = new RegExp(PARTS.map(({ source }) => source).join('|'), 'gs')

function tokensOf(text: string): Result<readonly Token[], string> {
  const tokens: Token[] = []
  let at = 0
  let line = 1
  for (const match of text.matchAll(PATTERN)) {
    if (match.index !== at) return fail(`line ${line}: cannot be read from here`)
    const [found, quoted] = match
    at += found.length
    const isSpace = /^[\s#]/.test(found)
    const isValue = quoted !== undefined || !/^(?:=>|[{}[\],])$/.test(found)
    const plain = quoted === undefined ? found : quoted.replace(/\\(.)/gs, '$1')
    if (!isSpace) tokens.push({ text: plain, line, isValue })
    if (tokens.length > TOKENS_MAX) return fail('it is longer than any that is served')
    line += found.split('\n').length - 1
  }
  return at === text.length ? ok(tokens) : fail(`line ${line}: cannot be read from here`)
}

class Reader {
  readonly notes: string[] = []
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  /** The whole file. */
  all(): Result<Hash, string> {
    const isBraced = this.#is('{')
    if (isBraced) this.#at++
    const hash = this.#hash(isBraced ? '}' : undefined, 0)
    if (hash.ok && this.#at < this.#tokens.length) return this.#fault('more than one value')
    return hash
  }

  #is(text: string): boolean {
    const token = this.#tokens[this.#at]
    return token !== undefined && !token.isValue && token.text === text
  }

  #fault(what: string): Result<never, string> {
    const token = this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]
    return fail(`line ${token?.line ?? 1}: ${what}`)
  }

  #hash(end: string | undefined, depth: number): Result<Hash, string> {
    if (depth > DEPTH_MAX) return this.#fault('nested too deep')
    const entries = new Map<string, Value>()
    for (;;) {
      while (this.#is(',')) this.#at++
      const key = this.#tokens[this.#at]
      if (end !== undefined && this.#is(end)) {
        this.#at++
        return ok({ entries })
      }
      if (key === undefined) return end === undefined ? ok({ entries }) : this.#fault(`no "${end}"`)
      if (!key.isValue) return this.#fault(`"${key.text}" where a key belongs`)
      this.#at++
      if (key.text === '$include') {
        this.#include()
        continue
      }
      if (!this.#is('=>')) return this.#fault(`no "=>" after "${key.text}"`)
      this.#at++
      const value = this.#value(depth + 1)
      if (!value.ok) return value
      entries.set(key.text, value.value)
    }
  }

  #include(): void {
    const inside = this.#is('{')
    if (inside) this.#at++
    this.notes.push(`the included file ${this.#tokens[this.#at]?.text ?? ''} was not read`)
    this.#at += inside ? 2 : 1
  }

  #value(depth: number): Result<Value, string> {
    const token = this.#tokens[this.#at]
    if (token === undefined) return this.#fault('no value')
    this.#at++
    if (token.isValue) return ok(token.text)
    if (token.text === '{') return this.#hash('}', depth)
    if (token.text === '[') return this.#list(depth)
    return this.#fault(`"${token.text}" where a value belongs`)
  }

  #list(depth: number): Result<readonly Value[], string> {
    if (depth > DEPTH_MAX) return this.#fault('nested too deep')
    const values: Value[] = []
    for (;;) {
      while (this.#is(',')) this.#at++
      if (this.#is(']')) {
        this.#at++
        return ok(values)
      }
      const value = this.#value(depth + 1)
      if (!value.ok) return value
      values.push(value.value)
    }
  }
}

export interface Parsed {
  readonly root: Hash
  readonly notes: readonly string[]
}

/** The error names the line. */
export function parseGdnsd(text: string): Result<Parsed, string> {
  const tokens = tokensOf(text)
  if (!tokens.ok) return tokens
  const reader = new Reader(tokens.value)
  const root = reader.all()
  return root.ok ? ok({ root: root.value, notes: reader.notes }) : root
}
