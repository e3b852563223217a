/**
 * Answers of several servers that were asked for and are not among those that are signed anyway.
 *
 * Bounded: the oldest gives way to the newest, and is wanted again when it is asked for again.
 */
import { limits } from '../../core/base/limits.ts'
import type { WantedSet } from '../../core/dnssec/serving-plan.ts'

const nameOf = ({ pool, family, addresses }: WantedSet): string =>
  `${pool} ${family} ${addresses.join()}`

export class WantedSets {
  readonly #sets = new Map<string, WantedSet>()

  /** Whether any of them is news. */
  add(sets: Iterable<WantedSet>): boolean {
    let isNews = false
    for (const set of sets) {
      const name = nameOf(set)
      // The newest stand last.
      if (!this.#sets.delete(name)) isNews = true
      this.#sets.set(name, set)
    }
    for (const name of this.#sets.keys()) {
      if (this.#sets.size <= limits.wantedSets.default) break
      this.#sets.delete(name)
    }
    return isNews
  }

  /** The newest first. */
  list(): WantedSet[] {
    return [...this.#sets.values()].reverse()
  }

  /** The numbers mean something else from now on. */
  clear(): void {
    this.#sets.clear()
  }
}
