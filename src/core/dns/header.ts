/**
 * The mandatory checks on the header of a query, and the header of the reply (RFC 1035 section
 * 4.1.1, RFC 8906). Nothing is said about the question here.
 */
import { ADDITIONAL, ANSWER, AUTHORITY, type Exchange, HEADER_BYTES } from './exchange.ts'
import { opcodes, rcodes } from './types.ts'

/** Nothing may be sent back. */
export const DROP = -1

const QR = 0x80
const AA = 0x04
const TC = 0x02
const RD = 0x01
const CD = 0x10

const readU16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!

/** DROP, or the rcode the header alone calls for; NOERROR to go on. */
export function checkHeader(x: Exchange): number {
  // Without a whole header there is no message id to answer to.
  if (x.length < HEADER_BYTES) return DROP
  const flags = x.query[x.start + 2]!
  // Answering a response could start an endless exchange between two servers.
  if ((flags & QR) !== 0) return DROP
  x.opcode = (flags >> 3) & 15
  // RFC 8906 section 3.1.4: unknown opcodes get NOTIMP. What follows the header of another opcode
  // may be laid out differently, so it is neither read nor echoed.
  if (x.opcode !== opcodes.QUERY) return rcodes.NOTIMP
  // RFC 9619: a query with QDCOUNT other than one gets FORMERR.
  if (readU16(x.query, x.start + 4) !== 1) return rcodes.FORMERR
  return rcodes.NOERROR
}

/** Records that the header announces behind the question. */
export const recordCount = (x: Exchange): number =>
  readU16(x.query, x.start + 6) + readU16(x.query, x.start + 8) + readU16(x.query, x.start + 10)

/** Records announced before the additional section. */
export const recordsBeforeAdditional = (x: Exchange): number =>
  readU16(x.query, x.start + 6) + readU16(x.query, x.start + 8)

/** Writes the reply's header; the query's may lie in the same place, so it is read first. */
export function writeHeader(x: Exchange): void {
  const { out, base, query, start, counts } = x
  const asked2 = query[start + 2]!
  const asked3 = query[start + 3]!
  out[base] = query[start]!
  out[base + 1] = query[start + 1]!
  // RFC 1035 section 4.1.1: RD is copied; RA stays clear, no recursion is offered.
  out[base + 2] =
    QR | (x.opcode << 3) | (x.authoritative ? AA : 0) | (x.truncated ? TC : 0) | (asked2 & RD)
  // RFC 4035 section 3.1.6: CD is copied, AD is clear in answers from an authority. Z is clear
  // (RFC 8906 section 3.1.3: it must not be echoed).
  out[base + 3] = (x.opcode === opcodes.QUERY ? asked3 & CD : 0) | (x.rcode & 15)
  out[base + 4] = 0
  out[base + 5] = x.questionBytes > 0 ? 1 : 0
  writeCount(out, base + 6, counts[ANSWER]!)
  writeCount(out, base + 8, counts[AUTHORITY]!)
  writeCount(out, base + 10, counts[ADDITIONAL]!)
}

function writeCount(out: Uint8Array, at: number, count: number): void {
  out[at] = count >> 8
  out[at + 1] = count & 0xff
}
