// Goal: figures are true: rates and percentiles of what was counted, over the time they speak of.
import { describe, expect, test } from 'vitest'
import { History } from '../../../../src/actors/api/history.ts'
import { Rates } from '../../../../src/actors/api/rates.ts'
import { durationOf, momentOf, spanOf } from '../../../../src/actors/api/span.ts'
import type { ProductCatalogue } from '../../../../src/messages/catalogue.ts'
import type { MessageOf } from '../../../../src/messages/entry.ts'
import { apiWorld, START_MS } from './world.ts'

type Told = MessageOf<ProductCatalogue, 'shell.counters-read'>

const told = (atMs: number, queries: number, more: Partial<Told> = {}): Told => ({
  atMs,
  totals: {
    queries,
    byRcode: { NOERROR: queries, ...(queries > 0 ? { SERVFAIL: queries / 10 } : {}) },
    byTransport: { udp: queries },
    byOutcome: { answered: queries },
    decisions: queries,
    byAlgorithm: { 'round-robin': queries },
  },
  times: { bounds: [0.001, 0.01], counts: [queries, 0, 0], sumSeconds: queries * 0.0005 },
  domains: [],
  servers: [],
  ...more,
})

describe('rates', () => {
  test('are the growth over the last ten seconds', () => {
    const rates = new Rates()
    for (let second = 0; second <= 30; second++)
      rates.take(told(second * 1_000, second < 20 ? 0 : (second - 20) * 50))
    expect(rates.queriesPerSecond()).toBe(50)
    expect(rates.latest?.totals.queries).toBe(500)
    expect(rates.errorPercent()).toBe(10)
  })

  test('are nothing before anything was told, and from a single moment', () => {
    const rates = new Rates()
    expect(rates.queriesPerSecond()).toBe(0)
    expect(rates.responseTimes()).toMatchObject({ avg_ms: 0, max_ms: 0 })
    rates.take(told(0, 100))
    expect(rates.queriesPerSecond()).toBe(0)
    expect(rates.responseTimes()).toMatchObject({ avg_ms: 0.5, p50_ms: 0.5, max_ms: 1 })
  })

  test('percentiles lie in the bucket that holds their rank', () => {
    const rates = new Rates()
    const times = { bounds: [0.001, 0.01], counts: [90, 9, 1], sumSeconds: 0.2 }
    rates.take(told(0, 100, { times }))
    const { p50_ms, p95_ms, p99_ms, max_ms, avg_ms } = rates.responseTimes()
    expect(avg_ms).toBe(2)
    expect(p50_ms).toBeCloseTo(0.5556, 3)
    expect(p95_ms).toBeCloseTo(6, 3)
    expect([p99_ms, max_ms]).toEqual([10, 10])
  })

  test('a clock that was set back begins them anew', () => {
    const rates = new Rates()
    rates.take(told(100_000, 10))
    rates.take(told(5_000, 20))
    expect(rates.queriesPerSecond()).toBe(0)
    rates.take(told(6_000, 40))
    expect(rates.queriesPerSecond()).toBe(20)
  })
})

describe('history', () => {
  const sample = (atMs: number, queries: number) => ({
    atMs,
    totals: { queries },
    levels: { healthy_servers: 3 },
    regions: new Map([['eu', queries]]),
  })

  test('an hour in steps of five seconds and a day in steps of a minute, and no more', () => {
    const history = new History()
    const DAY_MS = 86_400_000
    for (let atMs = 0; atMs <= DAY_MS + 3_600_000; atMs += 5_000)
      history.take(sample(atMs, atMs / 100))
    const nowMs = DAY_MS + 3_600_000
    const hour = history.read(nowMs - 3_600_000, nowMs, 0, nowMs)
    expect(hour).toHaveLength(720)
    expect(hour.at(-1)).toEqual({
      ...{ atMs: nowMs, values: { queries_per_sec: 10, healthy_servers: 3 }, regions: { eu: 10 } },
    })
    const all = history.read(0, nowMs, 0, nowMs)
    expect(all).toHaveLength(1_440)
    expect(history.read(nowMs - 3_600_000, nowMs, 30_000, nowMs)).toHaveLength(120)
    expect(history.read(nowMs - 3_600_000, nowMs, 300_000, nowMs)).toHaveLength(13)
  })

  test('a total that fell, as of a restarted actor, is no negative rate', () => {
    const history = new History()
    for (const [at, queries] of [5_000, 10_000, 0, 20_000].entries())
      history.take(sample(at * 5_000, queries))
    const rates = history.read(0, 1e6, 0, 1e4).map(({ values }) => values['queries_per_sec'])
    expect(rates).toEqual([1_000, 0, 4_000])
  })
})

describe('spans', () => {
  test.each([
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['250ms', 250],
    ['60', 60_000],
    ['', undefined],
    ['-1s', undefined],
    ['1y', undefined],
    ['99999999999999999999', undefined],
  ])('%s lasts %s ms', (text, ms) => expect(durationOf(text)).toBe(ms))

  test.each([
    ['2025-06-15T15:06:40Z', 1_750_000_000_000],
    ['2025-06-15T17:06:40+02:00', 1_750_000_000_000],
    ['1750000000', 1_750_000_000_000],
    ['yesterday', undefined],
    ['2025-99-99T00:00:00Z', undefined],
  ])('%s is %s', (text, ms) => expect(momentOf(text)).toBe(ms))

  test('the last hour is what is asked for when nothing is said', () => {
    const of = (text: string) => spanOf(new URLSearchParams(text), 10_000_000)
    expect(of('')).toMatchObject({ value: { fromMs: 6_400_000, toMs: 10_000_000 } })
    expect(of('duration=10s')).toMatchObject({ value: { fromMs: 9_990_000 } })
    expect(of('start_time=9000&end_time=9001')).toMatchObject({ value: { fromMs: 9_000_000 } })
    for (const bad of ['duration=x', 'start_time=x', 'start_time=9&end_time=8', 'resolution=-'])
      expect(of(bad).ok).toBe(false)
  })
})

describe('over the API', () => {
  async function busyWorld() {
    const world = await apiWorld()
    const { behaviour, clock } = world
    const servers = (answers: number) => [
      { domain: 'app.example.com', algorithm: 'round-robin', server: '10.0.0.1:80', answers },
      { domain: 'app.example.com', algorithm: 'round-robin', server: '10.0.0.2:80', answers: 30 },
    ]
    for (let second = 1; second <= 20; second++) {
      clock.advance(1_000)
      const more = { servers: servers(second * 10) }
      behaviour.receive['shell.counters-read'](told(clock.nowMs(), second * 10, more))
      await new Promise(setImmediate)
    }
    return world
  }

  test('the overview counts queries, checks, servers and what the machine does', async () => {
    const { call } = await busyWorld()
    for (const path of ['/api/v1/metrics', '/api/v1/metrics/overview']) {
      const { overview } = (await call('GET', path)).json
      expect(overview).toMatchObject({
        ...{ queries_total: 200, queries_per_sec: 10, error_rate: 10, uptime_seconds: 80 },
        ...{ health_checks_total: 42, active_domains: 2, active_servers: 3, healthy_servers: 2 },
        ...{ unhealthy_servers: 1, active_regions: 3, overwatch_nodes: 1, agent_nodes: 0 },
        response_times: { avg_ms: 0.5 },
        memory: { used_bytes: 100, available_bytes: 500, total_bytes: 1_000, percent: 10 },
      })
    }
  })

  test('the history has a point for each five seconds, of the metrics asked for', async () => {
    const { call } = await busyWorld()
    const { json } = await call(
      'GET',
      '/api/v1/metrics/history?duration=1m&metrics=queries_per_sec',
    )
    expect(json.data_points.at(-1)).toEqual({
      timestamp: new Date(START_MS + 80_000).toISOString(),
      values: { queries_per_sec: 10 },
    })
    expect(json.total).toBe(3)
    const region = await call('GET', '/api/v1/metrics/history?region_id=us-east')
    expect(region.json.data_points.at(-1).values).toEqual({ answers_per_sec: 10 })
    expect((await call('GET', '/api/v1/metrics/history?node_id=x')).status).toBe(404)
    expect((await call('GET', '/api/v1/metrics/history?duration=x')).status).toBe(400)
  })

  test('a region is what its servers were given, and how they answer checks', async () => {
    const { call } = await busyWorld()
    expect((await call('GET', '/api/v1/metrics/regions/us-east')).json.metrics).toMatchObject({
      ...{ region_id: 'us-east', total_servers: 2, healthy_servers: 1, queries_total: 200 },
      ...{ queries_per_sec: 10, error_rate: 50, response_times: { avg_ms: 1.5, max_ms: 1.5 } },
    })
    expect(
      (await call('GET', '/api/v1/metrics/regions/us-east')).json.metrics.traffic_percent,
    ).toBeCloseTo((200 / 230) * 100)
    expect((await call('GET', '/api/v1/metrics/regions/nope')).status).toBe(404)
  })

  test('routing tells what was chosen where, with zero for a region without answers', async () => {
    const { call } = await busyWorld()
    expect((await call('GET', '/api/v1/metrics/routing')).json.stats).toMatchObject({
      total_decisions: 200,
      by_algorithm: { 'round-robin': 200 },
      by_region: { 'us-east': 200, 'ap-south': 0, 'eu-west': 30 },
      by_backend: { a: 200, b: 30 },
      by_outcome: { answered: 200 },
      failover_events: 0,
      avg_decision_time_us: 500,
    })
  })

  test('this node tells its load, another overwatch is told to be asked itself', async () => {
    const { call, machine, clock, behaviour } = await busyWorld()
    Object.assign(machine, { userMs: 300, systemMs: 100, idleMs: 600, processMs: 200 })
    clock.advance(5_000)
    const { metrics } = (await call('GET', '/api/v1/metrics/nodes/node-1')).json
    expect(metrics).toMatchObject({
      ...{ node_type: 'overwatch', status: 'active' },
      cpu: { used_percent: 40, system_percent: 10, user_percent: 30, process_percent: 20 },
    })
    behaviour.receive['gossip.members-set']({
      members: [
        {
          ...{ name: 'ow-2', role: 'overwatch', region: 'r', address: '10.0.0.9', port: 7946 },
          ...{ state: 'alive', sinceMs: START_MS, self: false },
        },
      ],
      turn: 1,
    })
    const other = await call('GET', '/api/v1/metrics/nodes/ow-2')
    expect([other.status, other.json.error]).toEqual([404, expect.stringContaining("that node's")])
  })
})
