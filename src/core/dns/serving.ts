/**
 * What a thread that answers holds: the name table, the pools, and each address as a record ready
 * to be copied.
 *
 * All of it but the health words is made once, elsewhere, in memory that every such thread reads
 * (`ServingParts`). The words, and what follows from them, are each thread's own.
 */
import { assert } from '../base/assert.ts'
import { type Memory, ownMemory } from '../base/memory.ts'
import { type GeoParts, readGeoNames } from '../geo/parts.ts'
import { viewOf } from '../base/octets.ts'
import type { SignedParts } from '../dnssec/parts.ts'
import {
  ADDRESS_BYTES,
  FIXED,
  FIXED_FALLBACKS,
  FIXED_FROM,
  FIXED_MEMBERS,
  FIXED_TTL,
  layPools,
  layWords,
  type PoolLayout,
} from '../steer/pool-layout.ts'
import { Pools } from '../steer/pools.ts'
import type { RouteParts, ServiceRoutes } from '../steer/routes.ts'
import type { ServingPool, Snapshot, WordChange } from '../steer/snapshot.ts'
import { compileTable } from '../zone/table-build.ts'
import { writeRrFixed } from '../zone/table-soa.ts'
import { NameTable, RR_FIXED_BYTES, type TableParts } from '../zone/table.ts'
import { labelsOf, readLabels } from './labels.ts'
import { Signatures } from './signatures.ts'
import { types } from './types.ts'

/** Octets set aside for each address record without its owner: a whole number of words. */
export const ADDRESS_RECORD_BYTES = 28

/** Plain memory and a few numbers, so that it crosses threads as it is. */
export interface ServingParts {
  readonly table: TableParts
  readonly pools: PoolLayout
  /** The record of address i begins at i * ADDRESS_RECORD_BYTES. */
  readonly records: Uint8Array
  /** What counters call the pools: see labels.ts. */
  readonly labels: Uint8Array
  /** Where clients are; absent where nothing is known of it. */
  readonly geo?: GeoParts
  /** Signatures of the zones that are signed; absent where none is. */
  readonly signed?: SignedParts
}

/** The address records of all pools, by address index. */
function recordsOf({ fixed, families, bytes }: PoolLayout, memory: Memory): Uint8Array {
  const records = new Uint8Array(memory(families.length * ADDRESS_RECORD_BYTES))
  for (let row = 0; row < fixed.length; row += FIXED) {
    const from = fixed[row + FIXED_FROM]!
    const end = from + fixed[row + FIXED_MEMBERS]! + fixed[row + FIXED_FALLBACKS]!
    for (let address = from; address < end; address++) {
      const length = families[address] === 6 ? 16 : families[address]!
      const at = address * ADDRESS_RECORD_BYTES
      const type = length === 16 ? types.AAAA : types.A
      writeRrFixed(records, at, type, fixed[row + FIXED_TTL]!, length)
      const own = address * ADDRESS_BYTES
      records.set(bytes.subarray(own, own + length), at + RR_FIXED_BYTES)
    }
  }
  return records
}

/** Joins a compiled table, whose pools are these in this order, with the pools. */
export function servingParts(
  table: TableParts,
  specs: readonly ServingPool[],
  memory: Memory,
  geo?: GeoParts,
): ServingParts {
  const names = geo && readGeoNames(geo.labels)
  const pools = layPools(specs, memory, names?.regions, names?.labels)
  const labels = labelsOf(specs, memory)
  const parts = { table, pools, records: recordsOf(pools, memory), labels }
  return geo === undefined ? parts : { ...parts, geo }
}

export class Serving {
  readonly epoch: number
  readonly parts: ServingParts
  readonly table: NameTable
  readonly pools: Pools
  /** The record of address i begins at i * ADDRESS_RECORD_BYTES. */
  readonly records: DataView
  /** What signs the answers; undefined where no zone is signed. */
  signed: Signatures | undefined
  /** The version of each word held, by address. */
  readonly #versions: Float64Array
  /** The newest version taken. */
  readonly #newest = new Float64Array(1)
  readonly #routes = new Float64Array(1)
  #names: readonly string[] | undefined

  /** @param words by address, all of them of `version` */
  constructor(epoch: number, version: number, parts: ServingParts, words: ArrayLike<number>) {
    this.epoch = epoch
    this.parts = parts
    this.table = new NameTable(parts.table)
    this.pools = new Pools(parts.pools, words, parts.geo)
    this.records = viewOf(parts.records)
    if (parts.signed !== undefined) {
      // With those of other tables each place would mean something else.
      assert(parts.signed.epoch === epoch, 'a table is served with signatures of its own')
      this.signed = new Signatures(parts.signed)
    }
    this.#versions = new Float64Array(this.pools.addressCount).fill(version)
    this.#newest[0] = version
  }

  /** The newest version of any word taken. */
  get version(): number {
    return this.#newest[0]!
  }

  /** The number of what was learned of clients; 0 for nothing. */
  get routesVersion(): number {
    return this.#routes[0]!
  }

  /** Takes what was learned of clients, by name of the pool. */
  applyRoutes({ version, services }: RouteParts): void {
    this.#routes[0] = version
    this.#names ??= readLabels(this.parts.labels).map(({ name }) => name)
    const learned = new Map(services.map((one): [string, ServiceRoutes] => [one.name, one]))
    for (const [pool, name] of this.#names.entries()) {
      const routes = learned.get(name)
      if (routes !== this.pools.routes[pool]?.parts) this.pools.setRoutes(pool, routes)
    }
    this.pools.composed?.setRoutes(learned)
  }

  /** Takes other signatures of the same tables; false when they are not, or not newer. */
  applySigned(signed: SignedParts): boolean {
    if (signed.epoch !== this.epoch) return false
    if (this.signed !== undefined && signed.version <= this.signed.parts.version) return false
    this.signed = new Signatures(signed)
    return true
  }

  /** Says of which version the words are that were set from outside. */
  markVersion(version: number): void {
    this.#newest[0] = version
  }

  /** False when the change is of another epoch, older than the word held, or out of range. */
  applyWord({ epoch, version, pool, member, word }: WordChange): boolean {
    const { pools } = this
    if (epoch !== this.epoch || !(pool >= 0 && pool < pools.count)) return false
    if (!(member >= 0 && member < pools.membersOf(pool))) return false
    const address = pools.addressFrom(pool) + member
    if (version <= this.#versions[address]!) return false
    this.#versions[address] = version
    if (version > this.#newest[0]!) this.#newest[0] = version
    pools.setWord(pool, member, word)
    return true
  }

  /** Takes each word of a snapshot of the same epoch that is newer than the word held. */
  applyWords(version: number, words: ArrayLike<number>): void {
    const { pools, epoch } = this
    for (let pool = 0; pool < pools.count; pool++) {
      const from = pools.addressFrom(pool)
      for (let member = 0; member < pools.membersOf(pool); member++) {
        const word = words[from + member]!
        this.applyWord({ epoch, version, pool, member, word })
      }
    }
  }
}

export const wordsOf = ({ pools, words }: Snapshot): Uint32Array => layWords(pools, words)

/** What a snapshot becomes, in memory of its own. */
export function servingOf(snapshot: Snapshot, hashSeed: number): Serving {
  const { epoch, version, zones, pools, geo } = snapshot
  const names = pools.map(({ name }) => name)
  const table = compileTable(zones, names, hashSeed, ownMemory)
  const parts = servingParts(table, pools, ownMemory, geo)
  return new Serving(epoch, version, parts, wordsOf(snapshot))
}
