/**
 * Many agents in one process: each has its own address on the loopback, sockets, key pair and
 * certificate, and the reporter of the program.
 *
 * As members they are lean, since thousands of full tables of thousands would not fit a machine:
 * each tells of itself by gossip, answers pings, full exchanges and accusations, and pings the
 * overwatch as agents do. What they say to each other, an overwatch would not see anyway.
 */
import { openPorts } from '../../src/actors/gossip/ports.ts'
import { Transport, type StreamAnswer } from '../../src/actors/gossip/transport.ts'
import { seededRandom } from '../../src/core/base/random.ts'
import { agentIdOf } from '../../src/core/gossip/app/certificate.ts'
import { writeMeta } from '../../src/core/gossip/app/meta.ts'
import { Reporter, type ReporterOutput } from '../../src/core/gossip/app/reporter.ts'
import type { Alive, Endpoint, PacketMessage } from '../../src/core/gossip/messages.ts'
import { keyOf, TOKEN } from '../../test/harness/agents.ts'

export type GeneratorOrder =
  | {
      readonly agents: number
      readonly key: string
      readonly overwatch: { readonly name: string; readonly port: number }
      readonly intervalMs: number
      readonly spreadMs: number
    }
  /** Nothing is said while paused, so that what was said can be counted on both sides. */
  | { readonly pause: boolean }
  | { readonly count: true }

export interface Said {
  readonly heartbeats: number
  readonly acked: number
}

const said = { heartbeats: 0, acked: 0 }
let paused = false
const ports = openPorts()
const random = seededRandom(9)
const LOOPBACK = Uint8Array.of(127, 0, 0, 1)
const VSN = [1, 5, 2, 0, 0, 0] as const
const noOctets = new Uint8Array(0)
/** How often an agent asks an overwatch for its start, at five thousand members. */
const PING_MS = 5_000

interface Settings {
  readonly key: string
  readonly overwatch: { readonly name: string; readonly port: number }
  readonly intervalMs: number
}

class LeanAgent {
  readonly #settings: Settings
  readonly #overwatch: Endpoint
  readonly #reporter: Reporter
  readonly #name: string
  readonly #meta: Uint8Array
  #transport: Transport | undefined
  #incarnation = 1
  #seqNo = 1
  #timer: NodeJS.Timeout | undefined

  constructor(settings: Settings, index: number) {
    this.#settings = settings
    this.#overwatch = { addr: LOOPBACK, port: settings.overwatch.port }
    const key = keyOf({ notBeforeMs: Date.now() - 3_600_000, notAfterMs: Date.now() + 1e10 })
    this.#name = agentIdOf('eu', key.fingerprint)
    const boot = Date.now()
    const self = { agentId: this.#name, region: 'eu', node: this.#name, serviceToken: TOKEN }
    const options = { ...self, boot, key, intervalMs: settings.intervalMs }
    this.#reporter = new Reporter(options, ports.crypto, seededRandom(index + 1))
    const meta = writeMeta({
      role: 'agent',
      region: 'eu',
      version: '1.0.0',
      timestampMs: boot,
      agentId: this.#name,
      nodeId: '',
      boot,
      acks: false,
    })
    this.#meta = meta.ok ? meta.value : noOctets
    const address = `10.20.${index >> 8}.${index & 255}`
    const backend = { service: 'web', address, port: 80, weight: 100, healthy: true, reason: '' }
    this.#reporter.set({ backends: [backend] }, boot)
  }

  async start(bind: string): Promise<void> {
    const opened = await ports.open(bind, {
      datagrams: (batch) => {
        const { messages } = { messages: this.#transport?.open(batch) ?? [] }
        for (const { message, from } of messages) this.#hear(message, from)
      },
      accept: () => this.#transport?.accept(this.#answer),
    })
    if (!opened.ok) throw new Error(opened.error.message)
    this.#transport = new Transport(opened.value, ports, [this.#settings.key])
    this.#say([this.#alive()])
    this.#reporter.setOverwatches([{ node: this.#settings.overwatch.name, acks: true }], Date.now())
    this.#tick()
    setTimeout(() => {
      setInterval(() => this.#ping(), PING_MS)
    }, random.below(PING_MS))
  }

  #say(messages: readonly PacketMessage[], to = this.#overwatch): void {
    this.#transport?.send(to, messages, 5)
  }

  #alive(): Alive {
    const { addr, port } = this.#transport!.socket.endpoint
    const place = { node: this.#name, addr, port, meta: this.#meta, vsn: VSN }
    return { type: 'alive', incarnation: this.#incarnation, ...place }
  }

  #ping(): void {
    const { addr, port } = this.#transport!.socket.endpoint
    const source = { sourceAddr: addr, sourcePort: port, sourceNode: this.#name }
    this.#say([
      { type: 'ping', seqNo: this.#seqNo++, node: this.#settings.overwatch.name, ...source },
    ])
  }

  #hear(message: PacketMessage, from: Endpoint): void {
    if (message.type === 'ping' && message.node === this.#name)
      this.#say([{ type: 'ack', seqNo: message.seqNo, payload: noOctets }], from)
    else if (message.type === 'suspect' && message.node === this.#name) {
      this.#incarnation = message.incarnation + 1
      this.#say([this.#alive()])
    } else if (message.type === 'user') {
      said.acked++
      this.#carryOut(this.#reporter.onMessage(message.payload, Date.now()))
      this.#tick()
    }
  }

  readonly #answer: StreamAnswer = (message) => {
    if (message.type === 'ping') return { type: 'ack', seqNo: message.seqNo, payload: noOctets }
    if (message.type !== 'push-pull') return undefined
    const { type: _, node: name, ...rest } = this.#alive()
    return {
      type: 'push-pull',
      join: false,
      nodes: [{ name, ...rest, state: 'alive' }],
      userState: noOctets,
    }
  }

  #tick(): void {
    clearTimeout(this.#timer)
    if (paused) {
      this.#timer = setTimeout(() => this.#tick(), 1 + random.below(1_000))
      return
    }
    const nowMs = Date.now()
    this.#carryOut(this.#reporter.tick(nowMs))
    const waitMs = Math.max(1, Math.min(this.#reporter.nextDueMs() - nowMs, 3_600_000))
    this.#timer = setTimeout(() => this.#tick(), waitMs)
  }

  #carryOut(outputs: readonly ReporterOutput[]): void {
    for (const output of outputs) {
      if (output.kind !== 'send') continue
      said.heartbeats++
      this.#say([{ type: 'user', payload: output.bytes }])
    }
  }
}

async function start(order: Extract<GeneratorOrder, { agents: number }>): Promise<void> {
  const { agents, spreadMs } = order
  const startedMs = performance.now()
  for (let index = 0; index < agents; index++) {
    const agent = new LeanAgent(order, index)
    await agent.start(`127.20.${index >> 8}.${index & 255}:0`)
    const aheadMs = (index * spreadMs) / agents - (performance.now() - startedMs)
    if (aheadMs > 1) await new Promise((done) => setTimeout(done, aheadMs))
  }
}

process.on('message', (order: GeneratorOrder) => {
  if ('count' in order) process.send?.({ ...said })
  else if ('pause' in order) {
    paused = order.pause
    process.send?.({ ...said })
  } else void start(order).then(() => process.send?.({ ...said }))
})
process.on('disconnect', () => process.exit(0))
