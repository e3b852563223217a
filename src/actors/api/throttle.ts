/**
 * How often one client, or one token, may ask; and how often one may guess.
 *
 * The tables outlive a reload of the configuration, unless it changes the rates. An IPv6 client is
 * its /64, for it has all of that to choose addresses from (RFC 4291 section 2.5.4).
 */
import { limits } from '../../core/base/limits.ts'
import { AccessList } from '../../core/net/access.ts'
import { parseAddress } from '../../core/net/address.ts'
import { TokenBuckets } from '../../core/net/token-buckets.ts'

export interface RateLimits {
  readonly requestsPerSecond: number
  readonly burst: number
  readonly authFailuresPerMinute: number
  /** Neither limit holds for these. */
  readonly exemptNetworks: readonly string[]
}

/** The client as the tables know it. */
function keyOf(address: string): string {
  const parsed = parseAddress(address)
  if (!parsed.ok || parsed.value.family === 4) return address
  return `/64 ${parsed.value.bytes.subarray(0, 8).join('.')}`
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
    return this.exempts(address) ? 0 : this.#clients.take(keyOf(address), nowMs)
  }

  ofToken(name: string, address: string, nowMs: number): number {
    return this.exempts(address) ? 0 : this.#tokens.take(name, nowMs)
  }

  /** Before a token is looked at: 0, or the milliseconds until one from there is again. */
  beforeGuess(address: string, nowMs: number): number {
    return this.exempts(address) ? 0 : this.#failures.waitMs(keyOf(address), nowMs)
  }

  guessedWrong(address: string, nowMs: number): void {
    if (!this.exempts(address)) this.#failures.take(keyOf(address), nowMs)
  }
}
