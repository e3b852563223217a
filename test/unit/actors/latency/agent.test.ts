/**
 * Goal: on an agent, readings become reports at their interval, in pages, in simulated time; what
 * the kernel cannot tell is said once; a reload keeps what was learned. Method: the actor with a
 * scripted TCP table on a virtual clock.
 */
import { expect, test } from 'vitest'
import { latency } from '../../../../src/actors/latency/actor.ts'
import type {
  AgentLatency,
  LatencyPorts,
  TcpTimes,
} from '../../../../src/actors/latency/contract.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import { fail, ok } from '../../../../src/core/base/result.ts'
import { fakeCtx } from '../../../harness/ctx.ts'
import { type RowSpec, tcpRows } from '../../../harness/tcp-rows.ts'

const config: AgentLatency = {
  mode: 'agent',
  enabled: true,
  region: 'eu',
  backends: [{ service: 'web', port: 80 }],
  pollMs: 10_000,
  minAgeMs: 5_000,
  reportMs: 30_000,
  minSamples: 5,
  ttlMs: 3_600_000,
  subnets: { ipv4Prefix: 24, ipv6Prefix: 48, alpha: 0.3, maxSubnets: 1_000 },
}

async function start(first: AgentLatency = config, heard = true) {
  const world = fakeCtx('latency')
  const state = {
    open: [] as RowSpec[] | undefined,
    ends: [] as RowSpec[],
    missed: false,
    asked: [] as number[],
    closed: 0,
  }
  const tcp: TcpTimes = {
    endsHeard: heard ? ok(true) : fail('not here'),
    open: (ports) => {
      state.asked = [...ports]
      return state.open === undefined ? undefined : tcpRows(state.open)
    },
    ended: () => {
      const { missed } = state
      const rows = tcpRows(state.ends.splice(0))
      state.missed = false
      return { rows, missed, more: false }
    },
    close: () => void state.closed++,
  }
  const ports: LatencyPorts = {
    openTcp: () => ok(tcp),
    load: async () => 'absent',
    save: async () => true,
    setAside: async () => undefined,
  }
  const actor = await latency.start(world.ctx, ports, first)
  const reported = () =>
    world.published.flatMap(([id, message]) => (id === 'latency.rows-measured' ? [message] : []))
  const lines = () => world.logs.map(({ message }) => message)
  return { ...world, actor, state, reported, lines }
}

const end = (cookie: number, more: Partial<RowSpec> = {}): RowSpec => ({
  ...{ cookie, state: 'closed', segments: 1, acked: 100 },
  ...more,
})

test('short requests become one row of their network, told at the report interval', async () => {
  const { clock, state, reported, logs, metrics } = await start()
  for (let cookie = 1; cookie <= 10; cookie++) {
    state.ends.push(end(cookie, { remote: `192.0.2.${cookie}` }))
    clock.advance(1_000)
  }
  expect(reported()).toEqual([])
  clock.advance(20_000)
  expect(reported()).toHaveLength(1)
  expect(reported()[0]).toMatchObject({
    service: 'web',
    rows: [{ subnet: '192.0.2.0/24', rttMs: 10, samples: 20, minMs: 10 }],
  })
  // No address of a client leaves the agent.
  expect(JSON.stringify(reported())).not.toMatch(/192\.0\.2\.[1-9]/)
  const line = logs.find(({ message }) => message.includes('latency report'))
  expect(line).toMatchObject({ level: 'info', fields: { networks: 1, samples: 20 } })
  expect(metrics.value('opengslb_agent_latency_observations_total')).toBe(20)
  expect(metrics.value('opengslb_agent_latency_reports_sent_total')).toBe(1)
  expect(metrics.value('opengslb_agent_latency_subnets_tracked')).toBe(1)
})

test('an open connection counts at its age, and idle ones add nothing', async () => {
  const { clock, state, reported } = await start({ ...config, minSamples: 1 })
  state.open = [{ cookie: 1, segments: 2, acked: 200 }]
  clock.advance(600_000)
  const samples = reported().flatMap(({ rows }) => rows.map((row) => row.samples))
  expect(new Set(samples)).toEqual(new Set([2]))
  expect(state.asked).toEqual([80])
})

test('a report of many pages goes out one by one, and no other begins meanwhile', async () => {
  const pages = 10
  const wide = { ...config.subnets, maxSubnets: 100_000 }
  const { clock, state, reported } = await start({
    ...{ ...config, minSamples: 1, reportMs: 100, pollMs: 100_000, subnets: wide },
  })
  const count = pages * limits.latencyPageRows.default
  for (let at = 0; at < count; at++)
    state.ends.push(end(at + 1, { remote: `${10 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}.1` }))
  clock.advance(300)
  const first = reported().length
  expect(first).toBeGreaterThan(0)
  expect(first).toBeLessThan(pages)
  clock.advance(100 + pages * limits.latencyPageMs.default)
  const told = new Set(reported().flatMap(({ rows }) => rows.map(({ subnet }) => subnet)))
  expect(told.size).toBe(count)
})

test('two services on one port have the rows of both', async () => {
  const backends = [...config.backends, { service: 'api', port: 80 }]
  const { clock, state, reported } = await start({ ...config, backends, minSamples: 1 })
  state.ends.push(end(1))
  clock.advance(40_000)
  expect(new Set(reported().map(({ service }) => service))).toEqual(new Set(['web', 'api']))
})

test('a reload keeps what was learned, but for services that are gone and other networks', async () => {
  const { clock, state, reported, actor } = await start({ ...config, minSamples: 1 })
  state.ends.push(end(1))
  clock.advance(1_000)
  actor.onReconfigured?.({ ...config, minSamples: 1, reportMs: 10_000 })
  clock.advance(10_000)
  expect(reported()).toHaveLength(1)
  actor.onReconfigured?.({ ...config, minSamples: 1, backends: [{ service: 'x', port: 81 }] })
  clock.advance(60_000)
  expect(reported()).toHaveLength(1)
  actor.onReconfigured?.({ ...config, enabled: false })
  expect(state.closed).toBe(1)
  expect(clock.pending()).toBe(0)
})

test('what the kernel does not tell is said in the log and counted', async () => {
  const { lines, metrics, state, clock } = await start(config, false)
  expect(lines().join('\n')).toContain('latency of short connections is not learned')
  state.open = undefined
  clock.advance(30_000)
  expect(lines().filter((line) => line.includes('cannot be read'))).toHaveLength(1)
  expect(metrics.value('opengslb_agent_latency_collector_errors_total', { type: 'poll' })).toBe(3)
  state.missed = true
  clock.advance(1_000)
  expect(metrics.value('opengslb_agent_latency_observations_dropped_total')).toBe(1)
})

test('switched off it opens nothing and waits for nothing', async () => {
  const { clock, lines } = await start({ ...config, enabled: false })
  expect(clock.pending()).toBe(0)
  expect(lines()).toEqual([])
})
