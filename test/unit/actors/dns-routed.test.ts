// Goal: decisions by latency are counted by how they were found and told in the log once a second:
// opengslb_overwatch_latency_routing_hits_total, opengslb_latency_routing_decision and
// opengslb_routing_latency_fallback_total move; no whole address of a client is told.
import { expect, test } from 'vitest'
import { RoutedCounts } from '../../../src/actors/dns/routed.ts'
import { readingOfRoutes } from '../../../src/actors/dns/scrape-places.ts'
import { ROUTED_KINDS } from '../../../src/actors/dns/tallies.ts'
import { ownMemory } from '../../../src/core/base/memory.ts'
import { placeClients } from '../../../src/core/geo/source.ts'
import { groundOf } from '../../../src/core/latency/ground.ts'
import { ServiceCompiler } from '../../../src/core/latency/compile.ts'
import { parsePrefix } from '../../../src/core/net/address.ts'
import type { Policy } from '../../../src/core/steer/topology.ts'
import { buildQuery } from '../../harness/dns-query.ts'
import { authorityOf, zoneOf } from '../../harness/dns-world.ts'
import { UP, wordOf } from '../../harness/pools.ts'

const REGIONS = ['east', 'west']
const regions = REGIONS.map((name) => ({ name, countries: [], continents: [] }))
const custom = [{ cidr: '10.0.0.0/8', region: 'east', comment: '' }]
const geo = placeClients({ regions, custom, defaultRegion: '' }, {}, ownMemory)

function routes() {
  const service = { name: 'learned.test', regions: REGIONS, maxLatencyMs: 500, minSamples: 1 }
  const compiler = new ServiceCompiler(groundOf(geo), service)
  const prefix = parsePrefix('10.1.2.0/24')
  if (!prefix.ok) throw new Error(prefix.error)
  const measured = { prefix: prefix.value, deviationMs: 1, samples: 50, weight: 50, observedMs: 1 }
  compiler.take([
    { ...measured, region: 'west', rttMs: 10 },
    { ...measured, region: 'east', rttMs: 90 },
  ])
  return { version: 7, slot: 1, services: [compiler.compile(1, 1, 0, ownMemory)!] }
}

function world() {
  const pool = (name: string, policy: Policy) => ({
    ...{ name, zone: 'test', ttlSeconds: 30, policy, slot: 0, answers: 1 },
    ...({ whenAllDown: 'servfail', fallback: [] } as const),
    members: REGIONS.map((region, at) => ({
      ...{ key: `k${at}`, address: `192.0.2.${at}`, port: 80, region, weight: 100 },
    })),
  })
  const pools = [
    pool('learned.test', 'learned_latency'),
    pool('timed.test', 'latency'),
    pool('plain.test', 'round-robin'),
  ]
  const authority = authorityOf({})
  const words = [
    [UP, UP],
    [UP, UP],
    [UP, UP],
  ]
  const zones = [zoneOf('test', '')]
  authority.applySnapshot({ epoch: 1, version: 1, zones, pools, words, geo })
  expect(authority.applyRoutes(routes())).toBe(true)
  const counts = new RoutedCounts(new Int32Array(pools.length * ROUTED_KINDS), authority.serving)
  const out = new Uint8Array(512)
  const ask = (name: string, client: string) => {
    const query = buildQuery({ name, type: 'A' })
    const bytes = Uint8Array.from(client.split('.'), Number)
    authority.answer(query, 0, query.length, out, 0, { bytes, transport: 'udp' })
    if (authority.last.pool >= 0) counts.count(authority.last)
    return String(authority.last.choice[0])
  }
  return { ask, counts, authority }
}

test('each method is counted by name, and what falls back by its reason', () => {
  const { ask, counts, authority } = world()
  expect(ask('learned.test', '10.1.2.9')).toBe('1')
  ask('learned.test', '10.1.2.10')
  expect(ask('learned.test', '10.9.9.9')).toBe('0')
  ask('learned.test', '172.16.0.1')
  ask('timed.test', '10.1.2.9')
  ask('plain.test', '10.1.2.9')
  authority.applyWord({
    ...{ epoch: 1, version: 2, pool: 1, member: 0 },
    word: wordOf({ level: 31 }),
  })
  ask('timed.test', '10.1.2.9')
  const seen: string[] = []
  const meter = (name: string) => ({
    add: (count: number, labels = {}) =>
      void seen.push([name, ...Object.values(labels), count].join(' ')),
  })
  const none = new Int32Array(0)
  const memory = { queries: none, times: none, chosen: none, placed: none, routed: counts.words }
  const text = new Uint8Array(0)
  const read = readingOfRoutes(
    { hits: meter('hits'), decisions: meter('decisions'), fallbacks: meter('fallbacks') },
    { kind: 'dns-epoch', ...memory, geo: text, labels: text, apexes: text },
    (pool) => ['learned', 'timed', 'plain'][pool]!,
  )
  read()
  expect(seen.sort()).toEqual([
    'decisions learned cold_start 1',
    'decisions learned geo_fallback 1',
    'decisions learned learned 2',
    'fallbacks learned no_learned_data 1',
    'fallbacks learned no_learned_data 1',
    'fallbacks timed no_latency_data 1',
    'hits cold_start 1',
    'hits geo_fallback 1',
    'hits learned 2',
  ])
  read()
  expect(seen).toHaveLength(9)
})

test('the last decision of each method is told once, by the network of its client', () => {
  const { ask, counts } = world()
  ask('learned.test', '10.1.2.9')
  ask('learned.test', '10.9.9.9')
  const told = { domain: 'learned.test' }
  expect([...counts.news()]).toEqual([
    { ...told, client: '10.1.2.0/24', method: 'learned', server: '192.0.2.1:80' },
    { ...told, client: '10.9.9.0/24', method: 'geo_fallback', server: '192.0.2.0:80' },
  ])
  expect([...counts.news()]).toEqual([])
  ask('plain.test', '10.1.2.9')
  ask('timed.test', '10.1.2.9')
  expect([...counts.news()].map(({ domain }) => domain)).not.toContain('plain.test')
})

test('rows of an older version do not take the place of newer ones, and a new epoch keeps them', () => {
  const { authority, ask } = world()
  expect(authority.applyRoutes({ version: 6, slot: 1, services: [] })).toBe(false)
  expect(ask('learned.test', '10.1.2.9')).toBe('1')
  expect(authority.serving!.routesVersion).toBe(7)
  const { parts } = authority.serving!
  authority.applyServing(2, 1, parts, new Uint32Array(6).fill(UP))
  expect(ask('learned.test', '10.1.2.9')).toBe('1')
  expect(authority.applyRoutes({ version: 8, slot: 1, services: [] })).toBe(true)
  expect(ask('learned.test', '10.1.2.9')).toBe('0')
})
