/**
 * When a crashed actor is started again, and when its crashes are too many.
 *
 * Exponential backoff with full jitter: the wait is drawn evenly from nothing to the doubled
 * bound, so that actors that fell together do not rise together.
 */
import type { Random } from '../core/base/random.ts'

export interface RestartPolicy {
  readonly backoffMs: number
  readonly backoffMaxMs: number
  /** A run this long forgives the crashes before it. */
  readonly resetMs: number
  /** So many restarts within `windowMs` are too many. */
  readonly intensity: number
  readonly windowMs: number
}

export interface Verdict {
  readonly delayMs: number
  readonly tooMany: boolean
}

export class RestartHistory {
  readonly #policy: RestartPolicy
  readonly #random: Random
  #crashes = 0
  #restartsMs: number[] = []

  constructor(policy: RestartPolicy, random: Random) {
    this.#policy = policy
    this.#random = random
  }

  /** `healthyMs` is how long the actor ran before it fell; 0 when it never got up. */
  crashed(nowMs: number, healthyMs: number): Verdict {
    const { backoffMs, backoffMaxMs, resetMs, intensity, windowMs } = this.#policy
    if (healthyMs >= resetMs) {
      this.#crashes = 0
      this.#restartsMs = []
    }
    this.#restartsMs = this.#restartsMs.filter((atMs) => nowMs - atMs < windowMs)
    const tooMany = this.#restartsMs.length >= intensity
    // 2^30 times any backoff is past any maximum; more would only risk the range of a float.
    const boundMs = Math.min(backoffMaxMs, backoffMs * 2 ** Math.min(30, this.#crashes))
    this.#crashes++
    return { delayMs: Math.round(this.#random.next() * boundMs), tooMany }
  }

  restarted(nowMs: number): void {
    this.#restartsMs.push(nowMs)
  }
}
