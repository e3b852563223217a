/**
 * Zone files: RFC 1035 section 5.1 with the $TTL of RFC 2308 and the data of RFC 3597.
 *
 * All faults of a file are found in one reading, each with its line and column; a file with a fault
 * gives no zone. $INCLUDE and $GENERATE are refused, so that a zone is one file and every record of
 * it stands there. Whether the records make sense together is for `check.ts`.
 */
import { limits } from '../base/limits.ts'
import { type Result, fail, ok } from '../base/result.ts'
import { canonicalName, foldCase, isSubdomain, nameToWire, wireToName } from '../dns/names.ts'
import { CLASS_IN, classNumber, typeName, typeNumber, types } from '../dns/types.ts'
import type { RecordSpec, SoaSpec } from '../steer/topology.ts'
import { parsePeriod } from './rdata-fields-words.ts'
import { type Token, shown } from './rdata-text.ts'
import { readRdata } from './rdata.ts'
import { rdataFault, refusedType, soaOfRdata, ttlFault } from './records.ts'
import {
  type Entry,
  type Scanner,
  type ZoneFileFault,
  nextEntry,
  note,
  scannerOf,
} from './zonefile-lexer.ts'

export type { ZoneFileFault } from './zonefile-lexer.ts'

export interface ZoneFileOptions {
  /** Apex of the zone, and the origin names are relative to until a $ORIGIN. */
  readonly origin: string
  /** Name of the file, for messages. */
  readonly file: string
  /** For records before any $TTL or TTL of their own. */
  readonly defaultTtlSeconds: number
}

export interface ZoneFile {
  readonly soa?: SoaSpec
  /** In the order of the file, without the SOA. */
  readonly records: readonly RecordSpec[]
  /** The line each record starts at, beside `records`. */
  readonly lines: readonly number[]
}

interface Reader {
  readonly scanner: Scanner
  readonly apex: string
  readonly defaultTtlSeconds: number
  readonly records: RecordSpec[]
  readonly lines: number[]
  origin: string
  /** Of the entry before; undefined until there is one. */
  owner: string | undefined
  /** Of the last $TTL. */
  directiveTtl: number | undefined
  /** Of the last record that stated one. */
  statedTtl: number | undefined
  soa: SoaSpec | undefined
  soaLine: number
}

/** What is wrong with an entry, at a token of it or, past the last, after them all. */
interface Fault {
  readonly token: number
  readonly message: string
}

const faultAt = (token: number, message: string): Fault => ({ token, message })

function noteFault(scanner: Scanner, tokens: readonly Token[], fault: Fault): void {
  const token = tokens[fault.token]
  const last = tokens.at(-1)
  if (token !== undefined) note(scanner, fault.message, token)
  else if (last !== undefined)
    note(scanner, fault.message, { line: last.line, column: last.column + last.text.length })
  else note(scanner, fault.message)
}

function canonical(reader: Reader, token: Token): Result<string, string> {
  if (token.quoted) return fail(`${shown(token.text)} is quoted, but a name is written without`)
  return canonicalName(token.text, reader.origin)
}

function readTtl(token: Token): Result<number, string> {
  const seconds = token.quoted ? undefined : parsePeriod(token.text)
  if (seconds === undefined) return fail(`${shown(token.text)} is not a TTL, as in 3600 or 1h30m`)
  const fault = ttlFault(seconds)
  return fault === undefined ? ok(seconds) : fail(fault)
}

function readDirective(reader: Reader, tokens: readonly Token[]): Fault | undefined {
  const [directive, argument] = tokens as readonly [Token, Token?]
  const word = directive.text.toUpperCase()
  if (word === '$INCLUDE' || word === '$GENERATE')
    return faultAt(0, `${word} is not supported; write its records here`)
  if (word !== '$ORIGIN' && word !== '$TTL')
    return faultAt(0, `${shown(directive.text)} is not a directive`)
  if (argument === undefined) return faultAt(1, `${word} takes a value`)
  if (tokens.length > 2) return faultAt(2, `${word} takes one value`)
  if (word === '$ORIGIN') {
    const origin = canonical(reader, argument)
    if (!origin.ok) return faultAt(1, origin.error)
    reader.origin = origin.value
  } else {
    const ttl = readTtl(argument)
    if (!ttl.ok) return faultAt(1, ttl.error)
    reader.directiveTtl = ttl.value
  }
  return undefined
}

/** What stands between owner and data: the TTL and class, in either order, and the type. */
interface Head {
  readonly type: number
  readonly ttlSeconds: number | undefined
  /** Index of the first token of the data. */
  readonly dataAt: number
}

function readHead(tokens: readonly Token[], from: number): Result<Head, Fault> {
  let ttlSeconds: number | undefined
  let hasClass = false
  for (let at = from; at < tokens.length; at++) {
    const token = tokens[at]!
    const isTtl = ttlSeconds === undefined && !token.quoted && /^[0-9]/.test(token.text)
    const isWord = !token.quoted
    const type = isWord ? typeNumber(token.text) : undefined
    // ANY names a class and a type; neither has data, and as a type it is refused more clearly.
    const rrClass = isWord && !hasClass && type === undefined ? classNumber(token.text) : undefined
    if (isTtl) {
      const ttl = readTtl(token)
      if (!ttl.ok) return fail(faultAt(at, ttl.error))
      ttlSeconds = ttl.value
    } else if (rrClass !== undefined) {
      if (rrClass !== CLASS_IN)
        return fail(faultAt(at, `class ${token.text} is not served, only IN is`))
      hasClass = true
    } else {
      if (type !== undefined) return ok({ type, ttlSeconds, dataAt: at + 1 })
      return fail(faultAt(at, `${shown(token.text)} is not a record type`))
    }
  }
  return fail(faultAt(tokens.length, 'the record type is missing'))
}

/** The owner of an entry and where the rest of it starts. */
function readOwner(reader: Reader, entry: Entry): Result<{ owner: string; from: number }, Fault> {
  if (entry.startsBlank) {
    if (reader.owner !== undefined) return ok({ owner: reader.owner, from: 0 })
    return fail(faultAt(0, 'the first record has no owner name'))
  }
  const owner = canonical(reader, entry.tokens[0]!)
  if (!owner.ok) return fail(faultAt(0, owner.error))
  reader.owner = owner.value
  return ok({ owner: owner.value, from: 1 })
}

function readRecord(reader: Reader, entry: Entry): Fault | undefined {
  const { tokens } = entry
  const place = readOwner(reader, entry)
  if (!place.ok) return place.error
  const { owner, from } = place.value
  if (!isSubdomain(owner, reader.apex))
    return faultAt(0, `"${owner}" is not in the zone "${reader.apex}"`)
  if (entry.broken) return undefined
  const head = readHead(tokens, from)
  if (!head.ok) return head.error
  const { type, dataAt } = head.value
  if (head.value.ttlSeconds !== undefined) reader.statedTtl = head.value.ttlSeconds
  const refused = refusedType(type)
  if (refused !== undefined) return faultAt(dataAt - 1, refused)
  const data = tokens.slice(dataAt)
  const read = readRdata(type, data, (text) => nameToWire(text, reader.origin))
  if (!read.ok)
    return faultAt(dataAt + read.error.token, `${typeName(type)}: ${read.error.message}`)
  const fault = rdataFault(type, read.value)
  if (fault !== undefined) return faultAt(dataAt, `${typeName(type)}: ${fault}`)
  // RFC 2308 section 4: a record without a TTL has that of the last $TTL; RFC 1035 section 5.1:
  // that of the last record which stated one.
  const ttlSeconds =
    head.value.ttlSeconds ?? reader.directiveTtl ?? reader.statedTtl ?? reader.defaultTtlSeconds
  const record = { name: owner, type, ttlSeconds, rdata: read.value }
  const line = tokens[0]!.line
  return type === types.SOA ? keepSoa(reader, record, line) : keepRecord(reader, record, line)
}

function keepSoa(reader: Reader, record: RecordSpec, line: number): Fault | undefined {
  if (record.name !== reader.apex) return faultAt(0, `the SOA belongs to the apex "${reader.apex}"`)
  // RFC 1035 section 5.2: exactly one SOA at the top of the zone.
  if (reader.soa !== undefined)
    return faultAt(0, `a second SOA; the first is on line ${reader.soaLine}`)
  reader.soa = soaOfRdata(record.rdata, record.ttlSeconds)
  reader.soaLine = line
  return undefined
}

function keepRecord(reader: Reader, record: RecordSpec, line: number): Fault | undefined {
  const most = limits.zoneFileRecords.default
  if (reader.records.length === most) return faultAt(0, `more than ${most} records in one file`)
  reader.records.push(record)
  reader.lines.push(line)
  return undefined
}

const isDirective = (entry: Entry) =>
  !entry.startsBlank && !entry.tokens[0]!.quoted && entry.tokens[0]!.text.startsWith('$')

/** What is right of a file, and what is wrong with the rest. */
export interface ReadZoneFile {
  readonly file: ZoneFile
  readonly faults: readonly ZoneFileFault[]
}

/** A file given up as a whole, before it is read. */
const refuse = (message: string): ReadZoneFile => ({
  file: { records: [], lines: [] },
  faults: [{ line: 1, column: 1, message }],
})

/**
 * Reads a zone file. Owners come out canonical (lower case, no final dot), data in wire form. The
 * errors are all faults, in the order of the file, at most `limits.zoneFileFaults` of them.
 */
export function parseZoneFile(
  text: string,
  options: ZoneFileOptions,
): Result<ZoneFile, readonly ZoneFileFault[]> {
  const { file, faults } = readZoneFile(text, options)
  return faults.length > 0 ? fail(faults) : ok(file)
}

/** The same, with the records that are right beside the faults of the others. */
export function readZoneFile(text: string, options: ZoneFileOptions): ReadZoneFile {
  if (text.length > limits.zoneFileChars.default)
    return refuse(`${options.file} is longer than ${limits.zoneFileChars.default} characters`)
  const apexWire = nameToWire(options.origin)
  if (!apexWire.ok) return refuse(`the zone name ${apexWire.error}`)
  const apex = wireToName(foldCase(apexWire.value))
  const reader: Reader = {
    scanner: scannerOf(text),
    apex,
    defaultTtlSeconds: options.defaultTtlSeconds,
    records: [],
    lines: [],
    origin: apex,
    owner: undefined,
    directiveTtl: undefined,
    statedTtl: undefined,
    soa: undefined,
    soaLine: 0,
  }
  const { faults } = reader.scanner
  while (faults.length < limits.zoneFileFaults.default) {
    const entry = nextEntry(reader.scanner)
    if (entry === undefined) break
    if (entry.tokens.length === 0) continue
    const fault = isDirective(entry)
      ? readDirective(reader, entry.tokens)
      : readRecord(reader, entry)
    if (fault !== undefined) noteFault(reader.scanner, entry.tokens, fault)
  }
  const { soa, records, lines } = reader
  const file = { ...(soa === undefined ? {} : { soa }), records, lines }
  return { file, faults: inOrder(faults) }
}

const inOrder = (faults: readonly ZoneFileFault[]) =>
  [...faults].sort((a, b) => a.line - b.line || a.column - b.column)
