/**
 * How long checks that passed took, told a few times a second: of servers whose pool is steered by
 * that.
 */
import { limits } from '../../core/base/limits.ts'
import type { Outcome } from '../../core/health/outcome.ts'
import type { Clock } from '../../kernel/clock.ts'

/** Key of a server, and milliseconds. */
export type TimedCheck = readonly [string, number]

export class Times {
  readonly #clock: Clock
  readonly #say: (rows: readonly TimedCheck[]) => void
  #wanted: ReadonlySet<string> = new Set()
  #rows: TimedCheck[] = []

  constructor(clock: Clock, say: (rows: readonly TimedCheck[]) => void) {
    this.#clock = clock
    this.#say = say
  }

  want(keys: ReadonlySet<string>): void {
    this.#wanted = keys
  }

  took(key: string, { ok, latencyMs }: Outcome): void {
    if (!ok || !this.#wanted.has(key)) return
    if (this.#rows.length === 0) this.#clock.after(limits.probeTimesMs.default, () => this.#tell())
    this.#rows.push([key, latencyMs])
    if (this.#rows.length >= limits.probeTimesRows.default) this.#tell()
  }

  #tell(): void {
    if (this.#rows.length === 0) return
    const rows = this.#rows
    this.#rows = []
    this.#say(rows)
  }
}
