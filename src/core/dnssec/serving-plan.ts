/**
 * What is to be signed with what: the plan by which a compiled table gets its signatures.
 */
import type { RecordSpec, ZoneSpec } from '../steer/topology.ts'
import { types } from '../dns/types.ts'
import { cdsRecords, deletionRecords } from './cds.ts'
import type { Hashes } from './crypto.ts'
import { type ZoneKey, dnskeyRecords } from './dnskey.ts'
import type { DigestType } from './ds.ts'
import type { LifetimePolicy } from './lifetimes.ts'
import { type Nsec3Parameters, nsec3ParamRdata } from './nsec3.ts'

export type Denial = { readonly kind: 'nsec' } | ({ readonly kind: 'nsec3' } & Nsec3Parameters)

/** What a key is to those who read it. */
export type KeyFace = Pick<ZoneKey, 'role' | 'publicKey'>

/** What stands at the apex of a zone because it is signed: public, and served like any record. */
export interface ApexRecords {
  readonly apex: string
  readonly records: readonly RecordSpec[]
}

/** What to publish at an apex. */
export interface ApexPlan {
  readonly apex: string
  /** All that are in the DNSKEY set, in use or not. */
  readonly keys: readonly KeyFace[]
  readonly dnskeyTtlSeconds: number
  /** Those that the parent is asked for a DS of (RFC 7344); none asks for nothing. */
  readonly cdsKeys: readonly KeyFace[]
  readonly cdsDigests: readonly DigestType[]
  /** The parent is asked to take every DS away (RFC 8078 section 4) and for no key. */
  readonly asksForDeletion?: boolean
  readonly denial: Denial
}

/** How one zone is signed. */
export interface ZonePlan {
  /** Lower case, no final dot, as in the table. */
  readonly apex: string
  /** Those that are active sign; every set needs one that is in the DNSKEY set of the table. */
  readonly keys: readonly ZoneKey[]
  readonly denial: Denial
  readonly lifetimes: LifetimePolicy
}

/** An answer set asked for and not yet signed; addresses counted in the pool, ascending. */
export interface WantedSet {
  readonly pool: number
  readonly family: 4 | 6
  readonly addresses: readonly number[]
}

export interface ServingPlan {
  /** Of the table. */
  readonly epoch: number
  /** Of the signatures. */
  readonly version: number
  readonly nowSeconds: number
  /** Zones of the table that are not here are served unsigned. */
  readonly zones: readonly ZonePlan[]
  /** Sets of several addresses to sign beside those that are signed anyway; the newest first. */
  readonly wanted: readonly WantedSet[]
}

/** DNSKEY, CDS, CDNSKEY and NSEC3PARAM of a zone. */
export function apexRecordsOf(
  plan: ApexPlan,
  hashes: Pick<Hashes, 'sha256' | 'sha384'>,
): ApexRecords {
  const { apex, keys, cdsKeys, cdsDigests, denial, dnskeyTtlSeconds: ttlSeconds } = plan
  const asked =
    plan.asksForDeletion === true
      ? deletionRecords(apex, ttlSeconds)
      : cdsRecords(apex, cdsKeys, ttlSeconds, cdsDigests, hashes)
  return {
    apex,
    records: [
      ...dnskeyRecords(apex, keys, ttlSeconds),
      ...asked,
      ...(denial.kind === 'nsec'
        ? []
        : [
            // RFC 5155 section 4 gives it no TTL of its own; it is data of the apex like any other.
            { name: apex, type: types.NSEC3PARAM, ttlSeconds: 0, rdata: nsec3ParamRdata(denial) },
          ]),
    ],
  }
}

/** Types that stand at an apex because the zone is signed. */
export const APEX_TYPES: ReadonlySet<number> = new Set([
  types.DNSKEY,
  types.CDS,
  types.CDNSKEY,
  types.NSEC3PARAM,
])

/** The zones with these records at their apexes, in place of what was written there by hand. */
export function withApexRecords(
  zones: readonly ZoneSpec[],
  apexes: readonly ApexRecords[],
): readonly ZoneSpec[] {
  if (apexes.length === 0) return zones
  const byApex = new Map(apexes.map((one) => [one.apex, one.records]))
  return zones.map((zone) => {
    const added = byApex.get(zone.apex)
    if (added === undefined) return zone
    const isReplaced = (record: RecordSpec) =>
      APEX_TYPES.has(record.type) && record.name === zone.apex
    return {
      ...zone,
      records: [...zone.records.filter((record) => !isReplaced(record)), ...added],
    }
  })
}
