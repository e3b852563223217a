// Goal: in a database as large and as nested as a real one every address says what the library
// says. Method: random networks of both families inside each other, written by our writer, against
// the library `maxmind`: inside of networks, at their ends, just outside, and anywhere.
import { Reader } from 'maxmind'
import { expect, test } from 'vitest'
import { ownMemory } from '../../../../src/core/base/memory.ts'
import { seededRandom } from '../../../../src/core/base/random.ts'
import { NOWHERE, openMmdb, rangesOfMmdb } from '../../../../src/core/geo/mmdb.ts'
import { readValue } from '../../../../src/core/geo/mmdb-data.ts'
import { type MmdbContents, writeMmdb } from '../../../../src/core/geo/mmdb-write.ts'
import { formatAddress } from '../../../../src/core/net/address.ts'
import { ClientMap, clientMapParts } from '../../../../src/core/net/client-map.ts'

const full = process.env['OPENGSLB_FULL'] === '1'
const [NETWORKS, ADDRESSES] = full ? [100_000, 1_000_000] : [3_000, 20_000]
/** Of IPv4 and of IPv6. */
const LONGEST = { 4: 32, 16: 128 } as const

const random = seededRandom(20_261_122)

interface Network {
  readonly bytes: Uint8Array
  readonly length: number
}

/** Bits from `from` on anew: none, all, or at random. */
function fill(bytes: Uint8Array, from: number, how: 'zeros' | 'ones' | 'random'): Uint8Array {
  for (let bit = from; bit < bytes.length * 8; bit++) {
    const mask = 128 >> (bit & 7)
    const isSet = how === 'ones' || (how === 'random' && random.below(2) === 1)
    bytes[bit >> 3] = isSet ? bytes[bit >> 3]! | mask : bytes[bit >> 3]! & ~mask
  }
  return bytes
}

/** Two in three inside of one that was made before; single addresses among them. */
function networkIn(known: readonly Network[], octets: 4 | 16): Network {
  const around = random.below(3) > 0 ? known[random.below(known.length)] : undefined
  const most = LONGEST[octets]
  const atLeast = around?.length ?? (octets === 4 ? 7 : 15)
  const length = Math.min(most, atLeast + 1 + random.below(octets === 4 ? 10 : 24))
  const bytes = around?.bytes.slice() ?? new Uint8Array(octets)
  fill(bytes, around?.length ?? 0, 'random')
  // All of IPv6 that is given to anybody begins so; ::/96 is the place of IPv4.
  if (octets === 16) bytes[0] = 0x20 | (bytes[0]! & 0x1f)
  return { bytes: fill(bytes, length, 'zeros'), length }
}

function networksOf(octets: 4 | 16): Network[] {
  const made: Network[] = []
  while (made.length < NETWORKS / 2) made.push(networkIn(made, octets))
  return made
}

function addressOf(networks: readonly Network[], octets: 4 | 16): Uint8Array {
  if (random.below(8) === 0) return fill(new Uint8Array(octets), 0, 'random')
  const { bytes, length } = networks[random.below(networks.length)]!
  const how = (['zeros', 'ones', 'random'] as const)[random.below(3)]!
  const address = fill(bytes.slice(), length, how)
  // One before the first, or after the last.
  const step = random.below(2) === 0 || how === 'random' ? 0 : how === 'ones' ? 1 : -1
  for (let at = octets - 1, carry = step; at >= 0 && carry !== 0; at--) {
    const sum = address[at]! + carry
    address[at] = sum & 255
    carry = sum < 0 ? -1 : sum > 255 ? 1 : 0
  }
  return address
}

function written(all: readonly Network[]): Uint8Array {
  const networks: MmdbContents['networks'] = all.map(({ bytes, length }, index) => [
    `${formatAddress(bytes)}/${length}`,
    { country: { iso_code: `C${index % 250}` }, city: { names: { en: `city ${index % 20_000}` } } },
  ])
  const contents = { type: 'Test-City', ipVersion: 6, builtSeconds: 1, description: '' } as const
  return writeMmdb({ ...contents, recordBits: 28, networks })
}

test(`${ADDRESSES} addresses of ${NETWORKS} nested networks say what the library says`, () => {
  const [v4, v6] = [networksOf(4), networksOf(16)]
  const bytes = written([...v4, ...v6])
  const db = openMmdb(bytes)
  if (!db.ok) throw new Error(db.error)
  const ranges = rangesOfMmdb(db.value)
  if (!ranges.ok) throw new Error(ranges.error)
  const { data } = db.value
  const { v4: ranges4, v6: ranges6, offsets } = ranges.value
  const map = new ClientMap(clientMapParts(ranges4, ranges6, ownMemory))
  const library = new Reader<never>(Buffer.from(bytes))
  const differ: string[] = []
  let found = 0
  const startMs = performance.now()
  for (let count = 0; count < ADDRESSES; count++) {
    const isIpv4 = count % 2 === 0
    const address = isIpv4 ? addressOf(v4, 4) : addressOf(v6, 16)
    const index = map.classOf(isIpv4 ? 4 : 6, address)
    const theirs: unknown = library.get(formatAddress(address))
    if (theirs !== null) found++
    const read = index === NOWHERE ? undefined : readValue(bytes, data, offsets[index]!)
    // Both keep the order of the file; a record that cannot be read is undefined.
    const ours = read === undefined ? null : read.ok ? read.value : undefined
    if (JSON.stringify(ours) !== JSON.stringify(theirs)) differ.push(formatAddress(address))
  }
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(1)
  const sizes = `${ranges4.values.length} and ${ranges6.values.length} ranges`
  if (full) console.log(`${ADDRESSES} addresses, ${sizes}, ${differ.length} differ, ${seconds} s`)
  expect(differ.slice(0, 20)).toEqual([])
  // Most of them were found, so that the comparison is of records.
  expect(found).toBeGreaterThan(ADDRESSES / 2)
  expect(found).toBeLessThan(ADDRESSES)
}, 600_000)
