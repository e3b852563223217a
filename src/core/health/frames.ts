/**
 * Records in an append-only file, so framed that damage is seen and never read as data.
 *
 *     u32 length | u32 CRC-32 of length and payload | payload        (little endian)
 *
 * A scan gives the records before the first damage and says where that is. The length is under the
 * checksum too, because a file torn by a power cut often ends in zeros, and eight zeros must not be
 * an empty record.
 */
import { crcOver } from '../base/crc32.ts'

export const FRAME_HEADER_BYTES = 8

function frameCrc(bytes: Uint8Array, at: number, length: number): number {
  const afterLength = crcOver(bytes, at, at + 4, -1)
  const payload = at + FRAME_HEADER_BYTES
  return ~crcOver(bytes, payload, payload + length, afterLength) >>> 0
}

/** The record of one payload, which must not be empty. */
export function frame(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + payload.length)
  bytes.set(payload, FRAME_HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, payload.length, true)
  view.setUint32(4, frameCrc(bytes, 0, payload.length), true)
  return bytes
}

export interface Scan {
  /** Views into the scanned bytes. */
  readonly payloads: readonly Uint8Array[]
  /** Everything before this offset is whole. */
  readonly validBytes: number
}

/** Reads records up to the first that is not whole. */
export function scanFrames(bytes: Uint8Array, maxPayloadBytes: number): Scan {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const payloads: Uint8Array[] = []
  let at = 0
  while (at + FRAME_HEADER_BYTES <= bytes.length) {
    const length = view.getUint32(at, true)
    const end = at + FRAME_HEADER_BYTES + length
    if (length === 0 || length > maxPayloadBytes || end > bytes.length) break
    if (view.getUint32(at + 4, true) !== frameCrc(bytes, at, length)) break
    payloads.push(bytes.subarray(at + FRAME_HEADER_BYTES, end))
    at = end
  }
  return { payloads, validBytes: at }
}
