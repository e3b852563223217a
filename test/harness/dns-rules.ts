/**
 * What holds of every reply to every packet, whatever the packet; used by fuzzers in a process and
 * over sockets.
 */
import { decodeReply, walk } from './dns-decode.ts'

const readU16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!

/** Octets of a question that can be read from a packet, or undefined: names without pointers. */
function questionBytes(bytes: Uint8Array): number | undefined {
  let at = 12
  for (let length = bytes[at]; length !== 0; length = bytes[at]) {
    if (length === undefined || length > 63) return undefined
    at += length + 1
    if (at - 12 > 254) return undefined
  }
  return at + 5 <= bytes.length ? at + 5 - 12 : undefined
}

/** The UDP size a packet allows its reply: that of an OPT the reply shows was seen, else 512. */
function sizeAllowed(query: Uint8Array, reply: Uint8Array, ours: number): number {
  if (walk(reply).opts.length === 0) return 512
  let most = 512
  // The OPT may be anywhere behind the question; the largest it could advertise bounds the reply.
  for (let at = 12; at + 4 <= query.length; at++)
    if (readU16(query, at) === 41) most = Math.max(most, readU16(query, at + 2))
  return Math.min(most, ours)
}

export interface Bounds {
  readonly transport: 'udp' | 'tcp'
  readonly udpPayloadSize: number
  /** Replies are rate-limited. */
  readonly mayHoldBack?: boolean
}

/** The first rule that the reply (undefined: nothing was sent) breaks, or undefined. */
export function brokenRule(
  query: Uint8Array,
  reply: Uint8Array | undefined,
  limits: Bounds,
): string | undefined {
  const silent = query.length < 12 || (query[2]! & 0x80) !== 0
  if (reply === undefined)
    return silent || limits.mayHoldBack === true ? undefined : 'a query got no reply'
  if (silent) return 'a response or a fragment got a reply'
  if (readU16(reply, 0) !== readU16(query, 0)) return 'the id differs'
  if ((reply[2]! & 0x80) === 0) return 'QR is clear'
  if ((reply[2]! & 0x79) !== (query[2]! & 0x79)) return 'opcode or RD differ'
  if ((reply[3]! & 0xe0) !== 0) return 'RA, Z or AD is set'
  return brokenContent(query, reply, limits)
}

/** A query without a question may ask for a cookie (RFC 7873 section 5.4). */
function mayLackQuestion(query: Uint8Array, rcode: string): boolean {
  if (rcode === 'FORMERR' || rcode === 'NOTIMP') return true
  return readU16(query, 4) === 0 && ['NOERROR', 'BADCOOKIE', 'BADVERS'].includes(rcode)
}

function brokenContent(query: Uint8Array, reply: Uint8Array, limits: Bounds): string | undefined {
  let rcode: string
  try {
    rcode = decodeReply(reply).rcode
  } catch (error) {
    return `does not decode: ${error instanceof Error ? error.message : String(error)}`
  }
  const octets = questionBytes(query)
  const questions = readU16(reply, 4)
  if (questions > 1) return 'more than one question'
  if (questions === 1) {
    if (octets === undefined) return 'a question out of nothing'
    for (let at = 12; at < 12 + octets; at++)
      if (reply[at] !== query[at]) return 'the question differs'
  } else if (!mayLackQuestion(query, rcode)) return `${rcode} without the question`
  if (limits.transport === 'tcp' && (reply[2]! & 2) !== 0) return 'TC over TCP'
  const most =
    limits.transport === 'tcp' ? 65_535 : sizeAllowed(query, reply, limits.udpPayloadSize)
  if (reply.length > most) return `${reply.length} octets where ${most} are allowed`
  const empty = reply.every((_, at) => at < 6 || at > 9 || reply[at] === 0)
  const errors = ['FORMERR', 'NOTIMP', 'REFUSED', 'SERVFAIL', 'BADVERS']
  if (errors.includes(rcode) && !empty) return `${rcode} with records`
  if (errors.includes(rcode) && (reply[2]! & 4) !== 0) return `${rcode} with AA`
  return undefined
}
