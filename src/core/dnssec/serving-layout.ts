/**
 * Lays the signatures of a table out as the threads that answer read them (parts.ts).
 */
import { copyOf, type Memory } from '../base/memory.ts'
import { types } from '../dns/types.ts'
import { FIXED, FIXED_FROM, FIXED_MEMBERS, FIXED_FALLBACKS } from '../steer/pool-layout.ts'
import { Arena } from '../zone/table-arena.ts'
import { writeRrFixed } from '../zone/table-soa.ts'
import { NameTable, RR_FIXED_BYTES } from '../zone/table.ts'
import { placeOfSet } from './answer-sets.ts'
import { LabelKeys } from './label-keys.ts'
import { labelCount } from './order.ts'
import * as layout from './parts.ts'
import type { SignedParts } from './parts.ts'
import type { ServingPlan } from './serving-plan.ts'
import type { ChainJobs, PoolJobs, ServingWork, SetJob, SignedZone } from './serving-work.ts'
import type { ToSign } from './sign-serving.ts'

/** What a head can count, in octets. */
const BYTES_MAX = 0xffff

class Layout {
  readonly arena = new Arena()
  readonly faults: string[] = []

  constructor() {
    // Word 0 stands for nothing.
    this.arena.take(1)
  }

  /** Writes RRSIG records of this TTL; returns where their run lies. */
  run({ signatures, set }: SetJob, ttlSeconds = set.ttlSeconds): number {
    const bytes = signatures.reduce((sum, { length }) => sum + RR_FIXED_BYTES + length, 0)
    if (bytes > BYTES_MAX || bytes === 0) {
      this.faults.push('the signatures of a set are too large, or none')
      return 0
    }
    const at = this.arena.take(1 + ((bytes + 3) >> 2))
    this.arena.words[at] = signatures.length | (bytes << 16)
    const octets = this.arena.octets()
    let to = (at + 1) * 4
    for (const rdata of signatures) {
      writeRrFixed(octets, to, types.RRSIG, ttlSeconds, rdata.length)
      octets.set(rdata, to + RR_FIXED_BYTES)
      to += RR_FIXED_BYTES + rdata.length
    }
    return at
  }

  /**
   * Writes an NSEC or NSEC3 with its signatures; returns where the entry lies. `standsFor` is that
   * of the chain when this one is not of it.
   */
  entry(job: SetJob, apexBytes: number, standsFor = 0): number {
    const { owner, type, ttlSeconds, rdatas } = job.set
    const rdata = rdatas[0]!
    const record = new Uint8Array(RR_FIXED_BYTES + rdata.length)
    writeRrFixed(record, 0, type, ttlSeconds, rdata.length)
    record.set(rdata, RR_FIXED_BYTES)
    const prefix = owner.subarray(0, owner.length - apexBytes)
    return this.whole(job, prefix, record, ttlSeconds, standsFor)
  }

  /** Writes a record and its signatures as in a reply, with room for pointers between them. */
  whole(
    job: SetJob,
    prefix: Uint8Array,
    record: Uint8Array,
    ttlSeconds: number,
    standsFor = 0,
  ): number {
    const run = this.run(job, ttlSeconds)
    const head = this.arena.words[run]!
    const each = layout.POINTER_BYTES
    const count = 1 + (head & 0xffff)
    const bytes = prefix.length + record.length + (head >>> 16) + each * count
    if (bytes > BYTES_MAX) this.faults.push('a record of denial is too large')
    const at = this.arena.take(layout.ENTRY + ((bytes + 3) >> 2))
    const { words } = this.arena
    words[at] = prefix.length | (prefixLabels(prefix) << 8) | (record.length << 16)
    words[at + layout.ENTRY_RUN] = run
    words[at + layout.ENTRY_OF] = standsFor === 0 ? at : standsFor
    words[at + layout.ENTRY_WHOLE] = bytes | (count << 16)
    const octets = this.arena.octets()
    let to = (at + layout.ENTRY) * 4
    octets.set(prefix, to)
    to += prefix.length + each
    octets.set(record, to)
    to += record.length
    for (const rdata of job.signatures) {
      writeRrFixed(octets, to + each, types.RRSIG, ttlSeconds, rdata.length)
      octets.set(rdata, to + each + RR_FIXED_BYTES)
      to += each + RR_FIXED_BYTES + rdata.length
    }
    return at
  }
}

function prefixLabels(prefix: Uint8Array): number {
  let labels = 0
  for (let at = 0; at < prefix.length; at += prefix[at]! + 1) labels++
  return labels
}

interface Tables {
  readonly refs: Int32Array
  readonly rows: number[]
  readonly chain: number[]
  readonly labels: LabelKeys
  readonly hashes: number[]
  readonly zones: Int32Array
  readonly addresses: Int32Array
  readonly pools: Int32Array
  readonly subsets: number[]
}

function layChain(laid: Layout, tables: Tables, { zone, records, noData }: ChainJobs): void {
  const { chain, apex } = zone
  const base = tables.chain.length
  const entries = records.map((job) => laid.entry(job, apex.length))
  tables.chain.push(...entries)
  // Hashes lie as entries of the chain do; those of a zone by NSEC before this one have none.
  if (chain.hashes.length > 0)
    while (tables.hashes.length < base * layout.HASH_WORDS) tables.hashes.push(0)
  for (const hash of chain.hashes) {
    const view = new DataView(hash.buffer, hash.byteOffset)
    for (let word = 0; word < layout.HASH_WORDS; word++) tables.hashes.push(view.getInt32(word * 4))
  }
  const owners = chain.records.map(({ owner }) => owner)
  for (const { node, entry, isOwn, labels, wildcard, from, to } of chain.nodes) {
    tables.refs[node >> 2] = tables.rows.length
    const own = entries[entry]! * 2 + (isOwn ? 1 : 0)
    const keys = tables.labels.add(owners.slice(from, to), labels, base + from)
    tables.rows.push(own, entries[wildcard]!, base + from, base + to, ...keys)
  }
  const row = zone.zone * layout.ZONE
  tables.zones[row + layout.ZONE_KIND] =
    chain.type === types.NSEC ? layout.BY_NSEC : layout.BY_NSEC3
  tables.zones[row + layout.ZONE_FROM] = base
  tables.zones[row + layout.ZONE_TO] = base + entries.length
  tables.zones[row + layout.ZONE_LABELS] = labelCount(apex)
  for (const [child, place] of chain.children)
    tables.zones[child * layout.ZONE + layout.ZONE_NO_DS] = entries[place]!
  for (const [at, { pool, family, place }] of chain.noData.entries())
    tables.pools[rowOf(pool, family) + layout.POOL_NO_DATA] = laid.entry(
      noData[at]!,
      apex.length,
      entries[place]!,
    )
}

const rowOf = (pool: number, family: 4 | 6): number =>
  (pool * 2 + (family === 6 ? 1 : 0)) * layout.POOL

function layPool(laid: Layout, tables: Tables, { pools }: ToSign, jobs: PoolJobs): void {
  const { answers, singles, several } = jobs
  const { pool, family, most } = answers
  const { fixed, firsts, families } = pools
  const from = fixed[pool * FIXED + FIXED_FROM]!
  const size = fixed[pool * FIXED + FIXED_MEMBERS]! + fixed[pool * FIXED + FIXED_FALLBACKS]!
  for (const [at, { addresses }] of answers.singles.entries())
    tables.addresses[from + addresses[0]!] = laid.run(singles[at]!)
  // Servers on several ports of an address are one answer.
  for (let address = from; address < from + size; address++)
    if (families[address] === family)
      tables.addresses[address] = tables.addresses[from + firsts[address]!]!
  if (several.length === 0) return
  let places = 2
  while (places < several.length * 2) places *= 2
  const own = new Int32Array(places * (most + 1))
  for (const [at, { addresses }] of answers.several.entries()) {
    const place = placeOfSet(own, 0, places - 1, most, addresses, addresses.length)
    own.fill(-1, place + 1, place + 1 + most)
    own.set(addresses, place + 1)
    own[place] = laid.run(several[at]!)
  }
  const row = rowOf(pool, family)
  tables.pools[row + layout.POOL_FROM] = tables.subsets.length
  tables.pools[row + layout.POOL_MASK] = places - 1
  tables.pools[row + layout.POOL_MOST] = most
  for (const number of own) tables.subsets.push(number)
}

/** A zone's SOA with its signatures, with the TTL of negative answers. */
function laySoa(
  laid: Layout,
  tables: Tables,
  { zone, denialTtlSeconds }: SignedZone,
  soa: SetJob | undefined,
  { negativeSoa }: NameTable['zones'][number],
): void {
  if (soa === undefined) return
  const { buffer, byteOffset, byteLength } = negativeSoa
  const record = new Uint8Array(buffer, byteOffset, byteLength)
  // RFC 2308 section 5 lowers the TTL; the original one stays signed (RFC 4034 section 3.1.4).
  const entry = laid.whole(soa, new Uint8Array(0), record, denialTtlSeconds)
  tables.zones[zone * layout.ZONE + layout.ZONE_SOA] = entry
}

const shared = (numbers: readonly number[] | Int32Array, memory: Memory): Int32Array =>
  copyOf(Int32Array.from(numbers), memory)

function numbersIn(numbers: readonly number[], memory: Memory): Float64Array {
  const copy = new Float64Array(memory(numbers.length * Float64Array.BYTES_PER_ELEMENT))
  copy.set(numbers)
  return copy
}

/** The parts, and what is wrong with them; the work has every signature. */
export function layServing(
  serving: ToSign,
  plan: ServingPlan,
  work: ServingWork,
  memory: Memory,
): { readonly parts: SignedParts; readonly faults: readonly string[] } {
  const laid = new Layout()
  const poolCount = serving.pools.fixed.length / FIXED
  const tables: Tables = {
    refs: new Int32Array((serving.table.words.length >> 2) + 1),
    rows: Array.from({ length: layout.ROW }, () => 0),
    chain: [],
    labels: new LabelKeys(),
    hashes: [],
    zones: new Int32Array(serving.table.soaEnds.length * layout.ZONE),
    addresses: new Int32Array(serving.pools.families.length),
    pools: new Int32Array(poolCount * 2 * layout.POOL),
    subsets: [],
  }
  const soas = new Map<SignedZone, SetJob>()
  const { zones: zonesOf } = new NameTable(serving.table)
  for (const [at, job] of work.sets) {
    tables.refs[at >> 2] = laid.run(job)
    if (job.set.type === types.SOA) soas.set(job.zone, job)
  }
  for (const chain of work.chains) {
    layChain(laid, tables, chain)
    const { zone } = chain
    laySoa(laid, tables, zone, soas.get(zone), zonesOf[zone.zone]!)
  }
  for (const pool of work.pools) layPool(laid, tables, serving, pool)
  const parts: SignedParts = {
    epoch: plan.epoch,
    version: plan.version,
    words: shared(laid.arena.finish(), memory),
    refs: shared(tables.refs, memory),
    // Rows are found by their number, which counts rows.
    rows: shared(tables.rows, memory),
    chain: shared(tables.chain, memory),
    labelKeys: numbersIn(tables.labels.keys, memory),
    labelPlaces: shared(tables.labels.places, memory),
    hashes: shared(tables.hashes, memory),
    zones: shared(tables.zones, memory),
    addresses: shared(tables.addresses, memory),
    pools: shared(tables.pools, memory),
    subsets: shared(tables.subsets, memory),
  }
  return { parts, faults: laid.faults }
}
