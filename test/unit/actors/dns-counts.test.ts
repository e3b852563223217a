// Goal: every query is counted once, under what it asked and what came of it, and is read once.
// Method: counters against a Map; meters fed by an authority, read from fake metrics.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BUCKETS,
  Growth,
  KeyedCounts,
  KeyedTimes,
  keyedWords,
  takeCounts,
  takeTimes,
  TIMES_WORDS,
} from '../../../src/actors/dns/counts.ts'
import { ownMemory } from '../../../src/core/base/memory.ts'
import { placeClients } from '../../../src/core/geo/source.ts'
import { DnsMeters } from '../../../src/actors/dns/metrics.ts'
import { DnsScrape } from '../../../src/actors/dns/scrape.ts'
import { DnsTotals } from '../../../src/actors/dns/totals.ts'
import type { AuthoritySettings } from '../../../src/core/dns/authority.ts'
import type { Labels } from '../../../src/kernel/metrics.ts'
import { countsInto } from '../../harness/dns-counts.ts'
import { buildQuery, type EdnsParts } from '../../harness/dns-query.ts'
import { authorityOf, CLIENT, snapshotOf } from '../../harness/dns-world.ts'
import { fakeMetrics } from '../../harness/fake-metrics.ts'
import { DOWN } from '../../harness/pools.ts'

const pairsFor = (keys: number) => new Int32Array(keyedWords(keys, 1 << 20))

describe('keyed counts', () => {
  test('any sequence of keys is counted as a Map counts it, however often it is read', () => {
    const steps = fc.array(fc.option(fc.nat(400), { nil: 'read' as const }), { maxLength: 600 })
    fc.assert(
      fc.property(steps, (sequence) => {
        const pairs = pairsFor(16)
        const counts = new KeyedCounts(pairs)
        const growth = new Growth(pairs)
        const seen = new Map<number, number>()
        const model = new Map<number, number>()
        const read = () =>
          takeCounts(growth, (key, count) => void seen.set(key, (seen.get(key) ?? 0) + count))
        for (const step of sequence) {
          if (step === 'read') read()
          else {
            expect(counts.add(step)).toBe(true)
            model.set(step, (model.get(step) ?? 0) + 1)
          }
        }
        read()
        expect([...seen].sort()).toEqual([...model].sort())
      }),
      { numRuns: 200 },
    )
  })

  test('a full table takes no new key but one that must be, and still counts the known ones', () => {
    const pairs = pairsFor(1)
    const counts = new KeyedCounts(pairs)
    let key = 0
    while (counts.add(key)) key++
    expect(key).toBeGreaterThan(500)
    expect(counts.add(key)).toBe(false)
    expect(counts.add(0)).toBe(true)
    for (let time = 0; time < 3; time++) counts.addAnyway(9_999)
    const read = new Map<number, number>()
    takeCounts(new Growth(pairs), (each, count) => void read.set(each, count))
    expect([read.get(0), read.get(key), read.get(9_999), read.size]).toEqual([
      2,
      undefined,
      3,
      key + 1,
    ])
  })

  test('a count that passed 2^32 is read as what it grew by', () => {
    const words = Int32Array.of(-2)
    const growth = new Growth(words)
    growth.take(0)
    words[0] = 3
    expect(growth.take(0)).toBe(5)
  })
})

test('times fall into their buckets, by key, with their sum', () => {
  const rows = new Int32Array(TIMES_WORDS)
  const times = new KeyedTimes(rows)
  for (const seconds of [0.00005, 0.0001, 0.0002, 7]) times.add(3, seconds)
  times.add(0, 0.02)
  const read = new Map<number, readonly [readonly number[], number]>()
  const growth = new Growth(rows)
  takeTimes(growth, (key, counts, sum) => void read.set(key, [counts, sum]))
  const [counts, sum] = read.get(3)!
  expect(counts).toEqual([2, 1, ...BUCKETS.slice(2).map(() => 0), 1])
  expect(sum).toBeCloseTo(7.00035, 6)
  expect(read.get(0)![0][BUCKETS.indexOf(0.025)]).toBe(1)
  read.clear()
  takeTimes(growth, (key, all, total) => void read.set(key, [all, total]))
  expect(read.size).toBe(0)
})

const GUARDS: Partial<AuthoritySettings> = {
  cookies: { secret: new Uint8Array(16), previousSecret: new Uint8Array(0), require: false },
  rateLimit: {
    responsesPerSecond: 4,
    slip: 2,
    windowSeconds: 15,
    ipv4PrefixBits: 24,
    ipv6PrefixBits: 56,
    exemptNetworks: [],
  },
}

function servingTwo(settings: Partial<AuthoritySettings> = {}) {
  const authority = authorityOf(settings)
  const pools = [
    { name: 'app.example.com', zone: 'example.com', addresses: ['192.0.2.1', '192.0.2.2'] },
    { name: 'dead.example.com', zone: 'example.com', addresses: ['192.0.2.3'], words: [DOWN] },
  ]
  authority.applySnapshot(snapshotOf({ zones: { 'example.com': 'www A 192.0.2.9' }, pools }))
  return authority
}

/** What asks an address question of the authority, which is counted. */
function asker(meters: DnsMeters, authority: ReturnType<typeof authorityOf>) {
  meters.rename(authority.serving!)
  const out = new Uint8Array(1_232)
  return (name: string) => {
    const query = buildQuery({ name, type: 'A' })
    const client = { bytes: CLIENT, transport: 'udp' } as const
    meters.count(authority.last, authority.answer(query, 0, query.length, out, 0, client))
  }
}

function counted(settings: Partial<AuthoritySettings> = {}) {
  const authority = servingTwo(settings)
  const metrics = fakeMetrics()
  const meters = new DnsMeters(metrics, countsInto(metrics))
  meters.rename(authority.serving!)
  const out = new Uint8Array(1_232)
  const ask = (
    name: string,
    type = 'A',
    transport: 'udp' | 'tcp' = 'udp',
    edns: EdnsParts | undefined = undefined,
  ) => {
    const query = buildQuery(edns === undefined ? { name, type } : { name, type, edns })
    const client = { bytes: CLIENT, transport }
    meters.count(authority.last, authority.answer(query, 0, query.length, out, 0, client))
  }
  const value = (name: string, labels?: Labels) => metrics.value(`opengslb_dns_${name}`, labels)
  return { ask, value, metrics, meters, authority, out }
}

test.each([
  ['answered', 'app.example.com', 'A'],
  ['answered', 'www.example.com', 'A'],
  ['no-data', 'www.example.com', 'TXT'],
  ['no-name', 'nowhere.example.com', 'A'],
  ['all-down', 'dead.example.com', 'A'],
  ['not-served-here', 'example.org', 'A'],
  ['prohibited', 'example.com', 'AXFR'],
  ['not-implemented', 'example.com', 'MAILA'],
  ['malformed', 'example.com', 'OPT'],
])('the reason %s: %s %s', (reason, name, type) => {
  const { ask, value } = counted()
  ask(name, type)
  ask(name, type, 'tcp')
  expect(value('outcomes_total', { reason })).toBe(2)
  expect(value('transport_queries_total', { transport: 'udp' })).toBe(1)
  expect(value('transport_queries_total', { transport: 'tcp' })).toBe(1)
})

test('what is no query is counted as that and nothing else', () => {
  const { meters, authority, out, value } = counted()
  const response = buildQuery({ name: 'www.example.com', type: 'A', flags: 0x8000 })
  const client = { bytes: CLIENT, transport: 'udp' } as const
  meters.count(authority.last, authority.answer(response, 0, response.length, out, 0, client))
  expect(value('outcomes_total', { reason: 'not-a-query' })).toBe(1)
  expect(value('transport_queries_total', { transport: 'udp' })).toBeUndefined()
})

test('cookies and held back replies are counted', () => {
  const { ask, value } = counted(GUARDS)
  const cookie: EdnsParts = { options: [[10, [1, 2, 3, 4, 5, 6, 7, 8]]] }
  for (let query = 0; query < 8; query++) ask('www.example.com', 'A', 'udp', cookie)
  ask('www.example.com', 'A', 'tcp')
  expect(value('cookies_total', { cookie: 'client-only' })).toBe(8)
  expect(value('cookies_total', { cookie: 'none' })).toBe(1)
  expect(value('rate_limited_total', { action: 'slipped' })).toBe(2)
  expect(value('rate_limited_total', { action: 'dropped' })).toBe(2)
  expect(value('outcomes_total', { reason: 'rate-limited' })).toBe(4)
  const sent = { domain: 'example.com', type: 'A', status: 'NOERROR' }
  expect(value('queries_total', sent)).toBe(7)
})

test('a reply that slips says nothing of where its client is, nor do those after it', () => {
  const authority = authorityOf({ rateLimit: { ...GUARDS.rateLimit!, slip: 1 } })
  const regions = [{ name: 'r1', countries: [], continents: [] }]
  const custom = [{ cidr: '198.51.100.0/24', region: 'r1', comment: '' }]
  const geo = placeClients({ regions, custom, defaultRegion: '' }, {}, ownMemory)
  const name = 'app.example.com'
  const made = snapshotOf({
    zones: { 'example.com': '' },
    pools: [
      { name, zone: 'example.com', addresses: ['192.0.2.1'], spec: { policy: 'geolocation' } },
    ],
  })
  authority.applySnapshot({ ...made, geo })
  const metrics = fakeMetrics()
  const meters = new DnsMeters(metrics, countsInto(metrics))
  meters.rename(authority.serving!)
  const out = new Uint8Array(512)
  const ask = (last: number, atMs: number) => {
    authority.tick(1e12 + atMs)
    const query = buildQuery({ name, type: 'A' })
    const client = { bytes: Uint8Array.of(198, 51, 100, last), transport: 'udp' } as const
    meters.count(authority.last, authority.answer(query, 0, query.length, out, 0, client))
    return (out[2]! & 2) !== 0
  }
  const slipped = Array.from({ length: 8 }, (_, turn) => ask(turn < 7 ? 1 : 2, 0))
  expect(slipped).toEqual([false, false, false, false, true, true, true, true])
  expect(ask(2, 3_600_000)).toBe(false)
  const of = { domain: name, country: '', continent: '', region: 'r1' }
  expect(metrics.value('opengslb_routing_geo_decisions_total', of)).toBe(5)
})

test('each server put into an answer is counted', () => {
  const { ask, metrics } = counted()
  for (let query = 0; query < 5; query++) ask('app.example.com')
  const of = (server: string) =>
    metrics.value('opengslb_routing_decisions_total', {
      domain: 'app.example.com',
      algorithm: 'round-robin',
      server,
    })
  expect([of('192.0.2.1:80'), of('192.0.2.2:80')]).toEqual([3, 2])
})

test('totals are those of the metrics, and rows are told again only when they grew or all are', () => {
  const metrics = fakeMetrics()
  const scrape = new DnsScrape(metrics)
  const memory: unknown[] = []
  const meters = new DnsMeters(metrics, (one) => {
    memory.push(one)
    scrape.lent({ name: 'dns', incarnation: 1, loan: memory.length }, one)
    return () => {}
  })
  const ask = asker(meters, servingTwo())
  for (let turn = 0; turn < 4; turn++) ask('app.example.com')
  ask('dead.example.com')
  const first = scrape.counts(false)
  expect(first.totals).toMatchObject({
    ...{ queries: 5, byRcode: { NOERROR: 4, SERVFAIL: 1 }, byTransport: { udp: 5 } },
    ...{ byOutcome: { answered: 4, 'all-down': 1 }, decisions: 4 },
    byAlgorithm: { 'round-robin': 4 },
  })
  expect(first.domains).toEqual([
    { domain: 'app.example.com', queries: 4, failures: 0 },
    { domain: 'dead.example.com', queries: 1, failures: 1 },
  ])
  expect(first.servers.map(({ answers }) => answers)).toEqual([2, 2])
  expect(scrape.counts(false)).toMatchObject({ domains: [], servers: [], totals: { queries: 5 } })
  ask('app.example.com')
  expect(scrape.counts(false).domains).toEqual([
    { domain: 'app.example.com', queries: 5, failures: 0 },
  ])
  expect(scrape.counts(true).domains).toHaveLength(2)
})

test('of more rows than are told at a time each has its turn, while all of them grow', () => {
  const totals = new DnsTotals()
  const names = ['a', 'b', 'c', 'd', 'e']
  const grow = () => {
    for (const name of names) {
      totals.queried(totals.domain(name), 'NOERROR', 1)
      totals.decided(totals.server(name, 'weighted', '192.0.2.1:80'), 2)
    }
  }
  const told = Array.from({ length: 5 }, () => {
    grow()
    const { domains, servers } = totals.take(2)
    expect(servers.map(({ domain }) => domain)).toEqual(domains.map(({ domain }) => domain))
    return domains.map(({ domain, queries }) => `${domain} ${queries}`)
  })
  expect(told).toEqual([
    ['a 1', 'b 1'],
    ['c 2', 'd 2'],
    ['e 3', 'a 3'],
    ['b 4', 'c 4'],
    ['d 5', 'e 5'],
  ])
})

test('metrics are read when they are asked for, once, whoever hears the totals meanwhile', () => {
  const metrics = fakeMetrics()
  const scrape = new DnsScrape(metrics)
  let loan = 0
  const meters = new DnsMeters(metrics, (one) => {
    scrape.lent({ name: 'dns', incarnation: 1, loan: ++loan }, one)
    return () => {}
  })
  const ask = asker(meters, servingTwo())
  const of = { domain: 'app.example.com', algorithm: 'round-robin', server: '192.0.2.1:80' }
  for (let turn = 0; turn < 4; turn++) {
    ask('app.example.com')
    scrape.counts(false)
  }
  expect(metrics.value('opengslb_routing_decisions_total', of)).toBe(2)
  ask('app.example.com')
  expect(metrics.value('opengslb_routing_decisions_total', of)).toBe(3)
  expect(scrape.counts(true).totals).toMatchObject({ queries: 5, decisions: 5 })
})
