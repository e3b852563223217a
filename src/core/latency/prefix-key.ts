/**
 * Client networks as words of a key: family and length in one word, the masked address in four.
 */
import { formatAddress, type Prefix } from '../net/address.ts'
import type { Slots } from './slots.ts'

export const PREFIX_WORDS = 5

/** Writes the network of `length` bits around an address into words `at` and after of the key. */
export function writePrefix(
  key: Uint32Array,
  at: number,
  bytes: Uint8Array,
  from: number,
  family: 4 | 6,
  length: number,
): void {
  key[at] = (family << 8) | length
  for (let word = 0; word < 4; word++) {
    if (family === 4 && word > 0) key[at + 1 + word] = 0
    else {
      const byte = from + word * 4
      const whole =
        (bytes[byte]! << 24) | (bytes[byte + 1]! << 16) | (bytes[byte + 2]! << 8) | bytes[byte + 3]!
      const bits = Math.min(32, Math.max(0, length - word * 32))
      // A shift by 32 is a shift by nothing.
      key[at + 1 + word] = bits === 0 ? 0 : whole & (-1 << (32 - bits))
    }
  }
}

export function writePrefixOf(key: Uint32Array, at: number, { address, length }: Prefix): void {
  writePrefix(key, at, address.bytes, 0, address.family, length)
}

export const familyOf = (slots: Slots, entry: number, at: number): 4 | 6 =>
  slots.word(entry, at) >> 8 === 4 ? 4 : 6

export const lengthOf = (slots: Slots, entry: number, at: number): number =>
  slots.word(entry, at) & 0xff

/** The address of an entry, 4 or 16 bytes, from word `at` of its key. */
export function addressBytes(slots: Slots, entry: number, at: number): Uint8Array {
  const bytes = new Uint8Array(familyOf(slots, entry, at) === 4 ? 4 : 16)
  for (let byte = 0; byte < bytes.length; byte++)
    bytes[byte] = slots.word(entry, at + 1 + (byte >> 2)) >>> (24 - 8 * (byte & 3))
  return bytes
}

export function prefixOf(slots: Slots, entry: number, at: number): Prefix {
  const bytes = addressBytes(slots, entry, at)
  const address = { family: familyOf(slots, entry, at), text: formatAddress(bytes), bytes }
  return { address, length: lengthOf(slots, entry, at) }
}

/** `192.0.2.0/24`. */
export const prefixText = (slots: Slots, entry: number, at: number): string =>
  `${formatAddress(addressBytes(slots, entry, at))}/${lengthOf(slots, entry, at)}`
