/**
 * How soon what agents declare is compiled: the first of many that start together at once, the rest
 * together after a pause that is longer the longer compiling takes.
 */
import { limits } from '../../core/base/limits.ts'
import type { Clock } from '../../kernel/clock.ts'

export class CompilePace {
  readonly #clock: Clock
  /** When it may be done again, of the monotonic clock. */
  #fromMs = Number.NEGATIVE_INFINITY
  #isWaiting = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs it now or in a moment; once, however often it is asked for meanwhile. */
  soon(run: () => void): void {
    if (this.#isWaiting) return
    const waitMs = this.#fromMs - this.#clock.monotonicMs()
    if (waitMs <= 0) {
      run()
      return
    }
    this.#isWaiting = true
    this.#clock.after(Math.ceil(waitMs), () => {
      this.#isWaiting = false
      run()
    })
  }

  /** It was done, and began then, of the monotonic clock. */
  began(atMs: number): void {
    const nowMs = this.#clock.monotonicMs()
    const { compileGapMs, compileGapFactor } = limits
    this.#fromMs = nowMs + Math.max(compileGapMs.default, (nowMs - atMs) * compileGapFactor.default)
  }
}
