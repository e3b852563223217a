// Goal: what is answered again, or under another configuration, rests on what held, and on nothing
// that another sample left behind.
import { expect, test } from 'vitest'
import { ownMemory } from '../../../../src/core/base/memory.ts'
import { crc32 } from '../../../../src/core/base/crc32.ts'
import type { Config } from '../../../../src/core/config/schema/root.ts'
import { geoConfigOf } from '../../../../src/core/config/geography.ts'
import { readGeoFile } from '../../../../src/core/geo/database.ts'
import { writeMmdb } from '../../../../src/core/geo/mmdb-write.ts'
import { readGeoNames } from '../../../../src/core/geo/parts.ts'
import { placeClients } from '../../../../src/core/geo/source.ts'
import { ClientMap, clientMapParts } from '../../../../src/core/net/client-map.ts'
import { uniform } from '../../../../src/core/net/ranges.ts'
import { asked, Execution, rerun } from '../../../../src/core/replay/execute.ts'
import { geoPlanned, geoUnder, partsOf, WELL } from '../../../../src/core/replay/next.ts'
import type { Sample } from '../../../../src/core/replay/sample.ts'
import type { ServingPool } from '../../../../src/core/steer/snapshot.ts'
import { buildQuery } from '../../../harness/dns-query.ts'
import { zoneOf } from '../../../harness/dns-world.ts'
import { loaded } from '../config/load-text.ts'

const regions = ['eu', 'us'].map((name) => ({ name, countries: [], continents: [] }))
const CLIENT = Uint8Array.of(10, 1, 0, 1)

function homeOf(parts: ReturnType<typeof placeClients>): string | undefined {
  const { labels, regions: names } = readGeoNames(parts.labels)
  return names[labels[parts.labelOf[new ClientMap(parts.map).classOf(4, CLIENT)]!]!.home]
}

const geolocation = (keys: string): Config =>
  loaded(`
dns: { zones: [example.com] }
regions: [{ name: eu }, { name: us }]
overwatch: { geolocation: { default_region: us, ${keys} } }
`).config

test('the map in force stands in for any database, one of systems alone too', () => {
  const custom = [{ cidr: '10.1.0.0/16', region: 'eu', comment: 'as a database would' }]
  const held = placeClients({ regions, custom, defaultRegion: 'us' }, {}, ownMemory)
  const under = (keys: string) => homeOf(geoUnder(geolocation(keys), regions, held))
  expect(under('database_path: /city.mmdb')).toBe('eu')
  expect(under('asn_database_path: /asn.mmdb')).toBe('eu')
  expect(under('check_interval: 1h')).toBe('us')
})

test('a sample without learned rows is answered without those of the sample before', () => {
  const geo = placeClients({ regions, custom: [], defaultRegion: 'eu' }, {}, ownMemory)
  const pool: ServingPool = {
    ...{ name: 'app.example.com', zone: 'example.com', ttlSeconds: 30, policy: 'learned_latency' },
    ...{ answers: 1, whenAllDown: 'servfail', fallback: [], slot: 0 },
    members: regions.map(({ name: region }, at) => ({
      ...{ key: `k${at}`, address: `192.0.2.${at}`, port: 80, region, weight: 100 },
    })),
  }
  const routes = {
    ...{ version: 5, slot: 1 },
    services: [
      {
        ...{ name: pool.name, regions: ['eu', 'us'], ranking: Uint8Array.of(1, 0) },
        map: clientMapParts(uniform(1, 0), uniform(4, 0), ownMemory),
        ...{ shares: Uint16Array.of(1_000, 0), exploring: Uint8Array.of(0) },
      },
    ],
  }
  const settings = { udpPayloadSize: 1_232, nsid: '', versionString: '', tcpIdleTimeoutMs: 0 }
  const parts = partsOf([zoneOf('example.com', '')], [pool], 1, geo)
  const execution = new Execution({ ...settings, cookies: 'off' }, 1, parts)
  const words = Uint32Array.of(WELL, WELL)
  execution.setWords(0, words)
  const question = asked(buildQuery({ name: pool.name, type: 'A' }), CLIENT, 0)
  const answer = execution.answer(question)
  const check = { answerBytes: answer.length, answerCrc: crc32(answer) }
  const sample = { ...question, ...check, pool: 0, words, version: 1, signed: 0, routes: 0 }
  const again = (version: number) =>
    rerun(execution, { ...sample, routes: version } as unknown as Sample, { routes }).code
  expect([again(0), again(5), again(0)]).toEqual(['same', 'different', 'same'])
})

test('a plan shows other mappings and another default over what the databases say', () => {
  const file = readGeoFile(
    writeMmdb({
      ...{ type: 'T', ipVersion: 6, recordBits: 24, builtSeconds: 1, description: '' },
      networks: [
        ['10.2.0.0/16', { country: { iso_code: 'DE' } }],
        ['10.3.0.0/16', { country: { iso_code: 'FR' } }],
      ],
    }),
  )
  if (!file.ok) throw new Error(file.error)
  const under = (keys: string, more = '') =>
    loaded(`
dns: { zones: [example.com] }
regions: [{ name: eu, countries: [DE] }, { name: us }${more}]
overwatch: { geolocation: { database_path: /city.mmdb, ${keys} } }
`)
  const placed = ({ config, topology: { regions: all } }: ReturnType<typeof under>) =>
    placeClients(
      { ...geoConfigOf(config), regions: all },
      { places: file.value.database },
      ownMemory,
    )
  const mapping = (cidr: string, region: string) => `{ cidr: ${cidr}, region: ${region} }`
  const before = under(`default_region: us, custom_mappings: [${mapping('10.9.0.0/16', 'eu')}]`)
  const held = placed(before)
  const tellerOf = (parts: typeof held) => {
    const { labels, regions: names } = readGeoNames(parts.labels)
    const map = new ClientMap(parts.map)
    return (client: Uint8Array) => {
      const place = map.classOf(client.length === 16 ? 6 : 4, client)
      const { match, country, home } = labels[parts.labelOf[place]!]!
      const ranking = parts.rankings.slice(place * parts.stride, (place + 1) * parts.stride)
      return [match, country, names[home], [...ranking]]
    }
  }
  const clients = Array.from({ length: 2_048 }, (_, at) => Uint8Array.of(10, at >> 8, at & 255, 1))
  clients.push(Uint8Array.of(0x20, 1, 0xd, 0xb8, ...new Array<number>(12).fill(0)))
  const all = [mapping('10.2.1.0/24', 'us'), mapping('10.9.0.0/16', 'us')]
  for (const keys of [
    `default_region: us, custom_mappings: [${mapping('10.9.0.0/16', 'eu')}, ${all[0]!}]`,
    `default_region: eu, custom_mappings: [${all.join(', ')}, ${mapping('2001:db8::/32', 'us')}]`,
  ]) {
    const after = under(keys)
    const { geo, unseen } = geoPlanned(before, after, held)
    expect(unseen).toEqual([])
    const [planned, real] = [tellerOf(geo), tellerOf(placed(after))]
    for (const client of clients) expect(planned(client), String(client)).toEqual(real(client))
  }
  expect(geoPlanned(before, before, held)).toEqual({ geo: held, unseen: [] })
  const fewer = geoPlanned(before, under('default_region: us'), held)
  expect(tellerOf(fewer.geo)(Uint8Array.of(10, 9, 0, 1))[2]).toBe('us')
  expect(fewer.unseen).toEqual([expect.stringContaining('mapped no more')])
  const wider = geoPlanned(before, under('default_region: eu', ', { name: ap }'), held)
  expect(wider.geo).toBe(held)
  expect(wider.unseen).toHaveLength(3)
})
