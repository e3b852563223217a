/**
 * The mandatory checks on the header of a query, and the header of the reply (RFC 1035 section
 * 4.1.1, RFC 8906). Nothing is said about the question here.
 */
import { ADDITIONAL, ANSWER, AUTHORITY, type Exchange, HEADER_BYTES } from './exchange.ts'
import { opcodes, rcodes } from './types.ts'

/** Nothing may be sent back. */
export const DROP = -1

// Bits of the second 16-bit word.
const QR = 0x8000
const AA = 0x0400
const TC = 0x0200
const RD = 0x0100
const CD = 0x0010

/** DROP, or the rcode the header alone calls for; NOERROR to go on. */
export function checkHeader(x: Exchange): number {
  // Without a whole header there is no message id to answer to.
  if (x.length < HEADER_BYTES) return DROP
  const { queryView, start } = x
  const flags = queryView.getUint16(start + 2)
  // Answering a response could start an endless exchange between two servers.
  if ((flags & QR) !== 0) return DROP
  x.opcode = (flags >> 11) & 15
  // RFC 8906 section 3.1.4: unknown opcodes get NOTIMP. What follows the header of another opcode
  // may be laid out differently, so it is neither read nor echoed.
  if (x.opcode !== opcodes.QUERY) return rcodes.NOTIMP
  // Counts are read in pairs: each read checks its bounds anew.
  const first = queryView.getInt32(start + 4)
  const second = queryView.getInt32(start + 8)
  const questions = first >>> 16
  x.hasQuestion = questions === 1
  x.recordsBefore = (first & 0xffff) + (second >>> 16)
  x.records = x.recordsBefore + (second & 0xffff)
  // RFC 9619 section 4: more than one question gets FORMERR. Without one, a query can still ask for
  // a cookie (RFC 7873 section 5.4), which takes an OPT.
  if (questions > 1 || (questions === 0 && x.records === 0)) return rcodes.FORMERR
  return rcodes.NOERROR
}

/** Writes the reply's header; the query's may lie in the same place, so it is read first. */
export function writeHeader(x: Exchange): void {
  const { view, base, queryView, start, counts } = x
  const asked = queryView.getInt32(start)
  // RFC 1035 section 4.1.1: RD is copied; RA stays clear, no recursion is offered.
  let flags = QR | (x.opcode << 11) | (asked & RD) | (x.rcode & 15)
  if (x.authoritative) flags |= AA
  if (x.truncated) flags |= TC
  // RFC 4035 section 3.1.6: CD is copied, AD is clear in answers from an authority. Z is clear
  // (RFC 8906 section 3.1.3: it must not be echoed).
  if (x.opcode === opcodes.QUERY) flags |= asked & CD
  // The id is the upper half of the first word; fields are written in pairs.
  view.setInt32(base, (asked & 0xffff0000) | flags)
  view.setInt32(base + 4, (x.questionBytes > 0 ? 0x10000 : 0) | counts[ANSWER]!)
  view.setInt32(base + 8, (counts[AUTHORITY]! << 16) | counts[ADDITIONAL]!)
}
