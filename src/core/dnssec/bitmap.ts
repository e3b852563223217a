/**
 * Lists of types as windows of bits (RFC 4034 section 4.1.2), as NSEC and NSEC3 carry them.
 */
export function typeBitmap(types: Iterable<number>): Uint8Array {
  const windows = new Map<number, Uint8Array>()
  for (const type of types) {
    const bits = windows.get(type >> 8) ?? new Uint8Array(32)
    bits[(type & 0xff) >> 3]! |= 0x80 >> (type & 7)
    windows.set(type >> 8, bits)
  }
  const out: number[] = []
  for (const [window, bits] of [...windows].sort(([a], [b]) => a - b)) {
    // Octets of zeros at the end of a window are left out.
    const length = bits.findLastIndex((octet) => octet !== 0) + 1
    out.push(window, length, ...bits.subarray(0, length))
  }
  return new Uint8Array(out)
}
