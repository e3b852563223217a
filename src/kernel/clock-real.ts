/**
 * The clock of the machine.
 *
 * `every` sets one timer after another and aims each at the cadence of the first, so it neither
 * drifts nor catches up in a burst after the process was stopped for a while.
 */
import type { Clock } from './clock.ts'

/** The longest wait a timer of the platform takes (2^31 - 1 ms); longer ones would fire at once. */
const TIMER_MS_MAX = 2_147_483_647

/**
 * What `performance.now()` of this thread lacks to the clock of the machine: it counts from the
 * start of its thread, and a moment told to another thread must mean the same there.
 */
const sinceBootMs = Number(process.hrtime.bigint()) / 1e6 - performance.now()

export function realClock(): Clock {
  const monotonicMs = () => performance.now() + sinceBootMs
  const after: Clock['after'] = (delayMs, run) => {
    const timer = setTimeout(run, Math.min(TIMER_MS_MAX, Math.max(0, delayMs)))
    return () => clearTimeout(timer)
  }
  return {
    nowMs: () => Date.now(),
    monotonicMs,
    after,
    every: (intervalMs, phaseMs, run) => {
      const stepMs = Math.max(1, intervalMs)
      let dueMs = monotonicMs() + phaseMs
      let ended = false
      const tick = () => {
        const nowMs = monotonicMs()
        // Beats missed while the thread was busy or the machine asleep are left out.
        dueMs += Math.max(1, Math.ceil((nowMs - dueMs) / stepMs)) * stepMs
        run()
        if (!ended) cancel = after(dueMs - monotonicMs(), tick)
      }
      let cancel = after(phaseMs, tick)
      return () => {
        ended = true
        cancel()
      }
    },
  }
}
