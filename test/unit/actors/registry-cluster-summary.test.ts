// Goal: a node that joins begins with what the leader's checks found, and says what its own do.
import { expect, test } from 'vitest'
import { registry } from '../../../src/actors/registry/actor.ts'
import { emptyDisk, memoryPorts } from '../../../src/actors/registry/ports-memory.ts'
import type { SharedRecord } from '../../../src/core/gossip/peers/record.ts'
import { fakeCtx } from '../../harness/ctx.ts'
import { keyOf, poolOf, topologyOf } from '../core/health/sample.ts'
import { A, B, configOf } from './registry-world.ts'

async function node(self: string) {
  const world = fakeCtx('registry')
  const ports = memoryPorts(emptyDisk(), world.clock)
  const config = configOf(topologyOf(poolOf('app', [A, B])))
  const { chorus } = config.agents
  const agents = { ...config.agents, chorus: { ...chorus, self } }
  const behaviour = await registry.start(world.ctx, ports, { ...config, agents, isClustered: true })
  const told = (): SharedRecord[] =>
    world.published.flatMap(([id, message]) => (id === 'registry.summary-told' ? [message] : []))
  const verdict = (address: string, state: 'up' | 'down') =>
    behaviour.receive['prober.verdict-changed']({
      ...{ target: keyOf('app', address), verdict: state, atMs: world.clock.nowMs(), reason: '' },
    })
  const statuses = async () => {
    const { backends } = await behaviour.receive['api.list-backends']({})
    return Object.fromEntries(backends.map(({ address, status }) => [address, status]))
  }
  return { ...world, ...{ behaviour, told, verdict, statuses } }
}

test('verdicts are summed up, and only when one has changed', async () => {
  const one = await node('a')
  one.verdict(A, 'up')
  one.verdict(B, 'down')
  await one.clock.advanceAsync(5_100)
  expect(one.told()).toHaveLength(1)
  await one.clock.advanceAsync(60_000)
  expect(one.told()).toHaveLength(1)
  one.verdict(B, 'up')
  await one.clock.advanceAsync(5_100)
  expect(one.told()).toHaveLength(2)
})

test('a node without verdicts takes those of a summary, until its own checks have some', async () => {
  const [one, late] = [await node('a'), await node('b')]
  one.verdict(A, 'up')
  one.verdict(B, 'down')
  await one.clock.advanceAsync(5_100)
  expect(await late.statuses()).toEqual({ [A]: 'unknown', [B]: 'unknown' })
  for (const record of one.told()) late.behaviour.receive['cluster.record-learned'](record)
  expect(await late.statuses()).toEqual({ [A]: 'healthy', [B]: 'unhealthy' })
  late.verdict(B, 'up')
  expect(await late.statuses()).toEqual({ [A]: 'healthy', [B]: 'healthy' })
  // It is a hint for a node that begins: nothing of it is kept, or told to others.
  const shared = late.published.filter(([id]) => id === 'registry.record-told')
  expect(shared.every(([, message]) => (message as SharedRecord).kind !== 'summary')).toBe(true)
})
