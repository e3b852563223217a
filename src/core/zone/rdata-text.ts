/**
 * The words record data is written in: tokens, character strings, hex and base64.
 *
 * Text of tokens is kept raw, with its escapes, because a name and a character string read the same
 * escape differently: in a name `\.` is not a separator, in a string it is a dot. Line structure,
 * comments and parentheses are the lexer's (`zonefile-lexer.ts`).
 */
import { type Result, fail, ok } from '../base/result.ts'
import { readEscape } from '../dns/names.ts'

export interface Token {
  /** Without the quotes around it, escapes as written. */
  readonly text: string
  readonly quoted: boolean
  /** Set for a word that ends in a quoted part, quotes included: `key="value"`. */
  readonly glued?: true
  /** From 1. */
  readonly line: number
  /** From 1, of the first character (the quote, when quoted). */
  readonly column: number
}

/** RFC 1035 section 3.3: a character string is one length octet and at most 255 octets. */
export const STRING_BYTES_MAX = 255

const BACKSLASH = 0x5c

/** The octets of a piece of text in an error message, cut to a readable length. */
export const shown = (text: string): string =>
  JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text)

/**
 * The octets of a character string as written (RFC 1035 section 5.1), without a length octet and of
 * any length. Characters outside ASCII become their UTF-8 octets.
 */
export function textToBytes(text: string): Result<number[], string> {
  const bytes: number[] = []
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at)
    if (code === BACKSLASH) {
      const read = readEscape(text, at)
      if (read === undefined)
        return fail(`${shown(text)} has a broken escape; write \\DDD with DDD up to 255`)
      bytes.push(read.byte)
      at += read.length
    } else if (code < 0x80) {
      bytes.push(code)
      at += 1
    } else {
      const point = text.codePointAt(at)!
      // What was not UTF-8 in a file, or is no character, has become U+FFFD or a lone surrogate.
      if (point === 0xfffd || (point >= 0xd800 && point <= 0xdfff))
        return fail(`${shown(text)} holds octets that are not UTF-8; write them as \\DDD`)
      pushUtf8(bytes, point)
      at += point > 0xffff ? 2 : 1
    }
  }
  return ok(bytes)
}

/** Pushes the UTF-8 octets of a character (RFC 3629 section 3). */
function pushUtf8(bytes: number[], point: number): void {
  if (point < 0x80) bytes.push(point)
  else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 0x3f))
  else if (point < 0x1_0000)
    bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f))
  else {
    const low = [12, 6, 0].map((shift) => 0x80 | ((point >> shift) & 0x3f))
    bytes.push(0xf0 | (point >> 18), ...low)
  }
}

/** A quoted character string with `"` and `\` escaped and what is not printable as `\DDD`. */
export function bytesToQuoted(bytes: Uint8Array): string {
  let text = '"'
  for (const byte of bytes) {
    if (byte === 0x22 || byte === BACKSLASH) text += `\\${String.fromCharCode(byte)}`
    else if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte)
    else text += `\\${String(byte).padStart(3, '0')}`
  }
  return `${text}"`
}

export function hexToBytes(text: string): Result<number[], string> {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text))
    return fail(`${shown(text)} is not hexadecimal, two digits an octet`)
  const bytes: number[] = []
  for (let at = 0; at < text.length; at += 2)
    bytes.push(Number.parseInt(text.slice(at, at + 2), 16))
  return ok(bytes)
}

export const bytesToHex = (bytes: Uint8Array): string => {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text.toUpperCase()
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const BASE32HEX = '0123456789ABCDEFGHIJKLMNOPQRSTUV'

/** Octets from digits of `bits` each; undefined when a digit is unknown or a spare bit is set. */
function fromDigits(text: string, alphabet: string, bits: number): number[] | undefined {
  const bytes: number[] = []
  let pending = 0
  let pendingBits = 0
  for (const char of text) {
    const digit = alphabet.indexOf(char)
    if (digit < 0) return undefined
    pending = (pending << bits) | digit
    pendingBits += bits
    if (pendingBits < 8) continue
    pendingBits -= 8
    bytes.push(pending >> pendingBits)
    pending &= (1 << pendingBits) - 1
  }
  // Spare bits are zero and never a whole digit: one text for one value (RFC 4648 section 3.5).
  return pending === 0 && pendingBits < bits ? bytes : undefined
}

function toDigits(bytes: Uint8Array, alphabet: string, bits: number): string {
  let text = ''
  let pending = 0
  let pendingBits = 0
  for (const byte of bytes) {
    pending = ((pending << 8) | byte) & 0xffff
    pendingBits += 8
    for (; pendingBits >= bits; pendingBits -= bits)
      text += alphabet[(pending >> (pendingBits - bits)) & ((1 << bits) - 1)]
  }
  if (pendingBits > 0) text += alphabet[(pending << (bits - pendingBits)) & ((1 << bits) - 1)]
  return text
}

/** RFC 4648 section 4, with its padding. */
export function base64ToBytes(text: string): Result<number[], string> {
  const digits = text.replace(/={1,2}$/, '')
  const bytes = text.length % 4 === 0 ? fromDigits(digits, BASE64, 6) : undefined
  return bytes === undefined ? fail(`${shown(text)} is not base64`) : ok(bytes)
}

export function bytesToBase64(bytes: Uint8Array): string {
  const text = toDigits(bytes, BASE64, 6)
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}

/** RFC 4648 section 7 without padding, as NSEC3 writes it (RFC 5155 section 3.3). */
export function base32HexToBytes(text: string): Result<number[], string> {
  const bytes = fromDigits(text.toUpperCase(), BASE32HEX, 5)
  return bytes === undefined ? fail(`${shown(text)} is not base32hex`) : ok(bytes)
}

export const bytesToBase32Hex = (bytes: Uint8Array): string => toDigits(bytes, BASE32HEX, 5)
