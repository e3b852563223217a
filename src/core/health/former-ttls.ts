/**
 * Until when answers live that were given with a longer TTL than servers have now: a configuration
 * that lowers it, or takes a server out of a pool, calls none of them back.
 */
export class FormerTtls {
  /** By server, seconds. */
  #now: ReadonlyMap<string, number> = new Map()
  readonly #untilMs = new Map<string, number>()

  /** Takes the longest TTL of each server, seconds. */
  compiled(ttls: ReadonlyMap<string, number>, nowMs: number): void {
    for (const [key, untilMs] of this.#untilMs) if (untilMs <= nowMs) this.#untilMs.delete(key)
    for (const [key, ttl] of this.#now)
      if (ttl > (ttls.get(key) ?? 0))
        this.#untilMs.set(key, Math.max(nowMs + ttl * 1_000, this.untilMs(key)))
    this.#now = ttls
  }

  /** When the last of them is over, Unix milliseconds; 0 when there is none. */
  untilMs(key: string): number {
    return this.#untilMs.get(key) ?? 0
  }
}
