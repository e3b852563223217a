/**
 * The fields record data is made of. Each knows its text and its wire form, so that a record type
 * is a list of fields (`rdata-schemas.ts`) and reading undoes writing by construction.
 *
 * A reader takes tokens and pushes octets; a writer takes octets and gives text, or undefined when
 * they are not that field. Neither throws, whatever it is given.
 */
import type { Result } from '../base/result.ts'
import { wireNameLength, wireToName } from '../dns/names.ts'
import { formatAddress, parseAddress } from '../net/address.ts'
import {
  STRING_BYTES_MAX,
  type Token,
  base64ToBytes,
  bytesToBase64,
  bytesToHex,
  bytesToQuoted,
  hexToBytes,
  shown,
  textToBytes,
} from './rdata-text.ts'

/** Tokens while they are read. */
export interface Source {
  readonly tokens: readonly Token[]
  at: number
  /** Reads a name as the place it stands in wants it: relative to an origin or not. */
  readonly resolveName: (text: string) => Result<Uint8Array, string>
}

/** Octets while they are written out as text. */
export interface Octets {
  readonly bytes: Uint8Array
  at: number
}

export interface Field {
  /** What the field is called in the RFC, for messages. */
  readonly label: string
  /** Takes its tokens and pushes its octets; a fault when they are not this field. */
  readonly read: (source: Source, out: number[]) => string | undefined
  /** Moves past its octets and gives their text; undefined when they are malformed. */
  readonly write: (octets: Octets) => string | undefined
  /** Set for a domain name, which folds and may be compressed. */
  readonly isName?: true
  /** Set for a list to the end that may have no members. */
  readonly mayBeEmpty?: true
}

/** The next token; the caller has made sure there is one, or gets an empty word. */
export function take(source: Source): Token {
  const token = source.tokens[source.at]
  source.at += 1
  return token ?? { text: '', quoted: false, line: 0, column: 0 }
}

export const hasMore = (source: Source): boolean => source.at < source.tokens.length

/** The next `length` octets, or undefined when there are fewer. */
export function octetsOf(octets: Octets, length: number): Uint8Array | undefined {
  if (length > octets.bytes.length - octets.at) return undefined
  octets.at += length
  return octets.bytes.subarray(octets.at - length, octets.at)
}

const restOf = (octets: Octets): Uint8Array =>
  octetsOf(octets, octets.bytes.length - octets.at) ?? new Uint8Array(0)

/** Pushes what was decoded, or passes its fault on. */
export function pushResult(out: number[], decoded: Result<Iterable<number>, string>) {
  if (!decoded.ok) return decoded.error
  for (const byte of decoded.value) out.push(byte)
  return undefined
}

export function pushNumber(out: number[], value: number, bytes: number): void {
  for (let shift = bytes - 1; shift >= 0; shift--) out.push(Math.floor(value / 256 ** shift) & 0xff)
}

export function numberOf(octets: Octets, bytes: number): number | undefined {
  return octetsOf(octets, bytes)?.reduce((value, byte) => value * 256 + byte, 0)
}

/** A field of one fixed-width number with its own spelling. */
export function numberField(
  label: string,
  bytes: number,
  parse: (text: string) => number | undefined,
  format: (value: number) => string = String,
): Field {
  return {
    label,
    read: (source, out) => {
      const { text } = take(source)
      const value = parse(text)
      if (value === undefined || value >= 256 ** bytes)
        return `the ${label} ${shown(text)} is not a number from 0 to ${256 ** bytes - 1}`
      pushNumber(out, value, bytes)
      return undefined
    },
    write: (octets) => {
      const value = numberOf(octets, bytes)
      return value === undefined ? undefined : format(value)
    },
  }
}

export const decimal = (text: string): number | undefined =>
  /^[0-9]{1,10}$/.test(text) ? Number(text) : undefined

export const u8 = (label: string): Field => numberField(label, 1, decimal)
export const u16 = (label: string): Field => numberField(label, 2, decimal)
export const u32 = (label: string): Field => numberField(label, 4, decimal)

export const ipv4 = (label: string): Field => ({
  label,
  read: (source, out) => {
    const { text } = take(source)
    const address = parseAddress(text)
    if (!address.ok || text.includes(':') || text.startsWith('['))
      return `${shown(text)} is not an IPv4 address`
    out.push(...address.value.bytes)
    return undefined
  },
  write: (octets) => {
    const bytes = octetsOf(octets, 4)
    return bytes === undefined ? undefined : formatAddress(bytes)
  },
})

export const ipv6 = (label: string): Field => ({
  label,
  read: (source, out) => {
    const { text } = take(source)
    const address = parseAddress(text)
    if (!address.ok || !text.includes(':') || text.startsWith('['))
      return `${shown(text)} is not an IPv6 address`
    // An address is folded to IPv4 where it is a server's; a record keeps its sixteen octets.
    if (address.value.family === 4) out.push(...new Array<number>(10).fill(0), 0xff, 0xff)
    out.push(...address.value.bytes)
    return undefined
  },
  write: (octets) => {
    const bytes = octetsOf(octets, 16)
    return bytes === undefined ? undefined : formatAddress(bytes)
  },
})

export const name = (label: string): Field => ({
  label,
  isName: true,
  read: (source, out) => {
    const { text, quoted } = take(source)
    if (quoted || text === '') return `${shown(text)} is not a name; write it without quotes`
    if (!text.endsWith('.') && parseAddress(text).ok)
      return `${shown(text)} is an address, but the ${label} is a name`
    return pushResult(out, source.resolveName(text))
  },
  write: (octets) => {
    const length = wireNameLength(octets.bytes, octets.at)
    const at = octets.at
    octets.at += length
    return length === 0 ? undefined : `${wireToName(octets.bytes, at)}.`
  },
})

/** The octets of a token that is one string, without a length octet. */
function readText(source: Source, out: number[]): string | undefined {
  const token = take(source)
  if (token.glued)
    return `${shown(token.text)} has a quote inside a word; quote the whole or write \\"`
  return pushResult(out, textToBytes(token.text))
}

function readString(source: Source, out: number[]): string | undefined {
  const bytes: number[] = []
  const fault = readText(source, bytes)
  if (fault !== undefined) return fault
  if (bytes.length > STRING_BYTES_MAX)
    return `a string of ${bytes.length} octets; ${STRING_BYTES_MAX} is the most, use several`
  out.push(bytes.length, ...bytes)
  return undefined
}

function writeString(octets: Octets): string | undefined {
  const length = numberOf(octets, 1)
  const bytes = length === undefined ? undefined : octetsOf(octets, length)
  return bytes === undefined ? undefined : bytesToQuoted(bytes)
}

/** RFC 1035 section 3.3: one character string. */
export const charString = (label: string): Field => ({
  label,
  read: readString,
  write: writeString,
})

/** RFC 1035 section 3.3.14: one or more character strings, to the end. */
export const charStrings = (label: string): Field => ({
  label,
  read: (source, out) => {
    let fault: string | undefined
    do fault = readString(source, out)
    while (fault === undefined && hasMore(source))
    return fault
  },
  write: (octets) => {
    const texts: string[] = []
    do {
      const text = writeString(octets)
      if (text === undefined) return undefined
      texts.push(text)
    } while (octets.at < octets.bytes.length)
    return texts.join(' ')
  },
})

/** Octets to the end of the data without a length, written as one string (RFC 8659, RFC 7553). */
export const text = (label: string): Field => ({
  label,
  read: readText,
  write: (octets) => bytesToQuoted(restOf(octets)),
})

/** Everything to the end, in an encoding that may be cut by blanks. */
function rest(
  label: string,
  decode: (text: string) => Result<number[], string>,
  encode: (bytes: Uint8Array) => string,
): Field {
  return {
    label,
    read: (source, out) => {
      const words: string[] = []
      while (hasMore(source)) words.push(take(source).text)
      const word = words.join('')
      return word === '' ? `the ${label} is empty` : pushResult(out, decode(word))
    },
    // Empty data has no text of its own, so it stays with RFC 3597.
    write: (octets) => (octets.at < octets.bytes.length ? encode(restOf(octets)) : undefined),
  }
}

export const hex = (label: string): Field => rest(label, hexToBytes, bytesToHex)
export const base64 = (label: string): Field => rest(label, base64ToBytes, bytesToBase64)
