/**
 * What kind of value a key takes: how it is read, what is allowed, and how documents show it.
 *
 * A kind reads the text of a scalar, or the number, truth value or string a program hands it (the
 * API edits the same keys). It returns the value in the unit the whole program uses: durations in
 * milliseconds, sizes in bytes, addresses and names in their canonical spelling.
 */
import { type Result, fail, ok } from '../../base/result.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

export interface Kind<T> {
  /** A noun for documents: `duration`, `port`. */
  readonly name: string
  /** What is accepted, in a few words; empty when anything is. */
  readonly allowed: string
  /** The error says what is wrong with the value: `is not a duration`. */
  read(input: unknown): Result<T, string>
  readonly json: JsonSchema
  /** Something the user should know although the value is accepted. */
  remark?(text: string): string | undefined
}

/** The text of a single value; a list, a mapping or nothing is refused in words. */
export function textOf(input: unknown): Result<string, string> {
  if (typeof input === 'string') return ok(input)
  if (typeof input === 'number' || typeof input === 'boolean') return ok(String(input))
  if (input === undefined || input === null) return fail('is required')
  return fail(`must be a single value, not a ${Array.isArray(input) ? 'list' : 'mapping'}`)
}

export interface KindSpec<T> {
  readonly name: string
  readonly allowed: string
  readonly json: JsonSchema
  read(text: string): Result<T, string>
  remark?(text: string): string | undefined
}

/** A kind whose values are single ones. */
export function kindOf<T>(spec: KindSpec<T>): Kind<T> {
  return {
    ...spec,
    read: (input) => {
      const text = textOf(input)
      return text.ok ? spec.read(text.value) : text
    },
  }
}

/** The same kind, in which the empty text stands for "not set". */
export function orEmpty(kind: Kind<string>): Kind<string> {
  return {
    ...kind,
    allowed: kind.allowed === '' ? '' : `${kind.allowed}, or ""`,
    json: { anyOf: [kind.json, { const: '' }] },
    read: (input) => (input === '' ? ok('') : kind.read(input)),
  }
}
