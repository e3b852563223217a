/**
 * The keys of all zones by what they do: from keys and the work each has, to what stands at an
 * apex, what signs, and what people are told.
 *
 * Who works when is decided by who rolls the keys; here it is only carried out.
 */
import { nameToWire } from '../dns/names.ts'
import { toHex } from '../gossip/app/base64.ts'
import type { Hashes } from './crypto.ts'
import { type ZoneKey, flagsOf, rdataOfKey } from './dnskey.ts'
import { type DigestType, digestTypes, dsRdata } from './ds.ts'
import type { StoredKey } from './keyfile.ts'
import type { LifetimePolicy } from './lifetimes.ts'
import type { KeyId, ServingKeys } from './roll/types.ts'
import { type ApexRecords, type Denial, type ZonePlan, apexRecordsOf } from './serving-plan.ts'

/** The keys of a zone by the work they do. */
export type Work = Omit<ServingKeys, 'version'>

/** How zones are to be signed, whatever their keys. */
export interface SigningRules {
  readonly denial: Denial
  readonly lifetimes: LifetimePolicy
  readonly dnskeyTtlSeconds: number
  readonly cds: boolean
  readonly cdsDelete: boolean
}

const CDS_DIGESTS: readonly DigestType[] = [digestTypes.SHA256]

/** Keys of one zone by their id. */
export type ZoneKeys = ReadonlyMap<KeyId, StoredKey>

const pick = (keys: ZoneKeys, ids: readonly KeyId[]): StoredKey[] =>
  ids.flatMap((id) => keys.get(id) ?? [])

/** What is to stand at the apex. */
export const apexOf = (
  apex: string,
  keys: ZoneKeys,
  work: Work,
  rules: SigningRules,
  hashes: Pick<Hashes, 'sha256' | 'sha384'>,
): ApexRecords =>
  apexRecordsOf(
    {
      apex,
      keys: pick(keys, work.published),
      dnskeyTtlSeconds: rules.dnskeyTtlSeconds,
      cdsKeys: rules.cds ? pick(keys, work.cds) : [],
      cdsDigests: CDS_DIGESTS,
      asksForDeletion: rules.cdsDelete,
      denial: rules.denial,
    },
    hashes,
  )

/** The keys that sign, each with what it signs. */
export function planOf(
  apex: string,
  keys: ZoneKeys,
  { published, signKeys, signZone, cds }: Work,
  { denial, lifetimes }: SigningRules,
): ZonePlan {
  const signing = [...keys].flatMap(([id, { role, publicKey, privateKey }]): ZoneKey[] => {
    const work = {
      isPublished: published.includes(id),
      signsKeys: signKeys.includes(id),
      signsZone: signZone.includes(id),
      hasCds: cds.includes(id),
    }
    const isActive = work.signsKeys || work.signsZone
    return isActive ? [{ role, publicKey, privateKey, isActive, work }] : []
  })
  return { apex, keys: signing, denial, lifetimes }
}

export interface DsRecord {
  readonly digestType: DigestType
  /** Hexadecimal, upper case. */
  readonly digest: string
}

/** Octets of DS data before the digest (RFC 4034 section 5.1). */
const DS_HEAD_BYTES = 4

/** What the parent may be given of a key; nothing for one that no DS points at. */
export function dsOf(key: StoredKey, hashes: Pick<Hashes, 'sha256' | 'sha384'>): DsRecord[] {
  const owner = nameToWire(key.zone)
  if (key.role === 'zsk' || !owner.ok) return []
  return [digestTypes.SHA256, digestTypes.SHA384].map((digestType) => {
    const rdata = dsRdata(owner.value, rdataOfKey(key), digestType, hashes)
    return { digestType, digest: toHex(rdata.subarray(DS_HEAD_BYTES)).toUpperCase() }
  })
}

const VERSION_BYTES = 16

/** Equal for equal records, whatever the process. */
export function versionOf(zones: readonly ApexRecords[], hashes: Pick<Hashes, 'sha256'>): string {
  const text = zones.map(({ apex, records }) => {
    const each = records.map(
      ({ type, ttlSeconds, rdata }) => `${type} ${ttlSeconds} ${toHex(rdata)}`,
    )
    return `${apex}\n${each.join('\n')}`
  })
  return toHex(
    hashes.sha256(new TextEncoder().encode(text.join('\n\n'))).subarray(0, VERSION_BYTES),
  )
}

export const flagsOfKey = ({ role }: Pick<StoredKey, 'role'>): number => flagsOf(role)
