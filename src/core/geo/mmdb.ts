/**
 * A MaxMind DB file, opened: its metadata, and a walk over its search tree (specification 2.0).
 *
 * The tree is walked once, in the order of addresses, and becomes a table of ranges: no query ever
 * walks it. A file that says it is larger than it is, or whose tree leads in circles, is refused.
 */
import { geoLimits } from '../base/limits/geo.ts'
import { fail, ok, type Result } from '../base/result.ts'
import { RangeList, type Ranges, uniform } from '../net/ranges.ts'
import { type MmdbValue, readValue } from './mmdb-data.ts'

/** Of addresses that the file says nothing of. */
export const NOWHERE = -1

export interface Mmdb {
  readonly type: string
  readonly ipVersion: 4 | 6
  readonly nodes: number
  /** When it was made, Unix seconds; 0 where the file does not say. */
  readonly builtSeconds: number
  readonly bytes: Uint8Array
  /** Bits of a record of a node: 24, 28 or 32. */
  readonly recordBits: number
  /** The data section, which records point into. */
  readonly data: { readonly from: number; readonly to: number }
}

const MARKER = [0xab, 0xcd, 0xef, ...new TextEncoder().encode('MaxMind.com')]
/** Zeros between tree and data. */
const SEPARATOR_BYTES = 16

/** Where the metadata begins: behind the last marker of the file; -1 when there is none. */
function metadataAt(bytes: Uint8Array): number {
  const earliest = Math.max(0, bytes.length - geoLimits.geoMetadataBytes.default)
  for (let at = bytes.length - MARKER.length; at >= earliest; at--)
    if (MARKER.every((octet, index) => bytes[at + index] === octet)) return at + MARKER.length
  return -1
}

const numberOf = (value: MmdbValue | undefined): number => (typeof value === 'number' ? value : -1)

/** The last second that a date can tell. */
const SECONDS_MOST = 8.64e12

/** 0 for what is no date, such as one in nanoseconds. */
function secondsOf(value: MmdbValue | undefined): number {
  const seconds = numberOf(value)
  return Number.isSafeInteger(seconds) && seconds >= 0 && seconds <= SECONDS_MOST ? seconds : 0
}

export function openMmdb(bytes: Uint8Array): Result<Mmdb, string> {
  if (bytes.length > geoLimits.geoFileBytes.default)
    return fail(`${bytes.length} bytes are more than ${geoLimits.geoFileBytes.default}`)
  const at = metadataAt(bytes)
  if (at < 0) return fail('no MaxMind DB: its metadata is missing')
  const read = readValue(bytes, { from: at, to: bytes.length }, at)
  if (!read.ok) return fail(`its metadata: ${read.error}`)
  const metadata = read.value as Readonly<Record<string, MmdbValue>>
  const nodes = numberOf(metadata['node_count'])
  const recordBits = numberOf(metadata['record_size'])
  const ipVersion = numberOf(metadata['ip_version'])
  const major = numberOf(metadata['binary_format_major_version'])
  if (major !== 2) return fail(`format version ${major} is not known, only 2`)
  if (![24, 28, 32].includes(recordBits)) return fail(`records of ${recordBits} bits are not known`)
  if (ipVersion !== 4 && ipVersion !== 6) return fail(`IP version ${ipVersion} is not known`)
  if (nodes < 1) return fail('it has no nodes')
  const treeBytes = (nodes * recordBits) / 4
  const from = treeBytes + SEPARATOR_BYTES
  const to = at - MARKER.length
  if (from > to) return fail(`its ${nodes} nodes do not fit its ${bytes.length} bytes`)
  if (bytes.subarray(treeBytes, from).some((octet) => octet !== 0))
    return fail('no zeros between its tree and its data')
  const type = metadata['database_type']
  return ok({
    type: typeof type === 'string' ? type : '',
    ipVersion,
    nodes,
    builtSeconds: secondsOf(metadata['build_epoch']),
    bytes,
    recordBits,
    data: { from, to },
  })
}

/** One record of a node: the left one for bit 0, the right one for bit 1. */
function recordOf({ bytes, recordBits }: Mmdb, node: number, bit: number): number {
  if (recordBits === 24) {
    const at = node * 6 + bit * 3
    return bytes[at]! * 65_536 + bytes[at + 1]! * 256 + bytes[at + 2]!
  }
  if (recordBits === 32) {
    const at = node * 8 + bit * 4
    return bytes[at]! * 2 ** 24 + bytes[at + 1]! * 65_536 + bytes[at + 2]! * 256 + bytes[at + 3]!
  }
  // The middle byte holds the top four bits of both.
  const at = node * 7
  const middle = bytes[at + 3]!
  const low = at + bit * 4
  const rest = bytes[low]! * 65_536 + bytes[low + 1]! * 256 + bytes[low + 2]!
  return (bit === 0 ? middle >> 4 : middle & 15) * 2 ** 24 + rest
}

/** The tree of one family: its first node. */
interface Start {
  readonly node: number
  readonly words: 1 | 4
}

/** Where the IPv4 tree begins: below 96 zero bits of a tree of IPv6 addresses. */
function startOf4(db: Mmdb): number {
  let node = 0
  if (db.ipVersion === 6)
    for (let depth = 0; depth < 96 && node < db.nodes; depth++) node = recordOf(db, node, 0)
  return node
}

/**
 * Ranges of both families; the value of each is an index into `offsets`, or NOWHERE. IPv6 addresses
 * that carry one of IPv4 (::/96, mapped ones, 6to4, Teredo) are nowhere.
 */
export interface MmdbRanges {
  readonly v4: Ranges
  readonly v6: Ranges
  /** Places in the file of the distinct records, in the order in which they came up. */
  readonly offsets: readonly number[]
}

/** How many ends of branches may come to one range, before they are taken to meet without end. */
const BRANCHES_A_RANGE = 4

class Walk {
  readonly #db: Mmdb
  /** The IPv4 tree: writers hang it into that of IPv6 at ::ffff:0:0/96, 2001::/32, 2002::/16. */
  readonly #tree4: number
  readonly #byOffset = new Map<number, number>()
  readonly offsets: number[] = []
  fault = ''

  constructor(db: Mmdb, tree4: number) {
    this.#db = db
    this.#tree4 = tree4
  }

  /** Walks twice: to count, so that memory is asked for once, and to fill. */
  ranges(start: Start): Ranges {
    const { words } = start
    const most = geoLimits.geoRanges.default
    let [count, last] = [0, NOWHERE - 1]
    this.#walk(start, (_, value) => {
      if (value !== last && ++count > most)
        this.fault = `its networks are more than ${most} ranges; a database of countries has fewer`
      last = value
    })
    if (this.fault !== '') return uniform(words, NOWHERE)
    const list = new RangeList(words, count)
    this.#walk(start, (key, value) => list.add(key, 0, value))
    return list.done()
  }

  #walk({ node, words }: Start, visit: (key: Uint32Array, value: number) => void): void {
    const db = this.#db
    const bits = words * 32
    // In the tree of IPv6 that of IPv4 is no place to go: its table has it once.
    const alias = words === 4 && this.#tree4 < db.nodes ? this.#tree4 : -1
    const key = new Uint32Array(words)
    // What is still to be walked: right branches, with the depth at which they hang.
    const stack = new Float64Array(bits + 1)
    const depths = new Int32Array(bits + 1)
    let [at, level, top] = [node, 0, 0]
    let left = geoLimits.geoRanges.default * BRANCHES_A_RANGE
    for (;;) {
      while (at < db.nodes && at !== alias && level < bits) {
        stack[top] = recordOf(db, at, 1)
        depths[top++] = ++level
        at = recordOf(db, at, 0)
      }
      // A node where no bit is left to decide by.
      if (at < db.nodes && at !== alias) this.fault = 'its tree is deeper than an address'
      if (--left < 0) this.fault = 'its tree has too many branches'
      if (this.fault !== '') return
      visit(key, at === alias ? NOWHERE : this.#valueOf(at))
      if (top === 0 || this.fault !== '') return
      at = stack[--top]!
      level = depths[top]!
      // The address of a right branch: its own bit set, all after it clear.
      const bit = level - 1
      const word = bit >> 5
      const mask = 2 ** (31 - (bit & 31))
      key[word] = (Math.floor(key[word]! / (mask * 2)) * 2 + 1) * mask
      key.fill(0, word + 1)
    }
  }

  #valueOf(record: number): number {
    const { nodes, data } = this.#db
    if (record === nodes) return NOWHERE
    const offset = data.from + (record - nodes - SEPARATOR_BYTES)
    if (offset < data.from || offset >= data.to) {
      this.fault = `a record of its tree leads out of its data`
      return NOWHERE
    }
    const known = this.#byOffset.get(offset)
    if (known !== undefined) return known
    if (this.offsets.length >= geoLimits.geoPlaces.default) this.fault = 'it has too many records'
    this.#byOffset.set(offset, this.offsets.length)
    this.offsets.push(offset)
    return this.offsets.length - 1
  }
}

/** Walks the whole tree; a fault is a sentence. */
export function rangesOfMmdb(db: Mmdb): Result<MmdbRanges, string> {
  const tree4 = startOf4(db)
  const walk = new Walk(db, tree4)
  const v4 = walk.ranges({ node: tree4, words: 1 })
  const hasBoth = db.ipVersion === 6 && walk.fault === ''
  const v6 = hasBoth ? walk.ranges({ node: 0, words: 4 }) : uniform(4, NOWHERE)
  return walk.fault === '' ? ok({ v4, v6, offsets: walk.offsets }) : fail(walk.fault)
}
