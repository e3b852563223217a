// Goal: a database file is taken whole or not at all; a broken one takes nothing away; a mapping
// costs no new reading.
// Method: real files in a folder of the test, the reader on this thread.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type {
  Geographer,
  GeoOrder,
  GeoOutcome,
  RegistryConfig,
} from '../../../src/actors/registry/contract.ts'
import { Geography } from '../../../src/actors/registry/geography.ts'
import { openGeographer, threadGeographer } from '../../../src/actors/registry/ports-geo.ts'
import { demoDatabase } from '../../../src/core/geo/demo.ts'
import { writeMmdb } from '../../../src/core/geo/mmdb-write.ts'
import { readGeoNames } from '../../../src/core/geo/parts.ts'
import type { FleetTopology } from '../../../src/core/steer/topology.ts'
import { ClientMap } from '../../../src/core/net/client-map.ts'

let folder = ''
let [databasePath, asnPath] = ['', '']

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'opengslb-geo-'))
  databasePath = join(folder, 'country.mmdb')
  asnPath = join(folder, 'asn.mmdb')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const orderOf = (extra: Partial<GeoOrder> = {}): GeoOrder => ({
  regions: [
    { name: 'us', countries: ['US'], continents: ['NA'] },
    { name: 'eu', countries: ['GB'], continents: ['EU'], asns: [64_500] },
    { name: 'ap', countries: ['JP'], continents: ['OC', 'AS'] },
  ],
  custom: [],
  defaultRegion: 'us',
  databasePath,
  asnPath: '',
  ...extra,
})

/** The region of an address. */
function regionOf(outcome: GeoOutcome, address: readonly number[]): string {
  if (outcome.code === 'failed') return outcome.message
  const { parts } = outcome
  const place = new ClientMap(parts.map).classOf(4, Uint8Array.from(address))
  const { labels, regions } = readGeoNames(parts.labels)
  return regions[labels[parts.labelOf[place]!]!.home] ?? ''
}

const BRITISH = [185, 228, 168, 9]

test('a file that is there is read, and its date told', async () => {
  writeFileSync(databasePath, demoDatabase(1_700_000_000))
  const outcome = await openGeographer().place(orderOf())
  expect(regionOf(outcome, BRITISH)).toBe('eu')
  expect(outcome).toMatchObject({
    files: [{ path: databasePath, state: 'loaded', isNew: true, builtSeconds: 1_700_000_000 }],
  })
})

test('without a file clients are placed by mappings and the default', async () => {
  const custom = [{ cidr: '185.0.0.0/8', region: 'ap', comment: '' }]
  const outcome = await openGeographer().place(orderOf({ custom }))
  expect(regionOf(outcome, BRITISH)).toBe('ap')
  expect(regionOf(outcome, [8, 8, 8, 8])).toBe('us')
  expect(outcome).toMatchObject({ files: [{ state: 'missing', isNew: false }] })
})

test.each([
  ['cut off', (whole: Uint8Array) => whole.subarray(0, whole.length - 40)],
  ['empty', () => new Uint8Array(0)],
  ['of noise', () => Uint8Array.from({ length: 4_096 }, (_, at) => (at * 73) & 0xff)],
] as const)('a file that is %s is refused and the one before kept', async (_, broken) => {
  const geographer = openGeographer()
  writeFileSync(databasePath, demoDatabase(1_700_000_000))
  await geographer.place(orderOf())
  expect(geographer.isChanged(orderOf())).toBe(false)
  writeFileSync(databasePath, broken(demoDatabase(1_700_000_001)))
  expect(geographer.isChanged(orderOf())).toBe(true)
  const outcome = await geographer.place(orderOf())
  expect(regionOf(outcome, BRITISH)).toBe('eu')
  expect(outcome).toMatchObject({
    files: [{ state: 'kept', isNew: false, builtSeconds: 1_700_000_000 }],
  })
})

test('another path without a file that can be read leaves the file before in use', async () => {
  const geographer = openGeographer()
  writeFileSync(databasePath, demoDatabase(1_700_000_000))
  await geographer.place(orderOf())
  const moved = { databasePath: join(folder, 'moved.mmdb') }
  for (let round = 0; round < 2; round++) {
    const outcome = await geographer.place(orderOf(moved))
    expect(regionOf(outcome, BRITISH)).toBe('eu')
    expect(outcome).toMatchObject({
      files: [{ path: moved.databasePath, state: 'kept', isNew: false }],
    })
  }
  // It is no stand-in for systems, and none where no path is given any more.
  const asOther = await geographer.place(orderOf({ ...moved, asnPath: join(folder, 'no.mmdb') }))
  expect(asOther).toMatchObject({ files: [{ state: 'kept' }, { state: 'missing' }] })
  await geographer.place(orderOf({ databasePath: '' }))
  expect(regionOf(await geographer.place(orderOf(moved)), BRITISH)).toBe('us')
  writeFileSync(moved.databasePath, demoDatabase(1_700_000_001))
  expect(await geographer.place(orderOf(moved))).toMatchObject({
    files: [{ state: 'loaded', isNew: true, builtSeconds: 1_700_000_001 }],
  })
})

test('a new file is compared with the old one', async () => {
  const geographer = openGeographer()
  writeFileSync(databasePath, demoDatabase(1_700_000_000))
  await geographer.place(orderOf())
  const networks = [
    ['185.228.168.0/24', { country: { iso_code: 'JP' }, continent: { code: 'AS' } }],
  ] as const
  const about = { type: 'T', recordBits: 24, builtSeconds: 1_800_000_000, description: '' } as const
  writeFileSync(databasePath, writeMmdb({ ...about, ipVersion: 4, networks }))
  const outcome = await geographer.place(orderOf())
  expect(regionOf(outcome, BRITISH)).toBe('ap')
  expect(outcome.code === 'placed' && outcome.changedShare).toBeGreaterThan(0.1)
})

test('autonomous systems that a region names decide before countries', async () => {
  writeFileSync(databasePath, demoDatabase(1_700_000_000))
  const networks = [
    ['8.8.8.0/25', { autonomous_system_number: 64_500 }],
    ['8.8.8.128/25', { autonomous_system_number: 64_501 }],
  ] as const
  const about = { type: 'T-ASN', recordBits: 24, builtSeconds: 1, description: '' } as const
  writeFileSync(asnPath, writeMmdb({ ...about, ipVersion: 4, networks }))
  const outcome = await openGeographer().place(orderOf({ asnPath }))
  expect(regionOf(outcome, [8, 8, 8, 8])).toBe('eu')
  expect(regionOf(outcome, [8, 8, 8, 200])).toBe('us')
  expect(regionOf(outcome, BRITISH)).toBe('eu')
})

/** A registry's geography; its log and its metrics are nobody's. */
function geographyOn(geographer: Geographer) {
  const nothing = { set() {}, add() {}, reset() {}, info() {}, error() {}, record() {} }
  const metrics = { gauge: () => nothing, counter: () => nothing, onCollect() {} }
  const clock = { nowMs: () => 0, every: () => () => {} }
  const ctx = { metrics, clock, log: nothing } as unknown as ConstructorParameters<
    typeof Geography
  >[0]
  const feed = nothing as unknown as ConstructorParameters<typeof Geography>[2]
  return new Geography(ctx, geographer, feed, () => {})
}

test('while the thread that reads cannot run, mappings and the default region hold', async () => {
  writeFileSync(databasePath, demoDatabase(1_700_000_000))
  // Its file is there only where the product was built.
  const geographer = threadGeographer()
  const geography = geographyOn(geographer)
  const make = async (region: string) => {
    const { regions, ...geo } = orderOf({ custom: [{ cidr: '8.0.0.0/8', region, comment: '' }] })
    const parts = await geography.make(
      { geo: { ...geo, checkIntervalMs: 0 } } as unknown as RegistryConfig,
      { regions } as unknown as FleetTopology,
    )
    return parts && regionOf({ code: 'placed', parts, files: [] }, [8, 8, 8, 8])
  }
  expect(await make('ap')).toBe('ap')
  expect(await make('eu')).toBe('eu')
  await geographer.close()
})
