/**
 * Edits of the API as records that nodes of a cluster share: one record an object, named like the
 * entry, with the entry as its body; an empty body says that nothing is edited any more.
 *
 * The record is kept whatever the file of a node makes of the edit: a file that has changed the
 * same key wins on its own node, and says nothing for the others.
 */
import type { SharedRecord } from '../../gossip/peers/record.ts'
import { encodeBody, GONE, readBody } from '../../health/shared-bodies.ts'
import { type Entries, keyOfEntry, objectKinds, type OverlayEntry, parseEntry } from './entry.ts'

/** The kind of such records. */
export const OBJECT_RECORD = 'object'

/** An edit by its key; without an entry it was taken back. */
export interface SharedEdit {
  readonly key: string
  readonly entry?: OverlayEntry
}

export const editBody = (entry: OverlayEntry | undefined): Uint8Array =>
  entry === undefined ? GONE : encodeBody(entry)

/** What a record says of an object; undefined when it is none that this version reads. */
export function sharedEdit({ kind, id, body }: SharedRecord): SharedEdit | undefined {
  if (kind !== OBJECT_RECORD) return undefined
  const isNamed = objectKinds.some((one) => id.startsWith(`${one}/`) && id.length > one.length + 1)
  if (!isNamed) return undefined
  if (body.length === 0) return { key: id }
  const entry = parseEntry(readBody(body))
  return entry === undefined || keyOfEntry(entry) !== id ? undefined : { key: id, entry }
}

/** The entries with what others edited. */
export function withShared(entries: Entries, edits: Iterable<SharedEdit>): Entries {
  const next = new Map(entries)
  for (const { key, entry } of edits) {
    if (entry === undefined) next.delete(key)
    else next.set(key, entry)
  }
  return next
}
