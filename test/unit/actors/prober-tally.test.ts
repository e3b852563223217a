/**
 * Goal: an agent hears how many of its checks failed, seldom and without its own faults; an
 * overwatch hears nothing. Method: the tally, then the prober with it, on a virtual clock.
 */
import { expect, test } from 'vitest'
import { prober } from '../../../src/actors/prober/actor.ts'
import { proberDefaults } from '../../../src/actors/prober/contract.ts'
import { type Counts, Tally } from '../../../src/actors/prober/tally.ts'
import type { Outcome } from '../../../src/core/health/outcome.ts'
import { plainCheck } from '../../contract/prober-scenarios.ts'
import { fakeCtx } from '../../harness/ctx.ts'
import { virtualClock } from '../../harness/virtual-clock.ts'

const pass: Outcome = { ok: true, latencyMs: 4 }
const failed: Outcome = { ok: false, latencyMs: 6, error: 'status 503' }

const KEY = 'app:192.0.2.1:80'

test('checks are told once a second, faults of our own apart', () => {
  const clock = virtualClock(0)
  const told: Counts[] = []
  const tally = new Tally(clock, (counts) => told.push(counts))
  for (const outcome of [pass, failed, pass, { ...failed, inconclusive: true }])
    tally.count(KEY, outcome, 'up', 'up')
  clock.advance(999)
  expect(told).toEqual([])
  clock.advance(1)
  const counts = [{ backend: KEY, passed: 2, failed: 1, fromMs: 0 }]
  expect(told).toEqual([{ counts, atMs: 1_000 }])
  clock.advance(60_000)
  expect(told.length).toBe(1)
})

test('a failure counts once a check passes, with the time it was made at', () => {
  const clock = virtualClock(0)
  const told: Counts[] = []
  const tally = new Tally(clock, (counts) => told.push(counts))
  tally.count(KEY, failed, 'up', 'up')
  clock.advance(10_000)
  expect(told).toEqual([])
  tally.count(KEY, pass, 'up', 'up')
  clock.advance(1_000)
  expect(told[0]?.counts).toEqual([{ backend: KEY, passed: 1, failed: 1, fromMs: 0 }])
})

test('checks of a stopped server, from its first failure until it is up again, do not count', () => {
  const clock = virtualClock(0)
  const told: Counts[] = []
  const tally = new Tally(clock, (counts) => told.push(counts))
  tally.count(KEY, failed, 'up', 'up')
  tally.count(KEY, failed, 'up', 'down')
  tally.count(KEY, failed, 'down', 'down')
  tally.count(KEY, pass, 'down', 'down')
  tally.count(KEY, pass, 'down', 'up')
  clock.advance(10_000)
  expect(told).toEqual([])
  tally.count(KEY, pass, 'up', 'up')
  clock.advance(1_000)
  expect(told[0]?.counts).toEqual([{ backend: KEY, passed: 1, failed: 0, fromMs: 10_000 }])
})

test.each([
  [true, ['prober.verdict-changed', 'prober.checks-counted']],
  [false, ['prober.verdict-changed']],
])('with countChecks %s the prober says %j', async (countChecks, ids) => {
  const world = fakeCtx('prober')
  const config = { ...proberDefaults, countChecks }
  const actor = await prober.start(world.ctx, { probe: async () => pass }, config)
  const member = {
    key: 'app:192.0.2.1:80',
    service: 'app',
    address: '192.0.2.1',
    family: 4,
    port: 80,
    region: 'eu',
    weight: 1,
    source: 'static',
    check: { ...plainCheck, intervalMs: 10_000, successThreshold: 1 },
  } as const
  actor.receive['registry.targets-set']({ targets: [{ member, lastVerdict: 'unknown' }] })
  await world.clock.advanceAsync(16_000)
  expect(world.published.map(([id]) => id)).toEqual(ids)
})
