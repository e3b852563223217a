/**
 * One member of the cluster: membership on a socket.
 *
 * It carries out what the core of membership wants and hands everything else up: events, messages
 * of the application, answers to pings of its owner. Pings in a batch are answered before anything
 * else of it is looked at, so that a node with much to do is not taken for dead.
 */
import { limits } from '../../core/base/limits.ts'
import type {
  Endpoint,
  PacketMessage,
  PushPull,
  StreamMessage,
} from '../../core/gossip/messages.ts'
import { Membership } from '../../core/gossip/swim/membership.ts'
import type { SelfDescription } from '../../core/gossip/swim/node.ts'
import type { MembershipEvent, Output } from '../../core/gossip/swim/outputs.ts'
import { profiles, type SwimSettings } from '../../core/gossip/swim/settings.ts'
import { sizeOf } from '../../core/gossip/wire/packet-message.ts'
import type { Cancel } from '../../kernel/clock.ts'
import type { Datagram, StreamEars, Ticking } from './contract.ts'
import { Inbox, type Arrived } from './inbox.ts'
import type { Transport } from './transport.ts'

export interface NodeEars {
  member(event: MembershipEvent): void
  user(arrived: Arrived): void
  /** An answer to a ping of `ping()`. */
  pong(seqNo: number, payload: Uint8Array, from: Endpoint): void
  /** What an answer to a ping from there carries; empty for nothing. */
  payloadFor(asker: Endpoint): Uint8Array
}

const lan: SwimSettings = profiles.lan
/** Pings of the owner are numbered apart from those of the core, which start anywhere. */
const OWN_PINGS = 0x1_0000

export class Node {
  readonly membership: Membership
  readonly transport: Transport
  readonly inbox: Inbox
  readonly #here: Ticking
  readonly #ears: NodeEars
  readonly #pinged = new Map<number, Endpoint>()
  #seqNo = 0
  #armedMs = Number.POSITIVE_INFINITY
  #cancel: Cancel = () => {}
  #closed = false

  constructor(
    here: Ticking,
    transport: Transport,
    self: SelfDescription,
    settings: Partial<SwimSettings>,
    ears: NodeEars,
  ) {
    this.#here = here
    this.transport = transport
    this.#ears = ears
    this.inbox = new Inbox(here.clock, (arrived) => ears.user(arrived))
    const around = { random: here.random, sizeOf }
    this.membership = new Membership({ ...lan, ...settings }, self, around)
  }

  get #nowMs(): number {
    return this.#here.clock.monotonicMs()
  }

  start(): void {
    this.act((membership, nowMs) => membership.start(nowMs))
  }

  /** Calls something of the membership and carries out what comes of it. */
  act<T>(call: (membership: Membership, nowMs: number) => T): T {
    const result = call(this.membership, this.#nowMs)
    this.#carryOut()
    return result
  }

  join(seeds: readonly Endpoint[]): void {
    if (seeds.length > 0) this.act((membership, nowMs) => membership.join(seeds, nowMs))
  }

  datagrams(batch: readonly Datagram[]): void {
    if (this.#closed) return
    const opened = this.transport.open(batch)
    const later: (typeof opened)[number][] = []
    for (const one of opened) {
      if (one.message.type === 'ping') this.#receive(one.message, one.from)
      else later.push(one)
    }
    if (later.length < opened.length) this.#carryOut()
    for (const { message, from } of later) {
      if (message.type === 'user') this.inbox.put({ payload: message.payload, from, via: 'packet' })
      else if (message.type !== 'ack' || !this.#pong(message.seqNo, message.payload, from))
        this.#receive(message, from)
    }
    this.#carryOut()
  }

  #receive(message: PacketMessage, from: Endpoint): void {
    this.membership.receive(message, from, this.#nowMs, 'packet')
  }

  #pong(seqNo: number, payload: Uint8Array, from: Endpoint): boolean {
    if (!this.#pinged.delete(seqNo)) return false
    this.#ears.pong(seqNo, payload, from)
    return true
  }

  accept(from: Endpoint): StreamEars | undefined {
    if (this.#closed) return undefined
    return this.transport.accept((message) => this.#answer(message, from))
  }

  #answer(message: StreamMessage, from: Endpoint): StreamMessage | undefined {
    if (this.#closed) return undefined
    if (message.type === 'ping') return this.membership.ackFor(message)
    if (message.type === 'user') {
      this.inbox.put({ payload: message.payload, from, via: 'stream' })
      return undefined
    }
    if (message.type !== 'push-pull') return undefined
    // Our view as it was before: what the other side told us it knows already.
    const reply = this.membership.localState(false)
    this.act((membership, nowMs) => membership.mergeRemote(message, nowMs))
    return reply
  }

  /** A ping of the owner, beside those of membership; its answer comes to `pong`. */
  ping(to: Endpoint, name: string): number {
    const { self } = this.membership
    this.#seqNo = (this.#seqNo + 1) % OWN_PINGS
    const seqNo = this.#seqNo
    this.#pinged.delete(seqNo)
    this.#pinged.set(seqNo, to)
    if (this.#pinged.size > limits.gossipSeeds.default * 4)
      this.#pinged.delete(this.#pinged.keys().next().value!)
    const source = { sourceAddr: self.addr, sourcePort: self.port, sourceNode: self.name }
    this.transport.send(to, [{ type: 'ping', seqNo, node: name, ...source }], 0)
    return seqNo
  }

  /** Octets of the application for one node; by stream when they do not fit a packet. */
  sendUser(to: Endpoint, payload: Uint8Array, via: 'packet' | 'stream', pMax = 0): void {
    const packet = via === 'packet' && payload.length <= limits.reportPacketBytes.max
    if (packet) this.transport.send(to, [{ type: 'user', payload }], pMax)
    else void this.transport.dial(to, { type: 'user', payload }, limits.gossipStreamMs.default)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancel()
    this.inbox.close()
    await this.transport.socket.close()
  }

  #carryOut(): void {
    if (this.#closed) return
    for (const output of this.membership.drain()) this.#carryOne(output)
    const dueMs = this.membership.nextDeadlineMs()
    if (dueMs >= this.#armedMs || dueMs === Number.POSITIVE_INFINITY) return
    this.#cancel()
    this.#armedMs = dueMs
    this.#cancel = this.#here.clock.after(Math.max(0, dueMs - this.#nowMs), () => {
      this.#armedMs = Number.POSITIVE_INFINITY
      this.act((membership, nowMs) => membership.tick(nowMs))
    })
  }

  #carryOne(output: Output): void {
    switch (output.kind) {
      case 'packet':
        this.transport.send(output.to, this.#withPayload(output.to, output.messages), output.pMax)
        break
      case 'event':
        this.#ears.member(output.event)
        break
      case 'user':
        this.inbox.put(output)
        break
      case 'stream-ping':
        void this.#streamPing(output)
        break
      case 'push-pull':
        void this.#exchange(output)
        break
    }
  }

  #withPayload(to: Endpoint, messages: readonly PacketMessage[]): readonly PacketMessage[] {
    const [first] = messages
    if (first?.type !== 'ack' || first.payload.length > 0) return messages
    const payload = this.#ears.payloadFor(to)
    return payload.length === 0 ? messages : [{ ...first, payload }, ...messages.slice(1)]
  }

  async #streamPing(output: Extract<Output, { kind: 'stream-ping' }>): Promise<void> {
    const { to, id, node, seqNo, deadlineMs } = output
    const { self } = this.membership
    const source = { sourceAddr: self.addr, sourcePort: self.port, sourceNode: self.name }
    let acked = false
    const timeoutMs = Math.max(1, deadlineMs - this.#nowMs)
    await this.transport.dial(to, { type: 'ping', seqNo, node, ...source }, timeoutMs, (answer) => {
      acked = answer.type === 'ack' && answer.seqNo === seqNo
    })
    if (!this.#closed)
      this.act((membership) =>
        membership.streamOutcome('stream-ping', id, acked ? 'acked' : 'failed'),
      )
  }

  async #exchange(output: Extract<Output, { kind: 'push-pull' }>): Promise<void> {
    const { to, id, join, timeoutMs } = output
    let remote: PushPull | undefined
    const state = this.membership.localState(join)
    await this.transport.dial(to, state, timeoutMs, (answer) => {
      if (answer.type === 'push-pull') remote = answer
    })
    if (this.#closed) return
    this.act((membership, nowMs) => {
      const merged = remote === undefined ? undefined : membership.mergeRemote(remote, nowMs, id)
      if (merged === undefined) membership.streamOutcome('push-pull', id, 'failed')
      else if (!merged.ok) this.#here.log.warn('members refused', { ...merged.error })
    })
  }
}
