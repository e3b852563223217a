/**
 * How the schema is written down: one line for each key, from which come its type, its validation,
 * its default and its documentation.
 *
 * Keys carry the names of the file, so `config.dns.default_ttl` is what the user wrote as
 * `dns: default_ttl:`. By convention every duration in a `Config` is in milliseconds and every size
 * in bytes, whatever unit the file used.
 */
import { z } from 'zod'
import { assert } from '../base/assert.ts'
import { limits } from '../base/limits.ts'
import type { Kind } from './kinds/kind.ts'
import type { Path } from './problems.ts'

// Code made for each schema costs more than it saves in a process that reads one configuration,
// and a start waits for it.
z.config({ jitless: true })

/** What is known of a key besides its type. */
export interface KeyNote {
  readonly doc: string
  readonly kind?: Kind<unknown>
  /** The default as a user would write it; absent for required keys. */
  readonly written?: string | readonly string[]
  readonly required?: boolean
  /** Absence is the default, not a meaning of its own. */
  readonly hasDefault?: boolean
  /** Its value is never shown. */
  readonly secret?: boolean
  /** A change takes effect only after a restart. */
  readonly restart?: boolean
  /** Writing it demands another key, so the reference shows it as a comment. */
  readonly absent?: boolean
  /** A mapping that may be written as this one key's value alone. */
  readonly shorthand?: string
}

export interface Flags {
  readonly secret?: true
  readonly restart?: true
  readonly absent?: true
}

const notes = z.registry<{ note: KeyNote }>()

/** The note of a schema; undefined for parts of a key that are not keys themselves. */
export const noteOf = (schema: z.ZodType): KeyNote | undefined => notes.get(schema)?.note

function noted<S extends z.ZodType>(schema: S, note: KeyNote): S {
  notes.add(schema, { note })
  return schema
}

export type Leaf<T> = z.ZodPipe<z.ZodUnknown, z.ZodTransform<T, unknown>>

function leaf<T>(kind: Kind<T>): Leaf<T> {
  return z.unknown().transform((input, context): T => {
    const read = kind.read(input)
    if (read.ok) return read.value
    context.addIssue({ code: 'custom', message: read.error, params: { allowed: kind.allowed } })
    return z.NEVER
  })
}

/** A key with a default, given as a user would write it. */
export function key<T>(
  kind: Kind<T>,
  written: string,
  doc: string,
  flags: Flags = {},
): z.ZodDefault<Leaf<T>> {
  const fallback = kind.read(written)
  assert(fallback.ok, `a default is valid: "${written}" for "${doc}"`)
  const schema = leaf(kind).default(fallback.value as never) as z.ZodDefault<Leaf<T>>
  return noted(schema, { doc, kind, written, hasDefault: true, ...flags })
}

/** A key the user must write. */
export function required<T>(kind: Kind<T>, doc: string, flags: Flags = {}): Leaf<T> {
  return noted(leaf(kind), { doc, kind, required: true, ...flags })
}

/** A key whose absence means something of its own; `written` says what, for documents. */
export function optional<T>(
  kind: Kind<T>,
  written: string,
  doc: string,
  flags: Flags = {},
): z.ZodOptional<Leaf<T>> {
  return noted(leaf(kind).optional(), { doc, kind, written, ...flags })
}

/** Tells of a fault below a value: its path there, what is wrong, what is allowed. */
export type TellBelow = (path: Path, message: string, allowed?: string) => void

/** A key whose value is read as a whole; its kind only says how documents tell of it. */
export function structure<T>(
  kind: Kind<T>,
  read: (input: unknown, tell: TellBelow) => T | undefined,
  doc: string,
): z.ZodOptional<Leaf<T>> {
  const whole: Leaf<T> = z.unknown().transform((input, context): T => {
    const tell: TellBelow = (path, message, allowed = '') =>
      context.addIssue({ code: 'custom', message, path: [...path], params: { allowed } })
    return read(input, tell) ?? z.NEVER
  })
  return noted(whole.optional(), { doc, kind, written: '' })
}

/** A list of single values. */
export function list<T>(
  kind: Kind<T>,
  written: readonly string[],
  doc: string,
  flags: Flags = {},
): z.ZodDefault<z.ZodArray<Leaf<T>>> {
  const fallback = written.map((text) => {
    const read = kind.read(text)
    assert(read.ok, `a default is valid: "${text}" for "${doc}"`)
    return read.value
  })
  const array = z.array(leaf(kind)).max(limits.configListItems.default)
  const schema = array.default(() => [...fallback] as never) as z.ZodDefault<z.ZodArray<Leaf<T>>>
  return noted(schema, { doc, kind, written, ...flags })
}

/** A list of mappings, empty by default. */
export function listOf<S extends z.ZodType>(
  item: S,
  doc: string,
  flags: Flags = {},
): z.ZodDefault<z.ZodArray<S>> {
  const array = z.array(item).max(limits.configListItems.default)
  const schema = array.default(() => [] as never) as z.ZodDefault<z.ZodArray<S>>
  return noted(schema, { doc, ...flags })
}

/** A mapping from names the user chooses to values of one kind. */
export function mapOf<T>(
  kind: Kind<T>,
  doc: string,
  flags: Flags = {},
): z.ZodDefault<z.ZodRecord<z.ZodString, Leaf<T>>> {
  const inner = noted(leaf(kind), { doc, kind, ...flags })
  const record = z.record(z.string(), inner)
  const schema = record.default(() => ({}) as never) as z.ZodDefault<typeof record>
  return noted(schema, { doc, kind, ...flags })
}

/** The keys of one mapping, unknown ones refused. */
export const keys = <S extends z.core.$ZodLooseShape>(shape: S) => z.strictObject(shape)

/** A mapping that is there with its defaults even when the file leaves it out. */
export function section<S extends z.core.$ZodLooseShape>(
  doc: string,
  shape: S,
): z.ZodPrefault<z.ZodObject<S, z.core.$strict>> {
  return noted(z.strictObject(shape).prefault({} as never), { doc })
}

/** A mapping whose absence means something: no part of it gets defaults. */
export function optionalSection<S extends z.ZodType>(doc: string, inner: S): z.ZodOptional<S> {
  return noted(inner.optional(), { doc })
}

/** A mapping that may be written as the value of one of its keys alone. */
export function orShort<S extends z.ZodObject>(name: string, inner: S, doc: string) {
  const widen = (input: unknown) => (typeof input === 'string' ? { [name]: input } : input)
  return noted(z.preprocess(widen, inner), { doc, shorthand: name })
}
