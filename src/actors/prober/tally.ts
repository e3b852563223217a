/**
 * How many checks passed and failed, by server, told at most once a second: the error rate of an
 * agent.
 *
 * It is about servers that are in service and err now and then. A failure counts once a later
 * check passes while the verdict is still up; failures that end in `down` belong to a server that
 * was stopped, whose verdict says all there is to say, and so do checks until it is up again. A
 * fault of our own machine is in neither count.
 */
import { limits } from '../../core/base/limits.ts'
import type { Outcome } from '../../core/health/outcome.ts'
import type { VerdictOrUnknown } from '../../core/health/verdicts.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { ChecksCounted } from '../../messages/vitals-entries.ts'

export interface Counts {
  readonly counts: readonly ChecksCounted[]
  readonly atMs: number
}

interface Held {
  failed: number
  fromMs: number
}

export class Tally {
  readonly #clock: Clock
  readonly #say: (counts: Counts) => void
  readonly #counts = new Map<string, ChecksCounted>()
  /** Failures of which it is not known yet what they end in. */
  readonly #held = new Map<string, Held>()

  constructor(clock: Clock, say: (counts: Counts) => void) {
    this.#clock = clock
    this.#say = say
  }

  /** One check of a server, with the verdict on it before and after. */
  count(
    backend: string,
    outcome: Outcome,
    before: VerdictOrUnknown,
    verdict: VerdictOrUnknown,
  ): void {
    if (outcome.inconclusive === true) return
    const nowMs = this.#clock.nowMs()
    if (before !== 'up' || verdict !== 'up') this.#held.delete(backend)
    else if (outcome.ok) this.#add(backend, this.#held.get(backend), nowMs)
    else {
      const held = this.#held.get(backend)
      if (held === undefined) this.#held.set(backend, { failed: 1, fromMs: nowMs })
      else held.failed++
    }
  }

  forget(backend: string): void {
    this.#held.delete(backend)
  }

  #add(backend: string, held: Held | undefined, nowMs: number): void {
    this.#held.delete(backend)
    if (this.#counts.size === 0) this.#clock.after(limits.probeTallyMs.default, () => this.#tell())
    const { passed = 0, failed = 0, fromMs = nowMs } = this.#counts.get(backend) ?? {}
    this.#counts.set(backend, {
      backend,
      passed: passed + 1,
      failed: failed + (held?.failed ?? 0),
      fromMs: Math.min(fromMs, held?.fromMs ?? nowMs),
    })
  }

  #tell(): void {
    const counts = [...this.#counts.values()]
    this.#counts.clear()
    this.#say({ counts, atMs: this.#clock.nowMs() })
  }
}
