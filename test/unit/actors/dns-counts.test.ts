// Goal: every query is counted once, under what it asked and what came of it.
// Method: counters against a Map; meters fed by an authority, read from fake metrics.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KeyedCounts, Samples } from '../../../src/actors/dns/counts.ts'
import { DnsMeters } from '../../../src/actors/dns/metrics.ts'
import type { AuthoritySettings } from '../../../src/core/dns/authority.ts'
import type { Labels } from '../../../src/kernel/metrics.ts'
import { buildQuery, type EdnsParts } from '../../harness/dns-query.ts'
import { authorityOf, CLIENT, snapshotOf } from '../../harness/dns-world.ts'
import { fakeMetrics } from '../../harness/fake-metrics.ts'
import { DOWN } from '../../harness/pools.ts'

describe('keyed counts', () => {
  test('any sequence of keys is counted as a Map counts it, with drains in between', () => {
    const steps = fc.array(fc.option(fc.nat(400), { nil: 'drain' as const }), { maxLength: 600 })
    fc.assert(
      fc.property(steps, (sequence) => {
        const counts = new KeyedCounts(16)
        const seen = new Map<number, number>()
        const model = new Map<number, number>()
        const drain = () =>
          counts.drain((key, count) => void seen.set(key, (seen.get(key) ?? 0) + count))
        for (const step of sequence) {
          if (step === 'drain') drain()
          else {
            expect(counts.add(step)).toBe(true)
            model.set(step, (model.get(step) ?? 0) + 1)
          }
        }
        drain()
        expect([...seen].sort()).toEqual([...model].sort())
      }),
      { numRuns: 200 },
    )
  })

  test('a full table takes no new key, still counts the known ones, and can be cleared', () => {
    const counts = new KeyedCounts(1)
    let key = 0
    while (counts.add(key)) key++
    expect(key).toBeGreaterThan(500)
    expect(counts.add(key)).toBe(false)
    expect(counts.add(0)).toBe(true)
    const zero: number[] = []
    counts.drain((each, count) => void (each === 0 && zero.push(count)))
    expect(zero).toEqual([2])
    counts.clear()
    expect(counts.add(key)).toBe(true)
  })
})

test('samples past the room are left out, and drained ones are gone', () => {
  const samples = new Samples(2)
  for (const key of [1, 2, 3]) samples.add(key, key / 8)
  const drained: number[][] = []
  samples.drain((key, seconds) => void drained.push([key, seconds]))
  samples.drain((key, seconds) => void drained.push([key, seconds]))
  expect(drained).toEqual([
    [1, 0.125],
    [2, 0.25],
  ])
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

function counted(settings: Partial<AuthoritySettings> = {}) {
  const authority = authorityOf(settings)
  const pools = [
    { name: 'app.example.com', zone: 'example.com', addresses: ['192.0.2.1', '192.0.2.2'] },
    { name: 'dead.example.com', zone: 'example.com', addresses: ['192.0.2.3'], words: [DOWN] },
  ]
  authority.applySnapshot(snapshotOf({ zones: { 'example.com': 'www A 192.0.2.9' }, pools }))
  const metrics = fakeMetrics()
  const meters = new DnsMeters(metrics)
  meters.rename(authority.serving!)
  const front = { tcpConnections: 0, repliesDropped: 0, connectionsShed: 0, kernelDrops: 0 }
  metrics.onCollect(() => meters.drain(front))
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
