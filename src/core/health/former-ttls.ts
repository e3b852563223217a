/**
 * Until when answers live that were given with a longer TTL than servers have now: a configuration
 * that lowers it, or takes a server out of a pool, calls none of them back.
 */
export class FormerTtls {
  /** By server, seconds. */
  readonly #now = new Map<string, number>()
  readonly #untilMs = new Map<string, number>()

  /** Takes the longest TTL of servers that may have another one, seconds; 0 of those gone. */
  compiled(ttls: ReadonlyMap<string, number>, nowMs: number): void {
    for (const [key, untilMs] of this.#untilMs) if (untilMs <= nowMs) this.#untilMs.delete(key)
    for (const [key, ttl] of ttls) {
      const before = this.#now.get(key) ?? 0
      if (before > ttl) this.#untilMs.set(key, Math.max(nowMs + before * 1_000, this.untilMs(key)))
      if (ttl > 0) this.#now.set(key, ttl)
      else this.#now.delete(key)
    }
  }

  /** When the last of them is over, Unix milliseconds; 0 when there is none. */
  untilMs(key: string): number {
    return this.#untilMs.get(key) ?? 0
  }
}
