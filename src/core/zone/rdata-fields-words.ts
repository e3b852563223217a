/**
 * Fields with words of their own: periods of time, CAA tags, certificate types.
 *
 * The same contract as `rdata-fields.ts`.
 */
import { type Field, decimal, numberField, numberOf, octetsOf, take } from './rdata-fields.ts'
import { shown } from './rdata-text.ts'

const SECONDS_OF_UNIT: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3_600,
  d: 86_400,
  w: 604_800,
}

/**
 * Seconds of `3600`, or of units as zone files commonly write them: `1h30m`, `2W`. A bare number
 * after units is seconds. Undefined when it is neither, or more than 32 bits hold.
 */
export function parsePeriod(text: string): number | undefined {
  if (text.length > 64 || !/^(?:[0-9]+[smhdw])*[0-9]*$/i.test(text) || text === '') return undefined
  let seconds = 0
  for (const [, digits, unit] of text.matchAll(/([0-9]+)([smhdw]?)/gi))
    seconds += Number(digits) * SECONDS_OF_UNIT[(unit || 's').toLowerCase()]!
  return seconds <= 0xffff_ffff ? seconds : undefined
}

export const period = (label: string): Field => numberField(label, 4, parsePeriod)

/** RFC 8659 section 4.1: one length octet, then 1 or more ASCII letters and digits. */
export const caaTag: Field = {
  label: 'tag',
  read: (source, out) => {
    const { text, quoted } = take(source)
    if (quoted || !/^[0-9a-zA-Z]{1,255}$/.test(text))
      return `${shown(text)} is not a CAA tag; issue, issuewild and iodef are the usual ones`
    out.push(text.length, ...Array.from(text, (char) => char.charCodeAt(0)))
    return undefined
  },
  write: (octets) => {
    const length = numberOf(octets, 1)
    const bytes = length === undefined ? undefined : octetsOf(octets, length)
    const tag = bytes === undefined ? '' : String.fromCharCode(...bytes)
    return /^[0-9a-zA-Z]+$/.test(tag) ? tag : undefined
  },
}

/** RFC 4034 appendix A.1 and the IANA registry "DNS Security Algorithm Numbers". */
const ALGORITHMS: Readonly<Record<string, number>> = {
  RSAMD5: 1,
  DH: 2,
  DSA: 3,
  RSASHA1: 5,
  'DSA-NSEC3-SHA1': 6,
  NSEC3DSA: 6,
  'RSASHA1-NSEC3-SHA1': 7,
  NSEC3RSASHA1: 7,
  RSASHA256: 8,
  RSASHA512: 10,
  'ECC-GOST': 12,
  ECDSAP256SHA256: 13,
  ECDSAP384SHA384: 14,
  ED25519: 15,
  ED448: 16,
  INDIRECT: 252,
  PRIVATEDNS: 253,
  PRIVATEOID: 254,
}

/** The number a word stands for in a table, in any case, or a decimal number. */
const wordOf = (table: Readonly<Record<string, number>>) => (text: string) =>
  Object.hasOwn(table, text.toUpperCase()) ? table[text.toUpperCase()] : decimal(text)

/** A DNSSEC algorithm by number or name. */
export const algorithm: Field = numberField('algorithm', 1, wordOf(ALGORITHMS))

/** RFC 4398 section 2.1. */
const CERTIFICATE_TYPES: Readonly<Record<string, number>> = {
  PKIX: 1,
  SPKI: 2,
  PGP: 3,
  IPKIX: 4,
  ISPKI: 5,
  IPGP: 6,
  ACPKIX: 7,
  IACPKIX: 8,
  URI: 253,
  OID: 254,
}

export const certificateType: Field = numberField('certificate type', 2, wordOf(CERTIFICATE_TYPES))
