/**
 * What was looked up of clients a moment ago, so that one who asks again costs a comparison.
 *
 * Resolvers ask again and again, and what is found of a client holds until the tables or a word of
 * the pool change. An entry is one client and one pool; a later client takes the place of an
 * earlier one with the same hash. It decides nothing: with or without it the answers are the same.
 */
import type { Question } from './decide.ts'
import type { Pools } from './pools.ts'

/** Octets 0 to 15 of the address, then the rest. */
const TAG = 4
const STAMP = 5
const PLACE = 6
const ROUTE = 7
/** Bits of the decision's scope plus one; 0 before anybody asked. */
const SCOPE = 8
const ENTRY_WORDS = 10

export class ClientCache {
  readonly #shift: number
  readonly words: Int32Array
  /** Where the entry of the client last looked up begins. */
  at = 0

  /** @param bits of the number of entries */
  constructor(bits: number) {
    this.#shift = 32 - bits
    this.words = new Int32Array(ENTRY_WORDS << bits)
  }

  /** Finds or takes the entry of a client; false when nothing is known of it yet. */
  find(pool: number, client: Uint8Array, stamp: number): boolean {
    const { words } = this
    const is6 = client.length === 16
    const k0 = wordAt(client, 0)
    const k1 = is6 ? wordAt(client, 4) : 0
    const k2 = is6 ? wordAt(client, 8) : 0
    const k3 = is6 ? wordAt(client, 12) : 0
    const tag = pool * 2 + (is6 ? 2 : 1)
    let hash = k0 ^ Math.imul(tag, 0x85ebca6b)
    if (is6) hash ^= Math.imul(k1, 0xc2b2ae35) ^ Math.imul(k2, 0x27d4eb2f) ^ k3
    const at = (Math.imul(hash, 0x9e3779b1) >>> this.#shift) * ENTRY_WORDS
    this.at = at
    if (
      words[at] === k0 &&
      words[at + TAG] === tag &&
      words[at + STAMP] === stamp &&
      (!is6 || (words[at + 1] === k1 && words[at + 2] === k2 && words[at + 3] === k3))
    )
      return true
    words[at] = k0
    words[at + 1] = k1
    words[at + 2] = k2
    words[at + 3] = k3
    words[at + TAG] = tag
    words[at + STAMP] = stamp
    words[at + SCOPE] = 0
    return false
  }

  get scope(): number {
    return this.words[this.at + SCOPE]! - 1
  }

  set scope(bits: number) {
    this.words[this.at + SCOPE] = bits + 1
  }

  /** The address of the client whose entry is at `at`; 4 or 16 octets. */
  clientAt(at: number): Uint8Array {
    const bytes = new Uint8Array((this.words[at + TAG]! & 1) === 1 ? 4 : 16)
    for (let byte = 0; byte < bytes.length; byte++)
      bytes[byte] = this.words[at + (byte >> 2)]! >>> (24 - 8 * (byte & 3))
    return bytes
  }
}

const wordAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!

/** Writes to the question the client's class, and the row of learned latency it lies in or -1. */
export function locate(pools: Pools, pool: number, question: Question): void {
  const { cache } = pools
  const { client } = question
  const { words } = cache
  if (cache.find(pool, client, pools.stamps[pool]!)) {
    question.place = words[cache.at + PLACE]!
    question.route = words[cache.at + ROUTE]!
    return
  }
  const family = client.length === 16 ? 6 : 4
  question.place = pools.geo!.map.classOf(family, client)
  question.route = pools.routes[pool]?.map.classOf(family, client) ?? -1
  words[cache.at + PLACE] = question.place
  words[cache.at + ROUTE] = question.route
}
