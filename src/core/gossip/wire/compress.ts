/**
 * A message inside a compressed one: an algorithm and octets.
 */
import type { Result } from '../../base/result.ts'
import { nothing } from './fields.ts'
import { lzwDecode, type UnpackBudget } from './lzw-decode.ts'
import { lzwEncode } from './lzw-encode.ts'
import { type Malformed, malformed } from './malformed.ts'
import { MsgpackReader } from './msgpack-read.ts'
import { MsgpackWriter } from './msgpack-write.ts'
import { messageType } from './types.ts'

/** The only algorithm there is. */
const LZW = 0

/** The message, compressed, with its type octet; it may have grown. */
export function encodeCompressed(message: Uint8Array): Uint8Array {
  const packed = lzwEncode(message)
  const to = new MsgpackWriter(packed.length + 24)
  to.octet(messageType.compress)
  to.entries(2)
  to.text('Algo')
  to.integer(LZW)
  to.text('Buf')
  to.octets(packed)
  return to.taken()
}

/** What a compressed message holds before it is unpacked; `octets` is a view. */
export interface Packed {
  readonly algorithm: number
  readonly octets: Uint8Array
}

export function readPacked(from: MsgpackReader, bytesMax: number): Packed {
  let algorithm = LZW
  let octets = nothing.octets
  for (let left = from.entries(); left > 0 && from.fault === undefined; left--) {
    const key = from.key()
    if (key === 'Algo') algorithm = from.integer(0, 0xff)
    else if (key === 'Buf') octets = from.view(bytesMax)
    else from.skip()
  }
  return { algorithm, octets }
}

export function unpack(packed: Packed, budget: UnpackBudget): Result<Uint8Array, Malformed> {
  if (packed.algorithm !== LZW) return malformed('bad-compression', 'an unknown algorithm')
  return lzwDecode(packed.octets, budget)
}

/** The message that a whole compressed one holds, its type octet included. */
export function decodeCompressed(
  octets: Uint8Array,
  budget: UnpackBudget,
): Result<Uint8Array, Malformed> {
  const from = new MsgpackReader(octets, 1)
  // The packet itself is bounded, so its octets are the limit of what is inside.
  const packed = readPacked(from, octets.length)
  if (from.fault !== undefined) return { ok: false, error: from.fault }
  return unpack(packed, budget)
}

/** Whether compression could make a message of this size smaller: its own fields take 13 octets. */
export const mayShrink = (bytes: number): boolean => bytes > 24
