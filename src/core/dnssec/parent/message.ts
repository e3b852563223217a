/**
 * The few questions that a look at the parent asks, and what is read of the answers.
 *
 * Answers come from outside: every length is checked, compression pointers only ever lead back and
 * are counted, and records of no interest are skipped unread. A reply that does not repeat the
 * question octet for octet is none: the case of its letters is drawn anew for each question, which
 * makes a forged reply harder to guess.
 */
import { type Result, fail, ok } from '../../base/result.ts'
import { limits } from '../../base/limits.ts'
import { foldCase, wireToName } from '../../dns/names.ts'

const HEADER = 12
const NAME_MAX = 255
const POINTERS_MAX = 64
const RECORDS_MAX = 512
const CLASS_IN = 1
const OPT = 41
/** RFC 9715 section 3.2: what fits into a packet everywhere. */
const UDP_SIZE = 1_232

export interface Reply {
  readonly rcode: number
  readonly isAuthoritative: boolean
  readonly isCut: boolean
  readonly answers: readonly ReplyRecord[]
  /** Of the SOA in the authority section, where there is one: how long a "no" is kept. */
  readonly negativeTtlSeconds?: number
  /** Owner of that SOA. */
  readonly soaOwner?: string
}

export interface ReplyRecord {
  readonly owner: string
  readonly type: number
  readonly ttlSeconds: number
  /** Octets of the data; a name in it (NS, CNAME) is written out in `name` instead. */
  readonly rdata: Uint8Array
  readonly name?: string
}

export interface Question {
  readonly id: number
  /** Wire form, with the case of letters as it is to be asked. */
  readonly name: Uint8Array
  readonly type: number
  readonly isRecursionDesired: boolean
}

/** Letters in the case that the bits say (a bit a letter, used in turn). */
export function withDrawnCase(name: Uint8Array, bits: Uint8Array): Uint8Array {
  let letter = 0
  return foldCase(name).map((byte) => {
    if (byte < 0x61 || byte > 0x7a) return byte
    const bit = (bits[(letter >> 3) % Math.max(bits.length, 1)] ?? 0) >> (letter & 7)
    letter += 1
    return bit & 1 ? byte - 32 : byte
  })
}

export function questionBytes({ id, name, type, isRecursionDesired }: Question): Uint8Array {
  const at = HEADER + name.length
  const bytes = new Uint8Array(at + 4 + 11)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, id)
  view.setUint8(2, isRecursionDesired ? 1 : 0)
  view.setUint16(4, 1)
  view.setUint16(10, 1)
  bytes.set(name, HEADER)
  view.setUint16(at, type)
  view.setUint16(at + 2, CLASS_IN)
  // RFC 6891 section 6.1.2: an OPT of the root, with the size of an answer as its class.
  view.setUint16(at + 5, OPT)
  view.setUint16(at + 7, UDP_SIZE)
  return bytes
}

/** The name at `at`, pointers followed; undefined when none is there. */
function readName(
  bytes: Uint8Array,
  from: number,
): { readonly wire: Uint8Array; readonly end: number } | undefined {
  const out: number[] = []
  let at = from
  let end: number | undefined
  for (let hops = 0; hops <= POINTERS_MAX; ) {
    const length = bytes[at]
    if (length === undefined) return undefined
    if (length >= 0xc0) {
      const low = bytes[at + 1]
      if (low === undefined) return undefined
      end ??= at + 2
      const target = ((length & 0x3f) << 8) | low
      // RFC 1035 section 4.1.4: a prior occurrence, so a loop is impossible.
      if (target >= at) return undefined
      at = target
      hops += 1
      continue
    }
    if (length > 63 || at + 1 + length > bytes.length) return undefined
    for (let byte = at; byte <= at + length; byte++) out.push(bytes[byte]!)
    if (out.length > NAME_MAX) return undefined
    at += 1 + length
    if (length === 0) return { wire: Uint8Array.from(out), end: end ?? at }
  }
  return undefined
}

const NAMED: ReadonlySet<number> = new Set([2, 5])
const SOA = 6

const textOf = (wire: Uint8Array): string => wireToName(foldCase(wire))

interface RawRecord extends ReplyRecord {
  readonly end: number
}

function readRecord(bytes: Uint8Array, view: DataView, from: number): RawRecord | undefined {
  const owner = readName(bytes, from)
  if (owner === undefined || owner.end + 10 > bytes.length) return undefined
  const { end: at } = owner
  const type = view.getUint16(at)
  const ttl = view.getUint32(at + 4)
  const start = at + 10
  const end = start + view.getUint16(at + 8)
  if (end > bytes.length) return undefined
  const named = NAMED.has(type) ? readName(bytes, start) : undefined
  if (NAMED.has(type) && (named === undefined || named.end !== end)) return undefined
  const record = {
    owner: textOf(owner.wire),
    type,
    // RFC 2181 section 8: a TTL with the first bit set is 0.
    ttlSeconds: ttl > 0x7fff_ffff ? 0 : ttl,
    rdata: bytes.slice(start, end),
    end,
  }
  return named === undefined ? record : { ...record, name: textOf(named.wire) }
}

/** Where records begin, once the question is found repeated. */
function afterQuestion(bytes: Uint8Array, { name, type }: Question): number | undefined {
  const end = HEADER + name.length + 4
  if (bytes.length < end) return undefined
  const isSame = name.every((byte, at) => byte === bytes[HEADER + at])
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const isAsked = view.getUint16(end - 4) === type && view.getUint16(end - 2) === CLASS_IN
  return isSame && isAsked ? end : undefined
}

/** The SOA's least of TTL and MINIMUM: RFC 2308 section 5. */
function negativeOf({ rdata, ttlSeconds }: ReplyRecord): number {
  if (rdata.length < 4) return ttlSeconds
  const minimum = new DataView(rdata.buffer, rdata.byteOffset).getUint32(rdata.length - 4)
  return Math.min(minimum, ttlSeconds)
}

export type ReplyFault = 'not-ours' | 'malformed'

/** The reply to the question. `not-ours`: somebody else's, to be waited past; never an error. */
export function readReply(bytes: Uint8Array, question: Question): Result<Reply, ReplyFault> {
  if (bytes.length < HEADER || bytes.length > limits.parentAnswerBytes.max) return fail('malformed')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const flags = view.getUint16(2)
  const isResponse = (flags & 0x8000) !== 0
  if (!isResponse || view.getUint16(0) !== question.id) return fail('not-ours')
  if (view.getUint16(4) !== 1) return fail('not-ours')
  let at = afterQuestion(bytes, question)
  if (at === undefined) return fail('not-ours')
  const head = {
    rcode: flags & 15,
    isAuthoritative: (flags & 0x0400) !== 0,
    isCut: (flags & 0x0200) !== 0,
  }
  // What is cut is asked again over TCP, so its records do not matter.
  if (head.isCut) return ok({ ...head, answers: [] })
  const [answerCount, authorityCount] = [view.getUint16(6), view.getUint16(8)]
  if (answerCount + authorityCount > RECORDS_MAX) return fail('malformed')
  const answers: ReplyRecord[] = []
  let soa: ReplyRecord | undefined
  for (let count = 0; count < answerCount + authorityCount; count++) {
    const record = readRecord(bytes, view, at)
    if (record === undefined) return fail('malformed')
    at = record.end
    const { end: _, ...rest } = record
    if (count < answerCount) answers.push(rest)
    else if (rest.type === SOA) soa = rest
  }
  if (soa === undefined) return ok({ ...head, answers })
  const negative = { negativeTtlSeconds: negativeOf(soa), soaOwner: soa.owner }
  return ok({ ...head, answers, ...negative })
}
