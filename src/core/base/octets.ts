/**
 * Copying octets a word at a time.
 */

/**
 * Copies `length` octets, at least four, which must not overlap unless they are the same. The last
 * word is copied so that it ends with them, over what was copied already.
 */
export function copyWords(
  from: DataView,
  fromAt: number,
  to: DataView,
  toAt: number,
  length: number,
): void {
  const last = length - 4
  for (let at = 0; at < last; at += 4)
    to.setInt32(toAt + at, from.getInt32(fromAt + at, true), true)
  to.setInt32(toAt + last, from.getInt32(fromAt + last, true), true)
}

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Four octets as a word, the first highest. */
export const wordAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
