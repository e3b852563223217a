/**
 * Goal: an agent that starts is heard within a second of its first passing check, whichever single
 * datagram or connection of its start is lost.
 * Method: the gossip actors of overwatches and of one agent on a virtual clock. Each run loses
 * another one of all that is sent from the start of the agent on: the first, the second, and so on
 * until a run ends before the one to be lost is sent.
 */
import { describe, expect, test } from 'vitest'
import type { GossipPorts } from '../../src/actors/gossip/contract.ts'
import { keyOf } from '../harness/agents.ts'
import { agentConfig, GossipActors, type RunningGossip } from '../harness/gossip-actors.ts'

const GOAL_MS = 1_000

interface Loss {
  readonly what: 'datagram' | 'connection'
  readonly at: number
}

interface Start {
  readonly name: string
  /** What the overwatches know of the agent: nothing, or that it was stopped, or it was killed. */
  readonly before: 'nothing' | 'stopped' | 'killed'
  /** When its first check passes, after the start of its gossip. */
  readonly checkedMs: number
  readonly overwatches: number
}

const starts: readonly Start[] = [
  { name: 'unheard of, checked at once', before: 'nothing', checkedMs: 0, overwatches: 1 },
  { name: 'unheard of, checked later', before: 'nothing', checkedMs: 400, overwatches: 1 },
  { name: 'unheard of by three', before: 'nothing', checkedMs: 0, overwatches: 3 },
  { name: 'stopped and started again', before: 'stopped', checkedMs: 0, overwatches: 1 },
  { name: 'killed and started on another port', before: 'killed', checkedMs: 0, overwatches: 1 },
  { name: 'killed and started beside three', before: 'killed', checkedMs: 0, overwatches: 3 },
]

class World {
  readonly actors = new GossipActors(11)
  readonly overwatches: RunningGossip[] = []
  readonly key = keyOf()
  /** Sent since `watch`, and which of it is lost. */
  sent = { datagram: 0, connection: 0 }
  readonly #seeds: readonly string[]
  #loss: Loss | undefined
  #isWatching = false

  constructor({ overwatches }: Start) {
    const numbers = Array.from({ length: overwatches }, (_, index) => index + 1)
    this.#seeds = numbers.map((number) => `10.0.0.${number}:7946`)
  }

  async start({ before }: Start): Promise<void> {
    const seeds = this.#seeds
    for (const index of seeds.keys())
      this.overwatches.push(await this.actors.overwatch(index + 1, { seeds }))
    await this.actors.run(3_000)
    if (before === 'nothing') return
    const agent = await this.agent()
    this.say(agent)
    await this.actors.until(() => this.isHeard(), 5_000)
    await this.actors.run(12_345)
    if (before === 'killed') this.actors.network.kill('10.0.1.1')
    else await this.actors.stop(agent)
    // A process takes a while to start again.
    await this.actors.run(before === 'killed' ? 400 : 100)
    for (const { world } of this.overwatches) world.published.length = 0
  }

  /** From now on all that is sent is counted, and one of it lost. */
  watch(loss: Loss): void {
    this.#loss = loss
    this.#isWatching = true
    this.actors.network.passes = (from, to) =>
      !`${from} ${to}`.includes('10.0.1.1') || !this.isLost('datagram')
  }

  isLost(what: Loss['what']): boolean {
    if (!this.#isWatching) return false
    const at = this.sent[what]++
    return this.#loss?.what === what && this.#loss.at === at
  }

  /** The ports of the agent's machine, whose connections may be lost: nobody answers them. */
  #ports(): GossipPorts {
    const ports = this.actors.network.ports('10.0.1.1', this.key)
    return {
      ...ports,
      open: async (bind, ears) => {
        const opened = await ports.open(bind, ears)
        if (!opened.ok) return opened
        const { dial } = opened.value
        const lossy: typeof dial = (to, octets, timeoutMs, answer) =>
          this.isLost('connection')
            ? new Promise((resolve) =>
                this.actors.clock.after(timeoutMs, () => resolve('timed-out')),
              )
            : dial(to, octets, timeoutMs, answer)
        return { ok: true, value: { ...opened.value, dial: lossy } }
      },
    }
  }

  async agent(): Promise<RunningGossip> {
    const backend = { service: 'web', address: '10.0.1.1', advertiseAddress: '', port: 80 }
    const config = agentConfig({
      backends: [{ ...backend, weight: 100 }],
      overwatchNodes: this.#seeds,
    })
    return await this.actors.start(config, this.#ports())
  }

  say(agent: RunningGossip): void {
    const fact = { target: 'web:10.0.1.1:80', verdict: 'up', atMs: 1, reason: '' } as const
    agent.behaviour.receive['prober.verdict-changed'](fact)
  }

  isHeard(): boolean {
    return this.overwatches.every(({ world }) => {
      const said = world.published.filter(([id]) => (id as string) === 'gossip.agent-reported')
      const report = said.at(-1)?.[1] as
        | { report: { backends: { healthy?: boolean }[] } }
        | undefined
      return report?.report.backends[0]?.healthy === true
    })
  }
}

async function run(start: Start, loss: Loss): Promise<{ tookMs: number; happened: boolean }> {
  const world = new World(start)
  await world.start(start)
  world.watch(loss)
  const agent = await world.agent()
  await world.actors.run(start.checkedMs)
  world.say(agent)
  const tookMs = await world.actors.until(() => world.isHeard(), 30_000, 10)
  return { tookMs: tookMs ?? Number.POSITIVE_INFINITY, happened: world.sent[loss.what] > loss.at }
}

describe('an agent that starts is heard within a second of its first passing check', () => {
  for (const start of starts)
    for (const what of ['datagram', 'connection'] as const)
      test(`${start.name}, whichever ${what} is lost`, async () => {
        const took: number[] = []
        for (let at = 0; ; at++) {
          const { tookMs, happened } = await run(start, { what, at })
          if (!happened) break
          took.push(tookMs)
        }
        console.info(
          `${start.name}, ${what}s: ${took.length} runs, longest ${Math.max(...took)} ms`,
        )
        expect(took.length).toBeGreaterThan(0)
        expect(Math.max(...took)).toBeLessThanOrEqual(GOAL_MS)
      }, 120_000)
})
