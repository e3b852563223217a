/**
 * Fields of DNSSEC and a few rarer types: type lists, times, salts, hardware and locator addresses.
 *
 * The same contract as `rdata-fields.ts`. RRSIG, NSEC and the like are made by the signer, never
 * read from a zone; their text is for tools, tests and `explain`.
 */
import { typeName, typeNumber } from '../dns/types.ts'
import {
  type Field,
  type Octets,
  type Source,
  hasMore,
  numberField,
  numberOf,
  octetsOf,
  pushResult,
  take,
} from './rdata-fields.ts'
import {
  STRING_BYTES_MAX,
  base32HexToBytes,
  bytesToBase32Hex,
  bytesToHex,
  hexToBytes,
  shown,
} from './rdata-text.ts'

export const typeField = (label: string): Field => numberField(label, 2, typeNumber, typeName)

/** Seconds since 1970 of `YYYYMMDDHHmmSS`; undefined when there is no such moment. */
function secondsOfDate(text: string): number | undefined {
  const match = /^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})$/.exec(text)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number)
  const seconds = Date.UTC(year!, month! - 1, day, hour, minute, second) / 1000
  return dateOfSeconds(seconds) === text && seconds >= 0 ? seconds : undefined
}

function dateOfSeconds(seconds: number): string {
  if (seconds < 0 || seconds > 0xffff_ffff) return ''
  return new Date(seconds * 1000).toISOString().replace(/[-:T]|\..*/g, '')
}

/** RFC 4034 section 3.2: `YYYYMMDDHHmmSS` in UTC, or seconds since 1970. */
export const time = (label: string): Field =>
  numberField(
    label,
    4,
    (text) => secondsOfDate(text) ?? (/^[0-9]{1,10}$/.test(text) ? Number(text) : undefined),
    dateOfSeconds,
  )

/** RFC 5155 section 3.3: hexadecimal with a length octet, `-` when empty. */
export const salt = (label: string): Field => ({
  label,
  read: (source, out) => {
    const { text } = take(source)
    const bytes: number[] = []
    const fault = text === '-' ? undefined : pushResult(bytes, hexToBytes(text))
    if (fault !== undefined) return fault
    if (bytes.length > STRING_BYTES_MAX || text === '') return `${shown(text)} is not a ${label}`
    out.push(bytes.length, ...bytes)
    return undefined
  },
  write: (octets) => {
    const bytes = counted(octets)
    return bytes === undefined ? undefined : bytesToHex(bytes) || '-'
  },
})

function counted(octets: Octets): Uint8Array | undefined {
  const length = numberOf(octets, 1)
  return length === undefined ? undefined : octetsOf(octets, length)
}

/** RFC 5155 section 3.3: base32hex without padding, with a length octet on the wire. */
export const hash = (label: string): Field => ({
  label,
  read: (source, out) => {
    const { text } = take(source)
    const bytes: number[] = []
    const fault = pushResult(bytes, base32HexToBytes(text))
    if (fault !== undefined) return fault
    if (bytes.length > STRING_BYTES_MAX || bytes.length === 0)
      return `${shown(text)} is not a ${label}`
    out.push(bytes.length, ...bytes)
    return undefined
  },
  write: (octets) => {
    const bytes = counted(octets)
    return bytes === undefined || bytes.length === 0 ? undefined : bytesToBase32Hex(bytes)
  },
})

function readTypes(source: Source, out: number[]): string | undefined {
  const windows = new Map<number, number[]>()
  while (hasMore(source)) {
    const { text } = take(source)
    const type = typeNumber(text)
    if (type === undefined) return `${shown(text)} is not a record type`
    const bits = windows.get(type >> 8) ?? new Array<number>(32).fill(0)
    bits[(type & 0xff) >> 3]! |= 0x80 >> (type & 7)
    windows.set(type >> 8, bits)
  }
  for (const [window, bits] of [...windows].sort(([a], [b]) => a - b)) {
    const length = bits.findLastIndex((byte) => byte !== 0) + 1
    out.push(window, length, ...bits.slice(0, length))
  }
  return undefined
}

function writeTypes(octets: Octets): string | undefined {
  const names: string[] = []
  let last = -1
  while (octets.at < octets.bytes.length) {
    const window = numberOf(octets, 1)!
    const bits = counted(octets)
    // RFC 4034 section 4.1.2: windows in order, 1 to 32 octets each, no trailing zero octet.
    if (bits === undefined || window <= last || bits.length > 32 || !bits.at(-1)) return undefined
    last = window
    for (let bit = 0; bit < bits.length * 8; bit++)
      if ((bits[bit >> 3]! & (0x80 >> (bit & 7))) !== 0) names.push(typeName(window * 256 + bit))
  }
  return names.join(' ')
}

/** RFC 4034 section 4.1.2: a list of types as windows of bits; it may be empty. */
export const typeList = (label: string): Field => ({
  label,
  mayBeEmpty: true,
  read: readTypes,
  write: writeTypes,
})

/** Octets as groups of hex digits: EUI-48 (RFC 7043) and node identifiers (RFC 6742). */
export function groupedHex(
  label: string,
  groups: number,
  groupBytes: number,
  separator: string,
): Field {
  const digits = groupBytes * 2
  const pattern = groupBytes === 1 ? /^[0-9a-fA-F]{2}$/ : /^[0-9a-fA-F]{1,4}$/
  return {
    label,
    read: (source, out) => {
      const { text } = take(source)
      const parts = text.split(separator)
      if (parts.length !== groups || !parts.every((part) => pattern.test(part)))
        return `${shown(text)} is not a ${label}`
      return pushResult(out, hexToBytes(parts.map((part) => part.padStart(digits, '0')).join('')))
    },
    write: (octets) => {
      const bytes = octetsOf(octets, groups * groupBytes)
      if (bytes === undefined) return undefined
      const hex = bytesToHex(bytes).toLowerCase()
      return Array.from({ length: groups }, (_, group) =>
        hex.slice(group * digits, (group + 1) * digits),
      ).join(separator)
    },
  }
}
