/**
 * Writing one message to a stream: compressed, framed, labelled, in this order from the inside.
 */
import { limits } from '../../base/limits.ts'
import { ok, type Result } from '../../base/result.ts'
import type { StreamMessage } from '../messages.ts'
import { encodeCompressed } from './compress.ts'
import { type Encryption, seal, sealedBytes } from './crypt.ts'
import { addLabel } from './label.ts'
import { type Malformed, malformed } from './malformed.ts'
import { encodeStreamMessage } from './stream-message.ts'
import { FRAME_HEADER_BYTES, type StreamSender } from './stream-read.ts'
import { joined, messageType } from './types.ts'
import { outgoing, type Wire } from './wire.ts'

const FRAME_BYTES_MAX = limits.wireFrameBytes.default
const STATES_MAX = limits.wireStates.default

/**
 * The octets one side of a connection sends.
 *
 * Errors: `too-large` where other members would refuse it.
 */
export function sealStream(
  wire: Wire,
  message: StreamMessage,
  sender: StreamSender,
): Result<Uint8Array, Malformed> {
  if (isTooLarge(message)) return malformed('too-large', 'more than a stream may hold')
  const plain = encodeStreamMessage(message)
  // On a stream compression is kept even where it grows, as other members do.
  const inner = wire.compress ? encodeCompressed(plain) : plain
  const encryption = outgoing(wire)
  if (sealedBytes(encryption?.version ?? 1, inner.length) > FRAME_BYTES_MAX)
    return malformed('too-large', 'more than a stream may hold')
  const sealed = encryption === undefined ? inner : framed(encryption, inner, wire.label)
  // The reply to a labelled stream carries no label, only its encryption is bound to it.
  return ok(sender === 'dialer' ? addLabel(wire.label, sealed) : sealed)
}

function isTooLarge(message: StreamMessage): boolean {
  if (message.type === 'user') return message.payload.length > FRAME_BYTES_MAX
  if (message.type !== 'push-pull') return false
  return message.nodes.length > STATES_MAX || message.userState.length > FRAME_BYTES_MAX
}

function framed(encryption: Encryption, inner: Uint8Array, label: Uint8Array): Uint8Array {
  const header = new Uint8Array(FRAME_HEADER_BYTES)
  const length = sealedBytes(encryption.version, inner.length)
  header[0] = messageType.encrypt
  new DataView(header.buffer).setUint32(1, length)
  return joined(header, seal(encryption, inner, joined(header, label)))
}
