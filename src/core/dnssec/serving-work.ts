/**
 * The work of signing a table: every set that needs signatures, and what each is for.
 *
 * Listing costs no cryptography but the hashes of NSEC3. Faults found here are those of a plan that
 * does not fit its table.
 */
import { limits } from '../base/limits.ts'
import { NONE } from '../zone/table.ts'
import { NameTable } from '../zone/table.ts'
import { foldCase, nameToWire } from '../dns/names.ts'
import { types } from '../dns/types.ts'
import type { Family } from '../net/address.ts'
import type { Rrset } from './canonical.ts'
import type { DnssecCrypto } from './crypto.ts'
import { type ZoneKey, rdataOfKey } from './dnskey.ts'
import { type CheckedKey, examinedKeys } from './examined.ts'
import { type PoolAnswers, answersOf } from './serving-answers.ts'
import { type ZoneChain, zoneChain } from './serving-chain.ts'
import { type TableName, apexesOf, signingZone, tableNames } from './serving-names.ts'
import type { ServingPlan, WantedSet, ZonePlan } from './serving-plan.ts'
import { type GatheredOf, holdsFor } from './serving-same.ts'
import type { ToSign } from './sign-serving.ts'
import { rrsigHead } from './rrsig.ts'
import { signersOf } from './sign-zone.ts'

const NO_SET: Rrset = { owner: new Uint8Array(1), type: 0, ttlSeconds: 0, rdatas: [] }

/** A key that signs, and how the validator knows it. */
export interface SigningKey {
  readonly key: ZoneKey
  /** Tells it from every other key. */
  readonly id: string
  readonly checked: readonly CheckedKey[]
  /** The head of an RRSIG by it, what depends on the set left at zero. */
  readonly head: Uint8Array
}

/** A zone of the table that is signed. */
export interface SignedZone {
  /** Its index in the table. */
  readonly zone: number
  readonly plan: ZonePlan
  /** Wire form, lower case. */
  readonly apex: Uint8Array
  /** The TTL of negative answers: RFC 2308 section 5, RFC 9077 section 3. */
  readonly denialTtlSeconds: number
  readonly chain: ZoneChain
  /** Those that sign keys, and those that sign the rest. */
  readonly keySigners: readonly SigningKey[]
  readonly signers: readonly SigningKey[]
}

export interface SetJob {
  readonly zone: SignedZone
  readonly set: Rrset
  /** RRSIG data, one of each key that signs the set; filled as the work is done. */
  readonly signatures: Uint8Array[]
}

export interface PoolJobs {
  readonly answers: PoolAnswers
  readonly singles: readonly SetJob[]
  readonly several: readonly SetJob[]
}

export interface ChainJobs {
  readonly zone: SignedZone
  /** In the order of the chain. */
  readonly records: readonly SetJob[]
  /** Beside `chain.noData`. */
  readonly noData: readonly SetJob[]
}

export interface ServingWork {
  readonly gathered: Gathered
  readonly names: readonly TableName[]
  readonly jobs: SetJob[]
  /** By table place. */
  readonly sets: readonly (readonly [number, SetJob])[]
  readonly chains: readonly ChainJobs[]
  readonly pools: readonly PoolJobs[]
  readonly faults: readonly string[]
}

function wireOf(apex: string): Uint8Array | undefined {
  const wire = nameToWire(apex)
  return wire.ok ? foldCase(wire.value) : undefined
}

/** Types of two kinds tell which keys sign: those of the key set, and all others. */
export const signsKeys = (type: number): boolean =>
  type === types.DNSKEY || type === types.CDS || type === types.CDNSKEY

function signingKeys(
  keys: readonly ZoneKey[],
  type: number,
  apex: Uint8Array,
  crypto: DnssecCrypto,
): SigningKey[] {
  return signersOf(keys, type).map((key) => ({
    key,
    id: String.fromCharCode(...crypto.sha256(rdataOfKey(key)).subarray(0, 8)),
    checked: examinedKeys(apex, [key]),
    head: rrsigHead(NO_SET, key, apex, { inceptionSeconds: 0, expirationSeconds: 0 }),
  }))
}

const sameOctets = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((octet, at) => octet === b[at])

/** What of a plan does not fit what stands at the apex. */
function apexFaults(zone: SignedZone, top: TableName): string[] {
  const { apex, denial } = zone.plan
  const published = top.sets.find(({ type }) => type === types.DNSKEY)?.rdatas ?? []
  const isPublished = ({ key }: SigningKey) =>
    published.some((rdata) => sameOctets(rdata, rdataOfKey(key)))
  const has = (wanted: number) => top.sets.some(({ type }) => type === wanted)
  return [
    ...(zone.keySigners.some(isPublished)
      ? []
      : [`${apex}: no key that signs the key set is in it`]),
    ...(zone.signers.some(isPublished) ? [] : [`${apex}: no key that signs is in the key set`]),
    ...(denial.kind === 'nsec3' && !has(types.NSEC3PARAM)
      ? [`${apex}: NSEC3 without NSEC3PARAM at the apex`]
      : []),
    // RFC 9276 section 3.1; and a delegation left out would take other proofs than those laid out.
    ...(denial.kind === 'nsec3' && denial.isOptOut
      ? [`${apex}: NSEC3 with opt-out is not served`]
      : []),
    // RFC 9276 section 3.1: the threads that answer hash each name once, without salt.
    ...(denial.kind === 'nsec3' && (denial.iterations > 0 || denial.salt.length > 0)
      ? [`${apex}: NSEC3 with iterations or a salt is not served`]
      : []),
    ...(has(types.SOA) ? [] : [`${apex}: no SOA in the table`]),
  ]
}

/** The names of a table and the chains of its zones: most of the work of listing. */
export interface Gathered extends GatheredOf {
  readonly names: readonly TableName[]
  readonly zones: ReadonlyMap<number, SignedZone>
  readonly faults: readonly string[]
}

function gather(serving: ToSign, plan: ServingPlan, crypto: DnssecCrypto): Gathered {
  const planOf = plansByZone(serving, plan)
  const names = tableNames(serving.table, (zone) => planOf.has(zone))
  const { table, pools } = serving
  const of = { table, pools, plans: plan.zones }
  return { ...of, names, ...gatherZones(serving, names, planOf, crypto) }
}

function gatherZones(
  { table, pools }: ToSign,
  names: readonly TableName[],
  planOf: ReadonlyMap<number, ZonePlan>,
  crypto: DnssecCrypto,
): Pick<Gathered, 'zones' | 'faults'> {
  const { zones } = new NameTable(table)
  const signed = new Map<number, SignedZone>()
  const faults: string[] = []
  for (const [zone, own] of planOf) {
    const apex = wireOf(own.apex)
    const top = names.find((name) => name.isApex && name.zone === zone)
    if (apex === undefined || top === undefined) {
      faults.push(`${own.apex}: not in the table`)
      continue
    }
    const one: SignedZone = {
      zone,
      plan: own,
      apex,
      denialTtlSeconds: zones[zone]!.negativeSoa.getUint32(4),
      chain: zoneChain(zone, apex, names, pools, own.denial, crypto),
      keySigners: signingKeys(own.keys, types.DNSKEY, apex, crypto),
      signers: signingKeys(own.keys, types.SOA, apex, crypto),
    }
    faults.push(...apexFaults(one, top))
    signed.set(zone, one)
  }
  return { zones: signed, faults }
}

/** The plans of zones that are in the table, by their index there. */
function plansByZone({ table }: ToSign, plan: ServingPlan): Map<number, ZonePlan> {
  const byApex = new Map(plan.zones.map((one) => [one.apex, one]))
  const found = new Map<number, ZonePlan>()
  // Of two zones of one name the later one is served.
  const served = new Map(apexesOf(table).map((apex, zone) => [apex, zone]))
  for (const [apex, zone] of served) {
    const own = byApex.get(apex)
    if (own !== undefined) found.set(zone, own)
  }
  return found
}

type Addresses = readonly number[]

const NONE_WANTED: readonly Addresses[] = []

/** Of a pool and a family. */
const rowOf = (pool: number, family: Family): number => pool * 2 + (family === 6 ? 1 : 0)

function wantedByPool(wanted: readonly WantedSet[]): ReadonlyMap<number, readonly Addresses[]> {
  const byPool = new Map<number, Addresses[]>()
  for (const { pool, family, addresses } of wanted) {
    const row = rowOf(pool, family)
    const known = byPool.get(row)
    if (known === undefined) byPool.set(row, [addresses])
    else known.push(addresses)
  }
  return byPool
}

/** Lists what is to be signed, name by name. */
export class Listing {
  readonly gathered: Gathered
  /** What is listed by now: the first of them may be done meanwhile. */
  readonly jobs: SetJob[] = []
  readonly #pools: ToSign['pools']
  readonly #wantedOf: ReadonlyMap<number, readonly Addresses[]>
  readonly #sets: [number, SetJob][] = []
  readonly #poolJobs: PoolJobs[] = []
  #chains: readonly ChainJobs[] | undefined
  #next = 0

  /** @param before of another job, of use where it holds for this one */
  constructor(serving: ToSign, plan: ServingPlan, crypto: DnssecCrypto, before?: Gathered) {
    const isSame = before !== undefined && holdsFor(before, serving, plan.zones)
    this.gathered = isSame ? before : gather(serving, plan, crypto)
    this.#pools = serving.pools
    this.#wantedOf = wantedByPool(plan.wanted)
    // Beside gathering it is not much, and the number of jobs is known at once.
    const isShort = this.gathered.names.length < limits.examinedLaterSets.default
    if (!isSame || isShort) while (this.step());
  }

  /** Steps to go. */
  get left(): number {
    const chains = this.#chains === undefined ? 1 : 0
    return this.gathered.names.length - this.#next + chains
  }

  /** Lists the next name, or the chains at last; false when nothing is left. */
  step(): boolean {
    const name = this.gathered.names[this.#next]
    if (name !== undefined) {
      this.#next++
      this.#list(name)
    } else this.#chains ??= [...this.gathered.zones.values()].map((zone) => this.#chainOf(zone))
    return this.#chains === undefined
  }

  /** All of it. */
  finish(): ServingWork {
    while (this.step());
    const { gathered, jobs } = this
    const { names, faults } = gathered
    const listed = { sets: this.#sets, chains: this.#chains ?? [], pools: this.#poolJobs }
    return { gathered, names, jobs, faults, ...listed }
  }

  #add(zone: SignedZone, set: Rrset): SetJob {
    const job = { zone, set, signatures: [] }
    this.jobs.push(job)
    return job
  }

  #list(name: TableName): void {
    const { zones } = this.gathered
    for (const set of name.sets) {
      const zone = zones.get(signingZone(name, set.type))
      if (zone !== undefined) this.#sets.push([set.at, this.#add(zone, set)])
    }
    const own = zones.get(name.zone)
    if (name.pool === NONE || name.isCut || own === undefined) return
    for (const family of [4, 6] as const) {
      const wanted = this.#wantedOf.get(rowOf(name.pool, family)) ?? NONE_WANTED
      const answers = answersOf(this.#pools, name.pool, family, name.owner, wanted)
      const singles = answers.singles.map(({ set }) => this.#add(own, set))
      const several = answers.several.map(({ set }) => this.#add(own, set))
      this.#poolJobs.push({ answers, singles, several })
    }
  }

  #chainOf(zone: SignedZone): ChainJobs {
    const { chain, denialTtlSeconds: ttlSeconds } = zone
    const signed = ({ owner, rdata }: { owner: Uint8Array; rdata: Uint8Array }) =>
      this.#add(zone, { owner, type: chain.type, ttlSeconds, rdatas: [rdata] })
    return {
      zone,
      records: chain.records.map(signed),
      noData: chain.noData.map(({ record }) => signed(record)),
    }
  }
}
