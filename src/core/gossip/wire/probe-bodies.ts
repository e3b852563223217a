/**
 * Bodies of the messages that probe: ping, indirect ping, ack, nack.
 *
 * The fields of the source are left out where they are empty, as members older than they do.
 */
import type { Ack, IndirectPing, Nack, Ping } from '../messages.ts'
import {
  FIELD_BYTES_MAX,
  isAddrOrNone,
  isPlace,
  nothing,
  readAddr,
  readName,
  readPort,
  readU32,
} from './fields.ts'
import type { MsgpackReader } from './msgpack-read.ts'
import type { MsgpackWriter } from './msgpack-write.ts'

type Source = Pick<Ping, 'sourceAddr' | 'sourcePort' | 'sourceNode'>

const sourceFields = ({ sourceAddr, sourcePort, sourceNode }: Source): number =>
  Number(sourceAddr.length > 0) + Number(sourcePort !== 0) + Number(sourceNode !== '')

function writeSource(to: MsgpackWriter, { sourceAddr, sourcePort, sourceNode }: Source): void {
  if (sourceAddr.length > 0) {
    to.text('SourceAddr')
    to.octets(sourceAddr)
  }
  if (sourceNode !== '') {
    to.text('SourceNode')
    to.text(sourceNode)
  }
  if (sourcePort !== 0) {
    to.text('SourcePort')
    to.integer(sourcePort)
  }
}

export function writePing(to: MsgpackWriter, ping: Ping): void {
  to.entries(2 + sourceFields(ping))
  to.text('Node')
  to.text(ping.node)
  to.text('SeqNo')
  to.integer(ping.seqNo)
  writeSource(to, ping)
}

export function readPing(from: MsgpackReader): Ping {
  let seqNo = 0
  let node = ''
  let sourceAddr = nothing.octets
  let sourcePort = 0
  let sourceNode = ''
  for (let left = from.entries(); left > 0 && from.fault === undefined; left--) {
    const key = from.key()
    if (key === 'SeqNo') seqNo = readU32(from)
    else if (key === 'Node') node = readName(from)
    else if (key === 'SourceAddr') sourceAddr = readAddr(from)
    else if (key === 'SourcePort') sourcePort = readPort(from)
    else if (key === 'SourceNode') sourceNode = readName(from)
    else from.skip()
  }
  if (!isAddrOrNone(sourceAddr)) from.refuse('bad-address', 'the source of a ping')
  return { type: 'ping', seqNo, node, sourceAddr, sourcePort, sourceNode }
}

export function writeIndirectPing(to: MsgpackWriter, ping: IndirectPing): void {
  to.entries(5 + sourceFields(ping))
  to.text('Nack')
  to.boolean(ping.nack)
  to.text('Node')
  to.text(ping.node)
  to.text('Port')
  to.integer(ping.port)
  to.text('SeqNo')
  to.integer(ping.seqNo)
  writeSource(to, ping)
  to.text('Target')
  to.octets(ping.target)
}

export function readIndirectPing(from: MsgpackReader): IndirectPing {
  let seqNo = 0
  let target = nothing.octets
  let port = 0
  let node = ''
  let nack = false
  let sourceAddr = nothing.octets
  let sourcePort = 0
  let sourceNode = ''
  for (let left = from.entries(); left > 0 && from.fault === undefined; left--) {
    const key = from.key()
    if (key === 'SeqNo') seqNo = readU32(from)
    else if (key === 'Target') target = readAddr(from)
    else if (key === 'Port') port = readPort(from)
    else if (key === 'Node') node = readName(from)
    else if (key === 'Nack') nack = from.boolean()
    else if (key === 'SourceAddr') sourceAddr = readAddr(from)
    else if (key === 'SourcePort') sourcePort = readPort(from)
    else if (key === 'SourceNode') sourceNode = readName(from)
    else from.skip()
  }
  if (!isPlace(target, port)) from.refuse('bad-address', 'the target of an indirect ping')
  if (!isAddrOrNone(sourceAddr)) from.refuse('bad-address', 'the source of an indirect ping')
  const source = { sourceAddr, sourcePort, sourceNode }
  return { type: 'indirect-ping', seqNo, target, port, node, nack, ...source }
}

export function writeAck(to: MsgpackWriter, ack: Ack): void {
  to.entries(2)
  to.text('Payload')
  to.octets(ack.payload)
  to.text('SeqNo')
  to.integer(ack.seqNo)
}

export function readAck(from: MsgpackReader): Ack {
  let seqNo = 0
  let payload = nothing.octets
  for (let left = from.entries(); left > 0 && from.fault === undefined; left--) {
    const key = from.key()
    if (key === 'SeqNo') seqNo = readU32(from)
    else if (key === 'Payload') payload = from.octets(FIELD_BYTES_MAX)
    else from.skip()
  }
  return { type: 'ack', seqNo, payload }
}

export function writeNack(to: MsgpackWriter, nack: Nack): void {
  to.entries(1)
  to.text('SeqNo')
  to.integer(nack.seqNo)
}

export function readNack(from: MsgpackReader): Nack {
  let seqNo = 0
  for (let left = from.entries(); left > 0 && from.fault === undefined; left--) {
    if (from.key() === 'SeqNo') seqNo = readU32(from)
    else from.skip()
  }
  return { type: 'nack', seqNo }
}
