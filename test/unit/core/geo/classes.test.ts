// Goal: every client has a home region, found by the most specific thing that is known, and behind
// it the other regions by distance.
import { describe, expect, test } from 'vitest'
import { ownMemory } from '../../../../src/core/base/memory.ts'
import { type GeoDatabase, type GeoSettings, geoClasses } from '../../../../src/core/geo/classes.ts'
import { distanceKm } from '../../../../src/core/geo/distance.ts'
import { openMmdb, rangesOfMmdb } from '../../../../src/core/geo/mmdb.ts'
import type { MmdbValue } from '../../../../src/core/geo/mmdb-data.ts'
import { writeMmdb } from '../../../../src/core/geo/mmdb-write.ts'
import { placesOf } from '../../../../src/core/geo/places.ts'
import { parseAddress, parsePrefix } from '../../../../src/core/net/address.ts'
import { ClientMap, clientMapParts } from '../../../../src/core/net/client-map.ts'
import type { RegionSpec } from '../../../../src/core/steer/topology.ts'

const regions: readonly RegionSpec[] = [
  { name: 'us-east', countries: ['US'], continents: ['NA'], latitude: 39, longitude: -77 },
  {
    ...{ name: 'us-west', countries: [], continents: [], subdivisions: ['US-CA'] },
    ...{ latitude: 37.4, longitude: -122 },
  },
  { name: 'eu', countries: ['DE', 'FR'], continents: ['EU'], latitude: 50.1, longitude: 8.7 },
  { name: 'asia', countries: [], continents: [], latitude: 1.35, longitude: 103.8 },
  { name: 'nowhere', countries: [], continents: [], asns: [64_500] },
]

function databaseOf(networks: readonly (readonly [string, MmdbValue])[]): GeoDatabase {
  const made = { type: 'City', ipVersion: 6, recordBits: 28, builtSeconds: 1 } as const
  const db = openMmdb(writeMmdb({ ...made, description: '', networks }))
  if (!db.ok) throw new Error(db.error)
  const ranges = rangesOfMmdb(db.value)
  if (!ranges.ok) throw new Error(ranges.error)
  const places = placesOf(db.value, ranges.value.offsets)
  if (!places.ok) throw new Error(places.error)
  return { ...ranges.value, places: places.value }
}

const database = databaseOf([
  ['10.1.0.0/16', { country: { iso_code: 'US' }, continent: { code: 'NA' } }],
  ['10.2.0.0/16', { country: { iso_code: 'US' }, subdivisions: [{ iso_code: 'CA' }] }],
  ['10.3.0.0/16', { country: { iso_code: 'PL' }, continent: { code: 'EU' } }],
  ['10.4.0.0/16', { country: { iso_code: 'JP' }, location: { latitude: 35.7, longitude: 139.7 } }],
  ['10.5.0.0/16', { country: { iso_code: 'US' }, autonomous_system_number: 64_500 }],
  ['10.6.0.0/16', { country: { iso_code: 'AU' }, continent: { code: 'OC' } }],
  ['2001:db8::/32', { country: { iso_code: 'FR' }, continent: { code: 'EU' } }],
])

function askOf(settings: Partial<GeoSettings>, data: GeoDatabase | undefined = database) {
  const made = geoClasses({ regions, custom: [], defaultRegion: 'us-east', ...settings }, data)
  const map = new ClientMap(clientMapParts(made.v4, made.v6, ownMemory))
  return (text: string) => {
    const address = parseAddress(text)
    if (!address.ok) throw new Error(text)
    const { family, bytes } = address.value
    const found = made.classes[map.classOf(family, bytes)]!
    const ranking = found.ranking.map((index) => regions[index]!.name).join(' ')
    return { match: found.match, mapping: found.mapping, country: found.country, ranking }
  }
}

const mapping = (cidr: string, region: string) => {
  const prefix = parsePrefix(cidr)
  if (!prefix.ok) throw new Error(cidr)
  return { prefix: prefix.value, region }
}

describe('the home region', () => {
  const ask = askOf({})
  for (const [address, country, ranking] of [
    ['10.1.2.3', 'US', 'us-east us-west eu asia nowhere'],
    ['10.2.2.3', 'US', 'us-west us-east eu asia nowhere'],
    ['10.3.2.3', 'PL', 'eu us-east us-west asia nowhere'],
    ['10.4.2.3', 'JP', 'asia us-west eu us-east nowhere'],
    ['10.5.2.3', 'US', 'nowhere us-east us-west eu asia'],
    ['2001:db8::9', 'FR', 'eu us-east us-west asia nowhere'],
  ] as const)
    test(`${address} of ${country} is served by ${ranking}`, () => {
      expect(ask(address)).toMatchObject({ match: 'geoip', country, ranking })
    })

  test('what no region is named for and no position is known of falls to the default', () => {
    expect(ask('10.6.1.1')).toMatchObject({ match: 'default', country: 'AU' })
    expect(ask('192.0.2.1')).toMatchObject({ match: 'default', country: '' })
    expect(ask('192.0.2.1').ranking).toMatch(/^us-east /)
  })

  test('without a default region nothing is said', () => {
    expect(askOf({ defaultRegion: '' })('192.0.2.1')).toMatchObject({ match: 'none', ranking: '' })
  })
})

describe('custom mappings', () => {
  const custom = [
    mapping('10.1.0.0/16', 'eu'),
    mapping('10.1.9.0/24', 'asia'),
    mapping('10.0.0.0/8', 'us-west'),
    mapping('2001:db8::/48', 'asia'),
  ]

  test('the longest match decides, before any database', () => {
    const ask = askOf({ custom })
    expect(ask('10.1.1.1')).toMatchObject({ match: 'custom_mapping', mapping: 0 })
    expect(ask('10.1.9.1').ranking).toMatch(/^asia /)
    expect(ask('10.4.2.3').ranking).toMatch(/^us-west /)
    expect(ask('2001:db8::1').ranking).toMatch(/^asia /)
    expect(ask('2001:db8:1::1').ranking).toMatch(/^eu /)
  })

  test('they hold without a database too', () => {
    const made = geoClasses({ regions, custom, defaultRegion: 'us-east' })
    expect(made.classes.map(({ match }) => match)).toContain('custom_mapping')
    expect(made.v4.values.length).toBeGreaterThan(3)
  })
})

test('distances are those along a great circle', () => {
  const paris = { latitude: 48.8566, longitude: 2.3522 }
  const newYork = { latitude: 40.7128, longitude: -74.006 }
  expect(distanceKm(paris, newYork)).toBeCloseTo(5_837, -1)
  expect(distanceKm(paris, paris)).toBe(0)
  expect(distanceKm({ latitude: 0, longitude: 179 }, { latitude: 0, longitude: -179 })).toBeCloseTo(
    222.4,
    0,
  )
})
