/**
 * What one overwatch holds of what all of them share, with digests to compare it by.
 *
 * A set of records by key in which the later version wins; merging two ledgers in any order gives
 * the same ledger. It knows neither peers nor time of day: the caller passes the time in.
 */
import { limits } from '../../base/limits.ts'
import { combine, type Hash64, hashKey, hashRecord, NO_HASH } from './hash.ts'
import { compareVersions, keyOf, recordFault, type SharedRecord } from './record.ts'

/** How many parts the digest of a ledger has. */
export const BUCKETS = 128

/** `expired`: its time was over when it came. `full`: there is no room for another key. */
export type PutOutcome = 'newer' | 'same' | 'older' | 'expired' | 'full' | 'malformed'

export interface Held {
  readonly record: SharedRecord
  readonly keyHash: Hash64
  readonly hash: Hash64
}

const bucketOf = (keyHash: Hash64): number => keyHash.lo % BUCKETS

export class Ledger {
  readonly #held = new Map<string, Held>()
  readonly #buckets: Hash64[] = new Array<Hash64>(BUCKETS).fill(NO_HASH)
  readonly #members: Set<string>[] = Array.from({ length: BUCKETS }, () => new Set<string>())
  readonly #recordsMax: number

  constructor(recordsMax: number = limits.sharedRecordsMax.default) {
    this.#recordsMax = recordsMax
  }

  get size(): number {
    return this.#held.size
  }

  /** Takes a record if it is later than what is held. */
  put(record: SharedRecord, nowMs: number): PutOutcome {
    if (recordFault(record) !== undefined) return 'malformed'
    if (endOf(record) <= nowMs) return 'expired'
    const key = keyOf(record)
    const before = this.#held.get(key)
    if (before === undefined && this.#held.size >= this.#recordsMax) return 'full'
    if (before !== undefined) {
      const order = compareVersions(record, before.record)
      if (order <= 0) return order === 0 ? 'same' : 'older'
      this.#take(key, before)
    }
    const held = { record, keyHash: hashKey(key), hash: hashRecord(record) }
    const bucket = bucketOf(held.keyHash)
    this.#held.set(key, held)
    this.#members[bucket]!.add(key)
    this.#buckets[bucket] = combine(this.#buckets[bucket]!, held.hash)
    return 'newer'
  }

  get(kind: string, id: string): SharedRecord | undefined {
    return this.#held.get(keyOf({ kind, id }))?.record
  }

  *records(): Iterable<SharedRecord> {
    for (const { record } of this.#held.values()) yield record
  }

  /** One hash over everything. */
  root(): Hash64 {
    return this.#buckets.reduce(combine, NO_HASH)
  }

  buckets(): readonly Hash64[] {
    return [...this.#buckets]
  }

  heldIn(bucket: number): readonly Held[] {
    const keys = this.#members[bucket] ?? new Set<string>()
    return [...keys].map((key) => this.#held.get(key)!)
  }

  /** Forgets records whose time is over, and says which. */
  prune(nowMs: number): readonly SharedRecord[] {
    const gone: SharedRecord[] = []
    for (const [key, held] of this.#held) {
      if (endOf(held.record) > nowMs) continue
      this.#take(key, held)
      gone.push(held.record)
    }
    return gone
  }

  #take(key: string, held: Held): void {
    const bucket = bucketOf(held.keyHash)
    this.#held.delete(key)
    this.#members[bucket]!.delete(key)
    this.#buckets[bucket] = combine(this.#buckets[bucket]!, held.hash)
  }
}

/** Tombstones end by themselves, counted from when they were made. */
function endOf({ body, stamp, keepUntilMs }: SharedRecord): number {
  if (keepUntilMs > 0) return keepUntilMs
  return body.length === 0 ? stamp + limits.peerTombstoneMs.default : Number.POSITIVE_INFINITY
}
