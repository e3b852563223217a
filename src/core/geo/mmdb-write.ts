/**
 * Writes MaxMind DB files (specification 2.0): for demonstrations, and as the other side of tests.
 *
 * Longer prefixes win over shorter ones whatever the order they are given in. Equal records are
 * stored once. IPv4 prefixes of a file for both families lie below 96 zero bits.
 */
import { assert } from '../base/assert.ts'
import { parsePrefix } from '../net/address.ts'
import type { MmdbValue } from './mmdb-data.ts'

export interface MmdbContents {
  /** `GeoLite2-City` and the like. */
  readonly type: string
  readonly ipVersion: 4 | 6
  readonly recordBits: 24 | 28 | 32
  /** Unix seconds. */
  readonly builtSeconds: number
  readonly description: string
  /** Networks in CIDR notation with what is told of them; a malformed one is a broken promise. */
  readonly networks: readonly (readonly [cidr: string, value: MmdbValue])[]
}

const SEPARATOR_BYTES = 16
const encoder = new TextEncoder()
/** Real numbers whatever their value: readers in C look at the type. */
const REALS = new Set(['latitude', 'longitude'])

const octets = (value: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, at) => Math.floor(value / 256 ** (bytes - 1 - at)) % 256)

/** Control bytes of a type and size. */
function control(type: number, size: number): number[] {
  const [code, more] =
    size < 29
      ? [size, []]
      : size < 285
        ? [29, octets(size - 29, 1)]
        : size < 65_821
          ? [30, octets(size - 285, 2)]
          : [31, octets(size - 65_821, 3)]
  return type < 8 ? [(type << 5) | code, ...more] : [code, type - 7, ...more]
}

function uint(type: number, value: number, most: number): number[] {
  let bytes = 0
  while (bytes < most && value >= 256 ** bytes) bytes++
  return [...control(type, bytes), ...octets(value, bytes)]
}

function real(value: number): number[] {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  return [...control(3, 8), ...new Uint8Array(view.buffer)]
}

/** A value as its bytes; whole numbers become 32 bits without a sign. */
function encode(value: MmdbValue, key = ''): number[] {
  if (typeof value === 'string') {
    const bytes = encoder.encode(value)
    return [...control(2, bytes.length), ...bytes]
  }
  if (typeof value === 'boolean') return control(14, value ? 1 : 0)
  if (typeof value === 'number')
    return Number.isInteger(value) && value >= 0 && !REALS.has(key)
      ? uint(6, value, 4)
      : real(value)
  if (value instanceof Uint8Array) return [...control(4, value.length), ...value]
  if (Array.isArray(value))
    return [...control(11, value.length), ...value.flatMap((one: MmdbValue) => encode(one))]
  const entries = Object.entries(value)
  const pairs = entries.flatMap(([name, one]) => [...encode(name), ...encode(one, name)])
  return [...control(7, entries.length), ...pairs]
}

/** A branch: nothing, another node from 0, or data as -2 and below. */
const NOTHING = -1
const dataOf = (index: number): number => -2 - index

class Tree {
  readonly branches: number[] = [NOTHING, NOTHING]

  add(bits: readonly number[], data: number): void {
    let node = 0
    for (const [depth, bit] of bits.entries()) {
      const at = node * 2 + bit
      if (depth === bits.length - 1) {
        this.branches[at] = data
        return
      }
      const next = this.branches[at]!
      if (next >= 0) {
        node = next
        continue
      }
      // What held for the whole branch goes on to hold for both halves of it.
      node = this.branches.length / 2
      this.branches[at] = node
      this.branches.push(next, next)
    }
  }
}

function bitsOf(cidr: string, ipVersion: 4 | 6): number[] {
  const parsed = parsePrefix(cidr)
  assert(parsed.ok, `${cidr} is a network`)
  const { address, length: bits } = parsed.value
  assert(address.family === 4 || ipVersion === 6, 'a file of IPv4 holds no IPv6')
  const own = Array.from(
    { length: bits },
    (_, at) => (address.bytes[at >> 3]! >> (7 - (at & 7))) & 1,
  )
  return address.family === 4 && ipVersion === 6 ? [...new Array<number>(96).fill(0), ...own] : own
}

function nodeBytes(recordBits: number, left: number, right: number): number[] {
  if (recordBits !== 28) return [...octets(left, recordBits / 8), ...octets(right, recordBits / 8)]
  const high = (Math.floor(left / 2 ** 24) << 4) | Math.floor(right / 2 ** 24)
  return [...octets(left % 2 ** 24, 3), high, ...octets(right % 2 ** 24, 3)]
}

export function writeMmdb(contents: MmdbContents): Uint8Array {
  const { ipVersion, recordBits } = contents
  const tree = new Tree()
  const places: number[] = []
  const data: number[] = []
  const known = new Map<string, number>()
  const networks = contents.networks
    .map(([cidr, value]) => [bitsOf(cidr, ipVersion), value] as const)
    .sort(([one], [other]) => one.length - other.length)
  for (const [bits, value] of networks) {
    const bytes = encode(value)
    const key = bytes.join()
    let index = known.get(key)
    if (index === undefined) {
      index = places.length
      known.set(key, index)
      places.push(data.length)
      for (const byte of bytes) data.push(byte)
    }
    tree.add(bits, dataOf(index))
  }
  const nodes = tree.branches.length / 2
  const record = (branch: number): number => {
    if (branch >= 0) return branch
    return branch === NOTHING ? nodes : nodes + SEPARATOR_BYTES + places[-2 - branch]!
  }
  const out: number[] = []
  for (let node = 0; node < nodes; node++)
    for (const byte of nodeBytes(
      recordBits,
      record(tree.branches[node * 2]!),
      record(tree.branches[node * 2 + 1]!),
    ))
      out.push(byte)
  return Uint8Array.from([
    ...out,
    ...new Array<number>(SEPARATOR_BYTES).fill(0),
    ...data,
    ...metadataOf(contents, nodes),
  ])
}

function metadataOf(contents: MmdbContents, nodes: number): number[] {
  const fields: readonly (readonly [string, number[]])[] = [
    ['binary_format_major_version', uint(5, 2, 2)],
    ['binary_format_minor_version', uint(5, 0, 2)],
    ['build_epoch', uint(9, contents.builtSeconds, 8)],
    ['database_type', encode(contents.type)],
    ['description', encode({ en: contents.description })],
    ['ip_version', uint(5, contents.ipVersion, 2)],
    ['languages', encode(['en'])],
    ['node_count', uint(6, nodes, 4)],
    ['record_size', uint(5, contents.recordBits, 2)],
  ]
  const marker = [0xab, 0xcd, 0xef, ...encoder.encode('MaxMind.com')]
  const pairs = fields.flatMap(([name, bytes]) => [...encode(name), ...bytes])
  return [...marker, ...control(7, fields.length), ...pairs]
}
