/**
 * What was found of clients a moment ago, so that one who asks again costs a comparison.
 *
 * Resolvers ask again and again, and what is found of a client holds until the tables or a word of
 * the pool change. An entry is one client, one pool and one family. A hash names a line of 64
 * octets, which is what memory is fetched by: it holds two clients of IPv4 or one of IPv6, and of
 * more the later take the place of the earlier. It decides nothing: with or without it the answers
 * are the same.
 */
import type { Question } from './decide.ts'
import type { Pools } from './pools.ts'

// Words of an entry. Octets 0 to 3 of the address come first.
const TAG = 1
const STAMP = 2
const PLACE = 3
const ROUTE = 4
/** What the shifts below take apart; 0 while nothing is noted. */
const NOTES = 5
const START = 6
/** Where its decisions are counted, plus one; for who counts. */
const TALLY = 7
const HALF_WORDS = 8
// Of IPv6 the second half holds the rest of the address, and the tag again: another that took it
// for itself, or the first, is found out by it.
const OCTETS_4 = HALF_WORDS
const TAG_AGAIN = HALF_WORDS + TAG
const OCTETS_8 = HALF_WORDS + 2
const OCTETS_12 = HALF_WORDS + 3
const LINE_WORDS = 16
const LINE_SHIFT = 4

// Notes: bits of the decision's scope plus one, 0 before anybody asked; basis; method plus one; how
// many candidates the group has that answers alone, 0 where more is to be decided.
const SCOPE_BITS = 8
const BASIS_SHIFT = SCOPE_BITS
const BASIS_BITS = 3
const METHOD_SHIFT = BASIS_SHIFT + BASIS_BITS
const METHOD_BITS = 2
const SIZE_SHIFT = METHOD_SHIFT + METHOD_BITS
const SCOPE_MASK = 0xff
const BASIS_MASK = 0x7
const METHOD_MASK = 0x3
/** Larger groups are not noted; a note stays a small positive integer. */
const SIZE_MAX = 0x1ffff

export class ClientCache {
  readonly #shift: number
  readonly words: Int32Array
  /** Where the entry of the client last looked up begins. */
  at = 0
  #replaced = 0

  /** @param bits of the number of lines */
  constructor(bits: number) {
    this.#shift = 32 - bits
    this.words = new Int32Array(LINE_WORDS << bits)
  }

  /** Finds or takes the entry of a client; false when nothing is known of it yet. */
  find(pool: number, family: number, client: Uint8Array, stamp: number): boolean {
    const { words } = this
    const k0 = wordAt(client, 0)
    // Not 0, which is an entry that nobody took.
    const tag = pool * 4 + family - 3
    if (client.length === 16) return this.#find6(k0, tag + 1, client, stamp)
    const at = this.#lineOf(k0 ^ Math.imul(tag, 0x85ebca6b))
    if (words[at] === k0 && words[at + TAG] === tag && words[at + STAMP] === stamp) {
      this.at = at
      return true
    }
    const next = at + HALF_WORDS
    if (words[next] === k0 && words[next + TAG] === tag && words[next + STAMP] === stamp) {
      this.at = next
      return true
    }
    this.#take4(at, k0, tag, stamp)
    return false
  }

  #find6(k0: number, tag: number, client: Uint8Array, stamp: number): boolean {
    const { words } = this
    const [k1, k2, k3] = [wordAt(client, 4), wordAt(client, 8), wordAt(client, 12)]
    const mixed = Math.imul(k1, 0xc2b2ae35) ^ Math.imul(k2, 0x27d4eb2f) ^ k3
    const at = this.#lineOf(k0 ^ mixed ^ Math.imul(tag, 0x85ebca6b))
    this.at = at
    const isKnown =
      words[at] === k0 &&
      words[at + TAG] === tag &&
      words[at + STAMP] === stamp &&
      words[at + OCTETS_4] === k1 &&
      words[at + TAG_AGAIN] === tag &&
      words[at + OCTETS_8] === k2 &&
      words[at + OCTETS_12] === k3
    if (isKnown) return true
    words[at + OCTETS_4] = k1
    words[at + TAG_AGAIN] = tag
    words[at + OCTETS_8] = k2
    words[at + OCTETS_12] = k3
    this.#begin(at, k0, tag, stamp)
    return false
  }

  /** Whether the entry last looked up is this client's; of IPv6 the caller looks again. */
  isAt(pool: number, family: number, client: Uint8Array, stamp: number): boolean {
    const { words, at } = this
    return (
      client.length === 4 &&
      words[at] === wordAt(client, 0) &&
      words[at + TAG] === pool * 4 + family - 3 &&
      words[at + STAMP] === stamp
    )
  }

  /** Where the line of a hash begins. */
  #lineOf(key: number): number {
    const mixed = Math.imul(key ^ (key >>> 15), 0x2c1b3c6d)
    return (Math.imul(mixed ^ (mixed >>> 12), 0x9e3779b1) >>> this.#shift) << LINE_SHIFT
  }

  /** The client's own half where the stamp alone is old, else a free one, else each in turn. */
  #take4(line: number, k0: number, tag: number, stamp: number): void {
    const { words } = this
    const next = line + HALF_WORDS
    const isOwn = words[line] === k0 && words[line + TAG] === tag
    const isNextOwn = words[next] === k0 && words[next + TAG] === tag
    const isFirst = isOwn || (!isNextOwn && words[line + TAG] === 0)
    const isNext = isNextOwn || words[next + TAG] === 0
    this.at = isFirst || (!isNext && (this.#replaced++ & 1) === 0) ? line : next
    this.#begin(this.at, k0, tag, stamp)
  }

  #begin(at: number, k0: number, tag: number, stamp: number): void {
    const { words } = this
    words[at] = k0
    words[at + TAG] = tag
    words[at + STAMP] = stamp
    words[at + NOTES] = 0
    words[at + TALLY] = 0
  }

  /** Of the decision for this client; -1 before anybody asked. */
  get scope(): number {
    return (this.words[this.at + NOTES]! & SCOPE_MASK) - 1
  }

  set scope(bits: number) {
    const at = this.at + NOTES
    this.words[at] = (this.words[at]! & ~SCOPE_MASK) | (bits + 1)
  }

  /** The address of the client whose entry is at `at`; 4 or 16 octets. */
  clientAt(at: number): Uint8Array {
    const { words } = this
    const isShort = ((words[at + TAG]! - 1) & 1) === 0
    const bytes = new Uint8Array(isShort ? 4 : 16)
    const starts = [at, at + OCTETS_4, at + OCTETS_8, at + OCTETS_12]
    for (let byte = 0; byte < bytes.length; byte++)
      bytes[byte] = words[starts[byte >> 2]!]! >>> (24 - 8 * (byte & 3))
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

/** The same for a question that was located just now, unless another came between. */
export function locateAgain(pools: Pools, pool: number, question: Question): void {
  const { family, client } = question
  if (!pools.cache.isAt(pool, family, client, pools.stamps[pool]!)) locate(pools, pool, question)
}

/** Notes that for this client one group answers alone: its candidates by weight. */
export function noteGroup(pools: Pools, question: Question, start: number, size: number): void {
  if (size > SIZE_MAX) return
  const { words, at } = pools.cache
  words[at + NOTES] =
    (words[at + NOTES]! & SCOPE_MASK) |
    (question.basis! << BASIS_SHIFT) |
    ((question.method! + 1) << METHOD_SHIFT) |
    (size << SIZE_SHIFT)
  words[at + START] = start
}

/** How many candidates the group that was noted has; 0 where none was. */
export const notedSize = ({ words, at }: ClientCache): number => words[at + NOTES]! >> SIZE_SHIFT

/** Where they begin; what else was noted is written to the question. */
export function notedStart({ words, at }: ClientCache, question: Question): number {
  const notes = words[at + NOTES]!
  question.basis = (notes >> BASIS_SHIFT) & BASIS_MASK
  question.method = ((notes >> METHOD_SHIFT) & METHOD_MASK) - 1
  return words[at + START]!
}

/** Of a policy made of others: the leaf that answers this client as of now; -1 for not known. */
export const notedLeaf = ({ words, at }: ClientCache): number => words[at + ROUTE]!

export function noteLeaf({ words, at }: ClientCache, leaf: number): void {
  words[at + ROUTE] = leaf
}

/** Where decisions for the client are counted that the noted group answers; -1 for not known. */
export const notedTally = ({ words, at }: ClientCache): number =>
  words[at + NOTES]! >> SIZE_SHIFT > 0 ? words[at + TALLY]! - 1 : -1

/** @param tally -1 for nowhere */
export function noteTally({ words, at }: ClientCache, tally: number): void {
  words[at + TALLY] = tally + 1
}

/** Whether `noteTally` was told of the entry since something may have changed for its client. */
export const isTallied = ({ words, at }: ClientCache): boolean => words[at + TALLY] !== 0

/** The pool of the client last looked up. */
export const poolFound = ({ words, at }: ClientCache): number => (words[at + TAG]! - 1) >> 2

/** Its row of learned latency, or -1. */
export const routeFound = ({ words, at }: ClientCache): number => words[at + ROUTE]!
