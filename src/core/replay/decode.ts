/**
 * A DNS message as text, for people: header, question, records as in a zone file.
 *
 * It reads answers that this program made, whose record data holds no compressed names; whatever
 * else it is given ends in a line that says where it stopped. It never throws.
 */
import { viewOf } from '../base/octets.ts'
import { formatRdata } from '../zone/rdata.ts'
import { NAME_BYTES_MAX, wireToName } from '../dns/names.ts'
import { className, ednsOptions, rcodeName, typeName, types } from '../dns/types.ts'

export interface RecordText {
  readonly section: 'answer' | 'authority' | 'additional'
  readonly name: string
  readonly ttlSeconds: number
  readonly class: string
  readonly type: string
  readonly data: string
}

export interface MessageText {
  readonly rcode: string
  /** `qr aa tc rd ra ad cd`, those that are set. */
  readonly flags: readonly string[]
  /** Name and type asked for; empty without a question. */
  readonly name: string
  readonly type: string
  readonly records: readonly RecordText[]
  /** Names of the EDNS options. */
  readonly options: readonly string[]
  /** False when the message did not add up. */
  readonly whole: boolean
}

const FLAGS = [
  [0x8000, 'qr'],
  [0x0400, 'aa'],
  [0x0200, 'tc'],
  [0x0100, 'rd'],
  [0x0080, 'ra'],
  [0x0020, 'ad'],
  [0x0010, 'cd'],
] as const
const SECTIONS = ['answer', 'authority', 'additional'] as const
const HEADER_BYTES = 12
const RECORDS_MAX = 4_096

const EMPTY: MessageText = {
  rcode: '',
  flags: [],
  name: '',
  type: '',
  records: [],
  options: [],
  whole: false,
}

class Reader {
  readonly bytes: Uint8Array
  readonly view: DataView
  at = HEADER_BYTES
  whole = true

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = viewOf(bytes)
  }

  has(octets: number): boolean {
    if (this.at + octets > this.bytes.length) this.whole = false
    return this.whole
  }

  /** The name here, pointers followed; moves behind it. */
  name(): string {
    const wire: number[] = []
    let from = this.at
    let end = -1
    // RFC 1035 section 4.1.4: each pointer leads further back, so the walk ends.
    while (this.whole && wire.length <= NAME_BYTES_MAX) {
      const length = this.bytes[from]
      if (length === undefined) break
      if (length >= 0xc0) {
        const target = ((length & 0x3f) << 8) | (this.bytes[from + 1] ?? 0)
        if (end < 0) end = from + 2
        if (target >= from) break
        from = target
        continue
      }
      if (length > 63 || from + length >= this.bytes.length) break
      for (let octet = 0; octet <= length; octet++) wire.push(this.bytes[from + octet]!)
      from += length + 1
      if (length > 0) continue
      this.at = end < 0 ? from : end
      return wireToName(Uint8Array.from(wire)) || '.'
    }
    this.whole = false
    return ''
  }
}

function optionsOf(rdata: Uint8Array): string[] {
  const names: string[] = []
  const view = viewOf(rdata)
  for (let at = 0; at + 4 <= rdata.length; at += 4 + view.getUint16(at + 2)) {
    const code = view.getUint16(at)
    const known = Object.entries(ednsOptions).find(([, number]) => number === code)
    names.push(known?.[0] ?? `OPTION${code}`)
  }
  return names
}

export function decodeMessage(bytes: Uint8Array): MessageText {
  if (bytes.length < HEADER_BYTES) return EMPTY
  const reader = new Reader(bytes)
  const { view } = reader
  const word = view.getUint16(2)
  let [name, type] = ['', '']
  for (let question = 0; question < view.getUint16(4) && reader.whole; question++) {
    name = reader.name()
    if (!reader.has(4)) break
    type = typeName(view.getUint16(reader.at))
    reader.at += 4
  }
  const records: RecordText[] = []
  const options: string[] = []
  let upper = 0
  for (const [index, section] of SECTIONS.entries()) {
    const count = Math.min(view.getUint16(6 + index * 2), RECORDS_MAX)
    for (let record = 0; record < count && reader.whole; record++) {
      const owner = reader.name()
      if (!reader.has(10)) break
      const { at } = reader
      const [number, rrClass] = [view.getUint16(at), view.getUint16(at + 2)]
      const length = view.getUint16(at + 8)
      reader.at += 10
      if (!reader.has(length)) break
      const rdata = bytes.subarray(reader.at, reader.at + length)
      reader.at += length
      if (number === types.OPT) {
        // RFC 6891 section 6.1.3: the upper bits of the rcode lie where others have their TTL.
        upper = view.getUint8(at + 4)
        options.push(...optionsOf(rdata))
        continue
      }
      const ttlSeconds = view.getUint32(at + 4)
      const data = formatRdata(number, rdata)
      const text = { name: owner, ttlSeconds, class: className(rrClass), type: typeName(number) }
      records.push({ section, ...text, data })
    }
  }
  const whole = reader.whole && reader.at === bytes.length
  const flags = FLAGS.filter(([bit]) => (word & bit) !== 0).map(([, flag]) => flag)
  const rcode = rcodeName((word & 15) | (upper << 4))
  return { rcode, flags, name, type, records, options, whole }
}

/** One line for each part that says something. */
export function messageLines(bytes: Uint8Array): string[] {
  if (bytes.length === 0) return ['(no answer is sent)']
  const { rcode, flags, name, type, records, options, whole } = decodeMessage(bytes)
  return [
    `;; ${rcode}, flags: ${flags.join(' ')}, question: ${name} ${type}`,
    ...records.map(
      (one) =>
        `${one.name}. ${one.ttlSeconds} ${one.class} ${one.type} ${one.data}`.replace('..', '.') +
        (one.section === 'answer' ? '' : ` ; ${one.section}`),
    ),
    ...(options.length === 0 ? [] : [`;; EDNS: ${options.join(' ')}`]),
    ...(whole ? [] : [';; the message does not add up']),
  ]
}

export const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (octet) => octet.toString(16).padStart(2, '0')).join('')
