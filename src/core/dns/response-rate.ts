/**
 * Response rate limiting: a server that answers forged addresses must not flood who owns them.
 *
 * Replies are counted for each client network and kind of answer. What exceeds the rate is dropped,
 * but for every second one (`slip`), which is sent truncated and small, so that a client that did
 * ask can ask again over TCP. Counting is approximate and its memory fixed: networks and answers
 * are hashed under a seed of the process, and those that fall together share one count.
 *
 * A count is one number, the time until which its replies are paid for: each reply adds what one
 * costs at the permitted rate, and one second may be run up before replies are held back. Those
 * held back are charged too, up to the window, so a flood stays held back until it ends.
 */
import { limits } from '../base/limits.ts'
import { wordAt } from '../base/octets.ts'
import { covers, parsePrefix, type Prefix } from '../net/address.ts'
import { ANSWER, type Exchange, NO_EDE } from './exchange.ts'
import { rcodes, types } from './types.ts'

export interface RateSettings {
  readonly responsesPerSecond: number
  /** Each so many-th reply held back is sent truncated; 0 sends none. */
  readonly slip: number
  readonly windowSeconds: number
  readonly ipv4PrefixBits: number
  readonly ipv6PrefixBits: number
  /** Networks in CIDR notation whose clients are never held back; loopback always is one. */
  readonly exemptNetworks: readonly string[]
}

/** What becomes of a reply. */
export const SEND = 0
export const SLIP = 1
export const HOLD = 2
/** No reply, as there is no leader to ask instead (core/cluster/silence.ts). */
export const HUSH = 3

/** Makes of the reply a small one that calls for TCP. */
export function slip(x: Exchange): void {
  x.truncated = true
  x.authoritative = false
  x.rcode = rcodes.NOERROR
  x.ede = NO_EDE
}

const LOOPBACK = ['127.0.0.0/8', '::1/128']

/** What may be run up before replies are held back: one second of them. */
const BURST_MS = 1_000
/** Sums of parts of a millisecond are not exact. */
const ROUNDING_MS = 1e-6

// Kinds of answers that are counted by zone, beside those counted by name and type.
const KIND_NODATA = -1
const KIND_NXDOMAIN = -2
const KIND_ERROR = -3
const KIND_REFERRAL = -4

const TIME_BYTES = 8

/** Octets of memory for so many counts. */
export const rateMemoryBytes = (buckets: number): number => buckets * (TIME_BYTES + 1)

function mix(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x85ebca6b)
  return product ^ (product >>> 13)
}

export class ResponseRate {
  readonly #paidUntilMs: Float64Array
  /** Replies held back, modulo `slip`. */
  readonly #held: Uint8Array
  readonly #seed: number
  readonly #costMs: number
  readonly #debtMsMax: number
  readonly #slip: number
  readonly #shift4: number
  readonly #mask6: Int32Array
  /** Pairs of mask and address. */
  readonly #exempt4: Int32Array
  readonly #exempt6: readonly Prefix[]
  /** One number, since passing one that is no small integer would allocate. */
  readonly #nowMs = new Float64Array(1)

  /**
   * `memory` holds the counts: rateMemoryBytes of a power of two. Threads that share it share the
   * counts; a count lost between two of them does no harm.
   */
  constructor(settings: RateSettings, memory: ArrayBufferLike, seed: number) {
    const buckets = Math.floor(memory.byteLength / (TIME_BYTES + 1))
    this.#paidUntilMs = new Float64Array(memory, 0, buckets)
    this.#held = new Uint8Array(memory, buckets * TIME_BYTES, buckets)
    this.#seed = seed | 0
    this.#costMs = BURST_MS / Math.max(1, settings.responsesPerSecond)
    this.#debtMsMax = Math.max(BURST_MS, settings.windowSeconds * 1_000)
    this.#slip = settings.slip
    this.#shift4 = 32 - settings.ipv4PrefixBits
    this.#mask6 = maskOf(settings.ipv6PrefixBits)
    const exempt = [...LOOPBACK, ...settings.exemptNetworks]
      .slice(0, limits.rateExemptNetworks.default)
      .map((text) => parsePrefix(text))
      .flatMap((prefix) => (prefix.ok ? [prefix.value] : []))
    this.#exempt4 = Int32Array.from(
      exempt.filter(({ address }) => address.family === 4).flatMap(maskAndAddress),
    )
    this.#exempt6 = exempt.filter(({ address }) => address.family === 6)
  }

  /** Tells the time, Unix milliseconds. */
  tick(nowMs: number): void {
    this.#nowMs[0] = nowMs
  }

  /** Counts the finished reply of an exchange and says what becomes of it. */
  judge(x: Exchange): number {
    const { client } = x
    const word = wordAt(client, 0)
    if (client.length === 4 ? this.#isExempt4(word) : this.#isExempt6(client)) return SEND
    const network =
      client.length === 4 ? mix(this.#seed, word >>> this.#shift4) : this.#hash6(client)
    const bucket = this.#bucketOf(x, network) & (this.#paidUntilMs.length - 1)
    const nowMs = this.#nowMs[0]!
    let debtMs = this.#paidUntilMs[bucket]! - nowMs
    // More than can be run up is what a clock that was set back leaves.
    if (debtMs < 0 || debtMs > this.#debtMsMax + BURST_MS) debtMs = 0
    debtMs += this.#costMs
    const sent = debtMs <= BURST_MS + ROUNDING_MS
    this.#paidUntilMs[bucket] = nowMs + Math.min(debtMs, this.#debtMsMax)
    if (sent) return SEND
    if (this.#slip === 0) return HOLD
    const held = this.#held[bucket]! + 1
    this.#held[bucket] = held >= this.#slip ? 0 : held
    return held >= this.#slip ? SLIP : HOLD
  }

  #isExempt4(word: number): boolean {
    const exempt = this.#exempt4
    for (let at = 0; at < exempt.length; at += 2)
      if ((word & exempt[at]!) === exempt[at + 1]) return true
    return false
  }

  #isExempt6(client: Uint8Array): boolean {
    for (let at = 0; at < this.#exempt6.length; at++)
      if (covers(this.#exempt6[at]!, client)) return true
    return false
  }

  #bucketOf(x: Exchange, network: number): number {
    let hash = network
    if (x.rcode === rcodes.NOERROR && x.counts[ANSWER]! > 0) {
      // The name that gave the answer, not the one asked for: a wildcard has one count.
      // An alias is the same answer to a question of any type.
      hash = mix(mix(hash, x.source), x.aliases > 0 ? types.CNAME : x.qtype)
    } else hash = mix(mix(hash, x.zone), kindOf(x))
    hash ^= hash >>> 16
    hash = Math.imul(hash, 0xc2b2ae35)
    return hash ^ (hash >>> 16)
  }

  #hash6(client: Uint8Array): number {
    const mask = this.#mask6
    let hash = mix(this.#seed, 6)
    for (let word = 0; word < 4 && mask[word] !== 0; word++)
      hash = mix(hash, wordAt(client, word * 4) & mask[word]!)
    return hash
  }
}

/** The mask of an IPv4 prefix and its address. */
function maskAndAddress({ address, length }: Prefix): [number, number] {
  return [length === 0 ? 0 : -1 << (32 - length), wordAt(address.bytes, 0)]
}

/** The first `bits` of 128 as four words. */
const maskOf = (bits: number): Int32Array =>
  Int32Array.from([0, 32, 64, 96], (from) => {
    const own = Math.min(32, Math.max(0, bits - from))
    return own === 0 ? 0 : -1 << (32 - own)
  })

function kindOf(x: Exchange): number {
  if (x.rcode === rcodes.NXDOMAIN) return KIND_NXDOMAIN
  if (x.rcode !== rcodes.NOERROR) return KIND_ERROR
  return x.authoritative ? KIND_NODATA : KIND_REFERRAL
}
