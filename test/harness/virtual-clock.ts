/**
 * Time that only moves when a test says so.
 *
 * Timers run in the order of their due time, and of their setting where due times are equal, so one
 * script of calls always gives one run.
 */
import type { Cancel, Clock } from '../../src/kernel/clock.ts'

interface Timer {
  dueMs: number
  readonly order: number
  readonly intervalMs: number | undefined
  readonly run: () => void
  isOver: boolean
}

const isBefore = (one: Timer, other: Timer): boolean =>
  one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.order < other.order)

/** A binary heap: runs of hours hold hundreds of timers and take millions of turns. */
class Queue {
  readonly #timers: Timer[] = []
  /** Those that were cancelled lie in it until their turn comes. */
  #live = 0

  get live(): number {
    return this.#live
  }

  add(timer: Timer): void {
    this.#live++
    this.#timers.push(timer)
    this.#rise(this.#timers.length - 1)
  }

  cancel(timer: Timer): void {
    if (timer.isOver) return
    timer.isOver = true
    this.#live--
  }

  first(): Timer | undefined {
    while (this.#timers[0]?.isOver === true) this.#drop()
    return this.#timers[0]
  }

  /** The first is over, or due later than it was. */
  pass(timer: Timer, nextDueMs: number | undefined): void {
    if (nextDueMs === undefined) {
      timer.isOver = true
      this.#live--
      this.#drop()
    } else {
      timer.dueMs = nextDueMs
      this.#sink()
    }
  }

  #drop(): void {
    const last = this.#timers.pop()
    if (last === undefined || this.#timers.length === 0) return
    this.#timers[0] = last
    this.#sink()
  }

  #rise(from: number): void {
    const timers = this.#timers
    const timer = timers[from]!
    let at = from
    while (at > 0) {
      const above = (at - 1) >> 1
      if (!isBefore(timer, timers[above]!)) break
      timers[at] = timers[above]!
      at = above
    }
    timers[at] = timer
  }

  #sink(): void {
    const timers = this.#timers
    const timer = timers[0]!
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= timers.length) break
      if (below + 1 < timers.length && isBefore(timers[below + 1]!, timers[below]!)) below++
      if (!isBefore(timers[below]!, timer)) break
      timers[at] = timers[below]!
      at = below
    }
    timers[at] = timer
  }
}

export interface VirtualClock extends Clock {
  /** Runs every timer that falls due, in order; code after an `await` does not run in between. */
  advance(byMs: number): void
  /** The same, letting promises settle before and after each timer. */
  advanceAsync(byMs: number): Promise<void>
  /** Sets the time of day, forth or back; timers know nothing of it. */
  setUnixMs(unixMs: number): void
  /** Runs the next timer that is due by then, or comes to that moment; then promises settle. */
  turnAsync(untilMs: number): Promise<void>
  /** Due time of the next timer, in monotonic milliseconds. */
  nextDueMs(): number | undefined
  /** How many timers wait. */
  pending(): number
}

/** Lets promise chains that need no timer run to their end. */
export async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve()
}

export function virtualClock(startUnixMs = 1_750_000_000_000): VirtualClock {
  const timers = new Queue()
  let elapsedMs = 0
  let setByMs = 0
  let order = 0

  const add = (delayMs: number, intervalMs: number | undefined, run: () => void): Cancel => {
    const dueMs = elapsedMs + Math.max(0, delayMs)
    const timer = { dueMs, order: order++, intervalMs, run, isOver: false }
    timers.add(timer)
    return () => timers.cancel(timer)
  }

  /** Runs the next timer due by `untilMs`; false when there is none. */
  const runOne = (untilMs: number): boolean => {
    const timer = timers.first()
    if (timer === undefined || timer.dueMs > untilMs) return false
    elapsedMs = Math.max(elapsedMs, timer.dueMs)
    const { dueMs, intervalMs } = timer
    timers.pass(timer, intervalMs === undefined ? undefined : dueMs + Math.max(1, intervalMs))
    timer.run()
    return true
  }

  return {
    nowMs: () => startUnixMs + elapsedMs + setByMs,
    setUnixMs: (unixMs) => {
      setByMs = unixMs - startUnixMs - elapsedMs
    },
    monotonicMs: () => elapsedMs,
    after: (delayMs, run) => add(delayMs, undefined, run),
    every: (intervalMs, phaseMs, run) => add(phaseMs, intervalMs, run),
    advance: (byMs) => {
      const untilMs = elapsedMs + byMs
      while (runOne(untilMs));
      elapsedMs = untilMs
    },
    advanceAsync: async (byMs) => {
      const untilMs = elapsedMs + byMs
      await settle()
      while (runOne(untilMs)) await settle()
      elapsedMs = untilMs
    },
    turnAsync: async (untilMs) => {
      if (runOne(untilMs)) await settle()
      else elapsedMs = Math.max(elapsedMs, untilMs)
    },
    nextDueMs: () => timers.first()?.dueMs,
    pending: () => timers.live,
  }
}
