/**
 * Base64 (RFC 4648 section 4) and lower-case hex, strict: one spelling for each value.
 *
 * A signature or fingerprint that could be written in two ways could be replayed as another one,
 * so padding is required and unused bits must be zero. No length is trusted: the caller says how
 * many octets it takes at most.
 */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const NONE = 255
const values = new Uint8Array(128).fill(NONE)
for (let at = 0; at < 64; at++) values[ALPHABET.charCodeAt(at)] = at

const valueAt = (text: string, at: number): number => {
  const code = text.charCodeAt(at)
  return code < 128 ? values[code]! : NONE
}

export function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const word = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    text += ALPHABET[word >> 18]! + ALPHABET[(word >> 12) & 63]!
    text += at + 1 < bytes.length ? ALPHABET[(word >> 6) & 63]! : '='
    text += at + 2 < bytes.length ? ALPHABET[word & 63]! : '='
  }
  return text
}

/** The octets, or undefined when the text is not base64 or holds more than `maxBytes`. */
export function fromBase64(text: string, maxBytes: number): Uint8Array | undefined {
  if (text.length % 4 !== 0 || text.length > Math.ceil(maxBytes / 3) * 4) return undefined
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const length = (text.length / 4) * 3 - padding
  if (length > maxBytes) return undefined
  const bytes = new Uint8Array(length)
  const last = text.length - padding
  let bits = 0
  let held = 0
  let to = 0
  for (let at = 0; at < last; at++) {
    const value = valueAt(text, at)
    if (value === NONE) return undefined
    held = ((held << 6) | value) & 0xffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[to++] = (held >> bits) & 0xff
    }
  }
  // RFC 4648 section 3.5: bits that carry nothing are zero.
  return (held & ((1 << bits) - 1)) === 0 ? bytes : undefined
}

export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** Whether two octet strings are equal, in a time that depends on their length alone. */
export function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let at = 0; at < a.length; at++) difference |= a[at]! ^ b[at]!
  return difference === 0
}
