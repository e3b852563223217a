/**
 * Goal: when more checks hang than may run at once, that is told once to the log, and as it is to
 * the metrics and to who asks, until all are caught up.
 * Method: the actor with one place in its quick lane and servers that hang, on a virtual clock.
 */
import { expect, test } from 'vitest'
import { prober } from '../../../src/actors/prober/actor.ts'
import { proberDefaults } from '../../../src/actors/prober/contract.ts'
import { limits } from '../../../src/core/base/limits.ts'
import type { Outcome } from '../../../src/core/health/outcome.ts'
import type { MemberSpec } from '../../../src/core/steer/topology.ts'
import { plainCheck } from '../../contract/prober-scenarios.ts'
import { fakeCtx } from '../../harness/ctx.ts'

const SLOW = limits.probesSlow.default
const SERVERS = SLOW + 5
const LATE = 'health checks are late: both lanes are full'
const OVER = 'health checks are on time again'

const memberOf = (port: number): MemberSpec => ({
  ...{ key: `app:192.0.2.1:${port}`, service: 'app', address: '192.0.2.1', family: 4, port },
  ...{ region: 'eu', weight: 1, source: 'static' },
  check: { ...plainCheck, intervalMs: 10_000, timeoutMs: 600_000 },
})

async function worldOf() {
  const world = fakeCtx('prober')
  const hanging = new Set<(outcome: Outcome) => void>()
  const answers = { hang: true }
  const probe = () =>
    new Promise<Outcome>((resolve) => {
      if (answers.hang) hanging.add(resolve)
      else resolve({ ok: true, latencyMs: 1 })
    })
  const actor = await prober.start(world.ctx, { probe }, { ...proberDefaults, maxInFlight: 3 })
  const members = Array.from({ length: SERVERS }, (_, port) => memberOf(port + 1))
  actor.receive['registry.targets-set']({
    targets: members.map((member) => ({ member, lastVerdict: 'up' as const })),
  })
  const told = async () => [
    (await actor.receive['api.count-checks']({})).late,
    world.metrics.value('opengslb_health_checks_late'),
  ]
  const lines = () =>
    world.logs.map(({ message }) => message).filter((text) => [LATE, OVER].includes(text))
  /** Lets everything that hangs answer. */
  const free = () => {
    answers.hang = false
    for (const resolve of hanging) resolve({ ok: true, latencyMs: 1 })
    hanging.clear()
  }
  return { ...world, told, lines, free, answers }
}

test('it is told while both lanes are full and something is due, and not before', async () => {
  const { clock, told, lines, free, answers } = await worldOf()
  const fillMs = (SLOW * limits.probeSlowMs.default) / 3
  await clock.advanceAsync(fillMs / 2)
  expect(await told()).toEqual([0, 0])
  await clock.advanceAsync(fillMs)
  // Three run in the one lane, and all places of the other are taken.
  expect(await told()).toEqual([2, 2])
  expect(lines()).toEqual([LATE])
  free()
  await clock.advanceAsync(60_000)
  expect(await told()).toEqual([0, 0])
  expect(lines()).toEqual([LATE, OVER])
  answers.hang = true
  await clock.advanceAsync(2 * fillMs)
  expect(lines()).toEqual([LATE, OVER, LATE])
})
