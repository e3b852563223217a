/**
 * Edits that the file has taken the place of, whole or in part, so that they do not come back when
 * the file later says again what it said before: overwatches go on to remember an edit that they
 * told each other of, for those whose file is another.
 *
 * What is kept is which edit of an object it was. A later one of the same object is another.
 */
import { limits } from '../../core/base/limits.ts'
import { keyOfEntry, type OverlayEntry } from '../../core/config/overlay/entry.ts'
import type { ObjectStore } from './contract.ts'

const PREFIX = 'overruled/'

const editionOf = ({ revision, updatedAtMs, by }: OverlayEntry): string =>
  `${revision}.${updatedAtMs}.${by}`

export class Overruled {
  readonly #store: ObjectStore
  /** By key of the entry. */
  readonly #editions = new Map<string, string>()

  constructor(store: ObjectStore) {
    this.#store = store
  }

  /** Takes what the disk remembers; false when it is something else. */
  restore(key: string, value: unknown): boolean {
    if (!key.startsWith(PREFIX) || typeof value !== 'string') return false
    this.#editions.set(key.slice(PREFIX.length), value)
    return true
  }

  has(entry: OverlayEntry): boolean {
    return this.#editions.get(keyOfEntry(entry)) === editionOf(entry)
  }

  add(entry: OverlayEntry): void {
    const key = keyOfEntry(entry)
    if (this.has(entry)) return
    const [oldest] = this.#editions.keys()
    if (oldest !== undefined && this.#editions.size >= limits.objectsMax.default) this.drop(oldest)
    this.#editions.set(key, editionOf(entry))
    this.#store.put(PREFIX + key, editionOf(entry))
  }

  /** The edit is over, or another has taken its place. */
  drop(key: string): void {
    if (this.#editions.delete(key)) this.#store.remove(PREFIX + key)
  }
}
