// Goal: a database is read as the library reads it, for every address; and whatever is wrong with a
// file, it is refused with a sentence.
// Method: MaxMind's own test file and files of our writer in all record sizes, against the library
// `maxmind` and Debian's mmdblookup; cut, flipped and random files.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Reader } from 'maxmind'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../src/core/base/random.ts'
import { ownMemory } from '../../../../src/core/base/memory.ts'
import { NOWHERE, openMmdb, rangesOfMmdb } from '../../../../src/core/geo/mmdb.ts'
import type { MmdbValue } from '../../../../src/core/geo/mmdb-data.ts'
import { readValue } from '../../../../src/core/geo/mmdb-data.ts'
import { type MmdbContents, writeMmdb } from '../../../../src/core/geo/mmdb-write.ts'
import { placesOf } from '../../../../src/core/geo/places.ts'
import { formatAddress } from '../../../../src/core/net/address.ts'
import { ClientMap, clientMapParts } from '../../../../src/core/net/client-map.ts'
import { has, output } from '../../../harness/tools.ts'

const full = process.env['OPENGSLB_FULL'] === '1'
const random = seededRandom(20_261_121)

const place = (country: string, continent: string, more: Record<string, MmdbValue> = {}) => ({
  country: { iso_code: country },
  continent: { code: continent },
  ...more,
})

const networks: MmdbContents['networks'] = [
  ['1.0.0.0/8', place('AU', 'OC', { location: { latitude: -33, longitude: 151.25 } })],
  ['1.2.0.0/16', place('JP', 'AS', { city: { names: { en: 'Tōkyō' } } })],
  ['1.2.3.0/24', place('CN', 'AS')],
  ['1.2.3.4/32', place('SG', 'AS', { autonomous_system_number: 64_500 })],
  ['9.0.0.0/9', place('US', 'NA', { subdivisions: [{ iso_code: 'CA' }] })],
  ['192.0.2.0/24', place('DE', 'EU', { long: 'x'.repeat(300), flags: [true, false, 1, 70_000] })],
  ['255.255.255.255/32', place('NZ', 'OC')],
  ['2001:db8::/32', place('FR', 'EU')],
  ['2001:db8:1::/48', place('ES', 'EU')],
  ['2001:db8:1:2::/64', place('PT', 'EU')],
  ['2001:db8:1:2:3:4:5:6/128', place('IT', 'EU')],
  ['fe80::/10', place('CH', 'EU')],
]

const made = (recordBits: 24 | 28 | 32, ipVersion: 4 | 6 = 6): Uint8Array =>
  writeMmdb({
    ...{ type: 'Test-City', ipVersion, recordBits, builtSeconds: 1_795_000_000 },
    description: 'test',
    networks: networks.filter(([cidr]) => ipVersion === 6 || !cidr.includes(':')),
  })

const sample = process.env['OPENGSLB_MMDB'] ?? ''
const files: (readonly [string, Uint8Array])[] = [
  ['24 bits', made(24)],
  ['28 bits', made(28)],
  ['32 bits', made(32)],
  ['IPv4 only', made(24, 4)],
  ...(existsSync(sample) ? [['of OPENGSLB_MMDB', readFileSync(sample)] as const] : []),
]

function mapOf(bytes: Uint8Array) {
  const db = openMmdb(bytes)
  if (!db.ok) throw new Error(db.error)
  const ranges = rangesOfMmdb(db.value)
  if (!ranges.ok) throw new Error(ranges.error)
  const { v4, v6, offsets } = ranges.value
  return { db: db.value, offsets, map: new ClientMap(clientMapParts(v4, v6, ownMemory)) }
}

/** Random addresses, half of them near the ends of the networks. */
function addressOf(family: 4 | 6): Uint8Array {
  const bytes = Uint8Array.from({ length: family === 4 ? 4 : 16 }, () => random.below(256))
  if (random.below(2) === 0) return bytes
  const near = [
    [1, 2, 3, 4],
    [9, 127, 255, 255],
    [192, 0, 2, 0],
    [255, 255, 255, 255],
  ]
  const near6 = [0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6]
  const base = family === 4 ? near[random.below(near.length)]! : near6
  for (const [at, octet] of base.entries()) bytes[at] = octet
  for (let at = bytes.length - random.below(bytes.length); at < bytes.length; at++)
    bytes[at] = (bytes[at]! + random.below(3) - 1) & 255
  return bytes
}

describe('a database', () => {
  for (const [name, bytes] of files)
    test(`${name}: every address says what the library says`, () => {
      const { db, offsets, map } = mapOf(bytes)
      const library = new Reader<never>(Buffer.from(bytes))
      for (let count = 0; count < (full ? 1_000_000 : 20_000); count++) {
        const family = db.ipVersion === 6 && count % 2 === 0 ? 6 : 4
        const address = addressOf(family)
        const index = map.classOf(family, address)
        const ours = index === NOWHERE ? null : readValue(bytes, db.data, offsets[index]!)
        const text = formatAddress(address)
        const theirs = library.get(text)
        expect(ours === null ? null : ours.ok && ours.value, text).toEqual(theirs)
      }
    }, 120_000)

  test('the IPv4 tree is read once, wherever that of IPv6 leads into it', () => {
    const hung = ['2002::/16', '2001::/32'].map((cidr) => [cidr, place('ZZ', 'AN')] as const)
    const contents = { type: 'T', ipVersion: 6, builtSeconds: 1, description: '' } as const
    const plain = writeMmdb({ ...contents, recordBits: 32, networks })
    const aliased = writeMmdb({ ...contents, recordBits: 32, networks: [...networks, ...hung] })
    // Records that lead to the stand-in lead to the IPv4 tree instead, as MaxMind's writers do it.
    const view = new DataView(aliased.buffer)
    let [start4, standIn] = [0, 0]
    for (let depth = 0; depth < 96; depth++) start4 = view.getUint32(start4 * 8)
    for (const bit of [...'0010000000000010']) standIn = view.getUint32(standIn * 8 + +bit * 4)
    let count = 0
    const { nodes } = mapOf(aliased).db
    for (let at = 0; at < nodes * 8; at += 4)
      if (view.getUint32(at) === standIn) {
        view.setUint32(at, start4)
        count++
      }
    expect(count).toBe(2)
    expect(new Reader<never>(Buffer.from(aliased)).get('2002:102:304::')).toEqual(networks[3]![1])
    const [own, other] = [plain, aliased].map((bytes) => {
      const db = openMmdb(bytes)
      const ranges = db.ok ? rangesOfMmdb(db.value) : db
      if (!ranges.ok) throw new Error(ranges.error)
      return { v4: ranges.value.v4, v6: ranges.value.v6 }
    })
    expect(other).toEqual(own)
    // Nor is it there at ::/96: no client has such an address.
    expect(own!.v6.values.length).toBeLessThan(14)
  })

  test('places are read with what they have', () => {
    const { db, offsets, map } = mapOf(made(28))
    const places = placesOf(db, offsets)
    if (!places.ok) throw new Error(places.error)
    const at = (...address: number[]) =>
      places.value[map.classOf(address.length === 4 ? 4 : 6, Uint8Array.from(address))]
    expect(at(1, 9, 9, 9)).toEqual({
      ...{ country: 'AU', continent: 'OC', subdivisions: [], city: '', asn: 0 },
      ...{ latitude: -33, longitude: 151.25 },
    })
    expect(at(9, 1, 1, 1)?.subdivisions).toEqual(['CA'])
    expect(at(1, 2, 3, 4)?.asn).toBe(64_500)
    expect(at(1, 2, 9, 9)?.city).toBe('Tōkyō')
  })

  test.runIf(has('mmdblookup'))("what we write, Debian's mmdblookup reads", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'opengslb-mmdb-'))
    for (const bits of [24, 28, 32] as const) {
      const path = join(folder, `${bits}.mmdb`)
      writeFileSync(path, made(bits))
      const ask = (ip: string) =>
        output('mmdblookup', ['--file', path, '--ip', ip, 'country', 'iso_code'])
      expect(await ask('1.2.3.4')).toContain('"SG"')
      expect(await ask('2001:db8:1:2::1')).toContain('"PT"')
    }
    rmSync(folder, { recursive: true })
  })
})

test.each([
  [1_795_000_000, 1_795_000_000],
  [8.64e12, 8.64e12],
  [8.64e12 + 1, 0],
  [1_795_000_000_000_000_000, 0],
])('a file made at %d tells %d, a date or none', (builtSeconds, told) => {
  const db = openMmdb(
    writeMmdb({
      type: 'T',
      ipVersion: 4,
      recordBits: 24,
      builtSeconds,
      description: '',
      networks: [],
    }),
  )
  expect(db.ok && db.value.builtSeconds).toBe(told)
})

describe('a broken database', () => {
  const whole = made(24)
  /** Reads everything there is to read; never throws. */
  function read(bytes: Uint8Array): string {
    const db = openMmdb(bytes)
    if (!db.ok) return db.error
    const ranges = rangesOfMmdb(db.value)
    if (!ranges.ok) return ranges.error
    const places = placesOf(db.value, ranges.value.offsets)
    return places.ok ? 'read' : places.error
  }

  test('whole, it is read', () => expect(read(whole)).toBe('read'))

  test('cut anywhere, it is refused', () => {
    for (let length = 0; length < whole.length; length += full ? 1 : 7)
      expect(read(whole.subarray(0, length)), `cut at ${length}`).not.toBe('read')
  })

  test('a pointer out of its data is refused', () => {
    const bytes = Uint8Array.from(whole)
    bytes.set([0xff, 0xff, 0xff], 0)
    expect(read(bytes)).toMatch(/leads out of its data/)
  })

  test('a tree in a circle is refused', () => {
    const bytes = Uint8Array.from(whole)
    bytes.set([0, 0, 0, 0, 0, 0], 0)
    expect(read(bytes)).toMatch(/deeper than an address/)
  })

  test('metadata that promises more nodes than there are is refused', () => {
    const bytes = Uint8Array.from(whole)
    const at = Buffer.from(bytes).lastIndexOf('node_count') + 'node_count'.length
    bytes[at + 1] = 0xff
    expect(read(bytes)).toMatch(/do not fit|zeros/)
  })

  test('flipped anywhere, it is read or refused, and nothing throws', () => {
    for (let count = 0; count < (full ? 100_000 : 3_000); count++) {
      const bytes = Uint8Array.from(whole)
      for (let flips = 1 + random.below(4); flips > 0; flips--)
        bytes[random.below(bytes.length)] = random.below(256)
      expect(typeof read(bytes)).toBe('string')
    }
  })

  test('random bytes are refused', () => {
    const marker = [0xab, 0xcd, 0xef, ...Buffer.from('MaxMind.com')]
    for (let count = 0; count < 300; count++) {
      const bytes = Uint8Array.from({ length: random.below(4_000) }, () => random.below(256))
      if (bytes.length > 200) bytes.set(marker, random.below(bytes.length - 50))
      expect(read(bytes)).not.toBe('read')
    }
  })
})
