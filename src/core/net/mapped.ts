/**
 * IPv4 addresses that are written as IPv6 ones, in ::ffff:0:0/96 (RFC 4291 section 2.5.5.2).
 *
 * They are treated as the IPv4 addresses they are, so in the space of IPv6 they are a hole. Nothing
 * here allocates.
 */

/** Bits of the prefix that all of them share; those of the IPv4 address follow. */
export const MAPPED_BITS = 96

/** @param bytes 16 of them */
export function isMapped(bytes: Uint8Array): boolean {
  for (let at = 0; at < 10; at++) if (bytes[at] !== 0) return false
  return bytes[10] === 0xff && bytes[11] === 0xff
}

/** Bits of the widest prefix around any other IPv6 address that has none of them in it. */
export function bitsBesideMapped(bytes: Uint8Array): number {
  let at = 0
  while (at < 11 && bytes[at] === mappedByte(at)) at++
  return at * 8 + Math.clz32(bytes[at]! ^ mappedByte(at)) - 24 + 1
}

const mappedByte = (at: number): number => (at < 10 ? 0 : 0xff)
