// Goal: a small change costs what it changes: the prober hears of servers where its own list of
// them is another one, and no server is judged anew where nobody speaks of it by other rules.
// Method: the registry, with what it sends and how often its fleet is judged counted.
import { afterEach, expect, test, vi } from 'vitest'
import { agentsDefaults } from '../../../src/actors/registry/contract.ts'
import { Fleet } from '../../../src/core/health/fleet.ts'
import { poolOf, topologyOf } from '../core/health/sample.ts'
import { A, B, configOf, start } from './registry-world.ts'

const app = (more: object = {}) => topologyOf(poolOf('app', [A, B], {}), poolOf('w', [A], more))

function withCheck(intervalMs: number) {
  const topology = app()
  const pools = topology.pools.map((pool) => ({
    ...pool,
    members: pool.members.map((one) => ({ ...one, check: { ...one.check, intervalMs } })),
  }))
  return { ...topology, pools }
}

function withWeight(weight: number) {
  const topology = app()
  const pools = topology.pools.map((pool) => ({
    ...pool,
    members: pool.members.map((one) => ({ ...one, weight })),
  }))
  return { ...topology, pools }
}

async function world() {
  const made = await start(app())
  for (const service of ['app', 'w']) made.verdict(A, 'up', undefined, service)
  made.verdict(B, 'up')
  made.published.length = 0
  return made
}

afterEach(() => vi.restoreAllMocks())

test('targets are told where one is another, and again to a prober that starts', async () => {
  const { reload, said, behaviour } = await world()
  const told = () => said('registry.targets-set').length
  await reload(app({ ttlSeconds: 9 }))
  await reload(withWeight(3))
  expect(said('registry.serving-set')).toHaveLength(2)
  expect(told()).toBe(0)
  await reload(withCheck(1_234))
  expect(told()).toBe(1)
  await reload(topologyOf(poolOf('app', [A, B])))
  expect(told()).toBe(2)
  behaviour.onPeerStarted!('prober')
  expect(told()).toBe(3)
})

test('servers are judged anew where the rules of who speaks of them are others', async () => {
  const { reload, behaviour } = await world()
  const judged = vi.spyOn(Fleet.prototype, 'rejudge')
  await reload(withWeight(3))
  await reload(withWeight(4))
  expect(judged).not.toHaveBeenCalled()
  const chorus = { ...agentsDefaults.chorus, withdrawSilent: !agentsDefaults.chorus.withdrawSilent }
  await behaviour.onReconfigured!(configOf(withWeight(4), { ...agentsDefaults, chorus }))
  expect(judged).toHaveBeenCalledTimes(1)
})

test('pools that go on are told as the very objects of before', async () => {
  const { reload, lastSnapshot, clock } = await start(app())
  const [kept, w] = lastSnapshot().pools
  await reload(topologyOf(poolOf('app', [A, B], {}), poolOf('w', [A], { ttlSeconds: 9 })))
  await clock.advanceAsync(20)
  const next = lastSnapshot()
  expect(next.pools[0]).toBe(kept)
  expect(next.pools[1]).toEqual({ ...w, ttlSeconds: 9 })
  expect(next.words).toHaveLength(2)
})
