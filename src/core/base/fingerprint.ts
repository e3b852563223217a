/**
 * A 64-bit fingerprint of bytes: equal bytes give equal ones, and different bytes different ones
 * but for chance. Whoever wants to make two texts collide can; it protects against nobody.
 */
import { crcOver } from './crc32.ts'

/** FNV-1a (offset basis and prime of its 32-bit form), mixed once more at the end. */
function fnv(bytes: Uint8Array): number {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  hash ^= hash >>> 15
  return Math.imul(hash, 0x2c1b3c6d) >>> 0
}

const hex = (word: number) => (word >>> 0).toString(16).padStart(8, '0')

/** 16 lower-case hex digits. */
export const fingerprint = (bytes: Uint8Array): string =>
  hex(fnv(bytes)) + hex(~crcOver(bytes, 0, bytes.length, -1))
