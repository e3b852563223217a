/**
 * Reads replies for tests: strictly, every octet accounted for, and by dns-packet as an oracle that
 * shares no code with the server.
 */
import packet from 'dns-packet'
import { rcodeName, typeName } from '../../src/core/dns/types.ts'

export interface Rr {
  readonly name: string
  readonly type: string
  readonly rrclass: number
  readonly ttl: number
  /** What dns-packet made of it, as one line. */
  readonly data: string
}

export interface Reply {
  readonly bytes: Uint8Array
  readonly id: number
  /** `qr aa tc rd ra ad cd` in that order, those that are set; and `z`. */
  readonly flags: string
  readonly opcode: number
  /** With the upper bits of OPT. */
  readonly rcode: string
  /** `name type`, or empty when there is none. */
  readonly question: string
  readonly answers: readonly Rr[]
  readonly authority: readonly Rr[]
  /** Without OPT. */
  readonly additional: readonly Rr[]
  readonly opt: OptView | undefined
}

export interface OptView {
  readonly payload: number
  readonly version: number
  readonly dnssecOk: boolean
  readonly z: number
  readonly options: readonly (readonly [number, readonly number[]])[]
}

const readU16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!

/** The position behind a name; throws on anything a strict reader refuses. */
function nameEnd(bytes: Uint8Array, at: number): number {
  let from = at
  let end = -1
  let jumps = 0
  let length = 1
  for (;;) {
    const octet = bytes[from]
    if (octet === undefined) throw new Error('a name runs past the end')
    if (octet === 0) return end < 0 ? from + 1 : end
    if (octet >= 0xc0) {
      const target = ((octet & 0x3f) << 8) | bytes[from + 1]!
      if (end < 0) end = from + 2
      if (target >= from || ++jumps > 32) throw new Error('a pointer does not point back')
      from = target
      continue
    }
    if (octet > 63) throw new Error('a label is of an unknown kind')
    length += octet + 1
    if (length > 255) throw new Error('a name is longer than 255 octets')
    from += octet + 1
  }
}

interface RawOpt {
  readonly at: number
  readonly length: number
}

/** Walks the message; throws unless every octet belongs to a record that a count announces. */
export function walk(bytes: Uint8Array): { opts: RawOpt[]; records: number } {
  if (bytes.length < 12) throw new Error('shorter than a header')
  let at = 12
  for (let question = 0; question < readU16(bytes, 4); question++) at = nameEnd(bytes, at) + 4
  const records = readU16(bytes, 6) + readU16(bytes, 8) + readU16(bytes, 10)
  const opts: RawOpt[] = []
  for (let record = 0; record < records; record++) {
    const fixed = nameEnd(bytes, at)
    const length = readU16(bytes, fixed + 8)
    if (readU16(bytes, fixed) === 41) opts.push({ at: fixed, length })
    at = fixed + 10 + length
  }
  if (at !== bytes.length) throw new Error(`ends at ${at}, has ${bytes.length} octets`)
  return { opts, records }
}

function optView(bytes: Uint8Array, raw: RawOpt): OptView {
  const options: [number, number[]][] = []
  const end = raw.at + 10 + raw.length
  for (let at = raw.at + 10; at < end; ) {
    const length = readU16(bytes, at + 2)
    options.push([readU16(bytes, at), [...bytes.subarray(at + 4, at + 4 + length)]])
    at += 4 + length
  }
  const flags = readU16(bytes, raw.at + 6)
  return {
    payload: readU16(bytes, raw.at + 2),
    version: bytes[raw.at + 5]!,
    dnssecOk: (flags & 0x8000) !== 0,
    z: flags & 0x7fff,
    options,
  }
}

function lineOf(data: unknown): string {
  if (data instanceof Uint8Array) {
    const bytes = [...data]
    const printable = bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
    return printable ? String.fromCharCode(...bytes) : Buffer.from(data).toString('hex')
  }
  if (Array.isArray(data)) return data.map(lineOf).join(' ')
  if (typeof data === 'object' && data !== null) return Object.values(data).map(lineOf).join(' ')
  return String(data)
}

function rrOf(answer: packet.Answer): Rr {
  const { name, type, ttl, data } = answer as {
    name: string
    type: string
    ttl?: number
    data?: unknown
  }
  const rrclass = (answer as { class?: string }).class === 'CH' ? 3 : 1
  const unknown = /^UNKNOWN_([0-9]+)$/.exec(type)?.[1]
  const shown = unknown === undefined ? type : typeName(Number(unknown))
  return { name, type: shown, rrclass, ttl: ttl ?? 0, data: lineOf(data) }
}

const FLAGS: readonly (readonly [number, string])[] = [
  [0x8000, 'qr'],
  [0x0400, 'aa'],
  [0x0200, 'tc'],
  [0x0100, 'rd'],
  [0x0080, 'ra'],
  [0x0040, 'z'],
  [0x0020, 'ad'],
  [0x0010, 'cd'],
]

export function decodeReply(bytes: Uint8Array): Reply {
  const { opts } = walk(bytes)
  if (opts.length > 1) throw new Error('two OPT records')
  const decoded = packet.decode(Buffer.from(bytes))
  const word = readU16(bytes, 2)
  const opt = opts[0] === undefined ? undefined : optView(bytes, opts[0])
  const extended = opts[0] === undefined ? 0 : bytes[opts[0].at + 4]! << 4
  const sections = (list: readonly packet.Answer[] | undefined) =>
    (list ?? []).filter((answer) => answer.type !== 'OPT').map(rrOf)
  const [question] = decoded.questions ?? []
  return {
    bytes,
    id: readU16(bytes, 0),
    flags: FLAGS.filter(([bit]) => (word & bit) !== 0)
      .map(([, name]) => name)
      .join(' '),
    opcode: (word >> 11) & 15,
    rcode: rcodeName((word & 15) | extended),
    question: question === undefined ? '' : `${question.name} ${question.type}`,
    answers: sections(decoded.answers),
    authority: sections(decoded.authorities),
    additional: sections(decoded.additionals),
    opt,
  }
}

/** A record as `name ttl type data`. */
export const line = (rr: Rr): string => `${rr.name} ${rr.ttl} ${rr.type} ${rr.data}`
