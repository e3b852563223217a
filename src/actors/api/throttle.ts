/**
 * How often one client, or one token, may ask; and how often one may guess.
 *
 * The tables outlive a reload of the configuration, unless it changes the rates.
 */
import { limits } from '../../core/base/limits.ts'
import { AccessList } from '../../core/net/access.ts'
import { clientKey } from '../../core/net/client-key.ts'
import { TokenBuckets } from '../../core/net/token-buckets.ts'

export interface RateLimits {
  readonly requestsPerSecond: number
  readonly burst: number
  readonly authFailuresPerMinute: number
  /** Neither limit holds for these. */
  readonly exemptNetworks: readonly string[]
}

export class Throttle {
  readonly #rates: RateLimits
  readonly #exempt: AccessList
  readonly #clients: TokenBuckets
  readonly #tokens: TokenBuckets
  readonly #failures: TokenBuckets

  constructor(rates: RateLimits) {
    const { requestsPerSecond: perSecond, burst, authFailuresPerMinute } = rates
    const keysMax = limits.accessBucketsMax.default
    this.#rates = rates
    this.#exempt = new AccessList(rates.exemptNetworks, 'as listed')
    this.#clients = new TokenBuckets({ perSecond, burst }, keysMax)
    this.#tokens = new TokenBuckets({ perSecond, burst }, keysMax)
    const guesses = { perSecond: authFailuresPerMinute / 60, burst: authFailuresPerMinute }
    this.#failures = new TokenBuckets(guesses, keysMax)
  }

  sameRates(rates: RateLimits | undefined): boolean {
    return JSON.stringify(this.#rates) === JSON.stringify(rates)
  }

  exempts(address: string): boolean {
    return this.#exempt.allows(address)
  }

  /** 0, or the milliseconds until this client may ask again. */
  ofClient(address: string, nowMs: number): number {
    return this.exempts(address) ? 0 : this.#clients.take(clientKey(address), nowMs)
  }

  ofToken(name: string, address: string, nowMs: number): number {
    return this.exempts(address) ? 0 : this.#tokens.take(name, nowMs)
  }

  /** Before a token is looked at: 0, or the milliseconds until one from there is again. */
  beforeGuess(address: string, nowMs: number): number {
    return this.exempts(address) ? 0 : this.#failures.waitMs(clientKey(address), nowMs)
  }

  guessedWrong(address: string, nowMs: number): void {
    if (!this.exempts(address)) this.#failures.take(clientKey(address), nowMs)
  }
}
