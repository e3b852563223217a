/**
 * The compiled name table: every name of every zone, in typed arrays, found by its hash.
 *
 * A node is a name that exists: it owns records or a pool, or lies between such a name and its
 * apex (an empty non-terminal). Each node knows its zone, its wildcard child and what hides it (a
 * delegation or a DNAME above it), so a query never walks a tree. The table is immutable; a new
 * topology makes a new one. Building is in table-build.ts.
 */
import { sameFolded } from '../dns/hash.ts'

/** Node flags. */
export const APEX = 1
/** Owns NS below the apex: a delegation. */
export const CUT = 2
export const HAS_DNAME = 4
export const HAS_CNAME = 8

export const NONE = -1

/** Octets of a record before its rdata, the owner left out: type, class, TTL, RDLENGTH. */
export const RR_FIXED_BYTES = 10

/**
 * A node is a row of eight numbers, half a cache line, since a query for one of many names pays for
 * each line it touches.
 */
const ROW = 8
const NAME_AT = 0
/** Octets of the name, then flags from bit 8, then the number of rrsets from bit 16. */
const PACKED = 1
const ZONE = 2
const POOL = 3
const WILDCARD = 4
const HIDDEN_BY = 5
const DS_ZONE = 6
const SET_FROM = 7

/** What a row is packed from. */
export interface NodeRow {
  /** First word of the packed, folded name. */
  readonly nameAt: number
  readonly nameBytes: number
  readonly flags: number
  readonly zone: number
  readonly pool: number
  readonly wildcard: number
  readonly hiddenBy: number
  readonly dsZone: number
  readonly setFrom: number
  /** At most 65,535 types exist. */
  readonly sets: number
}

export function packRows(rows: readonly NodeRow[]): Int32Array {
  const packed = new Int32Array(rows.length * ROW)
  for (const [index, row] of rows.entries()) {
    const { nameAt, zone, pool, wildcard, hiddenBy, dsZone, setFrom } = row
    const bits = row.nameBytes | (row.flags << 8) | (row.sets << 16)
    packed.set([nameAt, bits, zone, pool, wildcard, hiddenBy, dsZone, setFrom], index * ROW)
  }
  return packed
}

export interface Rrsets {
  readonly type: Uint16Array
  /** How many records. */
  readonly count: Uint16Array
  /** First octet in `bytes` and the end. */
  readonly from: Int32Array
  readonly to: Int32Array
  /** The targets of set s are targetFrom[s] up to targetFrom[s + 1]. */
  readonly targetFrom: Int32Array
  /** Where a target's name begins, counted from the first owner pointer of the written set. */
  readonly targetAt: Int32Array
  readonly targetNode: Int32Array
  /** Records in wire form without their owners. */
  readonly bytes: Uint8Array
}

/** What a zone says of itself. */
export interface ZoneEntry {
  readonly apex: string
  /** Octets of the apex in wire form. */
  readonly apexBytes: number
  /** The SOA without owner, with the TTL of negative answers (RFC 2308 section 5). */
  readonly negativeSoa: Uint8Array
}

export class NameTable {
  readonly seed: number
  readonly zones: readonly ZoneEntry[]
  readonly sets: Rrsets
  /** Labels of the deepest name: a longer name's far suffixes alone can be in the table. */
  readonly labelsMax: number
  /** What was left out, for the log; a sentence each. */
  readonly faults: readonly string[]
  readonly #rows: Int32Array
  /** Packed, folded names (hash.ts). */
  readonly #words: Int32Array
  /** Pairs of hash and node, open addressing with linear probing, at most half full. */
  readonly #slots: Int32Array
  readonly #mask: number

  constructor(parts: {
    readonly seed: number
    readonly zones: readonly ZoneEntry[]
    readonly rows: Int32Array
    readonly words: Int32Array
    readonly sets: Rrsets
    readonly hashes: Int32Array
    readonly labelsMax: number
    readonly faults: readonly string[]
  }) {
    this.seed = parts.seed
    this.zones = parts.zones
    this.#rows = parts.rows
    this.#words = parts.words
    this.sets = parts.sets
    this.labelsMax = parts.labelsMax
    this.faults = parts.faults
    let capacity = 16
    while (capacity < parts.hashes.length * 2) capacity *= 2
    this.#mask = capacity - 1
    this.#slots = new Int32Array(capacity * 2).fill(NONE)
    for (let node = 0; node < parts.hashes.length; node++) this.#insert(parts.hashes[node]!, node)
  }

  #insert(hash: number, node: number): void {
    let slot = hash & this.#mask
    while (this.#slots[slot * 2 + 1] !== NONE) slot = (slot + 1) & this.#mask
    this.#slots[slot * 2] = hash
    this.#slots[slot * 2 + 1] = node
  }

  /** The node of the wire name of `length` octets at `at`, whose hash is given; or NONE. */
  find(hash: number, bytes: Uint8Array, at: number, length: number): number {
    const slots = this.#slots
    const rows = this.#rows
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const node = slots[slot * 2 + 1]!
      if (node === NONE) return NONE
      if (slots[slot * 2] !== hash || (rows[node * ROW + PACKED]! & 0xff) !== length) continue
      if (sameFolded(bytes, at, length, this.#words, rows[node * ROW + NAME_AT]!)) return node
    }
  }

  nameBytes(node: number): number {
    return this.#rows[node * ROW + PACKED]! & 0xff
  }

  flags(node: number): number {
    return (this.#rows[node * ROW + PACKED]! >> 8) & 0xff
  }

  zone(node: number): number {
    return this.#rows[node * ROW + ZONE]!
  }

  /** The pool that steers the name, by its index in the snapshot, or NONE. */
  pool(node: number): number {
    return this.#rows[node * ROW + POOL]!
  }

  /** The node of `*.name`, or NONE. */
  wildcard(node: number): number {
    return this.#rows[node * ROW + WILDCARD]!
  }

  /** The highest delegation at or above the node, or DNAME above it; or NONE. */
  hiddenBy(node: number): number {
    return this.#rows[node * ROW + HIDDEN_BY]!
  }

  /** The zone that answers for the node's DS: for an apex the parent's, where it is served. */
  dsZone(node: number): number {
    return this.#rows[node * ROW + DS_ZONE]!
  }

  /** How many rrsets the node owns. */
  setCount(node: number): number {
    return this.#rows[node * ROW + PACKED]! >>> 16
  }

  /** The rrset of a type at a node, or NONE. */
  setOf(node: number, type: number): number {
    const from = this.#rows[node * ROW + SET_FROM]!
    const end = from + this.setCount(node)
    for (let set = from; set < end; set++) if (this.sets.type[set] === type) return set
    return NONE
  }
}
