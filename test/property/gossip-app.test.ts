// Goal: a lost, repeated or overtaken datagram loses nothing. Each overwatch ends up with the
// latest content within a bound after the last change, and never shows an older state after a
// newer one.
// Method: one agent, three overwatches and a link that drops, doubles and delays by a seed, on a
// virtual time; overwatches restart, forget and forward; after the faults end the bound is counted.
import { expect, test } from 'vitest'
import { agentIdOf } from '../../src/core/gossip/app/certificate.ts'
import { PEER, type ReceiverOutput } from '../../src/core/gossip/app/outputs.ts'
import type { Receiver } from '../../src/core/gossip/app/receiver.ts'
import type { Reporter } from '../../src/core/gossip/app/reporter.ts'
import { type Random, seededRandom } from '../../src/core/base/random.ts'
import type { AgentReport, ReportedBackend } from '../../src/core/health/report.ts'
import { backend, keyOf, receiverOf, reporterOf, START } from '../harness/agents.ts'

const RUNS = process.env['OPENGSLB_FULL'] === '1' ? 1_000 : 30
/** Faults last until here; then the link is clean. */
const FAULTS_MS = 20_000
/**
 * From the end of the faults until every overwatch agrees: the longest retry, and an enrolment that
 * starts then, with pages that take a stream's retry.
 */
const BOUND_MS = 5_000
const FROM = '10.9.9.9:7946'

const keys = Array.from({ length: 4 }, (_item, index) =>
  keyOf({ algorithm: index === 0 ? 'p256' : 'ed25519' }),
)

interface Flight {
  readonly atMs: number
  readonly order: number
  readonly deliver: () => void
}

interface Node {
  readonly name: string
  receiver: Receiver
  boot: number
  shown: AgentReport | undefined
}

class World {
  nowMs = START
  readonly random: Random
  readonly reporter: Reporter
  readonly nodes: Node[]
  readonly agentId: string
  /** Content of each sequence. */
  readonly told = new Map<number, readonly ReportedBackend[]>()
  #flights: Flight[] = []
  #order = 0
  readonly #intervalMs: number
  #backends: ReportedBackend[]

  constructor(seed: number) {
    // Where heartbeats are rare, it is the retries that must do it.
    this.#intervalMs = seed % 2 === 0 ? 60_000 : 3_000
    this.random = seededRandom(seed)
    const key = keys[seed % keys.length]!
    this.agentId = agentIdOf('eu', key.fingerprint)
    this.reporter = reporterOf({ key, random: this.random, intervalMs: this.#intervalMs })
    this.nodes = ['ow1', 'ow2', 'ow3'].map((name) => this.#start(name, START - 50))
    // A fifth of the runs have so much to say that it takes pages.
    const size = seed % 5 === 0 ? 400 : 1 + (seed % 4)
    this.#backends = Array.from({ length: size }, (_item, index) =>
      backend({ port: 1_000 + index, address: `10.0.${seed % 200}.${1 + (index % 200)}` }),
    )
    this.#announce()
    this.change()
  }

  #start(name: string, boot: number): Node {
    return { name, boot, receiver: receiverOf({}, name, boot), shown: undefined }
  }

  #announce(): void {
    const members = this.nodes.map(({ name, boot }) => ({ node: name, acks: true, boot }))
    this.reporter.setOverwatches(members, this.nowMs)
  }

  change(): void {
    const at = this.random.below(this.#backends.length)
    this.#backends = this.#backends.map((one, index) =>
      index === at ? { ...one, healthy: one.healthy !== true, reason: `at ${this.nowMs}` } : one,
    )
    const seq = this.reporter.set({ backends: this.#backends }, this.nowMs)
    this.told.set(seq, this.#backends)
  }

  restart(): void {
    const node = this.nodes[this.random.below(3)]!
    node.boot = this.nowMs
    node.receiver = receiverOf({}, node.name, this.nowMs)
    node.shown = undefined
    // Often the metadata is heard of; sometimes only the next ack shows it.
    if (this.random.next() < 0.7 || this.#intervalMs > BOUND_MS) this.#announce()
  }

  #carry(byStream: boolean, deliver: () => void): void {
    const faulty = this.nowMs < START + FAULTS_MS
    // A stream loses nothing inside itself, but may fail as a whole.
    if (faulty && this.random.next() < (byStream ? 0.2 : 0.35)) return
    const copies = faulty && !byStream && this.random.next() < 0.2 ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      const delayMs = 1 + this.random.below(faulty ? 900 : 5)
      this.#flights.push({ atMs: this.nowMs + delayMs, order: this.#order++, deliver })
    }
  }

  #send(outputs: ReturnType<Reporter['tick']>): void {
    for (const output of outputs) {
      if (output.kind !== 'send') continue
      const node = this.nodes.find(({ name }) => name === output.to)!
      this.#carry(output.via === 'stream', () => this.#arrive(node, output.bytes, FROM))
    }
  }

  #arrive(node: Node, bytes: Uint8Array, from: string): void {
    for (const output of node.receiver.receive(bytes, from, this.nowMs)) this.#handle(node, output)
  }

  #handle(node: Node, output: ReceiverOutput): void {
    if (output.kind === 'reply')
      this.#carry(false, () => this.#send(this.reporter.onMessage(output.bytes, this.nowMs)))
    if (output.kind === 'pinned')
      for (const other of this.nodes)
        if (other !== node && this.random.next() < 0.3)
          other.receiver.importPin(output.pin, this.nowMs)
    if (output.kind !== 'report') return
    const { boot, seq, backends } = output.report
    expect(boot).toBe(this.reporter.boot)
    if (node.shown !== undefined) expect(seq).toBeGreaterThanOrEqual(node.shown.seq)
    expect(backends).toEqual(this.told.get(seq))
    node.shown = output.report
    this.#forward(node)
  }

  /** Overwatches pass on what they heard, which must change nothing about the order. */
  #forward(node: Node): void {
    if (this.random.next() > 0.3) return
    const raw = node.receiver.rawOf(this.agentId)
    const other = this.nodes[this.random.below(3)]!
    for (const page of raw?.pages ?? [])
      if (other !== node) this.#carry(true, () => this.#arrive(other, page, PEER))
  }

  /** Goes on to the next thing that happens, at most to `untilMs`. */
  step(untilMs: number): void {
    const next = Math.min(
      untilMs,
      this.reporter.nextDueMs(),
      ...this.#flights.map(({ atMs }) => atMs),
    )
    this.nowMs = Math.max(this.nowMs, next)
    const due = this.#flights.filter(({ atMs }) => atMs <= this.nowMs)
    this.#flights = this.#flights.filter(({ atMs }) => atMs > this.nowMs)
    for (const { deliver } of due.sort((a, b) => a.atMs - b.atMs || a.order - b.order)) deliver()
    this.#send(this.reporter.tick(this.nowMs))
  }

  runTo(untilMs: number): void {
    while (this.nowMs < untilMs) this.step(untilMs)
  }

  get agreed(): boolean {
    return this.nodes.every(({ shown }) => shown?.seq === this.reporter.seq)
  }
}

test('every overwatch agrees with the agent soon after the faults end, and none goes back', () => {
  const took: number[] = []
  for (let seed = 1; seed <= RUNS; seed++) {
    const world = new World(seed)
    for (let atMs = 0; atMs < FAULTS_MS; atMs += 200 + world.random.below(1_500)) {
      world.runTo(START + atMs)
      if (world.random.next() < 0.15) world.restart()
      world.change()
    }
    world.runTo(START + FAULTS_MS)
    const from = world.nowMs
    while (!world.agreed && world.nowMs < from + BOUND_MS) world.step(from + BOUND_MS)
    const where = world.nodes.map(({ shown }) => shown?.seq)
    expect(world.agreed, `seed ${seed}: ${where} of ${world.reporter.seq}`).toBe(true)
    took.push(world.nowMs - from)
    world.runTo(world.nowMs + 2_500)
    expect(
      world.reporter.status().every(({ current }) => current),
      `seed ${seed}`,
    ).toBe(true)
  }
  took.sort((a, b) => a - b)
  console.log(`agreed after ${took[took.length >> 1]} ms (median), ${took.at(-1)} ms (maximum)`)
}, 600_000)

test('without faults a change is everywhere after one way', () => {
  const world = new World(3)
  world.nowMs = START + FAULTS_MS
  world.runTo(world.nowMs + 3_000)
  for (let round = 0; round < 20; round++) {
    world.change()
    const from = world.nowMs
    while (!world.agreed) world.step(from + 1_000)
    expect(world.nowMs - from).toBeLessThanOrEqual(5)
    world.runTo(world.nowMs + 100)
  }
})
