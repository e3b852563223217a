/**
 * Edits as overwatches tell each other of them: one record of kind `object` for each edited object,
 * under the key of its entry. An empty body says that the edit was taken back, or that what the API
 * had made is gone.
 *
 * Of one object the last edit wins as a whole. Settings are of one node and not told. What another
 * node says is untrusted: an entry that is none, or not of its record, is no edit.
 */
import { limits } from '../../base/limits.ts'
import type { SharedRecord } from '../../gossip/peers/record.ts'
import { canonicalId } from './edit.ts'
import { keyOfEntry, type ObjectKind, type OverlayEntry, parseEntry } from './entry.ts'

export const SHARED_EDIT = 'object'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export const isSharedKind = (kind: ObjectKind): boolean => kind !== 'setting'

/** The kind of object that a key of an entry names, with its id. */
export const namedBy = (key: string): { readonly kind: string; readonly id: string } => {
  const at = key.indexOf('/')
  return { kind: key.slice(0, at), id: key.slice(at + 1) }
}

/** What a record tells of an entry; nothing of one that is gone. */
export const bodyOfEntry = (entry: OverlayEntry | undefined): Uint8Array =>
  entry === undefined ? new Uint8Array(0) : encoder.encode(JSON.stringify(entry))

/** The entry of a record that has one; undefined when it is not to be believed. */
export function entryOfRecord({ id, body }: SharedRecord): OverlayEntry | undefined {
  if (body.length > limits.objectBytesMax.default) return
  let value: unknown
  try {
    value = JSON.parse(decoder.decode(body))
  } catch {
    return
  }
  const entry = parseEntry(value)
  if (entry === undefined || !isSharedKind(entry.kind) || keyOfEntry(entry) !== id) return
  const own = canonicalId(entry.kind, entry.id)
  return own.ok && own.value === entry.id ? entry : undefined
}
