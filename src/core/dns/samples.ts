/**
 * Samples of a thread's answers, taken beside the path: one query in N, copied to a ring.
 *
 * N follows the rate of queries, so that about `perSecond` samples are taken, and a budget for each
 * interval bounds them when the rate jumps. Nothing here is random: which query is sampled depends
 * on their number alone. A query that is not sampled costs what it cost without: the caller counts
 * down to the next one that is.
 */
import { crcOver } from '../base/crc32.ts'
import { replayLimits } from '../base/limits/replay.ts'
import { viewOf } from '../base/octets.ts'
import * as layout from '../replay/sample.ts'
import type { Pools } from '../steer/pools.ts'
import type { Authority } from './authority.ts'
import type { Exchange } from './exchange.ts'
import { outcomeOf } from './outcomes.ts'
import { PoolCrcs } from './pool-crcs.ts'
import { HOLD } from './response-rate.ts'

/** More queries than come before the caller asks again. */
const NEVER = 0x3fff_ffff
const WORDS_MAX = replayLimits.sampleWords.default

/** What left the ring. */
export interface Sampled {
  /** Samples one after another: core/replay/sample.ts. */
  readonly bytes: Uint8Array
  readonly count: number
  /** Queries answered since the last time, sampled or not. */
  readonly queries: number
}

export class SampleRing {
  readonly #bytes = new Uint8Array(replayLimits.sampleRingBytes.default)
  readonly #view = viewOf(this.#bytes)
  readonly #crcs = new PoolCrcs()
  readonly #query = new Uint8Array(replayLimits.sampleQueryBytes.default)
  #queryBytes = 0
  #perSecond: number
  #at = 0
  #count = 0
  /** What may still be sampled in this interval. */
  #left: number
  /** One query in so many. */
  #gap = 1
  #due: number
  #queries = 0
  /** Queries since the last sample. */
  #since = 0

  constructor(perSecond: number) {
    this.#perSecond = perSecond
    this.#left = this.#budget(replayLimits.sampleFlushMs.default)
    this.#due = this.#left > 0 ? 1 : NEVER
  }

  /** Queries until one is to be sampled. */
  get due(): number {
    return this.#due
  }

  setRate(perSecond: number): void {
    this.#perSecond = perSecond
    this.#left = Math.min(this.#left, this.#budget(replayLimits.sampleFlushMs.default))
    if (perSecond === 0) this.#due = NEVER
    else if (this.#due === NEVER) this.#due = 1
  }

  /** So many queries came, the present one among them; true when that is to be sampled. */
  passed(queries: number): boolean {
    this.#queries += queries
    this.#since += queries
    this.#due -= queries
    if (this.#due > 0) return false
    this.#due = this.#left > 0 ? this.#gap : NEVER
    return this.#left > 0
  }

  /** Keeps the query, which the answer may overwrite; false when it is too long. */
  keep(query: Uint8Array, start: number, length: number): boolean {
    if (length > this.#query.length) return false
    for (let at = 0; at < length; at++) this.#query[at] = query[start + at]!
    this.#queryBytes = length
    return true
  }

  /** Takes the sample of what was just answered; the query was kept before. */
  take(authority: Authority, written: number, atMs: number, tookMs: number): void {
    const x = authority.last
    const { serving } = authority
    // What was no query got no answer that could be made again.
    if (written === 0 && x.fate !== HOLD) return
    const pools = serving?.pools
    const members = x.pool >= 0 && pools !== undefined ? pools.membersOf(x.pool) : 0
    const hashed = members > WORDS_MAX
    const cookieBytes = x.cookieState > 0 ? layout.COOKIE_BYTES : 0
    const size =
      layout.SAMPLE_FIXED +
      x.client.length +
      cookieBytes +
      (hashed ? 0 : members * 4) +
      this.#queryBytes
    if (this.#at + size > this.#bytes.length) {
      this.#left = 0
      this.#due = NEVER
      return
    }
    const at = this.#at
    const view = this.#view
    view.setFloat64(at + layout.AT_MS, atMs)
    view.setFloat64(at + layout.EPOCH, serving?.epoch ?? 0)
    view.setFloat64(at + layout.VERSION, serving?.version ?? 0)
    // Where learned latency did not decide, what was learned does not matter.
    const routes = x.method < 0 ? 0 : (serving?.routesVersion ?? 0)
    view.setFloat64(at + layout.ROUTES, routes)
    view.setFloat64(at + layout.SIGNED, authority.signedBy)
    view.setInt32(at + layout.TURN, authority.turn)
    view.setUint32(at + layout.STANDS_FOR, this.#since)
    view.setUint32(at + layout.TOOK_NS, Math.round(Math.min(4_000, Math.max(0, tookMs)) * 1e6))
    view.setInt32(at + layout.POOL, x.pool)
    view.setUint16(at + layout.QUERY_BYTES, this.#queryBytes)
    view.setUint16(at + layout.WORDS, hashed ? 0 : members)
    this.#flags(at, x, hashed)
    this.#answer(at, x, written)
    let to = at + layout.SAMPLE_FIXED
    this.#bytes.set(x.client, to)
    to += x.client.length
    for (let byte = 0; byte < cookieBytes; byte++) this.#bytes[to++] = x.cookie.getUint8(byte)
    if (members > 0) to = this.#words(at, to, pools!, x.pool, members)
    else view.setUint32(at + layout.WORDS_CRC, 0)
    this.#bytes.set(this.#query.subarray(0, this.#queryBytes), to)
    this.#at = to + this.#queryBytes
    this.#count++
    this.#left--
    this.#since = 0
  }

  #flags(at: number, x: Exchange, hashed: boolean): void {
    const view = this.#view
    let flags = x.tcp ? layout.FLAG_TCP : 0
    if (x.client.length === 16) flags |= layout.FLAG_IPV6
    if (x.chosen > 0) flags |= layout.FLAG_STEERED
    if (hashed) flags |= layout.FLAG_HASHED
    view.setUint8(at + layout.FLAGS, flags)
    view.setUint8(at + layout.FATE, x.fate)
    view.setUint8(at + layout.COOKIE_STATE, x.cookieState)
    view.setUint8(at + layout.OUTCOME, outcomeOf(x))
  }

  #answer(at: number, x: Exchange, written: number): void {
    this.#view.setUint16(at + layout.ANSWER_BYTES, written)
    this.#view.setInt32(at + layout.ANSWER_CRC, ~crcOver(x.out, x.base, x.base + written, -1))
  }

  /** Writes the words at `to`, or only their checksum where they are too many. */
  #words(at: number, to: number, pools: Pools, pool: number, count: number): number {
    const view = this.#view
    if (count > WORDS_MAX) {
      view.setUint32(at + layout.WORDS_CRC, this.#crcs.of(pools, pool))
      return to
    }
    const { words } = pools
    const from = pools.addressFrom(pool)
    for (let word = 0; word < count; word++) view.setUint32(to + word * 4, words[from + word]!)
    view.setInt32(at + layout.WORDS_CRC, ~crcOver(this.#bytes, to, to + count * 4, -1))
    return to + count * 4
  }

  /** Empties the ring and fits the gap to what came meanwhile; undefined when it was empty. */
  flush(intervalMs: number): Sampled | undefined {
    const queries = this.#queries
    const count = this.#count
    const budget = this.#budget(intervalMs)
    const sampled = { bytes: this.#bytes.slice(0, this.#at), count, queries }
    this.#at = 0
    this.#count = 0
    this.#queries = 0
    this.#left = budget
    this.#gap = budget > 0 ? Math.min(NEVER, Math.max(1, Math.ceil(queries / budget))) : NEVER
    this.#due = budget > 0 ? Math.min(Math.max(1, this.#due), this.#gap) : NEVER
    return count === 0 ? undefined : sampled
  }

  #budget(intervalMs: number): number {
    return this.#perSecond === 0 ? 0 : Math.max(1, Math.floor((this.#perSecond * intervalMs) / 1e3))
  }
}
