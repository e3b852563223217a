/**
 * Gossip actors in one thread: agents and overwatches on a network in memory and a shared virtual
 * clock, with the facts each of them published.
 */
import { gossip } from '../../src/actors/gossip/actor.ts'
import type {
  AgentGossip,
  GossipConfig,
  GossipPorts,
  OverwatchGossip,
} from '../../src/actors/gossip/contract.ts'
import type { AgentKey } from '../../src/core/gossip/app/crypto.ts'
import { agentIdOf } from '../../src/core/gossip/app/certificate.ts'
import type { Behaviour } from '../../src/kernel/actor.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import type { ProductCatalogue } from '../../src/messages/catalogue.ts'
import type { MemberView } from '../../src/messages/agent-views.ts'
import type { MessageOf } from '../../src/messages/entry.ts'
import { keyOf, START, TOKEN } from './agents.ts'
import { type FakeCtx, fakeCtx } from './ctx.ts'
import { GossipNetwork } from './gossip-network.ts'
import { settle, type VirtualClock, virtualClock } from './virtual-clock.ts'

/** The members as the facts about them tell, by name. */
export function membersIn(published: readonly unknown[]): ReadonlyMap<string, MemberView> {
  const members = new Map<string, MemberView>()
  for (const [id, fact] of published as readonly (readonly [string, unknown])[]) {
    if (id === 'gossip.members-set') {
      members.clear()
      for (const one of (fact as Facts['gossip.members-set']).members) members.set(one.name, one)
    } else if (id === 'gossip.member-changed') {
      const { name, member } = fact as Facts['gossip.member-changed']
      if (member === undefined) members.delete(name)
      else members.set(name, member)
    }
  }
  return members
}

export const KEY = Buffer.alloc(32, 7).toString('base64')
export const OTHER_KEY = Buffer.alloc(32, 9).toString('base64')

type Facts = { [Id in keyof ProductCatalogue]: MessageOf<ProductCatalogue, Id> }
export type GossipBehaviour = Behaviour<ProductCatalogue, 'gossip', GossipConfig>

export interface RunningGossip {
  readonly name: string
  readonly world: FakeCtx<'gossip'>
  readonly behaviour: GossipBehaviour
  readonly config: GossipConfig
  /** The messages of one fact, in order. */
  said<Id extends keyof Facts>(id: Id): Facts[Id][]
  /** The latest report of an agent that stands here; undefined when it left or was never heard. */
  reportOf(agentId: string): Facts['gossip.agent-reported']['report'] | undefined
  membersAlive(): readonly string[]
}

export const overwatchConfig = (over: Partial<OverwatchGossip> = {}): OverwatchGossip => ({
  mode: 'overwatch',
  node: 'ow1',
  region: 'eu',
  bindAddress: '10.0.0.1:7946',
  advertiseAddress: '',
  encryptionKeys: [KEY],
  probeIntervalMs: 1_000,
  probeTimeoutMs: 500,
  gossipIntervalMs: 200,
  agentTokens: { web: TOKEN },
  zones: ['example.com'],
  allowedBackends: [],
  allowUnsignedAgents: false,
  staleThresholdMs: 30_000,
  removeAfterMs: 300_000,
  seeds: [],
  peering: { enabled: false, bindAddress: ':7947', bootstrapPeers: [], secret: '' },
  ...over,
})

export const agentConfig = (over: Partial<AgentGossip> = {}): AgentGossip => ({
  mode: 'agent',
  region: 'eu',
  bindAddress: '0.0.0.0:0',
  advertiseAddress: '',
  encryptionKeys: [KEY],
  overwatchNodes: ['10.0.0.1:7946'],
  discovery: { enabled: false, anycastAddress: '', fallbackNodes: [] },
  identity: { region: 'eu', serviceToken: TOKEN, certPath: 'c', keyPath: 'k' },
  heartbeatIntervalMs: 10_000,
  missedThreshold: 3,
  backends: [{ service: 'web', address: '10.0.1.1', advertiseAddress: '', port: 80, weight: 100 }],
  ...over,
})

export class GossipActors {
  readonly clock: VirtualClock = virtualClock(START)
  readonly network: GossipNetwork
  #seed: number

  constructor(seed = 1) {
    this.#seed = seed
    this.network = new GossipNetwork(this.clock, seed)
  }

  async overwatch(number: number, over: Partial<OverwatchGossip> = {}): Promise<RunningGossip> {
    const address = `10.0.0.${number}`
    const place = { node: `ow${number}`, bindAddress: `${address}:7946` }
    return this.start(overwatchConfig({ ...place, ...over }), this.network.ports(address))
  }

  async agent(
    number: number,
    over: Partial<AgentGossip> = {},
    key: AgentKey = keyOf(),
  ): Promise<RunningGossip & { readonly agentId: string }> {
    const address = `10.0.1.${number}`
    const backend = { service: 'web', address, advertiseAddress: '', port: 80, weight: 100 }
    const config = agentConfig({ backends: [backend], ...over })
    const running = await this.start(config, this.network.ports(address, key))
    return { ...running, agentId: agentIdOf('eu', key.fingerprint) }
  }

  async start(config: GossipConfig, ports: GossipPorts): Promise<RunningGossip> {
    const world = fakeCtx('gossip', { seed: this.#seed++ })
    // The time of day comes in whole milliseconds, as the real one does.
    const clock: Clock = { ...this.clock, nowMs: () => Math.floor(this.clock.nowMs()) }
    const ctx = { ...world.ctx, clock }
    const behaviour = (await gossip.start(ctx, ports, config)) as GossipBehaviour
    await settle()
    const said = <Id extends keyof Facts>(id: Id): Facts[Id][] =>
      world.published.flatMap(([name, fact]) =>
        (name as string) === id ? [fact as unknown as Facts[Id]] : [],
      )
    return {
      name: config.mode === 'overwatch' ? config.node : 'agent',
      world,
      behaviour,
      config,
      said,
      reportOf: (agentId) => {
        for (const [name, fact] of [...world.published].reverse()) {
          if (name === 'gossip.agent-left' && fact.agentId === agentId) return undefined
          if (name === 'gossip.agent-reported' && fact.agentId === agentId) return fact.report
        }
        return undefined
      },
      membersAlive: () =>
        [...membersIn(world.published).values()]
          .filter(({ state }) => state === 'alive')
          .map(({ name }) => name)
          .sort(),
    }
  }

  run(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms)
  }

  /** Until something holds; how long it took, or undefined when it did not in time. */
  async until(holds: () => boolean, limitMs: number, stepMs = 50): Promise<number | undefined> {
    const startMs = this.clock.monotonicMs()
    while (!holds()) {
      if (this.clock.monotonicMs() - startMs >= limitMs) return undefined
      await this.run(stepMs)
    }
    return this.clock.monotonicMs() - startMs
  }

  /** Stops it as the kernel does: its `onStop` runs while time goes on. */
  async stop(running: RunningGossip): Promise<void> {
    let stopped = false
    void Promise.resolve(running.behaviour.onStop?.()).then(() => {
      stopped = true
    })
    await this.until(() => stopped, 5_000, 10)
  }
}
