// Goal: a capsule places the clients of its samples as the map of the database did, and tells how
// far around them that holds. Method: maps of random networks, cut for random clients, sent through
// text as a file would be, and compared with the whole map around each client.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { geoLimits } from '../../src/core/base/limits/geo.ts'
import { ownMemory } from '../../src/core/base/memory.ts'
import { type GeoParts, readGeoNames } from '../../src/core/geo/parts.ts'
import { placeClients } from '../../src/core/geo/source.ts'
import { ClientMap } from '../../src/core/net/client-map.ts'
import { partsOfPlaces, placesOf, placesSchema } from '../../src/core/replay/places.ts'

const REGIONS = ['a', 'b', 'c'].map((name) => ({ name, countries: [], continents: [] }))
const NEIGHBOURS = geoLimits.geoScopeNeighbours.default

const octet = fc.nat(7)
const network = fc
  .tuple(fc.array(octet, { minLength: 4, maxLength: 4 }), fc.integer({ min: 5, max: 32 }))
  .map(([bytes, length]) => `${bytes.join('.')}/${length}`)
const network6 = fc
  .tuple(fc.nat(0xffff), fc.integer({ min: 20, max: 64 }))
  .map(([word, length]) => `2001:db8:${word.toString(16)}::/${length}`)
const mapping = fc.record({
  cidr: fc.oneof(network, network6),
  region: fc.constantFrom('a', 'b', 'c'),
  comment: fc.constantFrom('', 'x'),
})
const client = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4, max: 7 }),
  fc.nat(0xffff).map((word) => {
    const bytes = new Uint8Array(16)
    bytes.set([0x20, 1, 0x0d, 0xb8, word >> 8, word & 0xff])
    return bytes
  }),
)

/** What is told of a client and of the networks around it. */
function around(parts: GeoParts, bytes: Uint8Array) {
  const map = new ClientMap(parts.map)
  const { regions, labels } = readGeoNames(parts.labels)
  const family = bytes.length === 16 ? 6 : 4
  const tell = (place: number) => {
    const ranking = parts.rankings.subarray(place * parts.stride, (place + 1) * parts.stride)
    return [...ranking].filter((one) => one >= 0).map((one) => regions[one])
  }
  const own = map.classOf(family, bytes)
  const { scope, range } = map
  const places: unknown[] = []
  for (let step = 1; step <= NEIGHBOURS; step++)
    for (const at of [range - step, range + step]) {
      if (at < 0 || at >= map.countOf(family)) continue
      const [first, last] = [Math.min(at, range), Math.max(at, range)]
      const width = map.scopeAcross(family, bytes, first, last)
      places.push([at - range, tell(map.valueAt(family, at)), width])
    }
  return { ranking: tell(own), label: labels[parts.labelOf[own]!], scope, places }
}

test('a map that was cut places its clients and their neighbours as the whole one does', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(mapping, { maxLength: 40, selector: ({ cidr }) => cidr }),
      fc.array(client, { minLength: 1, maxLength: 12 }),
      (custom, clients) => {
        const source = { regions: REGIONS, custom, defaultRegion: 'a' }
        const whole = placeClients(source, {}, ownMemory)
        const { places, clients: fitting } = placesOf(whole, clients)
        expect(fitting).toBe(clients.length)
        const read = placesSchema.parse(JSON.parse(JSON.stringify(places)))
        const again = partsOfPlaces(read)
        for (const one of clients) {
          expect(around(again, one)).toEqual(around(whole, one))
        }
      },
    ),
    { numRuns: process.env['OPENGSLB_FULL'] === '1' ? 20_000 : 300 },
  )
})
