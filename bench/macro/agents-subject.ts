/**
 * One overwatch's gossip under the bench: the real actor on real sockets, in a process of its own,
 * whose CPU time is therefore the actor's.
 *
 * Told to listen it says where; told to measure it answers with what a window of time cost.
 */
import { readFileSync } from 'node:fs'
import { gossip } from '../../src/actors/gossip/actor.ts'
import type { OverwatchGossip } from '../../src/actors/gossip/contract.ts'
import { openPorts } from '../../src/actors/gossip/ports.ts'
import { seededRandom } from '../../src/core/base/random.ts'
import type { Ctx } from '../../src/kernel/actor.ts'
import { realClock } from '../../src/kernel/clock-real.ts'
import { prometheusMetrics } from '../../src/kernel/metrics-prometheus.ts'
import type { ProductCatalogue } from '../../src/messages/catalogue.ts'

export type SubjectOrder =
  | { readonly listen: OverwatchGossip }
  | { readonly windowMs: number }
  | { readonly collect: true }
  | { readonly count: true }

export interface Standing {
  readonly port: number
  readonly agents: number
  readonly alive: number
  readonly heartbeats: number
  readonly refused: number
}

export interface SubjectFigures {
  readonly cores: number
  readonly waitedForCore: number
  readonly heartbeats: number
  /** Datagrams the kernel dropped because nobody read them in time. */
  readonly dropped: number
  readonly left: number
}

const seen = { heartbeats: 0, left: 0, agents: new Set<string>(), alive: 0, refused: 0, port: 0 }

/** Facts go nowhere here; what they cost to make is in the figures. */
function publish(id: string, message: unknown): void {
  if (id === 'gossip.agent-seen') seen.heartbeats++
  else if (id === 'gossip.agent-left') seen.left++
  else if (id === 'gossip.agent-reported') {
    seen.heartbeats++
    seen.agents.add((message as { agentId: string }).agentId)
  } else if (id === 'gossip.members-set') {
    const { members } = message as { members: readonly { state: string }[] }
    seen.alive = members.filter(({ state }) => state === 'alive').length
  }
}

async function listen(config: OverwatchGossip): Promise<Standing> {
  const quiet = () => {}
  const ctx = {
    name: 'gossip',
    incarnation: 1,
    clock: realClock(),
    random: seededRandom(1),
    log: {
      debug: quiet,
      info: (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
        if (message === 'gossip listens')
          seen.port = Number(`${fields['address']}`.split(':').at(-1))
      },
      warn: (message: string) => {
        if (message === 'agent refused') seen.refused++
      },
      error: quiet,
    },
    metrics: prometheusMetrics(),
    publish,
    fill: () => 0,
    ask: () => Promise.resolve({ ok: false, error: { code: 'peer-down' } }),
  } as unknown as Ctx<ProductCatalogue, 'gossip'>
  await gossip.start(ctx, openPorts(), config)
  return standing()
}

const standing = (): Standing => ({
  port: seen.port,
  agents: seen.agents.size,
  alive: seen.alive,
  heartbeats: seen.heartbeats,
  refused: seen.refused,
})

const waitedNs = () => Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1])
const wait = (delayMs: number) => new Promise((done) => setTimeout(done, delayMs))

/** Drops of our UDP socket; the last column of Linux's /proc/net/udp. */
function kernelDrops(): number {
  const place = `:${seen.port.toString(16).toUpperCase().padStart(4, '0')} `
  const lines = readFileSync('/proc/net/udp', 'utf8').split('\n')
  const line = lines.find((one) => one.includes(`0100007F${place}`))
  return Number(line?.trim().split(/\s+/).at(-1) ?? 0)
}

async function measure(windowMs: number): Promise<SubjectFigures> {
  const before = { ...seen, waitedNs: waitedNs(), cpu: process.cpuUsage(), atMs: performance.now() }
  const droppedBefore = kernelDrops()
  await wait(windowMs)
  const cpu = process.cpuUsage(before.cpu)
  const tookMs = performance.now() - before.atMs
  return {
    cores: (cpu.user + cpu.system) / 1_000 / tookMs,
    waitedForCore: (waitedNs() - before.waitedNs) / 1e6 / tookMs,
    heartbeats: seen.heartbeats - before.heartbeats,
    dropped: kernelDrops() - droppedBefore,
    left: seen.left - before.left,
  }
}

/** MB in use after a collection, which stops the world and so lies between the windows. */
function collected(): number {
  globalThis.gc?.()
  return process.memoryUsage().rss / 1_048_576
}

process.on('message', (order: SubjectOrder) => {
  const say = (answer: unknown) => void process.send?.(answer)
  if ('listen' in order) void listen(order.listen).then(say)
  else if ('windowMs' in order) void measure(order.windowMs).then(say)
  else if ('collect' in order) say(collected())
  else say(standing())
})
process.on('disconnect', () => process.exit(0))
