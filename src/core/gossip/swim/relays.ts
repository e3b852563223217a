/**
 * Pings made in the stead of others, and the answers passed back.
 *
 * Bounded by `limits.swimRelays`: past it a request is ignored, and the asker counts a missing nack
 * against itself, not against its target.
 */
import { limits } from '../../base/limits.ts'
import type { Endpoint, IndirectPing, PacketMessage } from '../messages.ts'
import type { Cluster } from './cluster.ts'

interface Relay {
  readonly asker: Endpoint
  readonly askerSeqNo: number
  readonly nack: boolean
  readonly dueMs: number
}

const nothing = new Uint8Array()

export class Relays {
  readonly #cluster: Cluster
  /** By our own sequence number. All wait equally long, so the first is due first. */
  readonly #waiting = new Map<number, Relay>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  get nextDeadlineMs(): number {
    for (const { dueMs } of this.#waiting.values()) return dueMs
    return Number.POSITIVE_INFINITY
  }

  /** Pings the target under our own number; the asker's is kept for the answer. */
  begin(request: IndirectPing, from: Endpoint, seqNo: number, nowMs: number): void {
    if (this.#waiting.size >= limits.swimRelays.default) return
    const { settings, self } = this.#cluster
    this.#waiting.set(seqNo, {
      asker: sourceOf(request, from),
      askerSeqNo: request.seqNo,
      nack: request.nack,
      dueMs: nowMs + settings.probeTimeoutMs,
    })
    const target = { addr: request.target, port: request.port }
    this.#cluster.send(target, [pingOf(self, request.node, seqNo)], 0)
  }

  acked(seqNo: number): void {
    const relay = this.#waiting.get(seqNo)
    if (relay === undefined) return
    this.#waiting.delete(seqNo)
    this.#answer(relay, { type: 'ack', seqNo: relay.askerSeqNo, payload: nothing })
  }

  /** Tells those who asked for it that their target did not answer us either. */
  tick(nowMs: number): void {
    for (const [seqNo, relay] of this.#waiting) {
      if (relay.dueMs > nowMs) return
      this.#waiting.delete(seqNo)
      if (relay.nack) this.#answer(relay, { type: 'nack', seqNo: relay.askerSeqNo })
    }
  }

  #answer({ asker }: Relay, message: PacketMessage): void {
    this.#cluster.send(asker, [message], 0)
  }
}

interface Named extends Endpoint {
  readonly name: string
}

export function pingOf(self: Named, node: string, seqNo: number): PacketMessage {
  const { addr, port, name } = self
  return { type: 'ping', seqNo, node, sourceAddr: addr, sourcePort: port, sourceNode: name }
}

/** Where the answer goes: the named source, or where the packet came from when none is named. */
export function sourceOf(
  { sourceAddr, sourcePort }: { readonly sourceAddr: Uint8Array; readonly sourcePort: number },
  from: Endpoint,
): Endpoint {
  const named = (sourceAddr.length === 4 || sourceAddr.length === 16) && sourcePort > 0
  return named ? { addr: sourceAddr, port: sourcePort } : from
}
