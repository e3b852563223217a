/** The registry with agents and other overwatches, as the gossip actor would tell of them. */
import { type AgentsConfig, agentsDefaults } from '../../../src/actors/registry/contract.ts'
import type { MemoryDisk } from '../../../src/actors/registry/ports-memory.ts'
import type { SharedRecord } from '../../../src/core/gossip/peers/record.ts'
import type { ForesightRules } from '../../../src/core/health/foresight.ts'
import type { AgentReport, ReportedBackend } from '../../../src/core/health/report.ts'
import type { CapacitySpec } from '../../../src/core/steer/topology.ts'
import { GONE } from '../../../src/core/health/shared-bodies.ts'
import { keyOf, poolOf, spell, topologyOf } from '../core/health/sample.ts'
import { A, START_MS, start } from './registry-world.ts'

export const agentsOf = (chorus: Partial<AgentsConfig['chorus']> = {}): AgentsConfig => ({
  ...agentsDefaults,
  chorus: {
    ...agentsDefaults.chorus,
    roll: { domains: ['app'], zones: ['test'], staleMs: 10_000, removeAfterMs: 60_000 },
    ...chorus,
  },
})

export const backendAt = (
  address: string,
  more: Partial<ReportedBackend> = {},
): ReportedBackend => ({
  ...{ service: 'app', address, port: 80, weight: 100, healthy: true, reason: '' },
  ...more,
})

export async function worldOf(
  addresses: readonly string[] = [],
  chorus: Partial<AgentsConfig['chorus']> = {},
  more: {
    disk?: MemoryDisk
    atMs?: number
    incarnation?: number
    bleedFloor?: number
    capacity?: CapacitySpec
    foresight?: ForesightRules
  } = {},
) {
  const { bleedFloor = 0.5, capacity, ...options } = more
  const spec = { bleedFloor, ...(capacity === undefined ? {} : { capacity }) }
  const topology = topologyOf(poolOf('app', addresses, spec))
  const world = await start(topology, { agents: agentsOf(chorus), ...options })
  const { receive } = world.behaviour
  let seq = 0
  const report = (
    agentId: string,
    backends: readonly ReportedBackend[],
    fields: Partial<AgentReport> = {},
    hearsay = false,
  ) => {
    const atMs = world.clock.nowMs()
    const content = { agentId, region: 'r1', boot: START_MS, seq: ++seq, atMs, backends }
    receive['gossip.agent-reported']({ agentId, report: { ...content, ...fields }, hearsay, atMs })
  }
  const words = () => {
    const snapshot = world.lastSnapshot()
    const rows = snapshot.words.map((row) => [...row])
    for (const [, change] of world.said('registry.word-changed')) {
      const { epoch, pool, member, word } = change as Record<string, number>
      if (epoch === snapshot.epoch) rows[pool!]![member!] = word!
    }
    return Object.fromEntries(
      snapshot.pools[0]!.members.map((member, index) => [member.address, rows[0]![index]!]),
    )
  }
  const spelt = () =>
    Object.fromEntries(Object.entries(words()).map(([address, word]) => [address, spell(word)]))
  return {
    ...world,
    receive,
    report,
    words,
    spelt,
    shares: () =>
      Object.fromEntries(
        Object.entries(words()).map(([address, word]) => [address, (word >> 16) & 1023]),
      ),
    seen: (agentId: string) => receive['gossip.agent-seen']({ agentId, atMs: world.clock.nowMs() }),
    left: (agentId: string, boot = START_MS) =>
      receive['gossip.agent-left']({ agentId, boot, atMs: 0, reason: 'deregistered' }),
    learned: (record: Partial<SharedRecord>) =>
      receive['gossip.record-learned']({
        ...{ kind: 'verdict', id: '', origin: 'peer', stamp: world.clock.nowMs(), seq: 0 },
        ...{ keepUntilMs: 0, body: GONE },
        ...record,
      }),
    live: (...names: string[]) => receive['gossip.overwatches-set']({ live: names, addresses: [] }),
    wanted: () => world.said('registry.check-wanted').map(([, one]) => one),
    told: (kind: string) =>
      world
        .said('registry.record-told')
        .map(([, one]) => one as SharedRecord)
        .filter((record) => record.kind === kind),
    drain: async (more: object = {}) => {
      const order = { reason: 'work', by: 'ann', force: false, ...more }
      const reply = receive['api.set-drain'](order)
      await world.clock.advanceAsync(30)
      return reply
    },
    lift: async (id: string) => {
      const reply = receive['api.lift-drain']({ id, by: 'ann' })
      await world.clock.advanceAsync(30)
      return reply
    },
    drains: async () => (await receive['api.list-drains']({})).drains,
  }
}

export const KEY = keyOf('app', A)

export const drainOf = (more: object = {}) => ({
  ...{ id: 'd1', reason: 'work', by: 'file' as const, sinceMs: START_MS },
  ...more,
})
