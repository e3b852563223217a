/**
 * The signatures that a thread answers with: where each lies, found without allocating.
 *
 * Everything was made elsewhere (core/dnssec/parts.ts); here it is looked up by the places and
 * numbers that answering knows anyway. What was asked for and is not signed is noted, to be told
 * beside the path.
 */
import { limits } from '../base/limits.ts'
import { viewOf } from '../base/octets.ts'
import { hashOfSet, placeOfSet } from '../dnssec/answer-sets.ts'
import {
  BY_NSEC,
  ENTRY,
  HASH_WORDS,
  POOL,
  POOL_FROM,
  POOL_MASK,
  POOL_MOST,
  POOL_NO_DATA,
  ROW_ENTRY,
  ROW_FROM,
  ROW_KEYS,
  ROW_KEYS_END,
  ROW_TO,
  ROW_WILDCARD,
  type SignedParts,
  UNSIGNED,
  ZONE,
  ZONE_FROM,
  ZONE_KIND,
  ZONE_LABELS,
  ZONE_NO_DS,
  ZONE_SOA,
  ZONE_TO,
} from '../dnssec/parts.ts'
import { labelKeyAt } from '../dnssec/label-keys.ts'
import type { WantedSet } from '../dnssec/serving-plan.ts'
import { isHashBefore, NameHash } from '../dnssec/sha1.ts'
import type { Family } from '../net/address.ts'
import type { Pools } from '../steer/pools.ts'
import type { Exchange } from './exchange.ts'

const NOTED = limits.answerSetsNoted.default
const ANSWERS_MAX = limits.answersMax.max
const PROBES = 8
/** Pool, family and count, then the addresses. */
const NOTE = 3 + ANSWERS_MAX

/** Sets of addresses that were wanted, by their hash. */
class Notes {
  readonly #hashes = new Int32Array(NOTED)
  readonly #notes = new Int32Array(NOTED * NOTE)
  #count = 0

  add(pool: number, family: Family, addresses: Int32Array, count: number): void {
    const hash = Math.imul(hashOfSet(addresses, count) ^ pool, 0x9e3779b1) | 1
    let slot = (hash >>> 8) % NOTED
    for (let probe = 0; this.#hashes[slot] !== 0; probe++) {
      // What finds no room is asked for again, once those before it are told.
      if (this.#hashes[slot] === hash || probe === PROBES) return
      slot = (slot + 1) % NOTED
    }
    this.#hashes[slot] = hash
    this.#count++
    const at = slot * NOTE
    this.#notes[at] = pool
    this.#notes[at + 1] = family
    this.#notes[at + 2] = count
    for (let one = 0; one < count; one++) this.#notes[at + 3 + one] = addresses[one]!
  }

  take(): WantedSet[] {
    if (this.#count === 0) return []
    const wanted: WantedSet[] = []
    for (let slot = 0; slot < NOTED; slot++) {
      if (this.#hashes[slot] === 0) continue
      const at = slot * NOTE
      const [pool, family, count] = this.#notes.subarray(at, at + 3) as unknown as number[]
      const addresses = [...this.#notes.subarray(at + 3, at + 3 + count!)]
      wanted.push({ pool: pool!, family: family === 6 ? 6 : 4, addresses })
    }
    this.#hashes.fill(0)
    this.#count = 0
    return wanted
  }
}

export class Signatures {
  readonly parts: SignedParts
  readonly words: Int32Array
  /** The same memory, for records. */
  readonly bytes: DataView
  readonly #sorted = new Int32Array(ANSWERS_MAX)
  readonly #hash = new NameHash()
  readonly #notes = new Notes()

  constructor(parts: SignedParts) {
    this.parts = parts
    this.words = parts.words
    const { buffer, byteOffset, byteLength } = parts.words
    this.bytes = viewOf(new Uint8Array(buffer, byteOffset, byteLength))
  }

  isSigned(zone: number): boolean {
    return this.parts.zones[zone * ZONE + ZONE_KIND] !== UNSIGNED
  }

  isNsec(zone: number): boolean {
    return this.parts.zones[zone * ZONE + ZONE_KIND] === BY_NSEC
  }

  /** The run of an rrset of the table, or 0. */
  ofSet(set: number): number {
    return this.parts.refs[set >> 2]!
  }

  /** The entry of the SOA in negative answers, or 0. */
  ofNegativeSoa(zone: number): number {
    return this.parts.zones[zone * ZONE + ZONE_SOA]!
  }

  /** The entry that denies the DS of a zone on the word of the zone above, or 0. */
  noDsOf(zone: number): number {
    return this.parts.zones[zone * ZONE + ZONE_NO_DS]!
  }

  /** The entry that denies types of a node, or 0. */
  entryOf(node: number): number {
    return this.parts.rows[this.parts.refs[node >> 2]! + ROW_ENTRY]! >> 1
  }

  /** Whether that entry is the node's own, and not the gap it lies in. */
  isOwn(node: number): boolean {
    return (this.parts.rows[this.parts.refs[node >> 2]! + ROW_ENTRY]! & 1) !== 0
  }

  /** The entry for the wildcard below a node: its own, or the gap it would lie in. */
  wildcardOf(node: number): number {
    return this.parts.rows[this.parts.refs[node >> 2]! + ROW_WILDCARD]!
  }

  /** The entry that denies a family of a pool where the name has the other one, or 0. */
  noDataOf(pool: number, family: Family): number {
    return this.parts.pools[(pool * 2 + (family === 6 ? 1 : 0)) * POOL + POOL_NO_DATA]!
  }

  /** The run of an answer of these candidates of a pool, or 0 where it is not signed. */
  ofAnswer(pools: Pools, pool: number, family: Family, chosen: Int32Array, count: number): number {
    const first = pools.addressFrom(pool)
    if (count === 1) return this.parts.addresses[first + chosen[0]!]!
    const { pools: rows, subsets } = this.parts
    const row = (pool * 2 + (family === 6 ? 1 : 0)) * POOL
    const most = rows[row + POOL_MOST]!
    this.#sort(pools, pool, chosen, count)
    if (count > most) return 0
    const from = rows[row + POOL_FROM]!
    return subsets[placeOfSet(subsets, from, rows[row + POOL_MASK]!, most, this.#sorted, count)]!
  }

  /** Notes that an answer of these candidates was wanted, right after it was looked up. */
  note(pool: number, family: Family, count: number): void {
    this.#notes.add(pool, family, this.#sorted, count)
  }

  /** What was noted since the last time. */
  takeNotes(): WantedSet[] {
    return this.#notes.take()
  }

  /** Candidates as the first of those that share their address, ascending. */
  #sort(pools: Pools, pool: number, chosen: Int32Array, count: number): void {
    const sorted = this.#sorted
    for (let at = 0; at < count; at++) {
      const one = pools.firstOf(pool, chosen[at]!)
      let to = at
      for (; to > 0 && sorted[to - 1]! > one; to--) sorted[to] = sorted[to - 1]!
      sorted[to] = one
    }
  }

  /**
   * The entry whose gap holds the name one label longer than the closest encloser: what denies that
   * the name of the exchange, or anything between it and `x.node`, exists. 0 outside signed zones.
   */
  gapOf(x: Exchange, zone: number): number {
    const row = this.parts.refs[x.node >> 2]!
    if (row === 0) return 0
    return this.isNsec(zone) ? this.#nsecGap(x, zone, row) : this.#nsec3Gap(x, zone)
  }

  /** Among the names below the encloser their labels right below it decide. */
  #nsecGap(x: Exchange, zone: number, row: number): number {
    const { rows, chain, labelKeys, labelPlaces } = this.parts
    const labelAt = x.nameFrom + x.labelAt[x.nodeLabel - 1]!
    const key = labelKeyAt(x.nameView, labelAt)
    let first = rows[row + ROW_KEYS]!
    let end = rows[row + ROW_KEYS_END]!
    while (first < end) {
      const middle = (first + end) >> 1
      if (labelKeys[middle]! < key) first = middle + 1
      else end = middle
    }
    let place = labelPlaces[first]!
    if (labelKeys[first] === key) place = this.#placeOf(x, zone, row, place, labelAt)
    // Before all of them lies the encloser itself, or the gap it lies in.
    return place === rows[row + ROW_FROM]! ? rows[row + ROW_ENTRY]! >> 1 : chain[place - 1]!
  }

  /** From `low` on, the first name below an encloser whose label does not come before this one. */
  #placeOf(x: Exchange, zone: number, row: number, low: number, labelAt: number): number {
    const { rows, chain, zones } = this.parts
    const depth = x.labels - x.nodeLabel - zones[zone * ZONE + ZONE_LABELS]! + 1
    let first = low
    let end = rows[row + ROW_TO]!
    while (first < end) {
      const middle = (first + end) >> 1
      if (this.#isBefore(chain[middle]!, depth, x.nameView, labelAt)) first = middle + 1
      else end = middle
    }
    return first
  }

  /** Whether the label of an entry's owner, so many below the apex, comes before one of a name. */
  #isBefore(entry: number, depth: number, view: DataView, labelAt: number): boolean {
    const { bytes } = this
    let at = (entry + ENTRY) << 2
    for (let skip = ((this.words[entry]! >>> 8) & 0xff) - depth; skip > 0; skip--)
      at += bytes.getUint8(at) + 1
    const own = bytes.getUint8(at)
    const length = view.getUint8(labelAt)
    const shorter = own < length ? own : length
    for (let octet = 1; octet <= shorter; octet++) {
      const left = bytes.getUint8(at + octet)
      let right = view.getUint8(labelAt + octet)
      // RFC 4034 section 6.1: letters as in lower case, octets unsigned.
      if (right >= 0x41 && right <= 0x5a) right |= 0x20
      if (left !== right) return left < right
    }
    return own < length
  }

  #nsec3Gap(x: Exchange, zone: number): number {
    const { chain, hashes, zones } = this.parts
    const skipped = x.labelAt[x.nodeLabel - 1]!
    const hash = this.#hash
    hash.hash(x.nameView, x.nameFrom + skipped, x.nameBytes - skipped)
    const first = zones[zone * ZONE + ZONE_FROM]!
    const end = zones[zone * ZONE + ZONE_TO]!
    // Hashes lie evenly, so that the first word tells nearly where; from there the steps double.
    const count = end - first
    const guess = first + Math.min(count - 1, Math.floor((hash.words[0]! >>> 0) * count * 2 ** -32))
    let low = guess
    let high = guess
    for (let step = 8; low > first && isHashBefore(hash.words, hashes, low * HASH_WORDS); step *= 2)
      low = Math.max(first, low - step)
    for (
      let step = 8;
      high < end && !isHashBefore(hash.words, hashes, high * HASH_WORDS);
      step *= 2
    )
      high = Math.min(end, high + step)
    while (low < high) {
      const middle = (low + high) >> 1
      if (isHashBefore(hash.words, hashes, middle * HASH_WORDS)) high = middle
      else low = middle + 1
    }
    // RFC 5155 section 3: the last one's gap goes round to the first.
    return chain[low === first ? end - 1 : low - 1]!
  }
}
