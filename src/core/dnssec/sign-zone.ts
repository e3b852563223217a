/**
 * A whole zone signed at once: its records, keys, chain of denial and signatures.
 *
 * What is not authoritative stays unsigned (RFC 4035 section 2.2): the NS of a delegation, glue,
 * and what a DNAME hides. Online work signs sets one by one (`rrsig.ts`) over the same names and
 * chain.
 */
import { assert } from '../base/assert.ts'
import { foldCase, nameToWire, wireToName } from '../dns/names.ts'
import { types } from '../dns/types.ts'
import type { RecordSpec, ZoneSpec } from '../steer/topology.ts'
import { canonicalRdata } from '../zone/rdata.ts'
import { soaRecord } from '../zone/table-soa.ts'
import type { Rrset } from './canonical.ts'
import { cdsRecords } from './cds.ts'
import type { Hashes, Signer } from './crypto.ts'
import type { DenialChain } from './denial.ts'
import { type ZoneKey, dnskeyRecords } from './dnskey.ts'
import type { DigestType } from './ds.ts'
import type { SignatureTimes } from './lifetimes.ts'
import { nsecChain } from './nsec.ts'
import { type Nsec3Parameters, nsec3Chain, nsec3ParamRdata } from './nsec3.ts'
import { isBelow, orderOf } from './order.ts'
import { rrsigRecord, signRrset } from './rrsig.ts'
import { type ZoneName, zoneNames } from './zone-names.ts'

export interface SigningPlan {
  readonly keys: readonly ZoneKey[]
  readonly dnskeyTtlSeconds: number
  /** Digests of the CDS records to publish for the active keys that a DS points at; none for []. */
  readonly cdsDigests: readonly DigestType[]
  readonly denial: { readonly kind: 'nsec' } | ({ readonly kind: 'nsec3' } & Nsec3Parameters)
  readonly timesOf: (owner: Uint8Array, type: number) => SignatureTimes
}

/** Types that the key signing key signs: RFC 4035 section 2.2, RFC 7344 section 4.1. */
const KEY_TYPES: ReadonlySet<number> = new Set([types.DNSKEY, types.CDS, types.CDNSKEY])

/** The active keys that sign a set of the type. */
export const signersOf = (keys: readonly ZoneKey[], type: number): readonly ZoneKey[] => {
  const isOfKeys = KEY_TYPES.has(type)
  return keys.filter(({ role, isActive, work }) => {
    if (work !== undefined) return isOfKeys ? work.signsKeys : work.signsZone
    return isActive && role !== (isOfKeys ? 'zsk' : 'ksk')
  })
}

function wireOf(name: string): Uint8Array {
  const wire = nameToWire(name)
  assert(wire.ok, 'records of a zone have names that can be written')
  return foldCase(wire.value)
}

/** RFC 2181 section 5: no record is there twice. */
function withoutDuplicates(set: Rrset): Rrset {
  if (set.rdatas.length < 2) return set
  const seen = new Set<string>()
  const rdatas = set.rdatas.filter((rdata) => {
    const folded = canonicalRdata(set.type, rdata).join()
    const isNew = !seen.has(folded)
    seen.add(folded)
    return isNew
  })
  return { ...set, rdatas }
}

/** Records by owner (`order.ts`) and type; RFC 2181 section 5.2: the lowest TTL is the set's. */
export function groupRrsets(records: readonly RecordSpec[]): Map<string, Map<number, Rrset>> {
  const owners = new Map<string, Map<number, Rrset & { readonly rdatas: Uint8Array[] }>>()
  const wires = new Map<string, { readonly owner: Uint8Array; readonly order: string }>()
  for (const { name, type, ttlSeconds, rdata } of records) {
    let wire = wires.get(name)
    if (wire === undefined) {
      const owner = wireOf(name)
      wire = { owner, order: orderOf(owner) }
      wires.set(name, wire)
    }
    const sets = owners.get(wire.order) ?? new Map()
    owners.set(wire.order, sets)
    const set = sets.get(type)
    const rdatas = set?.rdatas ?? []
    rdatas.push(rdata)
    const lowest = Math.min(ttlSeconds, set?.ttlSeconds ?? ttlSeconds)
    sets.set(type, { owner: wire.owner, type, ttlSeconds: lowest, rdatas })
  }
  return new Map(
    [...owners].map(([order, sets]) => [
      order,
      new Map([...sets].map(([type, set]) => [type, withoutDuplicates(set)])),
    ]),
  )
}

/** RFC 9077 section 3: the lesser of the SOA's TTL and its MINIMUM, for NSEC and NSEC3. */
const denialTtl = ({ soa }: ZoneSpec): number => Math.min(soa.ttlSeconds, soa.minimumSeconds)

/** What stands at the apex because the zone is signed. */
function apexRecords(
  zone: ZoneSpec,
  plan: SigningPlan,
  hashes: Pick<Hashes, 'sha256' | 'sha384'>,
): RecordSpec[] {
  const { apex } = zone
  const { keys, dnskeyTtlSeconds: ttlSeconds, denial } = plan
  const pointedAt = signersOf(keys, types.DNSKEY).filter((key) => key.work?.hasCds !== false)
  return [
    ...dnskeyRecords(apex, keys, ttlSeconds),
    ...(plan.cdsDigests.length === 0
      ? []
      : cdsRecords(apex, pointedAt, ttlSeconds, plan.cdsDigests, hashes)),
    ...(denial.kind === 'nsec'
      ? []
      : [
          // RFC 5155 section 4 gives it no TTL of its own; it is data of the apex like any other.
          { name: apex, type: types.NSEC3PARAM, ttlSeconds: 0, rdata: nsec3ParamRdata(denial) },
        ]),
  ]
}

export function chainOf(
  apex: Uint8Array,
  names: readonly ZoneName[],
  denial: SigningPlan['denial'],
  hashes: Pick<Hashes, 'sha1'>,
): DenialChain {
  return denial.kind === 'nsec' ? nsecChain(names) : nsec3Chain(apex, names, denial, hashes)
}

/** Types of a name that are signed there. */
const isSigned = (name: ZoneName, type: number): boolean =>
  name.kind === 'data' || (name.kind === 'cut' && type === types.DS)

function withSignatures(set: Rrset, apex: Uint8Array, plan: SigningPlan, signer: Signer) {
  const times = plan.timesOf(set.owner, set.type)
  return signersOf(plan.keys, set.type).map((key) =>
    rrsigRecord(set, signRrset(set, key, apex, times, signer)),
  )
}

const recordsOf = ({ owner, type, ttlSeconds, rdatas }: Rrset): RecordSpec[] =>
  rdatas.map((rdata) => ({ name: wireToName(owner), type, ttlSeconds, rdata }))

/**
 * The records of the signed zone, the SOA first, then in canonical order of owners. Records outside
 * the zone are dropped; `zone` has passed its checks (`zone/check.ts`).
 */
export function signZone(zone: ZoneSpec, plan: SigningPlan, crypto: Signer & Hashes): RecordSpec[] {
  const apex = wireOf(zone.apex)
  const top = orderOf(apex)
  const all = [soaRecord(zone), ...zone.records, ...apexRecords(zone, plan, crypto)]
  const owners = groupRrsets(all)
  const names = zoneNames(
    apex,
    [...owners.values()].map((sets) => ({
      owner: sets.values().next().value!.owner,
      types: sets.keys(),
    })),
  )
  const byOrder = new Map(names.map((name) => [name.order, name]))
  const out: RecordSpec[] = []
  for (const [order, sets] of [...owners].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (order !== top && !isBelow(order, top)) continue
    const name = byOrder.get(order)
    for (const set of sets.values()) {
      out.push(...recordsOf(set))
      if (name !== undefined && isSigned(name, set.type))
        out.push(...withSignatures(set, apex, plan, crypto))
    }
  }
  const chain = chainOf(apex, names, plan.denial, crypto)
  for (const { owner, rdata } of chain.records) {
    const set = { owner, type: chain.type, ttlSeconds: denialTtl(zone), rdatas: [rdata] }
    out.push(...recordsOf(set), ...withSignatures(set, apex, plan, crypto))
  }
  return out
}
