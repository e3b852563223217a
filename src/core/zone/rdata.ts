/**
 * Record data: text to wire form and back, for every record type.
 *
 * Known types are lists of fields (`rdata-schemas.ts`); any type may be written as RFC 3597 says,
 * and data that does not fit its type is. Names are never compressed here. Which types a zone may
 * hold is decided in `records.ts`.
 */
import { limits } from '../base/limits.ts'
import { type Result, fail, ok } from '../base/result.ts'
import { nameToWire, wireNameLength } from '../dns/names.ts'
import { typeName, types } from '../dns/types.ts'
import { type Octets, type Source, hasMore, take } from './rdata-fields.ts'
import { compressedTypes, foldedTypes, schemaOf } from './rdata-schemas.ts'
import { type Token, bytesToHex, hexToBytes, shown } from './rdata-text.ts'

export type { Token } from './rdata-text.ts'

export interface RdataFault {
  readonly message: string
  /** Index of the token at fault; the number of tokens when one is missing. */
  readonly token: number
}

/** RFC 3597 section 5: `\#`, the number of octets, the octets in hex. */
function readGeneric(type: number, source: Source): Result<Uint8Array, string> {
  take(source)
  const count = take(source).text
  if (!/^[0-9]{1,5}$/.test(count)) return fail(`${shown(count)} is not a number of octets`)
  const words: string[] = []
  while (hasMore(source)) words.push(take(source).text)
  const bytes = hexToBytes(words.join(''))
  if (!bytes.ok) return bytes
  if (bytes.value.length !== Number(count))
    return fail(`${bytes.value.length} octets of data are given, but ${Number(count)} announced`)
  const rdata = new Uint8Array(bytes.value)
  if (!isWellFormed(type, rdata)) return fail(`the octets are not ${typeName(type)} data`)
  return ok(rdata)
}

function readFields(type: number, source: Source): Result<Uint8Array, string> {
  const fields = schemaOf(type)
  if (fields === undefined)
    return fail('the type has no text form here; write \\# LENGTH HEX (RFC 3597)')
  const out: number[] = []
  for (const field of fields) {
    if (!hasMore(source) && !field.mayBeEmpty) {
      source.at = Number.POSITIVE_INFINITY
      return fail(`the ${field.label} is missing`)
    }
    const fault = field.read(source, out)
    if (fault !== undefined) return fail(fault)
  }
  return ok(new Uint8Array(out))
}

/**
 * Reads the tokens after the type, as `parseRdata` does, but with names read by `resolveName` and
 * the token at fault told.
 */
export function readRdata(
  type: number,
  tokens: readonly Token[],
  resolveName: (text: string) => Result<Uint8Array, string>,
): Result<Uint8Array, RdataFault> {
  const source: Source = { tokens, at: 0, resolveName }
  const first = tokens[0]
  const isGeneric = first !== undefined && !first.quoted && first.text === '\\#'
  const read = isGeneric ? readGeneric(type, source) : readFields(type, source)
  // The last token taken is the one at fault; where one is missing, it is the place after the last.
  const token = Math.min(Math.max(source.at - 1, 0), tokens.length)
  if (!read.ok) return fail({ message: read.error, token })
  if (hasMore(source))
    return fail({ message: `${shown(tokens[source.at]!.text)} is too much`, token: source.at })
  if (read.value.length > limits.rdataBytes.default)
    return fail({
      message: `the data is ${read.value.length} octets; ${limits.rdataBytes.default} is the most`,
      token: 0,
    })
  return ok(read.value)
}

/**
 * Reads record data from its tokens. Names without a final dot get `origin` appended. The wire form
 * has whole names and at most `limits.rdataBytes` octets. The error says what is wrong, in words.
 */
export function parseRdata(
  type: number,
  tokens: readonly Token[],
  origin: string,
): Result<Uint8Array, string> {
  const read = readRdata(type, tokens, (text) => nameToWire(text, origin))
  return read.ok ? read : fail(read.error.message)
}

/** The texts of the fields and where names start; undefined when the data is not of its type. */
function walk(
  type: number,
  rdata: Uint8Array,
): { readonly texts: readonly string[]; readonly names: readonly number[] } | undefined {
  const fields = schemaOf(type)
  if (fields === undefined) return undefined
  const octets: Octets = { bytes: rdata, at: 0 }
  const texts: string[] = []
  const names: number[] = []
  for (const field of fields) {
    if (field.isName) names.push(octets.at)
    const text = field.write(octets)
    if (text === undefined) return undefined
    if (text !== '') texts.push(text)
  }
  return octets.at === rdata.length ? { texts, names } : undefined
}

/**
 * The text of record data, names absolute with their final dot. Data that does not fit its type, or
 * of a type without a text form, is written as RFC 3597 section 5 says.
 */
export function formatRdata(type: number, rdata: Uint8Array): string {
  const known = walk(type, rdata)
  if (known !== undefined) return known.texts.join(' ')
  return rdata.length === 0 ? '\\# 0' : `\\# ${rdata.length} ${bytesToHex(rdata)}`
}

/**
 * Where names start in data of A6, which has no text form here and yet folds (RFC 2874 section 3.1:
 * the length of the prefix, as many octets as the suffix needs, a name); undefined if malformed.
 */
function namesOfA6(rdata: Uint8Array): readonly number[] | undefined {
  const prefix = rdata[0] ?? 255
  if (prefix > 128) return undefined
  const at = 1 + 16 - (prefix >> 3)
  const length = prefix === 0 ? 0 : wireNameLength(rdata, at)
  if (rdata.length !== at + length || (prefix > 0 && length === 0)) return undefined
  return prefix === 0 ? [] : [at]
}

/** Whether data of a type whose form is known here fits it; true for all others. */
export function isWellFormed(type: number, rdata: Uint8Array): boolean {
  if (type === types.A6) return namesOfA6(rdata) !== undefined
  return schemaOf(type) === undefined || walk(type, rdata) !== undefined
}

/**
 * Where the names in record data start, in order; empty for malformed data and for types without
 * names. Only those of types for which `mayCompress` holds may be written compressed.
 */
export function rdataNames(type: number, rdata: Uint8Array): readonly number[] {
  if (type === types.A6) return namesOfA6(rdata) ?? []
  return schemaOf(type)?.some((field) => field.isName) ? (walk(type, rdata)?.names ?? []) : []
}

/** RFC 3597 section 4. */
export const mayCompress = (type: number): boolean => compressedTypes.has(type)

/**
 * Record data in canonical form: names of the types of RFC 4034 section 6.2, as amended by RFC 6840
 * section 5.1, in lower case. Two records of a set are one if their canonical forms are.
 */
export function canonicalRdata(type: number, rdata: Uint8Array): Uint8Array {
  if (!foldedTypes.has(type)) return rdata
  const folded = rdata.slice()
  for (const start of rdataNames(type, rdata)) {
    const end = start + wireNameLength(rdata, start)
    for (let at = start; at < end; at++)
      if (folded[at]! >= 0x41 && folded[at]! <= 0x5a) folded[at]! |= 0x20
  }
  return folded
}
