/**
 * The edits of the API beside a file that may have changed: a later change of the same key in the
 * file wins.
 *
 * It runs at every start and every reload, so that a change made while the node was down counts
 * like any other.
 */
import { type Base, declaredBy, wasOf } from './base.ts'
import { type Entries, keyOfEntry, type OverlayEntry } from './entry.ts'

/** An edit, or one key of it, that gave way to the file. */
export interface GivenWay {
  readonly entry: OverlayEntry
  /** Empty for the whole edit. */
  readonly field: string
  /** Why, as the end of a sentence about the file. */
  readonly why: string
}

export interface Reconciled {
  readonly entries: Entries
  readonly changes: readonly GivenWay[]
}

/** Why the file takes the place of the whole edit; undefined when it does not. */
function whyWhole(base: Base, { kind, id, owned, deleted, was }: OverlayEntry): string | undefined {
  if (kind === 'setting') return
  const isDeclared = declaredBy(base, kind, id) !== undefined
  if (!owned) return isDeclared ? 'it is declared in the file now' : undefined
  if (!isDeclared) return 'it is no longer declared in the file'
  const isChanged = deleted && was[''] !== wasOf(base, kind, id, '')
  return isChanged ? 'its entry in the file has changed' : undefined
}

export function reconcile(base: Base, entries: Entries): Reconciled {
  const kept = new Map<string, OverlayEntry>()
  const changes: GivenWay[] = []
  for (const entry of entries.values()) {
    const why = whyWhole(base, entry)
    if (why !== undefined) {
      changes.push({ entry, field: '', why })
      continue
    }
    const rest = withoutChanged(base, entry, changes)
    if (rest !== undefined) kept.set(keyOfEntry(rest), rest)
  }
  return { entries: kept, changes }
}

function withoutChanged(
  base: Base,
  entry: OverlayEntry,
  changes: GivenWay[],
): OverlayEntry | undefined {
  if (!entry.owned || entry.deleted) return entry
  const { kind, id } = entry
  const names = Object.keys(entry.fields)
  const gone = names.filter((name) => entry.was[name] !== wasOf(base, kind, id, name))
  if (gone.length === 0) return entry
  for (const field of gone)
    changes.push({ entry, field, why: 'the file has changed the same key since' })
  const fields = Object.fromEntries(
    Object.entries(entry.fields).filter(([name]) => !gone.includes(name)),
  )
  const isEmpty = Object.keys(fields).length + Object.keys(entry.notes).length === 0
  return isEmpty ? undefined : { ...entry, fields }
}
