/**
 * Messages to octets and back, over one socket: seals what goes out, opens what comes in, counts.
 *
 * It knows neither members nor agents. The keys may be changed while it runs: what is sealed later
 * is sealed with the new first key, and every key of the ring opens.
 */
import { limits } from '../../core/base/limits.ts'
import { fromBase64 } from '../../core/gossip/app/base64.ts'
import type { Endpoint, PacketMessage, StreamMessage } from '../../core/gossip/messages.ts'
import { Keyring } from '../../core/gossip/wire/keyring.ts'
import type { Malformed } from '../../core/gossip/wire/malformed.ts'
import { openPacket, sealPacket } from '../../core/gossip/wire/packet.ts'
import { type StreamProgress, StreamReader } from '../../core/gossip/wire/stream-read.ts'
import { sealStream } from '../../core/gossip/wire/stream-write.ts'
import type { Wire } from '../../core/gossip/wire/wire.ts'
import type {
  Datagram,
  DialOutcome,
  GossipPorts,
  GossipSocket,
  Heard,
  StreamEars,
} from './contract.ts'

/** Counts since the start, for metrics. */
export interface TransportCounts {
  readonly sent: Map<string, number>
  readonly received: Map<string, number>
  sendFailures: number
  decryptionFailures: number
  malformed: number
}

export const count = (counts: Map<string, number>, name: string, by = 1): void =>
  void counts.set(name, (counts.get(name) ?? 0) + by)

/** A message with the place it came from. */
export interface Opened {
  readonly message: PacketMessage
  readonly from: Endpoint
}

/** What to do with the one message of a connection; its answer, or undefined to close. */
export type StreamAnswer = (message: StreamMessage) => StreamMessage | undefined

const undecryptable = new Set(['undecryptable', 'not-encrypted', 'encrypted'])

/** The protocol version from which members know checksums. */
const CRC_FROM = 5

export function keyringOf(keys: readonly string[]): Keyring {
  const octets = keys.flatMap((key) => (key === '' ? [] : (fromBase64(key, 64) ?? [])))
  const ring = Keyring.of(octets.slice(0, limits.wireKeys.default))
  if (!ring.ok) throw new Error(`the keys of gossip are sound: ${ring.error}`)
  return ring.value
}

export class Transport {
  readonly counts: TransportCounts = {
    sent: new Map(),
    received: new Map(),
    sendFailures: 0,
    decryptionFailures: 0,
    malformed: 0,
  }
  readonly socket: GossipSocket
  readonly #ports: GossipPorts
  #wire: Wire
  #dials = 0

  constructor(socket: GossipSocket, ports: GossipPorts, keys: readonly string[]) {
    this.socket = socket
    this.#ports = ports
    this.#wire = this.#wireOf(keys)
  }

  configure(keys: readonly string[]): void {
    this.#wire = this.#wireOf(keys)
  }

  #wireOf(keys: readonly string[]): Wire {
    const { aesGcm, nonce } = this.#ports
    const checks = { version: 1, verifyIncoming: true, verifyOutgoing: true } as const
    const encryption = { keyring: keyringOf(keys), aesGcm, nonce, ...checks }
    return { label: noOctets, encryption, compress: true }
  }

  /** One datagram. `pMax` is what the receiver understands; 0 when that is not known. */
  send(to: Endpoint, messages: readonly PacketMessage[], pMax: number): boolean {
    const sealed = sealPacket(this.#wire, messages, { crc: pMax >= CRC_FROM })
    const sent = sealed.ok && this.socket.send(sealed.value, to)
    if (!sent) this.counts.sendFailures++
    else for (const { type } of messages) if (type !== 'user') count(this.counts.sent, type)
    return sent
  }

  /** Opens what lay in the socket together; what cannot be read is counted and left out. */
  open(batch: readonly Datagram[]): readonly Opened[] {
    const opened: Opened[] = []
    for (const { octets, from } of batch) {
      const packet = openPacket(this.#wire, octets)
      if (!packet.ok) {
        this.#noteFault(packet.error)
        continue
      }
      this.counts.malformed += packet.value.lost
      for (const message of packet.value.messages) {
        if (message.type !== 'user') count(this.counts.received, message.type)
        opened.push({ message, from })
      }
    }
    return opened
  }

  /** Says one message over a connection of its own; with `hear` it waits for the answer. */
  async dial(
    to: Endpoint,
    message: StreamMessage,
    timeoutMs: number,
    hear?: (answer: StreamMessage) => void,
  ): Promise<DialOutcome> {
    const sealed = sealStream(this.#wire, message, 'dialer')
    if (!sealed.ok || this.#dials >= limits.gossipStreamsOut.default) {
      this.counts.sendFailures++
      return 'refused'
    }
    this.#dials++
    const ears = hear === undefined ? undefined : this.#answerEars(hear)
    const outcome = await this.socket.dial(to, sealed.value, timeoutMs, ears)
    this.#dials--
    if (outcome !== 'done') this.counts.sendFailures++
    else if (message.type !== 'user') count(this.counts.sent, message.type)
    return outcome
  }

  #answerEars(hear: (answer: StreamMessage) => void): StreamEars {
    const reader = new StreamReader(this.#wire, 'replier')
    const heard = (progress: StreamProgress): Heard => {
      if (progress.kind === 'more') return 'more'
      if (progress.kind === 'malformed') this.#noteFault(progress.fault)
      else {
        count(this.counts.received, progress.message.type)
        hear(progress.message)
      }
      return 'done'
    }
    return { feed: (octets) => heard(reader.feed(octets)), end: () => heard(reader.end()) }
  }

  /** The ears of a connection that came in: one message, perhaps one answer. */
  accept(answer: StreamAnswer): StreamEars {
    const wire = this.#wire
    const reader = new StreamReader(wire, 'dialer')
    const say = (message: StreamMessage): Heard => {
      const sealed = sealStream(wire, message, 'replier')
      return sealed.ok ? sealed.value : 'done'
    }
    const heard = (progress: StreamProgress): Heard => {
      if (progress.kind === 'more') return 'more'
      if (progress.kind === 'malformed') {
        this.#noteFault(progress.fault)
        // Members of another cluster are not answered, as other members do not.
        if (progress.fault.code === 'wrong-label') return 'done'
        return say({ type: 'err', error: progress.fault.detail })
      }
      const { message } = progress
      if (message.type !== 'user') count(this.counts.received, message.type)
      if (message.type === 'ack' || message.type === 'err') return 'done'
      const reply = answer(message)
      return reply === undefined ? 'done' : say(reply)
    }
    return { feed: (octets) => heard(reader.feed(octets)), end: () => heard(reader.end()) }
  }

  #noteFault({ code }: Malformed): void {
    if (undecryptable.has(code)) this.counts.decryptionFailures++
    else this.counts.malformed++
  }
}

const noOctets = new Uint8Array(0)
