/**
 * The clock of one incarnation: its timers end with it, and what they throw is its crash.
 */
import type { Cancel, Clock } from './clock.ts'

export interface GuardedClock {
  readonly clock: Clock
  cancelAll(): void
}

export function guardedClock(clock: Clock, guard: (run: () => unknown) => void): GuardedClock {
  const cancels = new Set<Cancel>()
  let ended = false

  const hold = (cancelTimer: Cancel): Cancel => {
    const cancel = () => {
      cancels.delete(cancel)
      cancelTimer()
    }
    cancels.add(cancel)
    return cancel
  }

  return {
    clock: {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      after: (delayMs, run) => {
        if (ended) return () => {}
        const cancel = hold(
          clock.after(delayMs, () => {
            cancels.delete(cancel)
            guard(run)
          }),
        )
        return cancel
      },
      every: (intervalMs, phaseMs, run) =>
        ended ? () => {} : hold(clock.every(intervalMs, phaseMs, () => guard(run))),
    },
    cancelAll: () => {
      ended = true
      for (const cancel of [...cancels]) cancel()
    },
  }
}
