/** CRC-32 (IEEE 802.3, reflected), table driven; it finds damage and protects against nobody. */

const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  // The reversed polynomial of IEEE 802.3.
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

/** Goes on from `start` (-1 at first) over a stretch; the result is complemented at the end. */
export function crcOver(bytes: Uint8Array, from: number, to: number, start: number): number {
  let crc = start
  for (let at = from; at < to; at++) crc = (crc >>> 8) ^ crcTable[(crc ^ bytes[at]!) & 0xff]!
  return crc
}

/** CRC-32 as zip and Ethernet compute it, unsigned. */
export const crc32 = (bytes: Uint8Array): number => ~crcOver(bytes, 0, bytes.length, -1) >>> 0

/** CRC-32 of `count` words from `from` on, each with its highest octet first; unsigned. */
export function crcOfWords(words: ArrayLike<number>, from: number, count: number): number {
  let crc = -1
  for (let at = from; at < from + count; at++) {
    const word = words[at]!
    for (let shift = 24; shift >= 0; shift -= 8)
      crc = (crc >>> 8) ^ crcTable[(crc ^ (word >>> shift)) & 0xff]!
  }
  return ~crc >>> 0
}
