/**
 * The chain that shows whether the audit log was touched.
 *
 *     line   = hash SP json LF
 *     hash_n = hex(SHA-256(hash_{n-1} json_n)), over the very octets of the line
 *
 * Each segment begins with an anchor that repeats the last hash before it, so whole old segments
 * may be removed and the rest still proves itself. A changed, removed, added or moved record breaks
 * the chain where it stands. That the newest records are missing shows only to one who noted a
 * later hash; no log can prove by itself that it was not cut at its end.
 */
import { limits } from '../base/limits.ts'
import { toHex } from '../gossip/app/base64.ts'
import {
  type AuditAnchor,
  type AuditEntry,
  type AuditFields,
  anchorJson,
  parseRecord,
  recordJson,
} from './entry.ts'

export type Sha256 = (bytes: Uint8Array) => Uint8Array

export const START_HASH = '0'.repeat(64)

const encoder = new TextEncoder()

export const linkOf = (previous: string, json: string, sha256: Sha256): string =>
  toHex(sha256(encoder.encode(previous + json)))

/** Where a chain stands: what the next record follows. */
export interface ChainHead {
  readonly seq: number
  readonly hash: string
}

export const chainStart: ChainHead = { seq: 0, hash: START_HASH }

export interface Sealed {
  readonly line: string
  readonly head: ChainHead
}

function seal(head: ChainHead, json: string, sha256: Sha256): Sealed {
  const hash = linkOf(head.hash, json, sha256)
  return { line: `${hash} ${json}\n`, head: { seq: head.seq + 1, hash } }
}

/** The line of one more record. */
export function sealEntry(head: ChainHead, fields: AuditFields, sha256: Sha256): Sealed {
  const seq = head.seq + 1
  let json = recordJson(seq, fields)
  if (encoder.encode(json).length > limits.auditRecordBytes.default) {
    const { details: _, before: __, after: ___, ...rest } = fields
    json = recordJson(seq, { ...rest, details: { omitted_bytes: json.length } })
  }
  return seal(head, json, sha256)
}

/** The first line of a segment. */
export function sealAnchor(
  head: ChainHead,
  anchor: Pick<AuditAnchor, 'atMs' | 'segment' | 'note'>,
  sha256: Sha256,
): Sealed {
  const json = anchorJson({ ...anchor, seq: head.seq + 1, previous: head.hash })
  return seal(head, json, sha256)
}

export interface ChainFault {
  readonly segment: string
  /** From 1. */
  readonly line: number
  readonly what: string
}

/** Faults kept; the rest is counted. */
const FAULTS_TOLD = 20
const LINE = /^([0-9a-f]{64}) (\{.*\})$/
const SEGMENT = /^(\d{8})\.log$/

/**
 * Reads segments in order and follows the chain through them.
 *
 * After a fault it goes on from the hash that stands in the line, so that each touch is told once.
 */
export class ChainReader {
  readonly faults: ChainFault[] = []
  faultCount = 0
  records = 0
  segments = 0
  /** Number of the first segment that was read. */
  firstSegment: number | undefined
  /** The highest number that a record of retention says was removed. */
  removedThrough = 0
  /** Hashes asked for with `expect` that were met. */
  readonly met = new Set<string>()
  #head: ChainHead | undefined
  #number: number | undefined
  readonly #sha256: Sha256
  readonly #expected: ReadonlySet<string>

  constructor(sha256: Sha256, expected: readonly string[] = []) {
    this.#sha256 = sha256
    this.#expected = new Set(expected)
  }

  /** Undefined before the first record. */
  get head(): ChainHead | undefined {
    return this.#head
  }

  /** Reads one segment; gives its entries, also those behind a fault. */
  read(name: string, text: string): readonly AuditEntry[] {
    const number = Number(SEGMENT.exec(name)?.[1] ?? 0)
    const faultsBefore = this.faultCount
    if (this.#number !== undefined && number !== this.#number + 1)
      this.#fault(name, 1, `segments between ${this.#number} and ${number} are missing`)
    this.#number = number
    this.firstSegment ??= number
    this.segments++
    const lines = text.split('\n')
    const rest = lines.pop() ?? ''
    const entries: AuditEntry[] = []
    for (const [at, line] of lines.entries()) this.#line(name, number, at + 1, line, entries)
    if (rest !== '') this.#fault(name, lines.length + 1, 'the last record was cut short')
    if (lines.length === 0 && this.faultCount === faultsBefore)
      this.#fault(name, 1, 'the segment is empty')
    return entries
  }

  /** What shows only once all is read. */
  finish(): void {
    const first = this.firstSegment ?? 1
    if (first > 1 && this.removedThrough < first - 1)
      this.#fault(
        `${String(first).padStart(8, '0')}.log`,
        1,
        `segments before ${first} are missing and no record says that retention removed them`,
      )
  }

  #line(name: string, number: number, at: number, line: string, entries: AuditEntry[]): void {
    const match = LINE.exec(line)
    const record = match === null ? undefined : parseRecord(match[2]!)
    if (match === null || record === undefined) {
      this.#fault(name, at, 'is not a record')
      return
    }
    const [, hash, json] = match as unknown as [string, string, string]
    const isAnchor = record.kind === 'anchor'
    const seq = isAnchor ? record.anchor.seq : record.entry.seq
    if (isAnchor !== (at === 1))
      this.#fault(name, at, isAnchor ? 'an anchor in the middle' : 'the anchor is missing')
    // Of the first segment that is left, the anchor is taken at its word.
    const before = this.#head?.hash ?? (isAnchor ? record.anchor.previous : undefined)
    if (isAnchor && record.anchor.segment !== number)
      this.#fault(name, at, `the anchor is that of segment ${record.anchor.segment}`)
    if (before === undefined || linkOf(before, json, this.#sha256) !== hash)
      this.#fault(name, at, 'the hash does not follow from the record before')
    else if (this.#head !== undefined && seq !== this.#head.seq + 1)
      this.#fault(name, at, `record ${seq} follows record ${this.#head.seq}`)
    this.#head = { seq, hash }
    this.records++
    if (this.#expected.has(hash)) this.met.add(hash)
    if (record.kind !== 'entry') return
    entries.push(record.entry)
    this.#note(record.entry)
  }

  /** What retention removed, in its own words. */
  #note({ action, resource, actorType, details }: AuditEntry): void {
    if (action !== 'retention' || resource !== 'audit-log' || actorType !== 'system') return
    const through = (details as { removed_through?: unknown } | undefined)?.removed_through
    if (typeof through === 'number') this.removedThrough = Math.max(this.removedThrough, through)
  }

  #fault(segment: string, line: number, what: string): void {
    this.faultCount++
    if (this.faults.length < FAULTS_TOLD) this.faults.push({ segment, line, what })
  }
}
