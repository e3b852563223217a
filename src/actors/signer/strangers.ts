/**
 * How many messages of key sync that do not open are looked at: to open one costs CPU, and anybody
 * may send them. Each client has a share, so that none uses up that of another, and there is a
 * bound for all together, which does not hold for clients that sent some that opened.
 */
import { limits } from '../../core/base/limits.ts'
import { clientKey } from '../../core/net/client-key.ts'
import { TokenBuckets } from '../../core/net/token-buckets.ts'

const ALL = ''

export class Strangers {
  readonly #shares: TokenBuckets
  readonly #together: TokenBuckets
  /** Clients that know the secret, the last one last. */
  readonly #known = new Set<string>()

  constructor() {
    const share = limits.syncRefusalsPerMinute.default
    const all = limits.syncRefusalsTogether.default
    const clients = limits.syncClientsMax.default
    this.#shares = new TokenBuckets({ perSecond: share / 60, burst: share }, clients)
    this.#together = new TokenBuckets({ perSecond: all / 60, burst: all }, 1)
  }

  /** Whether what this client sends is refused unread. */
  isFlooding(client: string, nowMs: number): boolean {
    const key = clientKey(client)
    if (this.#shares.waitMs(key, nowMs) > 0) return true
    return !this.#known.has(key) && this.#together.waitMs(ALL, nowMs) > 0
  }

  refused(client: string, nowMs: number): void {
    this.#shares.take(clientKey(client), nowMs)
    this.#together.take(ALL, nowMs)
  }

  opened(client: string): void {
    const key = clientKey(client)
    this.#known.delete(key)
    this.#known.add(key)
    const [oldest] = this.#known
    if (this.#known.size > limits.syncClientsMax.default) this.#known.delete(oldest!)
  }
}
