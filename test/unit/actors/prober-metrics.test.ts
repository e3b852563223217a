// Goal: the size of a scrape is bounded however many servers there are.
import { expect, test } from 'vitest'
import { proberMetrics } from '../../../src/actors/prober/metrics.ts'
import type { MemberSpec } from '../../../src/core/steer/topology.ts'
import { mergeMetrics, prometheusMetrics } from '../../../src/kernel/metrics-prometheus.ts'
import { plainCheck } from '../../contract/prober-scenarios.ts'

const memberOf = (port: number, service: string, region: string): MemberSpec => ({
  key: `${service}:192.0.2.1:${port}`,
  service,
  address: '192.0.2.1',
  family: 4,
  port,
  region,
  weight: 1,
  source: 'static',
  check: plainCheck,
})

test('past a thousand servers and services a scrape grows no more by histograms', async () => {
  const metrics = prometheusMetrics()
  const duration = 'opengslb_health_check_duration_seconds'
  const checks = proberMetrics(metrics, () => ({
    healthyByRegion: new Map(),
    targets: 0,
    running: 0,
    late: 0,
  }))
  const run = async (count: number, region = 'eu') => {
    const members = Array.from({ length: count }, (_, port) =>
      memberOf(port + 1, `s${port}`, region),
    )
    checks.keep(members)
    for (const member of members) checks.checked(member, { ok: true, latencyMs: 4 })
    const text = await mergeMetrics([await metrics.json()])
    const linesOf = (name: string) => text.split('\n').filter((line) => line.startsWith(name))
    return { linesOf, text }
  }
  const few = await run(1_000)
  expect(few.linesOf(`${duration}_count`)).toHaveLength(1_000)
  expect(few.linesOf('opengslb_overwatch_validation_latency_seconds_count')).toHaveLength(1_000)
  expect(few.text).toContain('opengslb_health_check_series_shared{kind="server"} 0')

  const many = await run(1_001)
  expect(many.linesOf(`${duration}_count`)).toEqual([
    `${duration}_count{region="eu",server="all"} 1001`,
  ])
  expect(many.linesOf('opengslb_overwatch_validation_latency_seconds_count')).toEqual([
    'opengslb_overwatch_validation_latency_seconds_count{service="all"} 1001',
  ])
  expect(many.linesOf('opengslb_health_check_results_total')).toHaveLength(1_001)
  for (const kind of ['server', 'service'])
    expect(many.text).toContain(`opengslb_health_check_series_shared{kind="${kind}"} 1`)

  const moved = await run(1_001, 'us')
  expect(moved.linesOf(`${duration}_count`)).toEqual([
    `${duration}_count{region="us",server="all"} 1001`,
  ])
  const again = await run(1)
  expect(again.linesOf(`${duration}_count`)).toEqual([
    `${duration}_count{region="eu",server="192.0.2.1:1"} 1`,
  ])
  expect(again.text).not.toContain('"all"')
})

test('checks are counted by the service they validate, faults of our own apart', async () => {
  const metrics = prometheusMetrics()
  const levels = { healthyByRegion: new Map(), targets: 0, running: 0, late: 0 }
  const checks = proberMetrics(metrics, () => levels)
  const members = [memberOf(1, 'app', 'eu'), memberOf(2, 'app', 'us')]
  checks.keep(members)
  for (const member of members) checks.checked(member, { ok: true, latencyMs: 4 })
  checks.checked(members[0]!, { ok: false, latencyMs: 40, error: 'status 503' })
  checks.checked(members[1]!, { ok: false, latencyMs: 0, error: 'EMFILE', inconclusive: true })
  const text = await mergeMetrics([await metrics.json()])
  const total = 'opengslb_overwatch_validation_checks_total{service="app",result='
  expect(text).toContain(`${total}"success"} 2`)
  expect(text).toContain(`${total}"failure"} 1`)
  expect(text).toContain(`${total}"inconclusive"} 1`)
  const latency = 'opengslb_overwatch_validation_latency_seconds'
  expect(text).toContain(`${latency}_bucket{le="0.01",service="app"} 2`)
  expect(text).toContain(`${latency}_count{service="app"} 3`)
})
