/**
 * All that one actor holds for one peer: the wire, what waits to be sent, and what waits for a
 * reply.
 *
 * The law it keeps: at most `unackedBatchesPerPeer` batches are posted and not acknowledged, in
 * each direction, whatever either side does. A MessagePort has no bound of its own, so this is
 * what keeps a stuck reader from growing its sender, and a flooding sender from growing its
 * reader. While there is no wire, messages are dropped: a peer that starts is told anew what holds.
 * They are counted once there was a peer to lose; before the first there is nobody to miss them.
 */
import { limits } from '../core/base/limits.ts'
import type { Codec } from '../messages/codec.ts'
import { Asks } from './asks.ts'
import { Outbox } from './outbox.ts'
import { roleOf } from './role.ts'
import type { Frame, Wire } from './wire.ts'

const WINDOW = limits.unackedBatchesPerPeer.default
/** Acknowledged in halves of the window, which halves the posts and can never stall the sender. */
const ACK_EVERY = Math.ceil(WINDOW / 2)

export interface LinkEvents {
  readonly onBatch: (link: Link, wire: Wire, batch: Uint8Array, shared: readonly unknown[]) => void
  /** Something was queued and should leave at the end of the turn. */
  readonly onDirty: (link: Link) => void
  /** `latest` messages were dropped for want of room, and there is room again. */
  readonly onLossOver: (link: Link) => void
}

/** How full the fullest outbox towards these roles is, 0-1. */
export function fillOf(links: Iterable<Link>, roles: readonly string[]): number {
  let fill = 0
  for (const { role, outbox } of links) if (roles.includes(role)) fill = Math.max(fill, outbox.fill)
  return fill
}

export class Link {
  readonly peer: string
  readonly role: string
  readonly outbox: Outbox
  readonly asks: Asks
  readonly dropped = new Map<string, number>()
  /** Requests of the peer that are being handled. */
  running = 0
  sent = 0
  malformed = 0
  wire: Wire | undefined
  readonly #codec: Codec
  readonly #events: LinkEvents
  #unacked = 0
  #handled = 0
  #lostLatest = false
  #met = false

  constructor(peer: string, codec: Codec, events: LinkEvents) {
    this.peer = peer
    this.role = roleOf(peer)
    this.#codec = codec
    this.#events = events
    const bounds = {
      messages: limits.outboxMessagesPerPeer.default,
      bytes: limits.outboxBytesPerPeer.default,
      batchMessages: limits.batchMessages.default,
      batchBytes: limits.batchBytes.default,
    }
    this.outbox = new Outbox(bounds, (name, delivery) => {
      this.countDropped(name)
      if (delivery === 'latest') this.#lostLatest = true
    })
    this.asks = new Asks(this.outbox)
  }

  get unacked(): number {
    return this.#unacked
  }

  get idle(): boolean {
    return this.wire === undefined || this.outbox.messages === 0
  }

  countDropped(name: string): void {
    this.dropped.set(name, (this.dropped.get(name) ?? 0) + 1)
  }

  connect(wire: Wire): void {
    this.disconnect()
    this.wire = wire
    this.#met = true
    wire.listen((frame) => this.#arrived(wire, frame))
  }

  /** The peer, or this side, is gone. */
  disconnect(): void {
    this.wire?.close()
    this.wire = undefined
    this.#unacked = 0
    this.#handled = 0
    this.running = 0
    this.asks.peerDown()
    this.outbox.clear()
    this.#lostLatest = false
  }

  publish(
    name: string,
    delivery: 'latest' | 'each',
    key: string,
    bytes: Uint8Array,
    shared: readonly unknown[],
  ): void {
    if (this.wire === undefined) {
      if (this.#met) this.countDropped(name)
      return
    }
    this.outbox.put(name, delivery, key, bytes, shared)
    this.#events.onDirty(this)
  }

  reply(name: string, call: number, reply: unknown): void {
    const bytes = this.#codec.reply(name, call, reply)
    const room = limits.outboxBytesPerPeer.default - this.outbox.bytes
    if (bytes === undefined || bytes.length > room) {
      this.countDropped(name)
      this.refuse(name, call, 'the reply is too large to be sent')
      return
    }
    this.outbox.put(name, 'call', '', bytes)
    this.#events.onDirty(this)
  }

  refuse(name: string, call: number, why: string): void {
    this.outbox.put(name, 'call', '', this.#codec.failure(call, why))
    this.#events.onDirty(this)
  }

  /** Posts what the window allows; the rest waits for acknowledgements. */
  flush(): void {
    while (this.wire !== undefined && this.#unacked < WINDOW) {
      const shared: unknown[] = []
      const items = this.outbox.take(shared)
      if (items.length === 0) return
      this.#unacked++
      this.sent += items.length
      const bytes = this.#codec.batch(items)
      this.wire.post(shared.length === 0 ? bytes : { bytes, shared })
    }
    this.outbox.own()
  }

  /** A batch of the peer has been handled to its end. */
  batchHandled(): void {
    this.#handled++
    if (this.#handled < ACK_EVERY) return
    this.wire?.post(this.#handled)
    this.#handled = 0
  }

  #arrived(wire: Wire, frame: Frame): void {
    // A wire of an earlier incarnation may still deliver what was under way.
    if (wire !== this.wire) return
    if (typeof frame !== 'number') {
      const sharing = 'bytes' in frame ? frame : { bytes: frame, shared: [] }
      this.#events.onBatch(this, wire, sharing.bytes, sharing.shared)
      return
    }
    this.#unacked = Math.max(0, this.#unacked - frame)
    this.flush()
    if (!this.#lostLatest || this.outbox.messages > 0) return
    this.#lostLatest = false
    this.#events.onLossOver(this)
  }
}
