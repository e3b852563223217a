/**
 * Round-trip times by service and client network, as an agent keeps them.
 *
 * For each a moving average and variance, exponentially weighted, where a reading that counts for n
 * samples has the weight of n; the least and the greatest time; how many samples; and when the last
 * one came. All in typed arrays: a hundred thousand networks take under 16 MB. Past the bound
 * the network that was silent longest goes, by clock hand. Nothing finer than a network is kept.
 */
import { PREFIX_WORDS, prefixText, writePrefix } from './prefix-key.ts'
import { grown, Slots } from './slots.ts'

export interface SubnetRules {
  readonly ipv4Prefix: number
  readonly ipv6Prefix: number
  /** Weight of one sample, above 0 and up to 1. */
  readonly alpha: number
  readonly maxSubnets: number
}

/** What is known of one network, in milliseconds. */
export interface SubnetRow {
  readonly subnet: string
  readonly rttMs: number
  /** Standard deviation. */
  readonly deviationMs: number
  readonly minMs: number
  readonly maxMs: number
  readonly samples: number
  readonly lastSeenMs: number
}

const PREFIX_AT = 1
/** The order of `#figures`, all in milliseconds; the second is a square. */
const MEAN = 0
const VARIANCE = 1
const MIN = 2
const MAX = 3
const FIGURES = 4

export class Subnets {
  readonly slots: Slots
  pruned = 0
  #rules: SubnetRules
  #figures = new Float32Array(0)
  #samples = new Uint32Array(0)
  #lastMs = new Float64Array(0)
  /** 1 while it has samples that were not reported. */
  #news = new Uint8Array(0)

  constructor(rules: SubnetRules, seed: number) {
    this.#rules = rules
    this.slots = new Slots(PREFIX_WORDS + 1, rules.maxSubnets, seed)
  }

  get size(): number {
    return this.slots.count
  }

  get evicted(): number {
    return this.slots.evicted
  }

  /** Octets of all arrays. */
  get bytes(): number {
    const columns = [this.#figures, this.#samples, this.#lastMs, this.#news]
    return columns.reduce((sum, { byteLength }) => sum + byteLength, this.slots.bytes)
  }

  /** Another weight; another size or grouping needs another table. */
  setAlpha(alpha: number): void {
    this.#rules = { ...this.#rules, alpha }
  }

  /** Takes a sample of the client whose address is at `at` of `bytes`. */
  add(
    service: number,
    family: 4 | 6,
    bytes: Uint8Array,
    at: number,
    rttMs: number,
    samples: number,
    nowMs: number,
  ): void {
    const { alpha, ipv4Prefix, ipv6Prefix } = this.#rules
    const { key } = this.slots
    key[0] = service
    writePrefix(key, PREFIX_AT, bytes, at, family, family === 4 ? ipv4Prefix : ipv6Prefix)
    const entry = this.slots.put()
    if (this.#news.length < this.slots.capacity) this.#grow(this.slots.capacity)
    const figures = this.#figures
    const from = entry * FIGURES
    if (this.slots.isFresh) {
      figures.fill(rttMs, from, from + FIGURES)
      figures[from + VARIANCE] = 0
      this.#samples[entry] = 0
    } else {
      // n steps of weight alpha towards one value are one step of this weight.
      const weight = samples === 1 ? alpha : 1 - (1 - alpha) ** samples
      const off = rttMs - figures[from + MEAN]!
      const step = weight * off
      figures[from + MEAN]! += step
      figures[from + VARIANCE] = (1 - weight) * (figures[from + VARIANCE]! + off * step)
      figures[from + MIN] = Math.min(figures[from + MIN]!, rttMs)
      figures[from + MAX] = Math.max(figures[from + MAX]!, rttMs)
    }
    this.#samples[entry] = Math.min(0xffff_ffff, this.#samples[entry]! + samples)
    this.#lastMs[entry] = nowMs
    this.#news[entry] = 1
  }

  serviceOf(entry: number): number {
    return this.slots.word(entry, 0)
  }

  isReady(entry: number, minSamples: number): boolean {
    return this.slots.isUsed(entry) && this.#samples[entry]! >= minSamples
  }

  hasNews(entry: number): boolean {
    return this.#news[entry] === 1
  }

  /** Its news are told. */
  told(entry: number): void {
    this.#news[entry] = 0
  }

  row(entry: number): SubnetRow {
    const from = entry * FIGURES
    const figure = (at: number) => this.#figures[from + at]!
    return {
      subnet: prefixText(this.slots, entry, PREFIX_AT),
      rttMs: figure(MEAN),
      deviationMs: Math.sqrt(figure(VARIANCE)),
      minMs: figure(MIN),
      maxMs: figure(MAX),
      samples: this.#samples[entry]!,
      lastSeenMs: this.#lastMs[entry]!,
    }
  }

  /** Forgets networks without a sample for so long. */
  prune(nowMs: number, ttlMs: number): void {
    this.#forget((entry) => nowMs - this.#lastMs[entry]! > ttlMs)
  }

  /** Forgets networks of services that are gone. */
  retain(services: ReadonlySet<number>): void {
    this.#forget((entry) => !services.has(this.serviceOf(entry)))
  }

  #forget(goes: (entry: number) => boolean): void {
    for (let entry = 0; entry < this.slots.high; entry++) {
      if (!this.slots.isUsed(entry) || !goes(entry)) continue
      this.slots.remove(entry)
      this.pruned++
    }
  }

  #grow(capacity: number): void {
    this.#figures = grown(this.#figures, new Float32Array(capacity * FIGURES))
    this.#samples = grown(this.#samples, new Uint32Array(capacity))
    this.#lastMs = grown(this.#lastMs, new Float64Array(capacity))
    this.#news = grown(this.#news, new Uint8Array(capacity))
  }
}
