/**
 * One message of a packet, from its type octet to its end.
 */
import { ok, type Result } from '../../base/result.ts'
import type { PacketMessage } from '../messages.ts'
import { type Malformed, malformed } from './malformed.ts'
import { MsgpackReader } from './msgpack-read.ts'
import { MsgpackWriter } from './msgpack-write.ts'
import {
  readAck,
  readIndirectPing,
  readNack,
  readPing,
  writeAck,
  writeIndirectPing,
  writeNack,
  writePing,
} from './probe-bodies.ts'
import { readAlive, readDead, readSuspect, writeAccusation, writeAlive } from './rumour-bodies.ts'
import { copyOf, messageType } from './types.ts'

/** The octets of a message, its type first. */
export function encodePacketMessage(message: PacketMessage): Uint8Array {
  const to = new MsgpackWriter(message.type === 'user' ? message.payload.length + 1 : 192)
  switch (message.type) {
    case 'ping':
      to.octet(messageType.ping)
      writePing(to, message)
      break
    case 'indirect-ping':
      to.octet(messageType.indirectPing)
      writeIndirectPing(to, message)
      break
    case 'ack':
      to.octet(messageType.ack)
      writeAck(to, message)
      break
    case 'nack':
      to.octet(messageType.nack)
      writeNack(to, message)
      break
    case 'suspect':
      to.octet(messageType.suspect)
      writeAccusation(to, message)
      break
    case 'alive':
      to.octet(messageType.alive)
      writeAlive(to, message)
      break
    case 'dead':
      to.octet(messageType.dead)
      writeAccusation(to, message)
      break
    case 'user':
      to.octet(messageType.user)
      to.plain(message.payload)
  }
  return to.taken()
}

/** How many octets a message takes before it is wrapped, which is what the gossip queue budgets. */
export const sizeOf = (message: PacketMessage): number =>
  message.type === 'user' ? 1 + message.payload.length : encodePacketMessage(message).length

const readers: Readonly<Record<number, (from: MsgpackReader) => PacketMessage>> = {
  [messageType.ping]: readPing,
  [messageType.indirectPing]: readIndirectPing,
  [messageType.ack]: readAck,
  [messageType.nack]: readNack,
  [messageType.suspect]: readSuspect,
  [messageType.alive]: readAlive,
  [messageType.dead]: readDead,
}

/** What follows the last field of a body is not looked at, as other members do not. */
export function decodePacketMessage(octets: Uint8Array): Result<PacketMessage, Malformed> {
  const type = octets[0]
  if (type === undefined) return malformed('truncated', 'a message without a type')
  if (type === messageType.user) return ok({ type: 'user', payload: copyOf(octets.subarray(1)) })
  const read = readers[type]
  if (read === undefined) return malformed('unknown-type', `type ${type} in a packet`)
  const from = new MsgpackReader(octets, 1)
  const message = read(from)
  return from.fault === undefined ? ok(message) : { ok: false, error: from.fault }
}
