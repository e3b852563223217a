/** The api actor with a real registry behind it, over a configuration given as text. */
import { limits } from '../../../../src/core/base/limits.ts'
import { registry } from '../../../../src/actors/registry/actor.ts'
import type { RegistryConfig, RegistryPorts } from '../../../../src/actors/registry/contract.ts'
import { agentsDefaults } from '../../../../src/actors/registry/contract.ts'
import { contentOf } from '../../../../src/actors/registry/ports-content.ts'
import { emptyDisk, memoryPorts } from '../../../../src/actors/registry/ports-memory.ts'
import { domainNames, zoneNames } from '../../../../src/core/config/names.ts'
import { expect } from 'vitest'
import type { SharedRecord } from '../../../../src/core/gossip/peers/record.ts'
import { catalogue } from '../../../../src/messages/catalogue.ts'
import { codecOf } from '../../../../src/messages/codec.ts'
import { fakeCtx } from '../../../harness/ctx.ts'
import { loaded } from '../../core/config/load-text.ts'
import { FILE } from '../../core/config/overlay-world.ts'
import { apiWorld, type CallOptions, START_MS } from './world.ts'

export { FILE }

export function registryConfig(file: string): RegistryConfig {
  const { config, topology, serial } = loaded(file)
  const roll = { domains: [...domainNames(config)], zones: [...zoneNames(config)] }
  const { chorus } = agentsDefaults
  return {
    ...contentOf(topology, serial),
    hashSeed: 7,
    dataDir: '',
    guard: { enabled: true, maxWithdrawnShare: 0.5 },
    eventLog: { retentionMs: 86_400_000, maxBytes: 1e9 },
    agents: { ...agentsDefaults, chorus: { ...chorus, roll: { ...chorus.roll, ...roll } } },
    declared: { config, serial },
  }
}

const codec = codecOf(catalogue)
const ASKS = [
  ...['edit-object', 'list-objects', 'list-differences', 'list-backends'],
  ...['set-override', 'clear-override'],
]

/** @param ports in place of those of memory */
export async function objectsWorld(
  file = FILE,
  disk = emptyDisk(),
  incarnation = 1,
  ports: Partial<RegistryPorts> = {},
) {
  const own = fakeCtx('registry', { startUnixMs: START_MS, incarnation })
  const all = { ...memoryPorts(disk), ...ports }
  const behaviour = await registry.start(own.ctx, all, registryConfig(file))
  const { receive } = behaviour
  const world = await apiWorld()
  type Handlers = Record<string, (message: unknown) => unknown>
  const [answers, handlers] = [world.answers, receive] as unknown as [Handlers, Handlers]
  for (const id of ASKS.map((name) => `api.${name}`))
    answers[id] = async (message) => {
      // As between threads: what a message may not hold ends its sender.
      codec.request(id, 1, message)
      const reply = await handlers[id]!(message)
      expect(codec.reply(id, 1, reply)).toBeDefined()
      return reply
    }
  world.answers['api.list-checks'] = () => ({ checks: [] })
  return {
    ...world,
    registry: own,
    disk,
    call: (method: string, path: string, body?: unknown, options: CallOptions = {}) =>
      world.call(method, `/api/v1${path}`, { ...options, ...(body === undefined ? {} : { body }) }),
    verdict: (target: string, verdict: 'up' | 'down') =>
      receive['prober.verdict-changed']({ target, verdict, atMs: own.clock.nowMs(), reason: '' }),
    reload: async (next: string) => {
      await behaviour.onReconfigured!(registryConfig(next))
      // The snapshot comes behind what is answered.
      await own.clock.advanceAsync(limits.snapshotGatherMs.default)
    },
    /** An agent that reports one healthy server. */
    report: (service: string, address: string) =>
      receive['gossip.agent-reported']({
        agentId: 'agent-1',
        report: {
          ...{ agentId: 'agent-1', region: 'us', boot: START_MS, seq: 1, atMs: START_MS },
          backends: [{ service, address, port: 80, weight: 100, healthy: true, reason: '' }],
        },
        ...{ hearsay: false, atMs: START_MS },
      }),
    /** What another overwatch tells this one. */
    learned: (record: SharedRecord) => receive['gossip.record-learned'](record),
    peerStarted: (peer: 'gossip') => behaviour.onPeerStarted?.(peer),
    told: () =>
      own.published
        .filter(([id]) => id === 'registry.record-told')
        .map(([, record]) => record as unknown as SharedRecord),
    lastPools: () =>
      (
        own.published.filter(([id]) => id === 'registry.snapshot-set').at(-1)![1] as unknown as {
          pools: { name: string; members: { address: string }[] }[]
        }
      ).pools,
  }
}
