/** The registry on a virtual clock with a simulated disk; a crash is a second start on it. */
import { type AgentsConfig, agentsDefaults } from '../../../src/actors/registry/contract.ts'
import { registry } from '../../../src/actors/registry/actor.ts'
import {
  emptyDisk,
  type MemoryDisk,
  memoryPorts,
} from '../../../src/actors/registry/ports-memory.ts'
import type { Compile } from '../../../src/actors/registry/contract.ts'
import { contentOf } from '../../../src/actors/registry/ports-content.ts'
import type { ForesightRules } from '../../../src/core/health/foresight.ts'
import type { PoolSnapshot } from '../../../src/core/steer/snapshot.ts'
import type { Topology } from '../../../src/core/steer/topology.ts'
import type { ProductCatalogue } from '../../../src/messages/catalogue.ts'
import type { MessageOf } from '../../../src/messages/entry.ts'
import { fakeCtx } from '../../harness/ctx.ts'
import { keyOf } from '../core/health/sample.ts'

export const A = '10.0.0.1'
export const B = '10.0.0.2'
export const C = '10.0.0.3'
export const A6 = '2001:db8::1'
export const START_MS = 1_750_000_000_000

export const configOf = (topology: Topology, agents: AgentsConfig = agentsDefaults) => ({
  ...contentOf(topology, 0),
  hashSeed: 7,
  dataDir: '',
  guard: { enabled: true, maxWithdrawnShare: 0.5 },
  eventLog: { retentionMs: 86_400_000, maxBytes: 1e9 },
  agents,
})

interface StartOptions {
  readonly incarnation?: number
  readonly atMs?: number
  readonly disk?: MemoryDisk
  readonly compile?: Compile
  readonly agents?: AgentsConfig
  readonly foresight?: ForesightRules
}

export async function start(topology: Topology, options: StartOptions = {}) {
  const { incarnation = 1, atMs = START_MS, disk = emptyDisk(), agents } = options
  const world = fakeCtx('registry', { incarnation, startUnixMs: atMs })
  const memory = memoryPorts(disk, world.clock)
  const ports = options.compile === undefined ? memory : { ...memory, compile: options.compile }
  const { foresight } = options
  const own = foresight === undefined ? {} : { foresight }
  const config = { ...configOf(topology, agents), ...own }
  const behaviour = await registry.start(world.ctx, ports, config)
  const said = (id: string) => world.published.filter(([name]) => name === id)
  const { receive } = behaviour
  return {
    ...world,
    behaviour,
    disk,
    said,
    lastServing: () => {
      const last = said('registry.serving-set').at(-1)
      return last?.[1] as MessageOf<ProductCatalogue, 'registry.serving-set'>
    },
    /** Everything but the records for other overwatches and the events for people. */
    toReaders: () =>
      world.published.filter(
        ([id]) => id !== 'registry.record-told' && id !== 'registry.events-recorded',
      ),
    reload: (next: Topology) => behaviour.onReconfigured!(configOf(next, agents)),
    lastSnapshot: () => {
      const last = said('registry.snapshot-set').at(-1)
      return last?.[1] as PoolSnapshot
    },
    verdict: (address: string, state: 'up' | 'down', at?: number, service = 'app') =>
      receive['prober.verdict-changed']({
        ...{ target: keyOf(service, address), verdict: state },
        ...{ atMs: at ?? world.clock.nowMs(), reason: state === 'up' ? '' : 'refused' },
      }),
    override: async (address: string, healthy: boolean, more: object = {}) => {
      const order = { service: 'app', address, healthy, reason: 'work', by: 'ann', force: false }
      const reply = receive['api.set-override']({ ...order, ...more })
      await world.clock.advanceAsync(30)
      return reply
    },
    clear: async (address: string) => {
      const reply = receive['api.clear-override']({ service: 'app', address, by: 'ann' })
      await world.clock.advanceAsync(30)
      return reply
    },
    list: async () => receive['api.list-backends']({}),
  }
}

export type Registry = Awaited<ReturnType<typeof start>>
export const backend = async (world: Registry, address: string) =>
  (await world.list()).backends.find((one) => one.address === address)!
