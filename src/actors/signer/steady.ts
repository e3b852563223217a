/**
 * Whether the time of day can be believed: keys take steps by it that nothing takes back.
 *
 * A clock that was wrong at the start is set by NTP within minutes, and a clock that is set runs
 * apart from the monotonic one, which is not.
 */
import type { Clock } from '../../kernel/clock.ts'

/** More than NTP slews between two looks; caches are given at least as much. */
const JUMP_MS = 60_000

export class Steady {
  readonly #clock: Clock
  readonly #startedMs: number
  #apartMs: number
  #sinceMs: number

  /** @param isNew nothing was timed before this start, so the time of day is as good as any */
  constructor(clock: Clock, isNew: boolean) {
    this.#clock = clock
    this.#startedMs = clock.monotonicMs()
    this.#apartMs = clock.nowMs() - clock.monotonicMs()
    this.#sinceMs = isNew ? Number.NEGATIVE_INFINITY : clock.monotonicMs()
  }

  /** Milliseconds since the start, whatever the time of day was then. */
  upMs(): number {
    return this.#clock.monotonicMs() - this.#startedMs
  }

  /** For how long the time of day ran as it should, in milliseconds; asked each second. */
  forMs(): number {
    const monotonicMs = this.#clock.monotonicMs()
    const apartMs = this.#clock.nowMs() - monotonicMs
    if (Math.abs(apartMs - this.#apartMs) > JUMP_MS) this.#sinceMs = monotonicMs
    this.#apartMs = apartMs
    return monotonicMs - this.#sinceMs
  }
}
