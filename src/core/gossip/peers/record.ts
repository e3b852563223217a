/**
 * One thing that overwatches share: who said it, in which version, and what.
 *
 * The later version of a key wins wherever the two meet, so records may arrive in any order, twice
 * or by way of a third node. A version is (stamp, seq, origin): the start of the process that made
 * it, or the time of an order, then a count, then a name to settle the rest. An empty body says
 * that the thing is gone; it is kept for a while so that nobody brings the thing back.
 */
import { limits } from '../../base/limits.ts'

/** What a record is about; a node passes on kinds it does not know. */
export type RecordKind = 'agent' | 'pin' | 'override' | 'drain' | 'verdict' | 'latency' | 'object'

export interface SharedRecord {
  readonly kind: string
  /** Unique within the kind. */
  readonly id: string
  /** Name of the node that made it. */
  readonly origin: string
  /** Unix milliseconds, a safe integer. */
  readonly stamp: number
  /** 0 to 2^32 - 1. */
  readonly seq: number
  /** Unix milliseconds after which it is forgotten; 0 for never. */
  readonly keepUntilMs: number
  /** At most `limits.sharedRecordBytesMax`; empty when the thing is gone. */
  readonly body: Uint8Array
}

export const keyOf = ({ kind, id }: Pick<SharedRecord, 'kind' | 'id'>): string => `${kind}/${id}`

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let at = 0; at < shared; at++) if (a[at] !== b[at]) return a[at]! - b[at]!
  return a.length - b.length
}

/** Positive when `a` replaces `b`, 0 when they are the same record. */
export function compareVersions(a: SharedRecord, b: SharedRecord): number {
  if (a.stamp !== b.stamp) return a.stamp - b.stamp
  if (a.seq !== b.seq) return a.seq - b.seq
  if (a.origin !== b.origin) return a.origin < b.origin ? -1 : 1
  // The same version with two bodies is a fault of its origin; everyone must settle it alike.
  return compareBytes(a.body, b.body)
}

const encoder = new TextEncoder()
const isTime = (value: number) => Number.isSafeInteger(value) && value >= 0

/** What is wrong with a record that came from elsewhere; undefined when it may be kept. */
export function recordFault(record: SharedRecord): string | undefined {
  const { kind, id, origin, stamp, seq, keepUntilMs, body } = record
  if (kind === '' || id === '' || origin === '') return 'a name is empty'
  if (kind.includes('/')) return 'the kind holds a slash'
  const most = limits.sharedKeyBytesMax.default
  // A character is at most three bytes for each of its UTF-16 units.
  if (keyOf(record).length * 3 > most && encoder.encode(keyOf(record)).length > most)
    return 'the key is too long'
  if (origin.length > 255) return 'the origin is too long'
  if (!isTime(stamp) || !isTime(keepUntilMs)) return 'a time is not a time'
  if (!Number.isInteger(seq) || seq < 0 || seq > 0xffff_ffff) return 'the sequence is out of range'
  if (body.length > limits.sharedRecordBytesMax.default) return 'the body is too long'
  return
}
