// Goal: who asks without saying for whom is counted by name, network and region told, and nobody
// else: not with a client subnet, not of a name steered otherwise. No whole address is kept.
import { expect, test } from 'vitest'
import { limits } from '../../../../src/core/base/limits.ts'
import { ownMemory } from '../../../../src/core/base/memory.ts'
import { AskerCounts } from '../../../../src/core/dns/askers.ts'
import { placeClients } from '../../../../src/core/geo/source.ts'
import type { Policy } from '../../../../src/core/steer/topology.ts'
import { buildQuery, type EdnsParts } from '../../../harness/dns-query.ts'
import { authorityOf, zoneOf } from '../../../harness/dns-world.ts'
import { DOWN, UP } from '../../../harness/pools.ts'

const REGIONS = ['east', 'west']
const regions = REGIONS.map((name) => ({ name, countries: [], continents: [] }))
const custom = REGIONS.map((region, at) => ({ cidr: `${10 + at}.0.0.0/8`, region, comment: '' }))
const geo = placeClients({ regions, custom, defaultRegion: '' }, {}, ownMemory)

function world(words = [UP, UP]) {
  const pool = (name: string, policy: Policy) => ({
    ...{ name, zone: 'test', ttlSeconds: 30, policy, slot: 0, answers: 1 },
    ...({ whenAllDown: 'servfail', fallback: [] } as const),
    members: REGIONS.map((region, at) => ({
      ...{ key: `k${at}`, address: `192.0.2.${at}`, port: 80, region, weight: 100 },
    })),
  })
  const pools = [pool('plain.test', 'geolocation'), pool('learned.test', 'learned_latency')]
  const authority = authorityOf({ subnets: { trustedNetworks: [] } })
  const zones = [zoneOf('test', '')]
  authority.applySnapshot({ epoch: 1, version: 1, zones, pools, words: [words, words], geo })
  const counts = new AskerCounts()
  const out = new Uint8Array(512)
  const ask = (name: string, client: string, edns?: EdnsParts) => {
    const query = buildQuery({ name, type: 'A', ...(edns === undefined ? {} : { edns }) })
    const bytes = Uint8Array.from(client.split('.'), Number)
    authority.answer(query, 0, query.length, out, 0, { bytes, transport: 'udp' })
    counts.note(authority)
  }
  return { ask, counts, authority }
}

/** RFC 7871 section 6: IPv4, 24 bits. */
const SUBNET: EdnsParts = { options: [[8, [0, 1, 24, 0, 11, 1, 2]]] }

test('those who ask are counted by network and the region they were told', () => {
  const { ask, counts } = world()
  ask('learned.test', '10.1.2.9')
  ask('learned.test', '10.1.2.77')
  ask('learned.test', '11.5.5.5')
  expect(counts.take()).toEqual([
    ['learned.test', '10.1.2.0', 'east', 2],
    ['learned.test', '11.5.5.0', 'west', 1],
  ])
  expect(counts.take()).toEqual([])
})

test('what was told is the region that answered, where another is down', () => {
  const { ask, counts } = world([DOWN, UP])
  ask('learned.test', '10.1.2.9')
  expect(counts.take()).toEqual([['learned.test', '10.1.2.0', 'west', 1]])
})

test('a client subnet says for whom, and other names are steered otherwise', () => {
  const { ask, counts } = world()
  ask('learned.test', '10.1.2.9', SUBNET)
  ask('plain.test', '10.1.2.9')
  ask('nothing.test', '10.1.2.9')
  expect(counts.take()).toEqual([])
})

test('as many networks are counted as a message is to hold', () => {
  const { ask, counts } = world()
  const most = limits.askersMax.default
  for (let at = 0; at < most + 10; at++) ask('learned.test', `10.${at >> 8}.${at & 255}.1`)
  ask('learned.test', '10.0.0.2')
  const rows = counts.take()
  expect([rows.length, rows[0]![3]]).toEqual([most, 2])
})
