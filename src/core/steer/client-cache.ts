/**
 * What was found of clients a moment ago, so that one who asks again costs a comparison.
 *
 * Resolvers ask again and again, and what is found of a client holds until the tables or a word of
 * the pool change. An entry is one client, one pool and one family, and lies in one cache line; two
 * entries share a hash, and of more the later take the place of the earlier. It decides nothing:
 * with or without it the answers are the same.
 */
import type { Question } from './decide.ts'
import type { Pools } from './pools.ts'

// Words of an entry: octets 0 to 15 of the address, then the rest.
const TAG = 4
const STAMP = 5
const PLACE = 6
const ROUTE = 7
/** Bits of the decision's scope plus one; 0 before anybody asked. */
const SCOPE = 8
/** Candidates of the group that answers alone, by their weights; 0 where more is to be decided. */
const SIZE = 9
const START = 10
const BASIS = 11
const METHOD = 12
/** Where its decisions are counted, plus one; for who counts. */
const TALLY = 13
const ENTRY_WORDS = 16

export class ClientCache {
  readonly #shift: number
  readonly words: Int32Array
  /** Where the entry of the client last looked up begins. */
  at = 0
  #replaced = 0

  /** @param bits of the number of pairs of entries */
  constructor(bits: number) {
    this.#shift = 32 - bits
    this.words = new Int32Array((2 * ENTRY_WORDS) << bits)
  }

  /** Finds or takes the entry of a client; false when nothing is known of it yet. */
  find(pool: number, family: number, client: Uint8Array, stamp: number): boolean {
    const { words } = this
    const k0 = wordAt(client, 0)
    const tag = pool * 4 + family - 3
    if (client.length === 16) return this.#find6(k0, tag + 1, client, stamp)
    const at = this.#pairOf(k0 ^ Math.imul(tag, 0x85ebca6b))
    if (words[at] === k0 && words[at + TAG] === tag && words[at + STAMP] === stamp) {
      this.at = at
      return true
    }
    const next = at + ENTRY_WORDS
    if (words[next] === k0 && words[next + TAG] === tag && words[next + STAMP] === stamp) {
      this.at = next
      return true
    }
    this.#take(at, tag, stamp)
    words[this.at] = k0
    return false
  }

  #find6(k0: number, tag: number, client: Uint8Array, stamp: number): boolean {
    const { words } = this
    const [k1, k2, k3] = [wordAt(client, 4), wordAt(client, 8), wordAt(client, 12)]
    const mixed = Math.imul(k1, 0xc2b2ae35) ^ Math.imul(k2, 0x27d4eb2f) ^ k3
    const pair = this.#pairOf(k0 ^ mixed ^ Math.imul(tag, 0x85ebca6b))
    for (let at = pair; at <= pair + ENTRY_WORDS; at += ENTRY_WORDS) {
      const isKey =
        words[at] === k0 &&
        words[at + 1] === k1 &&
        words[at + 2] === k2 &&
        words[at + 3] === k3 &&
        words[at + TAG] === tag
      if (!isKey || words[at + STAMP] !== stamp) continue
      this.at = at
      return true
    }
    this.#take(pair, tag, stamp)
    words[this.at] = k0
    words[this.at + 1] = k1
    words[this.at + 2] = k2
    words[this.at + 3] = k3
    return false
  }

  /** Where the two entries of a hash begin. */
  #pairOf(key: number): number {
    const mixed = Math.imul(key ^ (key >>> 15), 0x2c1b3c6d)
    return (Math.imul(mixed ^ (mixed >>> 12), 0x9e3779b1) >>> this.#shift) * (2 * ENTRY_WORDS)
  }

  #take(pair: number, tag: number, stamp: number): void {
    const { words } = this
    const isFree = words[pair + TAG] === 0 || words[pair + TAG] === tag
    const at = isFree || (this.#replaced++ & 1) === 0 ? pair : pair + ENTRY_WORDS
    this.at = words[pair + ENTRY_WORDS + TAG] === 0 && !isFree ? pair + ENTRY_WORDS : at
    words[this.at + TAG] = tag
    words[this.at + STAMP] = stamp
    words[this.at + SCOPE] = 0
    words[this.at + SIZE] = 0
    words[this.at + TALLY] = 0
  }

  get scope(): number {
    return this.words[this.at + SCOPE]! - 1
  }

  set scope(bits: number) {
    this.words[this.at + SCOPE] = bits + 1
  }

  /** The address of the client whose entry is at `at`; 4 or 16 octets. */
  clientAt(at: number): Uint8Array {
    const bytes = new Uint8Array(((this.words[at + TAG]! - 1) & 1) === 0 ? 4 : 16)
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
  if (cache.find(pool, question.family, client, pools.stamps[pool]!)) {
    question.place = words[cache.at + PLACE]!
    question.route = words[cache.at + ROUTE]!
    return
  }
  const family = client.length === 16 ? 6 : 4
  // A policy by the client's network needs to know no more of it.
  question.place = pools.geo === undefined ? -1 : pools.geo.map.classOf(family, client)
  question.route = pools.routes[pool]?.map.classOf(family, client) ?? -1
  words[cache.at + PLACE] = question.place
  words[cache.at + ROUTE] = question.route
}

/** Notes that for this client one group answers alone: its candidates by weight. */
export function noteGroup(pools: Pools, question: Question, start: number, size: number): void {
  const { words, at } = pools.cache
  words[at + SIZE] = size
  words[at + START] = start
  words[at + BASIS] = question.basis!
  words[at + METHOD] = question.method!
}

/** Notes that for this client one candidate answers, which lies among the places from `from` on. */
export function noteOne(pools: Pools, question: Question, from: number, candidate: number): void {
  let place = from
  while (pools.places[place] !== candidate) place++
  noteGroup(pools, question, place, 1)
}

/** How many candidates the group that was noted has; 0 where none was. */
export const notedSize = ({ words, at }: ClientCache): number => words[at + SIZE]!

/** Where they begin; what else was noted is written to the question. */
export function notedStart({ words, at }: ClientCache, question: Question): number {
  question.basis = words[at + BASIS]!
  question.method = words[at + METHOD]!
  return words[at + START]!
}

/** Of a policy made of others: the leaf that answers this client as of now; -1 for not known. */
export const notedLeaf = ({ words, at }: ClientCache): number => words[at + ROUTE]!

export function noteLeaf({ words, at }: ClientCache, leaf: number): void {
  words[at + ROUTE] = leaf
}

/** Where decisions for the client are counted that the noted group answers; -1 for not known. */
export const notedTally = ({ words, at }: ClientCache): number =>
  words[at + SIZE]! > 0 ? words[at + TALLY]! - 1 : -1

/** @param tally -1 for nowhere */
export function noteTally({ words, at }: ClientCache, tally: number): void {
  words[at + TALLY] = tally + 1
}
