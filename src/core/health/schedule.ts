/**
 * The one schedule of all checks: who is due, how many run at once, and when to look again.
 *
 * A target is never checked twice at once; its cadence is kept from due time to due time, with a
 * little jitter, so a slow reply does not shift it. Running checks are counted in two lanes: a
 * check that has waited for `slowMs` moves from the quick lane to the slow one, so targets that
 * hang until their timeout never hold the places of those that answer. Times are milliseconds of a
 * clock that does not run backwards. It starts nothing itself: its owner takes and reports back.
 */
import { assert } from '../base/assert.ts'
import type { Random } from '../base/random.ts'
import { type Due, DueHeap } from './schedule-heap.ts'

export interface ScheduleOptions {
  /** Checks of the quick lane at once. */
  readonly quickMax: number
  /** Checks of the slow lane at once. */
  readonly slowMax: number
  readonly slowMs: number
  /** Each interval varies by up to this share of itself, either way. */
  readonly jitterShare: number
}

export interface Entry<T> extends Due {
  readonly task: T
  /** How late the latest start was, milliseconds. */
  lagMs: number
  /** When the running check started. */
  startedMs: number
  state: 'waiting' | 'quick' | 'slow' | 'idle'
  removed: boolean
}

export class Schedule<T> {
  readonly #waiting = new DueHeap<Entry<T>>()
  /** In order of start: a Set keeps the order of insertion. */
  readonly #quick = new Set<Entry<T>>()
  readonly #random: Random
  #options: ScheduleOptions
  #slow = 0
  #isCrowded = false

  constructor(options: ScheduleOptions, random: Random) {
    this.#options = options
    this.#random = random
  }

  get waiting(): number {
    return this.#waiting.size
  }

  get running(): number {
    return this.#quick.size + this.#slow
  }

  /** From when a check that was due found both lanes full until all are caught up. */
  get isCrowded(): boolean {
    return this.#isCrowded
  }

  /** How many checks are due and wait while it is crowded, else 0. */
  lateAt(nowMs: number): number {
    return this.#isCrowded ? this.#waiting.countDue(nowMs) : 0
  }

  configure(options: ScheduleOptions): void {
    this.#options = options
  }

  /** A new target, first due at a random moment within `withinMs`. */
  add(task: T, withinMs: number, nowMs: number): Entry<T> {
    const dueMs = nowMs + this.#random.next() * withinMs
    const entry: Entry<T> = {
      task,
      dueMs,
      place: -1,
      lagMs: 0,
      startedMs: 0,
      state: 'waiting',
      removed: false,
    }
    this.#waiting.add(entry)
    return entry
  }

  /** Never taken again. A running check keeps its place until `done` reports its end. */
  remove(entry: Entry<T>): void {
    entry.removed = true
    if (entry.state !== 'waiting') return
    this.#waiting.remove(entry)
    entry.state = 'idle'
  }

  /** Brings a waiting target forward to a random moment within `withinMs`. */
  hasten(entry: Entry<T>, withinMs: number, nowMs: number): void {
    if (entry.state !== 'waiting' || entry.dueMs <= nowMs + withinMs) return
    this.#waiting.remove(entry)
    entry.dueMs = nowMs + this.#random.next() * withinMs
    this.#waiting.add(entry)
  }

  /** The next target to check now, counted as running until `done`; undefined if there is none. */
  take(nowMs: number): Entry<T> | undefined {
    const entry = this.#waiting.first()
    if (entry === undefined || entry.dueMs > nowMs) {
      this.#isCrowded = false
      return undefined
    }
    this.#age(nowMs)
    const { quickMax, slowMax } = this.#options
    if (this.#quick.size >= quickMax) {
      if (this.#slow >= slowMax) this.#isCrowded = true
      return undefined
    }
    this.#waiting.remove(entry)
    entry.state = 'quick'
    entry.startedMs = nowMs
    entry.lagMs = nowMs - entry.dueMs
    this.#quick.add(entry)
    return entry
  }

  /**
   * A check has ended; the target is due again `intervalMs` after it was due last. With `spread` it
   * is due at a random moment of the interval instead: targets whose first checks ran close
   * together must not stay together.
   */
  done(entry: Entry<T>, nowMs: number, intervalMs: number, spread: boolean): void {
    assert(entry.state === 'quick' || entry.state === 'slow', 'a check that ends was running')
    if (entry.state === 'slow') this.#slow--
    else this.#quick.delete(entry)
    entry.state = 'idle'
    if (entry.removed) return
    const share = spread ? this.#random.next() : this.#jitter()
    // A check longer than its interval is due again at once, but never twice at once.
    entry.dueMs = Math.max(nowMs, (spread ? nowMs : entry.dueMs) + intervalMs * share)
    entry.state = 'waiting'
    this.#waiting.add(entry)
  }

  /** When `take` is to be asked next; undefined means not before the next `add` or `done`. */
  wakeAtMs(): number | undefined {
    const dueMs = this.#waiting.first()?.dueMs
    if (dueMs === undefined || this.#quick.size < this.#options.quickMax) return dueMs
    // Nothing starts then, but that checks are late is to be seen.
    if (this.#slow >= this.#options.slowMax) return this.#isCrowded ? undefined : dueMs
    const [oldest] = this.#quick
    return Math.max(dueMs, oldest!.startedMs + this.#options.slowMs)
  }

  #jitter(): number {
    return 1 + (this.#random.next() * 2 - 1) * this.#options.jitterShare
  }

  #age(nowMs: number): void {
    for (const entry of this.#quick) {
      if (this.#slow >= this.#options.slowMax) return
      if (entry.startedMs + this.#options.slowMs > nowMs) return
      this.#quick.delete(entry)
      entry.state = 'slow'
      this.#slow++
    }
  }
}
