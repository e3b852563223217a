/**
 * DER (ITU-T X.690), as much of it as a self-signed certificate needs, both ways.
 *
 * The reader takes definite, minimal lengths only, checks each against the octets that are there,
 * and copies nothing.
 */
import { joined, octetsOf } from './crypto.ts'

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  printable: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** Context-specific, constructed: [0] and [3]. */
  explicit0: 0xa0,
  explicit3: 0xa3,
  /** Context-specific, primitive [6]: a URI among the names of a subject. */
  uri: 0x86,
} as const

// ---------------------------------------------------------------- writing

/** One value; X.690 section 10.1: the shortest form of the length. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const body = joined(...contents)
  const length: number[] = []
  if (body.length < 0x80) length.push(body.length)
  else {
    for (let rest = body.length; rest > 0; rest >>>= 8) length.unshift(rest & 0xff)
    length.unshift(0x80 | length.length)
  }
  return joined(Uint8Array.of(tag, ...length), body)
}

export const sequence = (...contents: readonly Uint8Array[]) => der(tags.sequence, ...contents)

/** A non-negative integer of big-endian octets; X.690 section 8.3.2: no needless leading zero. */
export function integer(magnitude: Uint8Array): Uint8Array {
  let from = 0
  while (from < magnitude.length - 1 && magnitude[from] === 0) from++
  const body = magnitude.subarray(from)
  return (body[0] ?? 0) >= 0x80
    ? der(tags.integer, Uint8Array.of(0), body)
    : der(tags.integer, body.length === 0 ? Uint8Array.of(0) : body)
}

/** A bit string of whole octets. */
export const bitString = (body: Uint8Array) => der(tags.bitString, Uint8Array.of(0), body)
export const octetString = (...body: readonly Uint8Array[]) => der(tags.octetString, ...body)
export const utf8 = (text: string) => der(tags.utf8, octetsOf(text))
export const yes = () => der(tags.boolean, Uint8Array.of(0xff))

/** An object identifier in dotted form, of at least two arcs. */
export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const body: number[] = [first * 40 + second]
  for (const arc of rest) {
    const groups = [arc & 0x7f]
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift(0x80 | (left & 0x7f))
    body.push(...groups)
  }
  return der(tags.oid, Uint8Array.from(body))
}

/** RFC 5280 section 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050. */
export function time(ms: number): Uint8Array {
  const digits = `${new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')}`
  return Number(digits.slice(0, 4)) < 2050
    ? der(tags.utcTime, octetsOf(digits.slice(2)))
    : der(tags.generalizedTime, octetsOf(digits))
}

// ---------------------------------------------------------------- reading

export interface DerValue {
  readonly tag: number
  /** Tag, length and contents. */
  readonly whole: Uint8Array
  readonly body: Uint8Array
}

/** The values that fill `bytes` exactly, at most `max`; undefined when they are not DER. */
export function derValues(bytes: Uint8Array, max: number): readonly DerValue[] | undefined {
  const values: DerValue[] = []
  let at = 0
  while (at < bytes.length) {
    const value = derValueAt(bytes, at)
    if (value === undefined || values.length === max) return undefined
    values.push(value)
    at += value.whole.length
  }
  return values
}

function derValueAt(bytes: Uint8Array, at: number): DerValue | undefined {
  if (bytes.length - at < 2) return undefined
  const tag = bytes[at]!
  // Tags of more than one octet do not occur in certificates.
  if ((tag & 0x1f) === 0x1f) return undefined
  let length = bytes[at + 1]!
  let from = at + 2
  if (length >= 0x80) {
    const count = length & 0x7f
    // Four octets could already name more than any certificate holds; zero is the indefinite form.
    if (count === 0 || count > 3 || bytes.length - from < count) return undefined
    length = 0
    for (let octet = 0; octet < count; octet++) length = (length << 8) | bytes[from++]!
    if (length < 0x80 || (count > 1 && length >> (8 * (count - 1)) === 0)) return undefined
  }
  if (length > bytes.length - from) return undefined
  return {
    tag,
    whole: bytes.subarray(at, from + length),
    body: bytes.subarray(from, from + length),
  }
}

const TIME = /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/

/** Unix milliseconds of a UTCTime or GeneralizedTime; undefined for another value. */
export function timeOf(value: DerValue | undefined): number | undefined {
  if (value === undefined || value.body.length > 15) return undefined
  const isUtc = value.tag === tags.utcTime
  if (!isUtc && value.tag !== tags.generalizedTime) return undefined
  const parts = TIME.exec(String.fromCharCode(...value.body))
  if (parts === null || (parts[1]!.length === 2) !== isUtc) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(1)
    .map(Number)
  // RFC 5280 section 4.1.2.5.1: two digits of 50 and more are of the twentieth century.
  const full = isUtc ? year + (year >= 50 ? 1_900 : 2_000) : year
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
    return undefined
  return Date.UTC(full, month - 1, day, hour, minute, second)
}
