// Goal: decisions by latency are counted by how they were found and told in the log once a second,
// and always where a client is routed otherwise than before:
// opengslb_overwatch_latency_routing_hits_total, opengslb_latency_routing_decision and
// opengslb_routing_latency_fallback_total move; no whole address of a client is told.
import { expect, test } from 'vitest'
import { DnsMeters } from '../../../src/actors/dns/metrics.ts'
import { Moves } from '../../../src/actors/dns/moves.ts'
import { RoutedCounts, toldOnce } from '../../../src/actors/dns/routed.ts'
import { readingOfRoutes } from '../../../src/actors/dns/scrape-places.ts'
import { ROUTED_KINDS } from '../../../src/actors/dns/tallies.ts'
import { ownMemory } from '../../../src/core/base/memory.ts'
import type { Exchange } from '../../../src/core/dns/exchange.ts'
import { placeClients } from '../../../src/core/geo/source.ts'
import { groundOf } from '../../../src/core/latency/ground.ts'
import { ServiceCompiler } from '../../../src/core/latency/compile.ts'
import { parsePrefix } from '../../../src/core/net/address.ts'
import {
  type LeafAlgorithm,
  type PolicyNode,
  routesNameOf,
} from '../../../src/core/steer/policy-tree.ts'
import type { Policy } from '../../../src/core/steer/topology.ts'
import { buildQuery } from '../../harness/dns-query.ts'
import { authorityOf, zoneOf } from '../../harness/dns-world.ts'
import { fakeMetrics } from '../../harness/fake-metrics.ts'
import { DOWN, UP, wordOf } from '../../harness/pools.ts'

const REGIONS = ['east', 'west']
const regions = REGIONS.map((name) => ({ name, countries: [], continents: [] }))
const custom = [{ cidr: '10.0.0.0/8', region: 'east', comment: '' }]
const geo = placeClients({ regions, custom, defaultRegion: '' }, {}, ownMemory)

const choose = (algorithm: LeafAlgorithm) => ({ kind: 'choose', algorithm, regions: [] }) as const
const TIERS: PolicyNode = {
  kind: 'failover',
  tiers: [choose('learned_latency'), choose('weighted')],
}

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
    { ...pool('tiers.test', 'composed'), tree: TIERS },
  ]
  const authority = authorityOf({})
  const up = pools.map(() => [UP, UP])
  const zones = [zoneOf('test', '')]
  authority.applySnapshot({ epoch: 1, version: 1, zones, pools, words: up, geo })
  expect(authority.applyRoutes(routes())).toBe(true)
  const words = new Int32Array(pools.length * ROUTED_KINDS)
  const moves = new Moves()
  const counts = new RoutedCounts(words, authority.serving, moves)
  const out = new Uint8Array(512)
  const ask = (name: string, client: string, into: Pick<RoutedCounts, 'count'> = counts) => {
    const query = buildQuery({ name, type: 'A' })
    const bytes = Uint8Array.from(client.split('.'), Number)
    authority.answer(query, 0, query.length, out, 0, { bytes, transport: 'udp' })
    if (authority.last.pool >= 0) into.count(authority.last)
    return String(authority.last.choice[0])
  }
  return { ask, counts, authority, moves }
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

const told = { domain: 'learned.test' }

test('the last decision of a name is told once, by the network of its client', () => {
  const { ask, counts } = world()
  ask('learned.test', '172.16.0.1')
  ask('learned.test', '10.1.2.9')
  const learned = { ...told, method: 'learned', client: '10.1.2.0/24', server: '192.0.2.1:80' }
  expect([...counts.news()]).toEqual([learned])
  expect([...counts.news()]).toEqual([])
  ask('plain.test', '10.1.2.9')
  ask('timed.test', '10.1.2.9')
  expect([...counts.news()].map(({ domain }) => domain)).not.toContain('plain.test')
})

test('geo_fallback is told whenever it decides, whoever asked after it', () => {
  const { ask, counts } = world()
  ask('learned.test', '10.9.9.9')
  ask('learned.test', '10.1.2.9')
  expect([...counts.news()]).toEqual([
    { ...told, client: '10.1.2.0/24', method: 'learned', server: '192.0.2.1:80' },
    { ...told, client: '10.9.9.0/24', method: 'geo_fallback', server: '192.0.2.0:80' },
  ])
})

test('threads together tell of a name once in a second', () => {
  const shared = new SharedArrayBuffer(64)
  let nowMs = 5_000
  const threads = [world(), world()].map((thread) => {
    const mayTell = toldOnce(shared, () => nowMs)
    return { ...thread, lines: () => [...thread.counts.news(mayTell)].length }
  })
  const linesOf = () =>
    threads.map(({ ask, lines }) => {
      ask('learned.test', '10.1.2.9')
      return lines()
    })
  expect(linesOf()).toEqual([1, 0])
  expect(linesOf()).toEqual([0, 0])
  nowMs += 1_000
  threads.reverse()
  expect(linesOf()).toEqual([1, 0])
})

test('a client that is routed otherwise is told, whoever asked after it', () => {
  const { ask, counts, authority } = world()
  const change = (version: number, word: number) =>
    authority.applyWord({ epoch: 1, version, pool: 0, member: 1, word })
  const told = () => [...counts.news(() => false)].map((one) => Object.values(one).join(' '))
  ask('learned.test', '10.1.2.9')
  ask('learned.test', '10.9.9.9')
  expect(told()).toEqual([])
  change(2, DOWN)
  expect(ask('learned.test', '10.1.2.9')).toBe('0')
  ask('learned.test', '10.1.2.10')
  ask('learned.test', '10.9.9.9')
  ask('learned.test', '10.7.7.7')
  expect(told()).toEqual(['learned.test 10.1.2.0/24 learned 192.0.2.0:80 east learned west'])
  // The rows are gone, and with them the method.
  change(3, UP)
  ask('learned.test', '10.1.2.9')
  authority.applyRoutes({ version: 9, slot: 1, services: [] })
  ask('learned.test', '10.1.2.9')
  ask('learned.test', '10.9.9.9')
  expect(told()).toEqual([
    'learned.test 10.1.2.0/24 learned 192.0.2.1:80 west learned east',
    'learned.test 10.1.2.0/24 geo_fallback 192.0.2.0:80 east learned west',
  ])
})

test('turns among near-equals move nobody, and a new epoch forgets nobody', () => {
  const { ask, authority, moves } = world()
  const near = routes()
  near.services[0]!.shares.fill(500)
  authority.applyRoutes({ ...near, version: 8 })
  const { serving } = authority
  const asked = new Set<string>()
  const turns = (counts: RoutedCounts) => {
    for (let turn = 0; turn < 20; turn++) asked.add(ask('learned.test', '10.1.2.9', counts))
    return [...counts.news(() => false)].map(({ was }) => was)
  }
  const countsOf = () =>
    new RoutedCounts(new Int32Array(4 * ROUTED_KINDS), authority.serving, moves)
  expect(turns(countsOf())).toEqual([])
  expect(asked).toEqual(new Set(['0', '1']))
  const words = new Uint32Array(8).fill(UP)
  words[1] = DOWN
  authority.applyServing(2, 1, serving!.parts, words)
  expect(turns(countsOf())).toEqual(['learned west'])
})

test('a client of a leaf that goes by learned latency is told, by the region of its answer', () => {
  const { ask, counts, authority } = world()
  const leaf = routes()
  const service = {
    ...leaf.services[0]!,
    name: routesNameOf('tiers.test', choose('learned_latency')),
  }
  authority.applyRoutes({ ...leaf, version: 8, services: [service] })
  const lines = () => [...counts.news(() => false)].map(({ region, was }) => `${region} ${was}`)
  expect([ask('tiers.test', '10.1.2.9'), ask('tiers.test', '10.1.2.9')]).toEqual(['1', '1'])
  expect(lines()).toEqual([])
  authority.applyWord({ epoch: 1, version: 2, pool: 3, member: 1, word: DOWN })
  expect(ask('tiers.test', '10.1.2.9')).toBe('0')
  expect(lines()).toEqual(['east learned west'])
})

test('the meters tell it too, of the epoch before as well, and only when something changed', () => {
  const { ask, authority } = world()
  const meters = new DnsMeters(fakeMetrics(), () => () => {})
  const lines = () => [...meters.routingNews(() => false)].map(({ was }) => was)
  meters.rename(authority.serving!)
  const into = { count: (x: Exchange) => meters.count(x, 1) }
  const word = (version: number, word: number) =>
    authority.applyWord({ epoch: 1, version, pool: 0, member: 1, word })
  for (let time = 0; time < 3; time++) ask('learned.test', '10.1.2.9', into)
  word(2, DOWN)
  for (let time = 0; time < 3; time++) ask('learned.test', '10.1.2.9', into)
  meters.rename(authority.serving!)
  word(3, UP)
  ask('learned.test', '10.1.2.9', into)
  expect(lines()).toEqual(['learned west', 'learned east'])
  expect(meters.movesLeftOut()).toBe(0)
})

test('of many clients that move at once some are told and the others counted', () => {
  const moves = new Moves(2)
  const move = (region: string) => {
    for (let client = 0; client < 5; client++)
      moves.note(0, 0, 4, Uint8Array.of(10, 0, client, 1), 0, region, 0)
  }
  move('west')
  expect([moves.take().length, moves.takeLeftOut()]).toEqual([0, 0])
  move('east')
  expect([moves.take().length, moves.takeLeftOut()]).toEqual([2, 3])
  move('east')
  expect([moves.take().length, moves.takeLeftOut()]).toEqual([0, 0])
})

test('rows of an older version do not take the place of newer ones, and a new epoch keeps them', () => {
  const { authority, ask } = world()
  expect(authority.applyRoutes({ version: 6, slot: 1, services: [] })).toBe(false)
  expect(ask('learned.test', '10.1.2.9')).toBe('1')
  expect(authority.serving!.routesVersion).toBe(7)
  const { parts } = authority.serving!
  authority.applyServing(2, 1, parts, new Uint32Array(8).fill(UP))
  expect(ask('learned.test', '10.1.2.9')).toBe('1')
  expect(authority.applyRoutes({ version: 8, slot: 1, services: [] })).toBe(true)
  expect(ask('learned.test', '10.1.2.9')).toBe('0')
})
