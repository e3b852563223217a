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
}

export interface VirtualClock extends Clock {
  /** Runs every timer that falls due, in order; code after an `await` does not run in between. */
  advance(byMs: number): void
  /** The same, letting promises settle before and after each timer. */
  advanceAsync(byMs: number): Promise<void>
  /** Sets the time of day, forth or back; timers know nothing of it. */
  setUnixMs(unixMs: number): void
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
  const timers = new Set<Timer>()
  let elapsedMs = 0
  let setByMs = 0
  let order = 0

  const add = (delayMs: number, intervalMs: number | undefined, run: () => void): Cancel => {
    const timer = { dueMs: elapsedMs + Math.max(0, delayMs), order: order++, intervalMs, run }
    timers.add(timer)
    return () => void timers.delete(timer)
  }

  const next = (): Timer | undefined => {
    let first: Timer | undefined
    for (const timer of timers) {
      if (first === undefined || timer.dueMs < first.dueMs) first = timer
      else if (timer.dueMs === first.dueMs && timer.order < first.order) first = timer
    }
    return first
  }

  /** Runs the next timer due by `untilMs`; false when there is none. */
  const runOne = (untilMs: number): boolean => {
    const timer = next()
    if (timer === undefined || timer.dueMs > untilMs) return false
    elapsedMs = Math.max(elapsedMs, timer.dueMs)
    if (timer.intervalMs === undefined) timers.delete(timer)
    else timer.dueMs += Math.max(1, timer.intervalMs)
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
    nextDueMs: () => next()?.dueMs,
    pending: () => timers.size,
  }
}
