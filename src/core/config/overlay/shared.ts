/**
 * Edits as overwatches tell each other of them: one record of kind `object` for each edited object,
 * under the key of its entry. An empty body says that the edit was taken back, or that what the API
 * had made is gone.
 *
 * Of one object the last edit wins as a whole. Settings are of one node and not told, except among
 * the nodes of a cluster, which answer as one; how much a node logs is its own there too. What
 * another node says is untrusted: an entry that is none, or not of its record, is no edit.
 */
import { limits } from '../../base/limits.ts'
import type { SharedRecord } from '../../gossip/peers/record.ts'
import { canonicalId } from './edit.ts'
import { keyOfEntry, type OverlayEntry, parseEntry } from './entry.ts'

export const SHARED_EDIT = 'object'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export const isShared = (
  { kind, id }: Pick<OverlayEntry, 'kind' | 'id'>,
  isClustered: boolean,
): boolean => kind !== 'setting' || (isClustered && id !== 'logging')

/** The kind of object that a key of an entry names, with its id. */
export const namedBy = (key: string): { readonly kind: string; readonly id: string } => {
  const at = key.indexOf('/')
  return { kind: key.slice(0, at), id: key.slice(at + 1) }
}

/** What a record tells of an entry; nothing of one that is gone. */
export const bodyOfEntry = (entry: OverlayEntry | undefined): Uint8Array =>
  entry === undefined ? new Uint8Array(0) : encoder.encode(JSON.stringify(entry))

/** The entry of a record that has one; undefined when it is not to be believed. */
export function entryOfRecord(
  { id, body }: SharedRecord,
  isClustered: boolean,
): OverlayEntry | undefined {
  if (body.length > limits.objectBytesMax.default) return
  let value: unknown
  try {
    value = JSON.parse(decoder.decode(body))
  } catch {
    return
  }
  const entry = parseEntry(value)
  if (entry === undefined || !isShared(entry, isClustered) || keyOfEntry(entry) !== id) return
  const own = canonicalId(entry.kind, entry.id)
  return own.ok && own.value === entry.id ? entry : undefined
}
