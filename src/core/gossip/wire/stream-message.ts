/**
 * What a stream may hold before it is wrapped: its octets out of a message.
 */
import { limits } from '../../base/limits.ts'
import type { PushPull, RemoteError, StreamMessage } from '../messages.ts'
import type { MsgpackReader } from './msgpack-read.ts'
import { MsgpackWriter } from './msgpack-write.ts'
import { writeAck, writePing } from './probe-bodies.ts'
import { writeNodeState, writeStateHeader } from './state-bodies.ts'
import { messageType } from './types.ts'

const USER_BYTES_MAX = limits.wireFrameBytes.default
const ERROR_BYTES_MAX = limits.wireErrorBytes.default

/** The octets of a message, its type first. */
export function encodeStreamMessage(message: StreamMessage): Uint8Array {
  const to = new MsgpackWriter(sizeHint(message))
  switch (message.type) {
    case 'ping':
      to.octet(messageType.ping)
      writePing(to, message)
      break
    case 'ack':
      to.octet(messageType.ack)
      writeAck(to, message)
      break
    case 'push-pull':
      to.octet(messageType.pushPull)
      writePushPull(to, message)
      break
    case 'user':
      to.octet(messageType.user)
      to.entries(1)
      to.text('UserMsgLen')
      to.integer(message.payload.length)
      to.plain(message.payload)
      break
    case 'err':
      to.octet(messageType.err)
      to.entries(1)
      to.text('Error')
      to.text(message.error)
  }
  return to.taken()
}

function sizeHint(message: StreamMessage): number {
  if (message.type === 'user') return message.payload.length + 32
  if (message.type === 'push-pull')
    return message.nodes.length * 256 + message.userState.length + 64
  return 128
}

function writePushPull(to: MsgpackWriter, { join, nodes, userState }: PushPull): void {
  writeStateHeader(to, { join, nodes: nodes.length, userStateBytes: userState.length })
  for (const node of nodes) writeNodeState(to, node)
  to.plain(userState)
}

/** The header of a user message: how many octets follow it. */
export function readUserBytes(from: MsgpackReader): number {
  let bytes = 0
  for (let left = from.entries(); left > 0 && from.fault === undefined; left--) {
    if (from.key() === 'UserMsgLen') bytes = from.integer(0, USER_BYTES_MAX)
    else from.skip()
  }
  return bytes
}

export function readRemoteError(from: MsgpackReader): RemoteError {
  let error = ''
  for (let left = from.entries(); left > 0 && from.fault === undefined; left--) {
    if (from.key() === 'Error') error = from.text(ERROR_BYTES_MAX)
    else from.skip()
  }
  return { type: 'err', error }
}
