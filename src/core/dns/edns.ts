/**
 * The records behind the question, of which only OPT means something to an authority (RFC 6891).
 *
 * Other records are stepped over, but must be whole: a query that does not add up is FORMERR. All
 * of it is read before the reply grows past the question, which may lie in the same place.
 */
import { limits } from '../base/limits.ts'
import { readCookie } from './cookie.ts'
import { readSubnet } from './ecs.ts'
import { type Exchange, HEADER_BYTES } from './exchange.ts'
import { LABEL_BYTES_MAX, NAME_BYTES_MAX } from './names.ts'
import { ednsOptions, rcodes, types } from './types.ts'

/** Type, class, TTL and RDLENGTH (RFC 1035 section 4.1.3). */
const FIXED_BYTES = 10
const OPTION_HEADER_BYTES = 4
/** An OPT without options, its root name included. */
const OPT_BYTES_MIN = 11
// Kept here: a table of another module is looked up with each use.
const RECORDS_MAX = limits.queryRecords.default
const OPTIONS_MAX = limits.ednsOptions.default
/** RFC 6891 section 6.1.4. */
const DNSSEC_OK = 0x80
/** RFC 9824 section 5.1. */
const COMPACT_OK = 0x40

/** Reads every record behind the question; NOERROR, FORMERR or BADVERS. */
export function readRecords(x: Exchange): number {
  const at = x.start + HEADER_BYTES + x.questionBytes
  return isLoneOpt(x, at) ? readOpt(x, at + 1) : walkRecords(x, at)
}

/** Whether nothing but a whole OPT follows, as in nearly every query with EDNS. */
function isLoneOpt(x: Exchange, at: number): boolean {
  const { queryView } = x
  const left = x.start + x.length - at - OPT_BYTES_MIN
  if (left < 0 || x.records !== 1 || x.recordsBefore !== 0) return false
  if (queryView.getUint8(at) !== 0 || queryView.getUint16(at + 1) !== types.OPT) return false
  return queryView.getUint16(at + 9) === left
}

function walkRecords(x: Exchange, from: number): number {
  const { query } = x
  const limit = x.start + x.length
  let at = from
  const { records, recordsBefore } = x
  if (records > RECORDS_MAX) return rcodes.FORMERR
  let optAt = -1
  for (let record = 0; record < records; record++) {
    const owner = at
    at = skipName(query, at, limit)
    if (at < 0 || at + FIXED_BYTES > limit) return rcodes.FORMERR
    const type = (query[at]! << 8) | query[at + 1]!
    if (type === types.OPT) {
      // RFC 6891 section 6.1.1: at most one OPT, in the additional section; section 6.1.2: its name
      // is the root.
      if (optAt >= 0 || query[owner] !== 0 || record < recordsBefore) return rcodes.FORMERR
      optAt = at
    }
    at += FIXED_BYTES + ((query[at + 8]! << 8) | query[at + 9]!)
    if (at > limit) return rcodes.FORMERR
  }
  // Octets that no count announces are not part of a well-formed message.
  if (at !== limit) return rcodes.FORMERR
  return optAt < 0 ? rcodes.NOERROR : readOpt(x, optAt)
}

/** The position behind the name at `at`, or -1; a compression pointer ends a name. */
function skipName(bytes: Uint8Array, at: number, limit: number): number {
  let from = at
  while (from < limit && from - at < NAME_BYTES_MAX) {
    const length = bytes[from]!
    if (length === 0) return from + 1
    // RFC 1035 section 4.1.4: a pointer has two octets. Where it leads does not matter here.
    if (length >= 0xc0) return from + 2 <= limit ? from + 2 : -1
    if (length > LABEL_BYTES_MAX) return -1
    from += length + 1
  }
  return -1
}

/** Reads the OPT record whose type is at `at`; it was seen to be whole. */
function readOpt(x: Exchange, at: number): number {
  const { queryView } = x
  x.edns = true
  x.payloadBytes = queryView.getUint16(at + 2)
  x.ednsVersion = queryView.getUint8(at + 5)
  const flags = queryView.getUint8(at + 6)
  x.dnssecOk = (flags & DNSSEC_OK) !== 0
  x.compactOk = (flags & COMPACT_OK) !== 0
  // RFC 6891 section 6.1.3: the options of a version we do not speak are not ours to read.
  if (x.ednsVersion > 0) return rcodes.BADVERS
  const bytes = queryView.getUint16(at + 8)
  return bytes === 0 ? rcodes.NOERROR : readOptions(x, at + FIXED_BYTES, at + FIXED_BYTES + bytes)
}

function readOptions(x: Exchange, from: number, end: number): number {
  const { queryView } = x
  let at = from
  for (let option = 0; at < end; option++) {
    if (option >= OPTIONS_MAX) return rcodes.FORMERR
    if (at + OPTION_HEADER_BYTES > end) return rcodes.FORMERR
    const code = queryView.getUint16(at)
    const length = queryView.getUint16(at + 2)
    at += OPTION_HEADER_BYTES
    if (at + length > end) return rcodes.FORMERR
    if (code === ednsOptions.CLIENT_SUBNET) {
      if (!readSubnet(x, at, length)) return rcodes.FORMERR
    } else if (code === ednsOptions.COOKIE && x.readsCookies) {
      if (!readCookie(x, at, length)) return rcodes.FORMERR
    } else if (code === ednsOptions.NSID) x.wantsNsid = true
    // RFC 7828 section 3.2.1: over UDP the option is ignored.
    else if (code === ednsOptions.TCP_KEEPALIVE) x.wantsKeepalive = x.tcp
    // RFC 6891 section 6.1.2: unknown options are ignored.
    at += length
  }
  return rcodes.NOERROR
}
