/**
 * Token buckets by key, in a table of bounded size.
 *
 * A bucket holds up to `burst` requests and refills at a steady rate; a request that finds it empty
 * waits or is turned away. A full table forgets whoever was silent longest, whose bucket is most
 * likely full again: forgetting can only let someone ask more, never less.
 */
export interface BucketRate {
  /** Requests a second; fractions are meant. */
  readonly perSecond: number
  /** Requests at once after a silence; at least 1. */
  readonly burst: number
}

interface Bucket {
  /** What is left, as of `atMs`. */
  left: number
  atMs: number
}

export class TokenBuckets {
  readonly #buckets = new Map<string, Bucket>()
  readonly #rate: BucketRate
  readonly #keysMax: number

  constructor(rate: BucketRate, keysMax: number) {
    this.#rate = rate
    this.#keysMax = keysMax
  }

  get size(): number {
    return this.#buckets.size
  }

  /** Takes one request out; 0 when there was one, else the milliseconds until there is. */
  take(key: string, nowMs: number): number {
    const waitMs = this.waitMs(key, nowMs)
    if (waitMs > 0) return waitMs
    const left = this.#leftAt(key, nowMs) - 1
    // Deleted first, so that the order of the map is that of the last use.
    this.#buckets.delete(key)
    this.#buckets.set(key, { left, atMs: nowMs })
    if (this.#buckets.size > this.#keysMax)
      this.#buckets.delete(this.#buckets.keys().next().value as string)
    return 0
  }

  /** The milliseconds until there is one to take, without taking it. */
  waitMs(key: string, nowMs: number): number {
    const left = this.#leftAt(key, nowMs)
    return left >= 1 ? 0 : Math.ceil(((1 - left) / this.#rate.perSecond) * 1_000)
  }

  #leftAt(key: string, nowMs: number): number {
    const { burst, perSecond } = this.#rate
    const bucket = this.#buckets.get(key)
    if (bucket === undefined) return burst
    const refilled = (Math.max(0, nowMs - bucket.atMs) / 1_000) * perSecond
    return Math.min(burst, bucket.left + refilled)
  }
}
