/**
 * CRC-32 (IEEE 802.3, reflected) over a packet, and the header that carries it.
 */
import { crc32 } from '../../base/crc32.ts'
import { ok, type Result } from '../../base/result.ts'
import { type Malformed, malformed } from './malformed.ts'
import { messageType } from './types.ts'

const HEADER_BYTES = 5

/** The message behind its type octet and checksum. */
export function addCrc(message: Uint8Array): Uint8Array {
  const checked = new Uint8Array(HEADER_BYTES + message.length)
  const crc = crc32(message)
  checked[0] = messageType.crc
  for (let at = 1; at <= 4; at++) checked[at] = (crc >>> (32 - 8 * at)) & 0xff
  checked.set(message, HEADER_BYTES)
  return checked
}

/** The message, its checksum verified where it has one; a view. */
export function removeCrc(octets: Uint8Array): Result<Uint8Array, Malformed> {
  if (octets[0] !== messageType.crc) return ok(octets)
  if (octets.length < HEADER_BYTES) return malformed('truncated', 'a checksum')
  const stated = new DataView(octets.buffer, octets.byteOffset).getUint32(1)
  const message = octets.subarray(HEADER_BYTES)
  if (crc32(message) !== stated) return malformed('bad-checksum', 'a packet was damaged')
  return ok(message)
}
