/**
 * The compiled name table: every name of every zone in one arena, found by its hash.
 *
 * A node is a name that exists: it owns records or a pool, or lies between such a name and its
 * apex (an empty non-terminal). Each node knows its zone, its wildcard child and what hides it (a
 * delegation or a DNAME above it), so a query never walks a tree. All that a query reads of a name
 * lies together, since a query for one of many names pays for each cache line it touches: a fixed
 * part, the folded name, its rrsets, their records. Nodes, rrsets and lists are numbered by where
 * they begin in the arena. The table is immutable; a new topology makes a new one. Building is in
 * table-build.ts.
 */
import { viewOf } from '../base/octets.ts'
import { sameFolded } from '../dns/hash.ts'

/** Node flags. */
export const APEX = 1
/** Owns NS below the apex: a delegation. */
export const CUT = 2
export const HAS_DNAME = 4
export const HAS_CNAME = 8

export const NONE = -1

/** Words of a cache line. */
const LINE_WORDS = 16
/** Octets of a table of which most stays in the second-level cache of the processor. */
const NEAR_BYTES = 524_288

/** Octets of a record before its rdata, the owner left out: type, class, TTL, RDLENGTH. */
export const RR_FIXED_BYTES = 10

/** The fixed part of a node, in words; the packed, folded name follows (hash.ts), then rrsets. */
export const NODE_WORDS = 6
/** Octets of the name, then flags from bit 8, then the number of rrsets from bit 16. */
export const PACKED = 0
export const ZONE = 1
export const POOL = 2
export const WILDCARD = 3
export const HIDDEN_BY = 4
export const DS_ZONE = 5

/** An rrset, in words. */
export const SET_WORDS = 4
/** The type, then the number of records from bit 16. */
export const SET_HEAD = 0
/** First octet of its records without their owners, and the end. */
export const SET_FROM = 1
export const SET_TO = 2
/**
 * A list of names its data point at, or NONE: how many, then pairs of where a target's name begins,
 * counted from the first owner pointer of the written set, and its node.
 */
export const SET_TARGETS = 3

/** Words of a name. */
export const nameWords = (nameBytes: number): number => (nameBytes + 3) >> 2

/** What a zone says of itself. */
export interface ZoneEntry {
  /** Octets of the apex in wire form. */
  readonly apexBytes: number
  /** The SOA without owner, with the TTL of negative answers (RFC 2308 section 5). */
  readonly negativeSoa: DataView
}

/** What a table is made of: plain memory, which several threads may read. */
export interface TableParts {
  readonly seed: number
  /** By zone, the octets of its apex in wire form. */
  readonly apexBytes: Uint8Array
  /** The negative SOA of each zone, one after another, and where each ends. */
  readonly soas: Uint8Array
  readonly soaEnds: Uint32Array
  /** Their apexes as text, a line each. */
  readonly apexes: Uint8Array
  readonly words: Int32Array
  /** Pairs of hash and node, open addressing with linear probing, at most half full. */
  readonly slots: Int32Array
  readonly labelsMax: number
  readonly faults: readonly string[]
}

function zonesOf({ apexBytes, soas, soaEnds }: TableParts): ZoneEntry[] {
  return Array.from(soaEnds, (end, zone) => ({
    apexBytes: apexBytes[zone]!,
    negativeSoa: viewOf(soas.subarray(zone === 0 ? 0 : soaEnds[zone - 1]!, end)),
  }))
}

export class NameTable {
  readonly seed: number
  readonly zones: readonly ZoneEntry[]
  /** Labels of the deepest name: a longer name's far suffixes alone can be in the table. */
  readonly labelsMax: number
  /** What was left out, for the log; a sentence each. */
  readonly faults: readonly string[]
  readonly words: Int32Array
  /** The same memory, for records. */
  readonly bytes: DataView
  readonly #slots: Int32Array
  readonly #mask: number
  /** Whether it is too small for a look ahead to gain anything. */
  readonly isNear: boolean

  constructor(parts: TableParts) {
    this.seed = parts.seed
    this.zones = zonesOf(parts)
    this.labelsMax = parts.labelsMax
    this.faults = parts.faults
    this.words = parts.words
    const { buffer, byteOffset, byteLength } = parts.words
    this.bytes = viewOf(new Uint8Array(buffer, byteOffset, byteLength))
    this.#slots = parts.slots
    this.#mask = (parts.slots.length >> 1) - 1
    this.isNear = parts.words.byteLength + parts.slots.byteLength <= NEAR_BYTES
  }

  /** The node of the wire name of `length` octets at `at`, whose hash is given; or NONE. */
  find(hash: number, view: DataView, at: number, length: number): number {
    const slots = this.#slots
    const words = this.words
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const node = slots[slot * 2 + 1]!
      if (node === NONE) return NONE
      if (slots[slot * 2] !== hash || (words[node + PACKED]! & 0xff) !== length) continue
      if (sameFolded(view, at, length, words, node + NODE_WORDS)) return node
    }
  }

  /**
   * Reads what `find` and the answer to come will read of the names of these hashes, for all of
   * them at once; what is returned means nothing.
   */
  touch(hashes: Int32Array, count: number): number {
    const slots = this.#slots
    const words = this.words
    const mask = this.#mask
    const last = words.length - 1
    let seen = 0
    for (let at = 0; at < count; at++) seen ^= slots[(hashes[at]! & mask) * 2]!
    for (let at = 0; at < count; at++) {
      const hash = hashes[at]!
      let slot = hash & mask
      while (slots[slot * 2] !== hash && slots[slot * 2 + 1] !== NONE) slot = (slot + 1) & mask
      const node = slots[slot * 2 + 1]!
      if (node !== NONE) seen ^= words[node]! ^ words[Math.min(node + LINE_WORDS, last)]!
    }
    return seen
  }

  nameBytes(node: number): number {
    return this.words[node + PACKED]! & 0xff
  }

  flags(node: number): number {
    return (this.words[node + PACKED]! >> 8) & 0xff
  }

  zone(node: number): number {
    return this.words[node + ZONE]!
  }

  /** The pool that steers the name, by its index in the snapshot, or NONE. */
  pool(node: number): number {
    return this.words[node + POOL]!
  }

  /** The node of `*.name`, or NONE. */
  wildcard(node: number): number {
    return this.words[node + WILDCARD]!
  }

  /** The highest delegation at or above the node, or DNAME above it; or NONE. */
  hiddenBy(node: number): number {
    return this.words[node + HIDDEN_BY]!
  }

  /** The zone that answers for the node's DS: for an apex the parent's, where it is served. */
  dsZone(node: number): number {
    return this.words[node + DS_ZONE]!
  }

  /** How many rrsets the node owns. */
  setCount(node: number): number {
    return this.words[node + PACKED]! >>> 16
  }

  /** The first rrset of a node that owns any. */
  firstSet(node: number): number {
    return node + NODE_WORDS + nameWords(this.words[node + PACKED]! & 0xff)
  }

  /** The rrset of a type at a node, or NONE. */
  setOf(node: number, type: number): number {
    const packed = this.words[node + PACKED]!
    let set = node + NODE_WORDS + nameWords(packed & 0xff)
    for (let left = packed >>> 16; left > 0; left--, set += SET_WORDS)
      if ((this.words[set + SET_HEAD]! & 0xffff) === type) return set
    return NONE
  }

  /** How many names a set's data point at that own addresses here. */
  targetCount(set: number): number {
    const list = this.words[set + SET_TARGETS]!
    return list === NONE ? 0 : this.words[list]!
  }

  /** Where the name of a target begins, counted from the set's first owner pointer. */
  targetAt(set: number, target: number): number {
    return this.words[this.words[set + SET_TARGETS]! + 1 + target * 2]!
  }

  targetNode(set: number, target: number): number {
    return this.words[this.words[set + SET_TARGETS]! + 2 + target * 2]!
  }
}
