/**
 * What one snapshot becomes on a thread that answers: the name table, and each pool with its
 * addresses as records ready to be copied.
 */
import { Pool } from '../steer/pool.ts'
import type { Snapshot, WordChange } from '../steer/snapshot.ts'
import { buildTable } from '../zone/table-build.ts'
import { writeRrFixed } from '../zone/table-soa.ts'
import { type NameTable, RR_FIXED_BYTES } from '../zone/table.ts'
import { types } from './types.ts'

/** Octets set aside for each address record without its owner: the AAAA's size. */
export const ADDRESS_RECORD_BYTES = RR_FIXED_BYTES + 16

/** A pool with where its records are. */
export class SteeredPool {
  readonly pool: Pool
  readonly slot: number
  /** The record of candidate i begins at recordsFrom + i * ADDRESS_RECORD_BYTES of the arena. */
  readonly recordsFrom: number
  /** The version of each word held. */
  readonly versions: Float64Array

  constructor(pool: Pool, recordsFrom: number, version: number) {
    this.pool = pool
    this.slot = pool.spec.slot
    this.recordsFrom = recordsFrom
    this.versions = new Float64Array(pool.spec.members.length).fill(version)
  }
}

/** Writes the address records of a pool into the arena. */
function writeAddresses(pool: Pool, arena: Uint8Array, from: number): void {
  const ttlSeconds = Math.max(0, pool.spec.ttlSeconds)
  for (const [index, bytes] of pool.addresses.entries()) {
    const at = from + index * ADDRESS_RECORD_BYTES
    const type = bytes.length === 16 ? types.AAAA : types.A
    writeRrFixed(arena, at, type, ttlSeconds, bytes.length)
    arena.set(bytes, at + RR_FIXED_BYTES)
  }
}

export class Serving {
  readonly epoch: number
  readonly table: NameTable
  readonly pools: readonly SteeredPool[]
  /** The address records of all pools without owners. */
  readonly records: Uint8Array

  constructor(snapshot: Snapshot, table: NameTable) {
    this.epoch = snapshot.epoch
    this.table = table
    const pools = snapshot.pools.map((spec, index) => new Pool(spec, snapshot.words[index] ?? []))
    let from = 0
    this.pools = pools.map((pool) => {
      const steered = new SteeredPool(pool, from, snapshot.version)
      from += pool.addresses.length * ADDRESS_RECORD_BYTES
      return steered
    })
    this.records = new Uint8Array(from)
    for (const { pool, recordsFrom } of this.pools) writeAddresses(pool, this.records, recordsFrom)
  }

  /** False when the change is of another epoch, older than the word held, or out of range. */
  applyWord(change: WordChange): boolean {
    if (change.epoch !== this.epoch) return false
    const steered = this.pools[change.pool]
    const held = steered?.versions[change.member]
    if (steered === undefined || held === undefined || change.version <= held) return false
    steered.versions[change.member] = change.version
    steered.pool.setWord(change.member, change.word)
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
