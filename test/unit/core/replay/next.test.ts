// Goal: what is answered again, or under another configuration, rests on what held, and on nothing
// that another sample left behind.
import { expect, test } from 'vitest'
import { ownMemory } from '../../../../src/core/base/memory.ts'
import { crc32 } from '../../../../src/core/base/crc32.ts'
import type { Config } from '../../../../src/core/config/schema/root.ts'
import { readGeoNames } from '../../../../src/core/geo/parts.ts'
import { placeClients } from '../../../../src/core/geo/source.ts'
import { ClientMap, clientMapParts } from '../../../../src/core/net/client-map.ts'
import { uniform } from '../../../../src/core/net/ranges.ts'
import { asked, Execution, rerun } from '../../../../src/core/replay/execute.ts'
import { geoUnder, partsOf, WELL } from '../../../../src/core/replay/next.ts'
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
