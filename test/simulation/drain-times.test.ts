/**
 * Goal: the 99th percentile of the delays that a drain, a stop, a start and a death of a backend
 * take until every overwatch answers otherwise; real runs are too slow for a thousand of each.
 * Method: the real actors of one agent (prober, gossip) and of three overwatches (gossip, registry)
 * on a virtual clock, with a network of 0.2-2 ms that loses one datagram in a hundred and up to a
 * millisecond between two actors. What a process takes to start is no part of it.
 */
import { expect, test } from 'vitest'
import { prober } from '../../src/actors/prober/actor.ts'
import { proberDefaults } from '../../src/actors/prober/contract.ts'
import { agentsDefaults } from '../../src/actors/registry/contract.ts'
import { registry } from '../../src/actors/registry/actor.ts'
import { memoryPorts } from '../../src/actors/registry/ports-memory.ts'
import type { MemberSpec } from '../../src/core/steer/topology.ts'
import { SERVING } from '../../src/core/steer/words.ts'
import { plainCheck } from '../contract/prober-scenarios.ts'
import { keyOf as agentKey } from '../harness/agents.ts'
import { fakeCtx } from '../harness/ctx.ts'
import { GossipActors, type RunningGossip } from '../harness/gossip-actors.ts'
import { settle } from '../harness/virtual-clock.ts'
import { topologyOf } from '../unit/core/health/sample.ts'
import { configOf } from '../unit/actors/registry-world.ts'

const RUNS = process.env['OPENGSLB_FULL'] === '1' ? 1_000 : 50
const ADDRESS = '10.0.1.1'
const TARGET = `web:${ADDRESS}:80`
const SEEDS = ['10.0.0.1:7946', '10.0.0.2:7946', '10.0.0.3:7946']
const HOP_MS = 1

type Handlers = Readonly<Record<string, ((message: never) => unknown) | undefined>>

/** Facts go from one actor to another with the delay of a hop, in their order. */
function wired(actors: GossipActors, published: readonly unknown[], to: Handlers) {
  let at = published.length
  return () => {
    for (; at < published.length; at++) {
      const [id, fact] = published[at] as [string, never]
      const hear = to[id]
      if (hear !== undefined)
        actors.clock.after(actors.network.random.next() * HOP_MS, () => void hear(fact))
    }
  }
}

interface Said {
  readonly epoch: number
  readonly words: readonly (readonly number[])[]
  readonly pool: number
  readonly member: number
  readonly word: number
}

/** Whether a reader of the registry, as a DNS thread is, has anybody to answer with. */
function reader(published: readonly unknown[]): () => boolean {
  let words: number[][] = []
  let epoch = 0
  let at = 0
  return () => {
    for (; at < published.length; at++) {
      const [id, said] = published[at] as [string, Said]
      if (id === 'registry.snapshot-set') {
        words = said.words.map((row) => [...row])
        epoch = said.epoch
      } else if (id === 'registry.word-changed' && said.epoch === epoch)
        words[said.pool]![said.member] = said.word
    }
    return words.some((row) => row.some((word) => (word & SERVING) !== 0))
  }
}

class Site {
  readonly actors = new GossipActors(5)
  readonly #pumps: (() => void)[] = []
  readonly #serving: (() => boolean)[] = []
  agent!: RunningGossip
  isUp = true

  async start(): Promise<void> {
    this.actors.network.loss = 0.01
    for (const number of [1, 2, 3]) await this.#overwatch(number)
    await this.startAgent()
    await this.until(true)
  }

  async #overwatch(number: number): Promise<void> {
    const gossip = await this.actors.overwatch(number)
    const world = fakeCtx('registry', { seed: number })
    const { clock } = this.actors
    const ctx = { ...world.ctx, clock: { ...clock, nowMs: () => Math.floor(clock.nowMs()) } }
    const { chorus } = agentsDefaults
    const roll = { ...chorus.roll, zones: ['example.com'] }
    const agents = { ...agentsDefaults, chorus: { ...chorus, self: `ow${number}`, roll } }
    const config = configOf(topologyOf(), agents)
    const actor = await registry.start(ctx, memoryPorts(undefined, clock), config)
    this.#pumps.push(
      wired(this.actors, gossip.world.published, actor.receive as Handlers),
      wired(this.actors, world.published, gossip.behaviour.receive as Handlers),
    )
    this.#serving.push(reader(world.published))
  }

  /** The prober of the agent checks a backend that is up or refuses. */
  async startAgent(): Promise<void> {
    this.agent = await this.actors.agent(1, { overwatchNodes: SEEDS }, key)
    const world = fakeCtx('prober', { seed: this.actors.network.random.below(1e6) })
    const { clock } = this.actors
    const target = {
      ...{ key: TARGET, service: 'web', address: ADDRESS, family: 4, port: 80, region: 'eu' },
      ...{ weight: 100, source: 'static' },
      check: { ...plainCheck, intervalMs: 1_000, failureThreshold: 2, successThreshold: 1 },
    } as MemberSpec
    const probe = async () =>
      this.isUp ? { ok: true, latencyMs: 1 } : { ok: false, latencyMs: 1, error: 'refused' }
    const config = { ...proberDefaults, targets: [target] }
    const actor = await prober.start({ ...world.ctx, clock }, { probe }, config)
    const pump = wired(this.actors, world.published, this.agent.behaviour.receive as Handlers)
    this.#pumps.push(pump)
    this.stopAgent = async () => {
      // As the kernel does: gossip says goodbye while checks go on.
      void this.agent.behaviour.onStop?.()
      await this.until(false)
      await this.run(1_000)
      await actor.onStop?.()
      this.#pumps.splice(this.#pumps.indexOf(pump), 1)
    }
  }

  stopAgent = async (): Promise<void> => {}

  async run(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed++) {
      await this.actors.run(1)
      for (const pump of this.#pumps) pump()
    }
  }

  /** How long until every overwatch serves the backend, or none does. */
  async until(wanted: boolean, limitMs = 30_000): Promise<number> {
    for (let passedMs = 0; ; passedMs++) {
      await settle()
      for (const pump of this.#pumps) pump()
      if (this.#serving.every((serves) => serves() === wanted)) return passedMs
      if (passedMs > limitMs) throw new Error(`never ${wanted ? 'served' : 'withdrawn'}`)
      await this.run(1)
    }
  }

  drain(on: boolean): void {
    const drain = { id: 'd', reason: 'work', by: 'api' as const, sinceMs: 1 }
    this.agent.behaviour.receive['vitals.drain-changed']({
      backend: '',
      ...(on ? { drain } : {}),
    } as never)
  }
}

const key = agentKey()

const percentile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.ceil(values.length * share) - 1]!

test(`delays of ${RUNS} simulated runs stay within their goals at the 99th percentile`, async () => {
  const site = new Site()
  await site.start()
  const random = site.actors.network.random
  const took = { drain: [] as number[], stop: [] as number[], start: [] as number[] }
  const down: number[] = []
  for (let run = 0; run < RUNS; run++) {
    await site.run(500 + random.below(1_000))
    site.drain(true)
    took.drain.push(await site.until(false))
    site.drain(false)
    await site.until(true)
    await site.run(random.below(1_000))
    site.isUp = false
    down.push(await site.until(false))
    site.isUp = true
    await site.until(true)
    await site.run(500)
    const stopped = site.stopAgent()
    took.stop.push(await site.until(false))
    await stopped
    await site.startAgent()
    took.start.push(await site.until(true))
  }
  const rows = { ...took, down }
  const shown = Object.entries(rows).map(([name, values]) => {
    const [median, p99, most] = [0.5, 0.99, 1].map((share) => percentile(values, share))
    return `${name}: median ${median} ms, p99 ${p99} ms, max ${most} ms of ${values.length}`
  })
  console.info(shown.join('\n'))
  expect(percentile(took.drain, 0.99)).toBeLessThanOrEqual(100)
  expect(percentile(took.stop, 0.99)).toBeLessThanOrEqual(100)
  expect(percentile(took.start, 0.99)).toBeLessThanOrEqual(1_000)
  expect(percentile(down, 0.99)).toBeLessThanOrEqual(2_500)
}, 3_600_000)
