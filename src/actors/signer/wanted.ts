/**
 * Answers of several servers that were asked for and are not among those that are signed anyway.
 *
 * Bounded: the oldest gives way to the newest, and is wanted again when it is asked for again.
 */
import { limits } from '../../core/base/limits.ts'
import type { WantedSet } from '../../core/dnssec/serving-plan.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'

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

/** A pass takes a fifth of the thread at most, so that drafts and keys have the rest. */
const PAUSE_PER_PASS = 4

/**
 * When sets that are wanted begin a pass over what is served: the first at once, those that come
 * soon after a pass together.
 */
export class WantedPace {
  readonly #clock: Clock
  readonly #begin: () => void
  #isNews = false
  #freeMs = Number.NEGATIVE_INFINITY
  #cancel: Cancel | undefined

  /** @param begin does nothing while something else is being signed */
  constructor(clock: Clock, begin: () => void) {
    this.#clock = clock
    this.#begin = begin
  }

  news(): void {
    this.#isNews = true
    this.resume()
  }

  /** Something is signed from now on, with all that is wanted by now. */
  begun(): void {
    this.#isNews = false
    this.#cancel?.()
    this.#cancel = undefined
  }

  /** A pass for wanted sets took so long. */
  passed(tookMs: number): void {
    const pauseMs = Math.max(limits.wantedPauseMs.default, tookMs * PAUSE_PER_PASS)
    this.#freeMs = this.#clock.monotonicMs() + pauseMs
  }

  /** Nothing is being signed: whatever is news has its turn. */
  resume(): void {
    if (!this.#isNews || this.#cancel !== undefined) return
    const waitMs = this.#freeMs - this.#clock.monotonicMs()
    if (waitMs > 0)
      this.#cancel = this.#clock.after(waitMs, () => {
        this.#cancel = undefined
        this.#begin()
      })
    else this.#begin()
  }
}
