/**
 * Goal: a check that somebody waits for runs at once and quickly on, and its verdict is said again
 * though it is the same. Method: the actor on a virtual clock with one scripted server.
 */
import { expect, test } from 'vitest'
import { prober } from '../../../src/actors/prober/actor.ts'
import { type ProberPorts, proberDefaults } from '../../../src/actors/prober/contract.ts'
import type { Outcome } from '../../../src/core/health/outcome.ts'
import { plainCheck } from '../../contract/prober-scenarios.ts'
import { fakeCtx } from '../../harness/ctx.ts'
import { memberOf } from '../core/health/sample.ts'

const INTERVAL_MS = 60_000
const pass: Outcome = { ok: true, latencyMs: 4 }
const failed: Outcome = { ok: false, latencyMs: 6, error: 'refused' }

/** A server known to be up that is checked once a minute; thresholds are three and two. */
async function worldOf() {
  const world = fakeCtx('prober')
  const state = { isUp: true, delayMs: 0, probes: [] as number[] }
  const ports: ProberPorts = {
    probe: async () => {
      state.probes.push(world.clock.monotonicMs())
      const outcome = state.isUp ? pass : failed
      if (state.delayMs === 0) return outcome
      return new Promise((resolve) => world.clock.after(state.delayMs, () => resolve(outcome)))
    },
  }
  const { receive } = await prober.start(world.ctx, ports, proberDefaults)
  const check = { ...plainCheck, intervalMs: INTERVAL_MS, failureThreshold: 3, successThreshold: 2 }
  const member = { ...memberOf('app', '192.0.2.1'), check }
  receive['registry.targets-set']({ targets: [{ member, lastVerdict: 'up' }] })
  await world.clock.advanceAsync(INTERVAL_MS)
  world.published.length = 0
  state.probes.length = 0
  const want = (doubt: boolean) => receive['registry.check-wanted']({ key: member.key, doubt })
  const said = () =>
    world.published.flatMap(([id, fact]) => (id === 'prober.verdict-changed' ? [fact.verdict] : []))
  return { ...world, state, want, said }
}

test('a contested verdict is said again after its threshold of quick checks', async () => {
  const world = await worldOf()
  world.want(true)
  await world.clock.advanceAsync(400)
  expect(world.said()).toEqual([])
  await world.clock.advanceAsync(400)
  expect(world.said()).toEqual(['up'])
  expect(world.state.probes).toHaveLength(2)
  await world.clock.advanceAsync(5_000)
  expect(world.state.probes.length).toBeLessThan(4)
})

test('a contested verdict turns after the threshold of the other kind', async () => {
  const world = await worldOf()
  world.state.isUp = false
  world.want(true)
  await world.clock.advanceAsync(1_300)
  expect(world.said()).toEqual(['down'])
  expect(world.state.probes).toHaveLength(3)
})

test('one that is only asked for is said again by the first check that agrees', async () => {
  const world = await worldOf()
  world.want(false)
  await world.clock.advanceAsync(100)
  expect(world.said()).toEqual(['up'])
})

test('a check that began before does not answer', async () => {
  const world = await worldOf()
  world.state.delayMs = 300
  world.want(false)
  await world.clock.advanceAsync(100)
  world.want(true)
  await world.clock.advanceAsync(300)
  expect(world.said()).toEqual([])
  await world.clock.advanceAsync(1_900)
  expect(world.said()).toEqual(['up'])
  expect(world.state.probes).toHaveLength(3)
})

test('an agent checks from when gossip runs on, and again after a reload', async () => {
  const world = fakeCtx('prober')
  const checked: string[] = []
  const probe = async ({ key }: { readonly key: string }) => {
    checked.push(key)
    return pass
  }
  const target = { ...memberOf('app', '192.0.2.1'), check: plainCheck }
  const other = { ...memberOf('app', '192.0.2.2'), check: plainCheck }
  const config = { ...proberDefaults, awaitsGossip: true, targets: [target] }
  const actor = await prober.start(world.ctx, { probe }, config)
  await world.clock.advanceAsync(5_000)
  actor.onReconfigured?.({ ...config, targets: [target, other] })
  actor.onPeerStarted?.('api')
  await world.clock.advanceAsync(5_000)
  expect(checked).toEqual([])
  actor.onPeerStarted?.('gossip')
  await world.clock.advanceAsync(1_000)
  expect(new Set(checked)).toEqual(new Set([target.key, other.key]))
  actor.onReconfigured?.(config)
  checked.length = 0
  await world.clock.advanceAsync(60_000)
  expect(new Set(checked)).toEqual(new Set([target.key]))
  checked.length = 0
  // Started again after a fall: gossip runs, and nobody says so.
  await prober.start({ ...world.ctx, incarnation: 2 }, { probe }, config)
  await world.clock.advanceAsync(1_000)
  expect(checked).toContain(target.key)
})
