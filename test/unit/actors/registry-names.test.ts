// Goal: a name whose only agent is gone or silent is no NXDOMAIN, also when the overwatch is
// started again meanwhile. Method: the registry on a virtual clock, and a second one on its disk.
import { expect, test } from 'vitest'
import { agentsDefaults } from '../../../src/actors/registry/contract.ts'
import type { AgentReport } from '../../../src/core/health/report.ts'
import { emptyDisk, type MemoryDisk } from '../../../src/actors/registry/ports-memory.ts'
import { topologyOf } from '../core/health/sample.ts'
import { backendAt } from './registry-agents-world.ts'
import { A, START_MS, start } from './registry-world.ts'

const NAME = 'web.gslb.test'
const KEEP_MS = 300_000

const { chorus } = agentsDefaults
const agents = {
  ...agentsDefaults,
  chorus: { ...chorus, roll: { ...chorus.roll, zones: ['gslb.test'], removeAfterMs: KEEP_MS } },
}

async function worldOn(disk: MemoryDisk, atMs: number) {
  const world = await start(topologyOf(), { disk, atMs, agents })
  const { receive } = world.behaviour
  const report: AgentReport = {
    ...{ agentId: 'a1', region: 'r1', boot: START_MS, seq: 1, atMs },
    backends: [backendAt(A, { service: 'web' })],
  }
  return {
    ...world,
    report: () => receive['gossip.agent-reported']({ agentId: 'a1', report, hearsay: false, atMs }),
    leave: () =>
      receive['gossip.agent-left']({
        ...{ agentId: 'a1', boot: START_MS, atMs, reason: 'deregistered' as const },
      }),
    names: () => world.lastSnapshot().pools.map(({ name }) => name),
  }
}

test('a name whose only agent signed off is there after a restart, for as long as it was to be', async () => {
  const disk = emptyDisk()
  const before = await worldOn(disk, START_MS)
  before.report()
  await before.clock.advanceAsync(1_000)
  before.leave()
  await before.clock.advanceAsync(1_000)
  expect(before.names()).toEqual([NAME])
  const after = await worldOn(disk, START_MS + 100_000)
  expect(after.names()).toEqual([NAME])
  await after.clock.advanceAsync(KEEP_MS - 102_000)
  expect(after.names()).toEqual([NAME])
  await after.clock.advanceAsync(10_000)
  expect(after.names()).toEqual([])
  const third = await worldOn(disk, START_MS + KEEP_MS)
  expect(third.names()).toEqual([])
})

test('a name whose agent fell silent is there after a restart, and once nobody vouches for it', async () => {
  const disk = emptyDisk()
  const before = await worldOn(disk, START_MS)
  before.report()
  await before.clock.advanceAsync(60_000)
  const after = await worldOn(disk, START_MS + 61_000)
  expect(after.names()).toEqual([NAME])
  await after.clock.advanceAsync(KEEP_MS + 10_000)
  expect(after.names()).toEqual([NAME])
  const third = await worldOn(disk, START_MS + 61_000 + KEEP_MS + 12_000)
  expect(third.names()).toEqual([NAME])
})

test('an agent that comes back takes its name up again, and nothing of it stays on disk', async () => {
  const disk = emptyDisk()
  const before = await worldOn(disk, START_MS)
  before.report()
  await before.clock.advanceAsync(1_000)
  before.leave()
  await before.clock.advanceAsync(1_000)
  const after = await worldOn(disk, START_MS + 10_000)
  after.report()
  await after.clock.advanceAsync(1_000)
  expect(after.names()).toEqual([NAME])
  expect([...disk.shared.keys()].filter((key) => key.startsWith('name/'))).toEqual([])
})
