/**
 * How many checks passed and failed, told at most once a second: the error rate of an agent.
 *
 * A fault of our own machine is in neither count.
 */
import { limits } from '../../core/base/limits.ts'
import type { Outcome } from '../../core/health/outcome.ts'
import type { Clock } from '../../kernel/clock.ts'

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly atMs: number
}

export class Tally {
  readonly #clock: Clock
  readonly #say: (counts: Counts) => void
  #passed = 0
  #failed = 0

  constructor(clock: Clock, say: (counts: Counts) => void) {
    this.#clock = clock
    this.#say = say
  }

  count(outcome: Outcome): void {
    if (outcome.inconclusive === true) return
    if (this.#passed + this.#failed === 0)
      this.#clock.after(limits.probeTallyMs.default, () => this.#tell())
    if (outcome.ok) this.#passed++
    else this.#failed++
  }

  #tell(): void {
    const counts = { passed: this.#passed, failed: this.#failed, atMs: this.#clock.nowMs() }
    this.#passed = 0
    this.#failed = 0
    this.#say(counts)
  }
}
