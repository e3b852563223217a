/**
 * What one snapshot becomes on a thread that answers: the name table, the pools, and each address
 * as a record ready to be copied.
 */
import { viewOf } from '../base/octets.ts'
import { Pools } from '../steer/pools.ts'
import type { Snapshot, WordChange } from '../steer/snapshot.ts'
import { buildTable } from '../zone/table-build.ts'
import { writeRrFixed } from '../zone/table-soa.ts'
import { type NameTable, RR_FIXED_BYTES } from '../zone/table.ts'
import { types } from './types.ts'

/** Octets set aside for each address record without its owner: a whole number of words. */
export const ADDRESS_RECORD_BYTES = 28

/** The address records of all pools, by address index. */
function recordsOf(pools: Pools): Uint8Array {
  const records = new Uint8Array(pools.addressCount * ADDRESS_RECORD_BYTES)
  for (const [pool, spec] of pools.specs.entries()) {
    const ttlSeconds = Math.max(0, spec.ttlSeconds)
    const from = pools.addressFrom(pool)
    for (let address = from; address < from + pools.sizeOf(pool); address++) {
      const bytes = pools.bytesAt(address)
      const at = address * ADDRESS_RECORD_BYTES
      const type = bytes.length === 16 ? types.AAAA : types.A
      writeRrFixed(records, at, type, ttlSeconds, bytes.length)
      records.set(bytes, at + RR_FIXED_BYTES)
    }
  }
  return records
}

export class Serving {
  readonly epoch: number
  readonly table: NameTable
  readonly pools: Pools
  /** The record of address i begins at i * ADDRESS_RECORD_BYTES. */
  readonly records: DataView
  /** The version of each word held, by address. */
  readonly #versions: Float64Array

  constructor(snapshot: Snapshot, table: NameTable) {
    this.epoch = snapshot.epoch
    this.table = table
    this.pools = new Pools(snapshot.pools, snapshot.words)
    this.records = viewOf(recordsOf(this.pools))
    this.#versions = new Float64Array(this.pools.addressCount).fill(snapshot.version)
  }

  /** False when the change is of another epoch, older than the word held, or out of range. */
  applyWord(change: WordChange): boolean {
    const { epoch, version, pool, member, word } = change
    if (epoch !== this.epoch) return false
    const spec = this.pools.specs[pool]
    if (spec?.members[member] === undefined) return false
    const address = this.pools.addressFrom(pool) + member
    if (version <= this.#versions[address]!) return false
    this.#versions[address] = version
    this.pools.setWord(pool, member, word)
    return true
  }

  /** Takes each word of a snapshot of the same epoch that is newer than the word held. */
  applyWords(snapshot: Snapshot): void {
    const { epoch, version } = snapshot
    for (const [pool, words] of snapshot.words.entries())
      for (const [member, word] of words.entries())
        this.applyWord({ epoch, version, pool, member, word })
  }
}

export const servingOf = (snapshot: Snapshot, hashSeed: number): Serving =>
  new Serving(snapshot, buildTable(snapshot.zones, snapshot.pools, hashSeed))
