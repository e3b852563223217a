/**
 * Goal: verdicts follow scripted servers through the whole actor: cadence, thresholds, messages,
 * log and metrics. Method: the actor in a world of its own, on a virtual clock.
 */
import { describe, expect, test } from 'vitest'
import { prober } from '../../../src/actors/prober/actor.ts'
import { type ProberPorts, proberDefaults } from '../../../src/actors/prober/contract.ts'
import type { Outcome } from '../../../src/core/health/outcome.ts'
import type { CheckSpec, MemberSpec } from '../../../src/core/steer/topology.ts'
import type { Behaviour } from '../../../src/kernel/actor.ts'
import type { ProductCatalogue } from '../../../src/messages/catalogue.ts'
import { plainCheck } from '../../contract/prober-scenarios.ts'
import { fakeCtx } from '../../harness/ctx.ts'

type Prober = Behaviour<ProductCatalogue, 'prober', typeof proberDefaults>
type LastVerdict = 'up' | 'down' | 'unknown'

interface Member {
  readonly port?: number
  readonly service?: string
  readonly region?: string
  readonly check?: Partial<CheckSpec>
  readonly last?: LastVerdict
}

const HOUR_MS = 3_600_000
const INTERVAL_MS = 10_000

function memberOf({ port = 80, service = 'app', region = 'eu', check }: Member = {}): MemberSpec {
  return {
    key: `${service}:192.0.2.1:${port}`,
    service,
    address: '192.0.2.1',
    family: 4,
    port,
    region,
    weight: 1,
    source: 'static',
    check: { ...plainCheck, intervalMs: INTERVAL_MS, timeoutMs: 5_000, ...check },
  }
}

const pass: Outcome = { ok: true, latencyMs: 4 }
const failed: Outcome = { ok: false, latencyMs: 6, error: 'status 503' }

/** The actor with servers that answer as `answer` says, at once unless it waits. */
async function worldOf(
  answer: (member: MemberSpec, signal?: AbortSignal) => Outcome | Promise<Outcome>,
  options: { seed?: number } = {},
) {
  const world = fakeCtx('prober', options)
  const probed: { key: string; atMs: number }[] = []
  const ports: ProberPorts = {
    probe: async (member, signal) => {
      probed.push({ key: member.key, atMs: world.clock.monotonicMs() })
      return await answer(member, signal)
    },
  }
  const actor: Prober = await prober.start(world.ctx, ports, proberDefaults)
  const watch = (...members: Member[]) =>
    actor.receive['registry.targets-set']({
      targets: members.map((member) => ({
        member: memberOf(member),
        lastVerdict: member.last ?? 'unknown',
      })),
    })
  const verdicts = () =>
    world.published.flatMap(([id, fact]) =>
      id === 'prober.verdict-changed' ? [`${fact.target.split(':')[2]} ${fact.verdict}`] : [],
    )
  const checks = async () =>
    (await actor.receive['api.list-checks']({})).checks.map((check) => ({ ...check }))
  return { ...world, actor, watch, probed, verdicts, checks }
}

/** One server whose checks end as the script says, the last sign for ever after. */
async function run(script: string, member: Member = {}) {
  let check = 0
  const world = await worldOf(() => {
    const sign = script[Math.min(check++, script.length - 1)]
    return sign === '+' ? pass : failed
  })
  world.watch(member)
  const said: string[] = []
  while (check < script.length) {
    const before = world.published.length
    await world.clock.advanceAsync(10)
    for (const [id, fact] of world.published.slice(before))
      if (id === 'prober.verdict-changed') said.push(`${fact.verdict}@${check}`)
  }
  return said.join(' ')
}

for (const [script, expected] of [
  ['++-+-+-', 'up@2'], // Losses that are not consecutive change nothing.
  ['++-----', 'up@2 down@5'], // The third failure in a row speaks, and only it.
  ['++---+-++', 'up@2 down@5 up@9'], // One lucky pass is not a recovery; two are.
] as const) {
  test(`prober: ${script} gives ${expected}`, async () => {
    expect(await run(script)).toBe(expected)
  })
}

describe('prober: cadence', () => {
  test('an unknown server is checked every half second until its first verdict', async () => {
    const world = await worldOf(() => failed)
    world.watch({})
    await world.clock.advanceAsync(2_000)
    expect(world.verdicts()).toEqual(['80 down'])
    const [first, second, third] = world.probed.map(({ atMs }) => atMs)
    expect(first).toBeLessThanOrEqual(505)
    expect(second! - first!).toBeLessThanOrEqual(531)
    expect(third! - second!).toBeGreaterThanOrEqual(469)
  })

  test('an interval under half a second also holds while unknown', async () => {
    const world = await worldOf(() => pass)
    world.watch({ check: { intervalMs: 200, successThreshold: 5 } })
    await world.clock.advanceAsync(1_060)
    expect(world.verdicts()).toEqual(['80 up'])
  })

  test('after the first verdict it is checked once an interval', async () => {
    const world = await worldOf(() => pass)
    world.watch({})
    await world.clock.advanceAsync(2_000)
    world.probed.length = 0
    await world.clock.advanceAsync(100 * INTERVAL_MS)
    expect(world.probed.length).toBeGreaterThanOrEqual(98)
    expect(world.probed.length).toBeLessThanOrEqual(102)
  })

  test('a thousand servers are not checked in the same instant, at first or later', async () => {
    const world = await worldOf(() => pass)
    world.watch(...Array.from({ length: 1_000 }, (_, index) => ({ port: index + 1 })))
    await world.clock.advanceAsync(INTERVAL_MS * 3)
    const counts = new Map<number, number>()
    const isSettled = (atMs: number) => atMs > INTERVAL_MS * 2 && atMs < INTERVAL_MS * 3
    for (const { atMs } of world.probed) {
      if (!isSettled(atMs)) continue
      const second = Math.floor(atMs / 1_000)
      counts.set(second, (counts.get(second) ?? 0) + 1)
    }
    expect(Math.max(...counts.values())).toBeLessThan(170)
    expect(Math.min(...counts.values())).toBeGreaterThan(50)
    expect(world.clock.pending()).toBe(1)
  })

  test('a server that hangs delays no other and is never checked twice at once', async () => {
    let hanging = 0
    let most = 0
    const world = await worldOf(async (member) => {
      if (member.port !== 1) return pass
      most = Math.max(most, ++hanging)
      await new Promise<void>((done) => world.clock.after(45_000, done))
      hanging--
      return { ok: false, latencyMs: 45_000, error: 'timed-out' }
    })
    world.watch({ port: 1 }, { port: 2 })
    await world.clock.advanceAsync(100_000)
    const others = world.probed.filter(({ key }) => key.endsWith(':2')).length
    expect(others).toBeGreaterThanOrEqual(10)
    expect(most).toBe(1)
  })

  test('an update keeps the cadence and the counts of what did not change', async () => {
    const world = await worldOf(() => failed)
    world.watch({ port: 1, last: 'up' }, { port: 2, last: 'up' })
    await world.clock.advanceAsync(2_010)
    const due = world.clock.nextDueMs()
    world.watch({ port: 1, last: 'up', region: 'us' }, { port: 2, last: 'up' })
    expect(world.clock.nextDueMs()).toBe(due)
    const before = await world.checks()
    expect(before.map(({ consecutiveFailures }) => consecutiveFailures)).toEqual([1, 1])
    await world.clock.advanceAsync(2.2 * INTERVAL_MS)
    expect(world.verdicts().sort()).toEqual(['1 down', '2 down'])
    // The update brought no extra check: the third of each comes two intervals after its first.
    for (const key of ['app:192.0.2.1:1', 'app:192.0.2.1:2']) {
      const starts = world.probed.filter((check) => check.key === key).map(({ atMs }) => atMs)
      expect(Math.abs(starts[2]! - starts[0]! - 2 * INTERVAL_MS)).toBeLessThanOrEqual(1_010)
    }
  })

  test('a changed check starts its counts anew and is made soon', async () => {
    const world = await worldOf(() => failed)
    world.watch({ last: 'up' })
    await world.clock.advanceAsync(2_010)
    world.watch({ last: 'up', check: { path: '/other' } })
    await world.clock.advanceAsync(2_010)
    expect(world.probed.length).toBe(2)
    expect((await world.checks())[0]?.consecutiveFailures).toBe(1)
  })

  test('a server taken off the list is cancelled, forgotten and never spoken of', async () => {
    let cancelled = false
    const world = await worldOf(
      (_, signal) =>
        new Promise((resolve) => {
          signal?.addEventListener('abort', () => {
            cancelled = true
            resolve(failed)
          })
        }),
    )
    world.watch({ last: 'up', check: { failureThreshold: 1 } })
    await world.clock.advanceAsync(2_010)
    expect(world.probed.length).toBe(1)
    world.watch()
    await world.clock.advanceAsync(10 * INTERVAL_MS)
    expect(cancelled).toBe(true)
    expect(world.probed.length).toBe(1)
    expect(world.published).toEqual([])
    expect(await world.checks()).toEqual([])
  })

  test('when it stops, no timer is left and no check starts', async () => {
    const world = await worldOf(() => pass)
    world.watch({ port: 1 }, { port: 2 })
    await world.actor.onStop?.()
    expect(world.clock.pending()).toBe(0)
  })
})

describe('prober: what it says', () => {
  test('a change is published in the turn in which the deciding check ends', async () => {
    const world = await worldOf(() => failed)
    world.watch({ last: 'up' })
    for (let step = 0; world.published.length === 0 && step < 10_000; step++)
      await world.clock.advanceAsync(10)
    const atMs = world.clock.nowMs()
    expect(world.published).toEqual([
      [
        'prober.verdict-changed',
        {
          target: 'app:192.0.2.1:80',
          verdict: 'down',
          atMs: expect.toSatisfy((ms: number) => atMs - ms <= 10),
          reason: 'status 503',
        },
      ],
    ])
  })

  test('a verdict taken over is confirmed once in two seconds, without a log line', async () => {
    const world = await worldOf(() => pass)
    world.watch({ last: 'up' })
    await world.clock.advanceAsync(2_010)
    expect(world.verdicts()).toEqual(['80 up'])
    await world.clock.advanceAsync(10 * INTERVAL_MS)
    expect(world.verdicts()).toEqual(['80 up'])
    expect(world.logs).toEqual([])
  })

  test('a restarted registry hears every known verdict again, others nothing', async () => {
    const world = await worldOf((member) => (member.port === 1 ? pass : failed))
    world.watch({ port: 1 }, { port: 2 })
    await world.clock.advanceAsync(3_000)
    const before = [...world.published]
    expect(world.verdicts().sort()).toEqual(['1 up', '2 down'])
    world.published.length = 0
    world.actor.onPeerStarted?.('api')
    expect(world.published).toEqual([])
    world.actor.onPeerStarted?.('registry')
    expect(new Set(world.published.map((fact) => JSON.stringify(fact)))).toEqual(
      new Set(before.map((fact) => JSON.stringify(fact))),
    )
  })

  test('a server whose lent verdict the registry lost is unknown, checked soon', async () => {
    const world = await worldOf(() => new Promise<Outcome>(() => {}))
    world.watch({ port: 1, last: 'up' }, { port: 2, last: 'up' })
    world.watch({ port: 1, last: 'unknown' }, { port: 2, last: 'up' })
    await world.clock.advanceAsync(510)
    expect(world.probed.map(({ key }) => key)).toContain('app:192.0.2.1:1')
  })

  test('each change is logged once at info, each failed check at debug', async () => {
    const world = await worldOf(() => failed)
    world.watch({ last: 'up' })
    await world.clock.advanceAsync(5 * INTERVAL_MS)
    const fields = {
      ...{ address: '192.0.2.1', port: 80, service: 'app' },
      region: 'eu',
      reason: 'status 503',
      latency_ms: 6,
    }
    expect(world.logs.filter(({ level }) => level === 'info')).toEqual([
      {
        level: 'info',
        message: 'health status changed',
        fields: { ...fields, old_status: 'healthy', new_status: 'unhealthy' },
      },
    ])
    const failures = world.logs.filter(({ level }) => level === 'debug')
    expect(failures).toHaveLength(world.probed.length)
    expect(failures[0]).toEqual({ level: 'debug', message: 'health check failed', fields })
  })

  test('a certificate near its end is warned about once a day', async () => {
    const expiresMs = fakeCtx('prober').clock.nowMs() + 10 * 24 * HOUR_MS
    const world = await worldOf(() => ({ ...pass, certificateExpiresMs: expiresMs }))
    world.watch({ check: { type: 'https', certificateWarnDays: 14, intervalMs: 600_000 } })
    await world.clock.advanceAsync(49 * HOUR_MS)
    const warnings = world.logs.filter(({ level }) => level === 'warn')
    expect(warnings.map(({ fields }) => fields['days_left'])).toEqual([9, 8, 7])
    expect(warnings[0]).toMatchObject({
      message: 'certificate expires soon',
      fields: { address: '192.0.2.1', port: 80, expires_at: new Date(expiresMs).toISOString() },
    })
  })

  test('a lack of our own descriptors turns no server down, said once a second', async () => {
    const world = await worldOf(() => ({
      ok: false,
      latencyMs: 0,
      error: 'local EMFILE',
      inconclusive: true,
    }))
    world.watch(
      ...Array.from({ length: 50 }, (_, port) => ({ port: port + 1, last: 'up' as const })),
    )
    await world.clock.advanceAsync(20 * INTERVAL_MS)
    expect(world.published).toEqual([])
    const warnings = world.logs.filter(({ level }) => level === 'warn')
    expect(warnings.length).toBeGreaterThan(0)
    expect(warnings.length).toBeLessThanOrEqual(201)
  })

  test('the latest check of every server can be asked for', async () => {
    const world = await worldOf((member) => (member.port === 1 ? pass : failed))
    world.watch({ port: 1 }, { port: 2 }, { port: 3, check: { intervalMs: 1_000_000 } })
    await world.clock.advanceAsync(3_000)
    const [one, two, three] = await world.checks()
    expect(one).toMatchObject({ key: 'app:192.0.2.1:1', consecutiveFailures: 0, latencyMs: 4 })
    expect(one?.consecutiveSuccesses).toBeGreaterThanOrEqual(2)
    expect(two).toMatchObject({ consecutiveSuccesses: 0, lastError: 'status 503' })
    expect(two?.consecutiveFailures).toBeGreaterThanOrEqual(3)
    expect(one?.lastHealthyMs).toBe(one?.lastCheckMs)
    expect(two).not.toHaveProperty('lastHealthyMs')
    expect(three).toHaveProperty('key', 'app:192.0.2.1:3')
  })
})

describe('prober: metrics', () => {
  test('results and durations are counted by region and server', async () => {
    const world = await worldOf((member) => (member.port === 1 ? pass : failed))
    world.watch({ port: 1 }, { port: 2, region: 'us' })
    await world.clock.advanceAsync(3_000)
    const [server, other] = ['192.0.2.1:1', '192.0.2.1:2']
    const results = 'opengslb_health_check_results_total'
    const { metrics } = world
    const checksOf = (port: number) =>
      world.probed.filter(({ key }) => key === `app:192.0.2.1:${port}`).length
    const passes = metrics.value(results, { region: 'eu', server, result: 'success' })
    const failures = metrics.value(results, { region: 'us', server: other, result: 'failure' })
    expect([passes, failures]).toEqual([checksOf(1), checksOf(2)])
    const duration = 'opengslb_health_check_duration_seconds'
    const durations = metrics.observed(duration, { region: 'eu', server })
    expect(durations).toEqual(new Array(checksOf(1)).fill(0.004))
    expect(metrics.value('opengslb_healthy_servers', { region: 'eu' })).toBe(1)
    expect(metrics.value('opengslb_healthy_servers', { region: 'us' })).toBe(0)
    expect(metrics.value('opengslb_health_check_targets')).toBe(2)
    expect(metrics.value('opengslb_health_checks_in_flight')).toBe(0)
    expect(metrics.observed('opengslb_health_check_lag_seconds').length).toBe(world.probed.length)
  })

  test('the series of a server end with the last service that has it', async () => {
    const forgotten: string[] = []
    const world = fakeCtx('prober')
    const { metrics } = world.ctx
    const ctx = {
      ...world.ctx,
      metrics: {
        ...metrics,
        counter: (spec: Parameters<typeof metrics.counter>[0]) => ({
          ...metrics.counter(spec),
          forget: (labels: Readonly<Record<string, string>>) =>
            void (
              spec.name === 'opengslb_health_check_results_total' &&
              forgotten.push(`${labels['server']} ${labels['result']}`)
            ),
        }),
      },
    }
    const actor = await prober.start(ctx, { probe: async () => pass }, proberDefaults)
    const watch = (...members: Member[]) =>
      actor.receive['registry.targets-set']({
        targets: members.map((one) => ({ member: memberOf(one), lastVerdict: 'unknown' })),
      })
    watch({ service: 'a', port: 1 }, { service: 'b', port: 1 })
    watch({ service: 'b', port: 1 })
    expect(forgotten).toEqual([])
    watch()
    expect(forgotten).toEqual([
      '192.0.2.1:1 success',
      '192.0.2.1:1 failure',
      '192.0.2.1:1 inconclusive',
    ])
  })
})
