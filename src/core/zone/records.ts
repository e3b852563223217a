/**
 * One record as the configuration gives it, and what a record has to be wherever it comes from.
 *
 * Names without a final dot are read kindly, because every other name of the configuration is
 * written so: one inside the zone is taken as it is, one label is relative to the zone, and for
 * anything else the reader says what to write. Zone files follow RFC 1035 instead (`zonefile.ts`).
 */
import { limits } from '../base/limits.ts'
import { type Result, fail, ok } from '../base/result.ts'
import { canonicalName, isSubdomain, nameToWire, wireToName } from '../dns/names.ts'
import { typeName, typeNumber, types } from '../dns/types.ts'
import type { RecordSpec, SoaSpec } from '../steer/topology.ts'
import { pushNumber } from './rdata-fields.ts'
import { STRING_BYTES_MAX, type Token, shown, textToBytes } from './rdata-text.ts'
import { rdataNames, readRdata } from './rdata.ts'
import { lexValue } from './zonefile-lexer.ts'

export interface RecordInput {
  readonly name: string
  readonly type: string
  readonly ttlSeconds: number
  readonly value: string
}

const SIGNED: ReadonlySet<number> = new Set([
  types.SIG,
  types.NXT,
  types.RRSIG,
  types.NSEC,
  types.DNSKEY,
  types.NSEC3,
  types.NSEC3PARAM,
])

/** Why a zone cannot hold records of this type, or undefined when it can. */
export function refusedType(type: number): string | undefined {
  if (SIGNED.has(type))
    return `${typeName(type)} records are made when the zone is signed; leave them out`
  // RFC 1035 section 3.3.10: NULL is not allowed in master files.
  if (type === types.NULL) return 'NULL records are not allowed in zones'
  // RFC 6895 section 3.1: OPT and the types 128 to 255 are questions and meta data.
  if (type === 0 || type === types.OPT || (type >= 128 && type <= 255))
    return `${typeName(type)} is not a type of data that a zone can hold`
  return undefined
}

/** Octets of a DS digest by its type (RFC 4034 section 5.1.4, RFC 4509, RFC 6605). */
const DIGEST_BYTES: Readonly<Record<number, number>> = { 1: 20, 2: 32, 4: 48 }
/** Octets of a fingerprint by its type (RFC 4255 section 3.1.2, RFC 6594). */
const FINGERPRINT_BYTES: Readonly<Record<number, number>> = { 1: 20, 2: 32 }

/** What the data says that cannot be meant, although its form is right. */
export function rdataFault(type: number, rdata: Uint8Array): string | undefined {
  const isDigest = type === types.DS || type === types.CDS
  const wanted = isDigest
    ? DIGEST_BYTES[rdata[3] ?? 0]
    : type === types.SSHFP
      ? FINGERPRINT_BYTES[rdata[1] ?? 0]
      : undefined
  const given = rdata.length - (isDigest ? 4 : 2)
  if (wanted !== undefined && given !== wanted)
    return `the ${isDigest ? 'digest' : 'fingerprint'} has ${given} octets, its type has ${wanted}`
  return undefined
}

/** RFC 2181 section 8. */
export function ttlFault(ttlSeconds: number): string | undefined {
  const max = limits.recordTtlSecondsMax.default
  if (Number.isInteger(ttlSeconds) && ttlSeconds >= 0 && ttlSeconds <= max) return undefined
  return `a TTL of ${ttlSeconds} is outside 0 to ${max} seconds`
}

/** A name of the configuration: kind to a missing final dot, and never guessing. */
function resolveKindly(text: string, origin: string): Result<Uint8Array, string> {
  const read = nameToWire(text)
  if (text === '@' || !read.ok) return nameToWire(text, origin)
  const plain = wireToName(read.value)
  if (text.endsWith('.') || isSubdomain(plain, origin)) return read
  const isOneLabel = read.value.length === read.value[0]! + 2
  if (isOneLabel) return nameToWire(text, origin)
  return fail(
    `${shown(text)} could be read in two ways: write "${plain}." for that name, ` +
      `or "${plain}.${origin}" for the one inside the zone`,
  )
}

/** Text as strings of at most 255 octets (RFC 1035 section 3.3.14). */
function splitText(text: string): Result<Uint8Array, string> {
  // A backslash is itself here: the text is the value, not zone-file notation.
  const octets = textToBytes(text.replaceAll('\\', '\\\\'))
  if (!octets.ok) return octets
  const out: number[] = []
  for (let at = 0; at === 0 || at < octets.value.length; at += STRING_BYTES_MAX) {
    const part = octets.value.slice(at, at + STRING_BYTES_MAX)
    out.push(part.length, ...part)
  }
  if (out.length > limits.rdataBytes.default)
    return fail(`the text is ${out.length} octets; ${limits.rdataBytes.default} is the most`)
  return ok(new Uint8Array(out))
}

function readValue(type: number, value: string, origin: string): Result<Uint8Array, string> {
  if (value.length > limits.zoneFileLineChars.default)
    return fail(`the value is longer than ${limits.zoneFileLineChars.default} characters`)
  const trimmed = value.trim()
  const isText = type === types.TXT || type === types.SPF
  if (isText && !trimmed.startsWith('"') && !/^\\#\s/.test(trimmed)) return splitText(trimmed)
  const tokens: Result<readonly Token[], string> = lexValue(trimmed)
  if (!tokens.ok) return tokens
  const read = readRdata(type, tokens.value, (text) => resolveKindly(text, origin))
  return read.ok ? read : fail(read.error.message)
}

/** The owner: relative to the zone unless it ends with a dot or with the zone's name. */
function readOwner(text: string, origin: string): Result<string, string> {
  const absolute = canonicalName(text === '@' || text === '' ? origin : text)
  if (!absolute.ok) return absolute
  if (isSubdomain(absolute.value, origin)) return absolute
  if (text.endsWith('.')) return fail(`${shown(text)} is not in the zone "${origin}"`)
  return canonicalName(text, origin)
}

/**
 * A record of the configuration: `value` is the data in zone-file notation, or for TXT any text not
 * starting with a quote, taken as it is. `origin` is the apex of its zone. The error is a sentence
 * that names the part at fault.
 */
export function parseRecord(input: RecordInput, origin: string): Result<RecordSpec, string> {
  const type = typeNumber(input.type)
  if (type === undefined)
    return fail(`${shown(input.type)} is not a record type; write TYPE123 for one by number`)
  if (type === types.SOA) return fail('the SOA is not given as a record; it has keys of its own')
  const refused = refusedType(type) ?? ttlFault(input.ttlSeconds)
  if (refused !== undefined) return fail(refused)
  const name = readOwner(input.name, origin)
  if (!name.ok) return fail(`name ${name.error}`)
  const rdata = readValue(type, input.value, origin)
  if (!rdata.ok) return fail(`${typeName(type)}: ${rdata.error}`)
  const fault = rdataFault(type, rdata.value)
  if (fault !== undefined) return fail(`${typeName(type)}: ${fault}`)
  return ok({ name: name.value, type, ttlSeconds: input.ttlSeconds, rdata: rdata.value })
}

/** The SOA that well-formed data holds; undefined when it is malformed. */
export function soaOfRdata(rdata: Uint8Array, ttlSeconds: number): SoaSpec | undefined {
  const [primaryAt, contactAt] = rdataNames(types.SOA, rdata)
  if (primaryAt === undefined || contactAt === undefined) return undefined
  const view = new DataView(rdata.buffer, rdata.byteOffset, rdata.byteLength)
  const numbersAt = rdata.length - 20
  return {
    primary: wireToName(rdata, primaryAt).toLowerCase(),
    contact: wireToName(rdata, contactAt).toLowerCase(),
    serial: view.getUint32(numbersAt),
    refreshSeconds: view.getUint32(numbersAt + 4),
    retrySeconds: view.getUint32(numbersAt + 8),
    expireSeconds: view.getUint32(numbersAt + 12),
    minimumSeconds: view.getUint32(numbersAt + 16),
    ttlSeconds,
  }
}

/** The data of an SOA record (RFC 1035 section 3.3.13); the error names the name at fault. */
export function rdataOfSoa(soa: SoaSpec): Result<Uint8Array, string> {
  const primary = nameToWire(soa.primary)
  if (!primary.ok) return primary
  const contact = nameToWire(soa.contact)
  if (!contact.ok) return contact
  const out = [...primary.value, ...contact.value]
  pushNumber(out, soa.serial, 4)
  pushNumber(out, soa.refreshSeconds, 4)
  pushNumber(out, soa.retrySeconds, 4)
  pushNumber(out, soa.expireSeconds, 4)
  pushNumber(out, soa.minimumSeconds, 4)
  return ok(new Uint8Array(out))
}
