/**
 * A whole packet: messages, compressed, checked, encrypted, labelled, in this order from inside.
 *
 * A packet of another label, without a wanted encryption, or damaged is refused whole. Inside a
 * compound, parts that cannot be read are counted and the others are kept.
 */
import { limits } from '../../base/limits.ts'
import { ok, type Result } from '../../base/result.ts'
import type { PacketMessage } from '../messages.ts'
import {
  COMPOUND_PART_BYTES_MAX,
  COMPOUND_PARTS_MAX,
  decodeCompound,
  encodeCompound,
} from './compound.ts'
import { decodeCompressed, encodeCompressed, mayShrink } from './compress.ts'
import { addCrc, removeCrc } from './crc.ts'
import { open, seal } from './crypt.ts'
import { addLabel, removeLabel } from './label.ts'
import { type Malformed, malformed } from './malformed.ts'
import { decodePacketMessage, encodePacketMessage } from './packet-message.ts'
import { messageType, sameOctets } from './types.ts'
import { outgoing, type Wire } from './wire.ts'

export const PACKET_BYTES_MAX = limits.wirePacketBytes.default
const UNPACKED_MAX = limits.wirePacketUnpackedBytes.default
const MESSAGES_MAX = limits.wirePacketMessages.default
const LAYERS_MAX = limits.wireLayers.default

export interface SealOptions {
  /** Whether to add a checksum: only members whose pMax is 5 or more know it. */
  readonly crc: boolean
}

/**
 * The octets of one datagram with one message or several.
 *
 * Errors: `too-large` for more than 127 messages, a part of more than 65,535 octets among several,
 * or a packet that does not fit a datagram; `empty` for no message.
 */
export function sealPacket(
  wire: Wire,
  messages: PacketMessage | readonly PacketMessage[],
  { crc }: SealOptions,
): Result<Uint8Array, Malformed> {
  const inner = bundled('type' in messages ? [messages] : messages)
  if (!inner.ok) return inner
  const smaller = wire.compress ? compressed(inner.value) : inner.value
  const checked = crc ? addCrc(smaller) : smaller
  const encryption = outgoing(wire)
  const sealed = encryption === undefined ? checked : seal(encryption, checked, wire.label)
  const packet = addLabel(wire.label, sealed)
  if (packet.length > PACKET_BYTES_MAX) return malformed('too-large', 'more than a datagram holds')
  return ok(packet)
}

function bundled(messages: readonly PacketMessage[]): Result<Uint8Array, Malformed> {
  const [first] = messages
  if (first === undefined) return malformed('empty', 'no message to send')
  if (messages.length === 1) return ok(encodePacketMessage(first))
  if (messages.length > COMPOUND_PARTS_MAX) return malformed('too-large', 'too many messages')
  const parts = messages.map(encodePacketMessage)
  if (parts.some(({ length }) => length > COMPOUND_PART_BYTES_MAX))
    return malformed('too-large', 'a message too long to share a packet')
  return ok(encodeCompound(parts))
}

/** Compressed only where that is strictly smaller. */
function compressed(message: Uint8Array): Uint8Array {
  if (!mayShrink(message.length)) return message
  const packed = encodeCompressed(message)
  return packed.length < message.length ? packed : message
}

export interface OpenedPacket {
  readonly messages: readonly PacketMessage[]
  /** Parts of compounds that were cut off or could not be read. */
  readonly lost: number
  /** Why the first of the lost parts was lost. */
  readonly fault?: Malformed
}

/**
 * The messages of a datagram, in order, with memory of their own.
 *
 * Errors: what is wrong with the packet as a whole, or with its only message.
 */
export function openPacket(wire: Wire, packet: Uint8Array): Result<OpenedPacket, Malformed> {
  if (packet.length > PACKET_BYTES_MAX) return malformed('too-large', 'a packet')
  const unlabelled = ownLabel(wire, packet)
  if (!unlabelled.ok) return unlabelled
  const plain = decrypted(wire, unlabelled.value)
  if (!plain.ok) return plain
  const checked = removeCrc(plain.value)
  if (!checked.ok) return checked
  const layers = new Layers()
  const fault = layers.unwrap(checked.value, 0)
  if (fault !== undefined) return { ok: false, error: fault }
  const { messages, lost } = layers
  return ok({ messages, lost, ...(layers.fault === undefined ? {} : { fault: layers.fault }) })
}

function ownLabel(wire: Wire, packet: Uint8Array): Result<Uint8Array, Malformed> {
  const opened = removeLabel(packet)
  if (!opened.ok) return opened
  const { label, rest } = opened.value
  const expected =
    wire.skipInboundLabelCheck === true ? label.length === 0 : sameOctets(label, wire.label)
  return expected ? ok(rest) : malformed('wrong-label', 'a packet of another cluster')
}

function decrypted({ encryption, label }: Wire, packet: Uint8Array): Result<Uint8Array, Malformed> {
  // Nothing tells a plain packet from an encrypted one but the configuration.
  if (encryption === undefined) return ok(packet)
  const opened = open(encryption, packet, label)
  return opened.ok || encryption.verifyIncoming ? opened : ok(packet)
}

/** Takes compounds and compressed messages apart, down to a depth and up to a size. */
class Layers {
  readonly messages: PacketMessage[] = []
  lost = 0
  fault: Malformed | undefined
  readonly #budget = { octetsLeft: UNPACKED_MAX }

  /** Reads one message, which may hold others; gives what is wrong with it as a whole. */
  unwrap(octets: Uint8Array, depth: number): Malformed | undefined {
    const type = octets[0]
    const isWrapper = type === messageType.compound || type === messageType.compress
    if (isWrapper && depth === LAYERS_MAX)
      return { code: 'too-deep', detail: 'a packet nested too deep' }
    if (type === messageType.compound) return this.#compound(octets, depth)
    if (type === messageType.compress) {
      const inner = decodeCompressed(octets, this.#budget)
      return inner.ok ? this.unwrap(inner.value, depth + 1) : inner.error
    }
    if (this.messages.length === MESSAGES_MAX)
      return { code: 'too-large', detail: 'a packet of too many messages' }
    const message = decodePacketMessage(octets)
    if (!message.ok) return message.error
    this.messages.push(message.value)
    return undefined
  }

  #compound(octets: Uint8Array, depth: number): Malformed | undefined {
    const compound = decodeCompound(octets)
    if (!compound.ok) return compound.error
    const { parts, lost } = compound.value
    if (lost > 0) this.#lose(lost, { code: 'truncated', detail: 'a compound was cut' })
    for (const part of parts) {
      const fault = this.unwrap(part, depth + 1)
      if (fault !== undefined) this.#lose(1, fault)
    }
    return undefined
  }

  #lose(count: number, fault: Malformed): void {
    this.lost += count
    this.fault ??= fault
  }
}
