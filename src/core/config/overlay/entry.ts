/**
 * One edit of the configuration by the API: what it says of a domain, a server, a region or a group
 * of settings.
 *
 * An entry holds edited keys as they were written, never the whole object, so that what the file
 * says of all other keys goes on to hold. Beside each key stands what the file said when it was
 * edited: by that a later change of the same key in the file is known, and wins.
 */
import { crc32 } from '../../base/crc32.ts'
import { limits } from '../../base/limits.ts'

export const objectKinds = ['domain', 'server', 'region', 'mapping', 'setting'] as const
export type ObjectKind = (typeof objectKinds)[number]

/** A value as JSON writes it: lists hold texts and numbers only. */
export type FieldValue = string | number | boolean | readonly (string | number)[]
export type Fields = Readonly<Record<string, FieldValue>>

export interface OverlayEntry {
  readonly kind: ObjectKind
  /** A name; of a server `service:address:port`, IPv6 in brackets; of a mapping its network. */
  readonly id: string
  /** The file declared the object when it was edited; else the API made it. */
  readonly owned: boolean
  /** The object of the file is taken away until its entry there changes. */
  readonly deleted: boolean
  /** Edited keys; those of a section with their path: `health_check.path`. */
  readonly fields: Fields
  /** For each edited key what the file said, as canonical text; for a deletion, under `''`. */
  readonly was: Readonly<Record<string, string>>
  /** What only the API knows of the object: a description, tags. */
  readonly notes: Fields
  /** Who edited it last. */
  readonly by: string
  /** Unix milliseconds. */
  readonly createdAtMs: number
  readonly updatedAtMs: number
  /** Grows with every edit of the whole overlay. */
  readonly revision: number
}

export type Entries = ReadonlyMap<string, OverlayEntry>

export const entryKey = (kind: ObjectKind, id: string): string => `${kind}/${id}`
export const keyOfEntry = ({ kind, id }: OverlayEntry): string => entryKey(kind, id)

/** Past this a value is told from others by its length and check sum. */
const CANONICAL_CHARS_MAX = 1_024

/** Text by which two values of a key are the same; absence is a value too. */
export function canonical(value: unknown): string {
  const text = JSON.stringify(value ?? null)
  if (text.length <= CANONICAL_CHARS_MAX) return text
  return `#${text.length}.${crc32(new TextEncoder().encode(text)).toString(16)}`
}

type Untrusted = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Untrusted =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= limits.objectTextCharsMax.default
const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0
const isSingle = (value: unknown) =>
  isText(value) || (typeof value === 'number' && Number.isFinite(value))

export const isFieldValue = (value: unknown): value is FieldValue =>
  typeof value === 'boolean' ||
  isSingle(value) ||
  (Array.isArray(value) &&
    value.length <= limits.objectListItemsMax.default &&
    value.every(isSingle))

/** Objects without a prototype, so that no key has a meaning of its own. */
function recordOf<T>(
  value: unknown,
  test: (one: unknown) => one is T,
): Record<string, T> | undefined {
  if (!isObject(value)) return
  const entries = Object.entries(value)
  if (entries.length > limits.objectFieldsMax.default) return
  const record: Record<string, T> = Object.create(null)
  for (const [name, one] of entries) {
    if (!isText(name) || !test(one)) return
    record[name] = one
  }
  return record
}

/** An entry as read from disk; undefined when it is none of ours. */
export function parseEntry(value: unknown): OverlayEntry | undefined {
  if (!isObject(value)) return
  const { kind, id, owned, deleted, by, createdAtMs, updatedAtMs, revision } = value
  const known = objectKinds.find((one) => one === kind)
  const fields = recordOf(value['fields'], isFieldValue)
  const was = recordOf(value['was'], isText)
  const notes = recordOf(value['notes'], isFieldValue)
  if (known === undefined || !isText(id) || id === '' || !isText(by)) return
  if (typeof owned !== 'boolean' || typeof deleted !== 'boolean') return
  if (fields === undefined || was === undefined || notes === undefined) return
  if (!isCount(createdAtMs) || !isCount(updatedAtMs) || !isCount(revision)) return
  const times = { createdAtMs, updatedAtMs, revision }
  return { kind: known, id, owned, deleted, fields, was, notes, by, ...times }
}
