/**
 * The choice among servers by how long their checks take: `routing_algorithm: latency`.
 *
 * One moving average for each server, of the checks that pass. The fastest leads; it keeps the lead
 * until another is faster by more than the band, and for a least time. Servers within the band of
 * the lead share by how near they are, so that near-equals neither flap nor take all. A server that
 * has too few samples, or is too slow, has no share while another has neither fault. Whether a
 * server may be served is none of its business: what is down has no share of an answer anyway.
 */

export interface ActiveSettings {
  /** Weight of a new sample, 0-1. */
  readonly smoothingFactor: number
  readonly maxLatencyMs: number
  readonly minSamples: number
  /** How much slower than the lead a near-equal may be; the larger of the two holds. */
  readonly bandMs: number
  readonly bandShare: number
  /** A new lead is kept for so long. */
  readonly holdMs: number
}

/** What a pool says of it, over the defaults. */
export const activeSettings = (spec: Partial<ActiveSettings> = {}): ActiveSettings => ({
  ...defaultActiveSettings,
  ...spec,
})

export const defaultActiveSettings: ActiveSettings = {
  smoothingFactor: 0.3,
  maxLatencyMs: 500,
  minSamples: 3,
  bandMs: 2,
  bandShare: 0.1,
  holdMs: 30_000,
}

/** Why the shares are what they are. */
export type ActiveReason = 'measured' | 'above_threshold' | 'no_latency_data'

export interface ActiveShares {
  readonly reason: ActiveReason
  /** By server, thousandths of the traffic; all 0 where there is no data, and turns go round. */
  readonly shares: Uint16Array
  /** -1 for none. */
  readonly lead: number
}

/** A server leaves the near-equals only so many bands behind the lead. */
const LEAVE_BANDS = 2
/** A sample this far off is no part of the average: by a share of it, and by so much. */
const JUMP_SHARE = 0.5
const JUMP_LEAST_MS = 5
/** A hold is broken by one that is better by so many bands. */
const URGENT_BANDS = 4
/** What one at the edge keeps, so that shares move without a step. */
const LEAST_WEIGHT = 0.1

export class ActiveLatency {
  readonly #settings: ActiveSettings
  readonly #means: Float64Array
  readonly #samples: Uint32Array
  readonly #near: Uint8Array
  /** By server: 1 or -1 after one sample far above or below the average. */
  readonly #strikes: Int8Array
  #lead = -1
  #sinceMs = Number.NEGATIVE_INFINITY

  constructor(servers: number, settings: ActiveSettings = defaultActiveSettings) {
    this.#settings = settings
    this.#means = new Float64Array(servers)
    this.#samples = new Uint32Array(servers)
    this.#near = new Uint8Array(servers)
    this.#strikes = new Int8Array(servers)
  }

  /** Takes the duration of a check that passed; what is no duration is passed over. */
  sample(server: number, ms: number): void {
    if (!(ms >= 0 && Number.isFinite(ms)) || server >= this.#means.length) return
    const { smoothingFactor } = this.#settings
    const first = this.#samples[server] === 0
    const mean = this.#means[server]!
    this.#means[server] = this.#meanWith(server, ms, first ? ms : mean, smoothingFactor)
    this.#samples[server] = Math.min(0xffff_ffff, this.#samples[server]! + 1)
  }

  /**
   * One sample far off may be anything, and changes nothing; a second on the same side is another
   * path or another load, and what was believed before is dropped.
   */
  #meanWith(server: number, ms: number, mean: number, factor: number): number {
    const off = ms - mean
    if (Math.abs(off) <= Math.max(JUMP_LEAST_MS, JUMP_SHARE * mean)) {
      this.#strikes[server] = 0
      return mean + factor * off
    }
    const again = this.#strikes[server] === Math.sign(off)
    this.#strikes[server] = again ? 0 : Math.sign(off)
    return again ? ms : mean
  }

  /** Goes on from others: by server its place there, or -1. */
  inherit(from: ActiveLatency, places: readonly number[]): void {
    for (const [server, place] of places.entries()) {
      if (place < 0) continue
      this.#means[server] = from.#means[place]!
      this.#samples[server] = from.#samples[place]!
      this.#near[server] = from.#near[place]!
      this.#strikes[server] = from.#strikes[place]!
    }
    this.#lead = from.#lead < 0 ? -1 : places.indexOf(from.#lead)
    this.#sinceMs = from.#sinceMs
  }

  meanOf(server: number): number {
    return this.#means[server]!
  }

  samplesOf(server: number): number {
    return this.#samples[server]!
  }

  /** Forgets a server, whose address or check has changed. */
  forget(server: number): void {
    this.#samples[server] = 0
    this.#near[server] = 0
    if (this.#lead === server) this.#lead = -1
  }

  /** The smoothed time of a server; undefined before it has enough samples. */
  msOf(server: number): number | undefined {
    const known = this.#samples[server]! >= this.#settings.minSamples
    return known ? this.#means[server] : undefined
  }

  /** @param open by server: 1 where it may be served */
  shares(open: ArrayLike<number>, nowMs: number): ActiveShares {
    const shares = new Uint16Array(this.#means.length)
    const known = [...this.#means.keys()].filter(
      (server) => open[server] === 1 && this.msOf(server) !== undefined,
    )
    if (known.length === 0) return { reason: 'no_latency_data', shares, lead: -1 }
    const quick = known.filter((server) => this.#means[server]! <= this.#settings.maxLatencyMs)
    const reason = quick.length === 0 ? 'above_threshold' : 'measured'
    // When all are too slow, the least slow one still serves.
    const fit = quick.length === 0 ? known : quick
    const lead = this.#leadOf(fit, nowMs)
    const weights = fit.map((server) => this.#weightOf(server, lead))
    const whole = weights.reduce((sum, weight) => sum + weight, 0)
    for (const [at, server] of fit.entries())
      shares[server] = Math.round((1000 * weights[at]!) / whole)
    return { reason, shares, lead }
  }

  #bandOf(ms: number): number {
    return Math.max(this.#settings.bandMs, this.#settings.bandShare * ms)
  }

  #leadOf(fit: readonly number[], nowMs: number): number {
    const means = this.#means
    const best = fit.reduce((one, other) => (means[other]! < means[one]! ? other : one))
    const lead = this.#lead
    if (lead >= 0 && lead !== best && fit.includes(lead)) {
      const gain = means[lead]! - means[best]!
      const held = nowMs - this.#sinceMs < this.#settings.holdMs
      if (gain <= this.#bandOf(means[best]!) * (held ? URGENT_BANDS : 1)) return lead
    }
    if (lead !== best) {
      this.#lead = best
      // The first lead took it from nobody, so nothing flaps when it is lost.
      if (lead >= 0) this.#sinceMs = nowMs
      this.#near.fill(0)
    }
    return best
  }

  /** 1 for what is as fast as the lead or faster, less by how far it is behind, 0 past the band. */
  #weightOf(server: number, lead: number): number {
    if (server === lead) return 1
    const behindMs = this.#means[server]! - this.#means[lead]!
    const leaveMs = LEAVE_BANDS * this.#bandOf(this.#means[lead]!)
    const edgeMs = this.#near[server] === 1 ? leaveMs : leaveMs / LEAVE_BANDS
    this.#near[server] = behindMs <= edgeMs ? 1 : 0
    if (this.#near[server] === 0) return 0
    return Math.min(1, Math.max(LEAST_WEIGHT, 1 - behindMs / leaveMs))
  }
}
