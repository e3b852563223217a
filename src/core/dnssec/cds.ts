/**
 * CDS and CDNSKEY (RFC 7344): what the zone asks its parent to publish, and the request to publish
 * nothing any more (RFC 8078 section 4).
 */
import { nameToWire } from '../dns/names.ts'
import { types } from '../dns/types.ts'
import type { RecordSpec } from '../steer/topology.ts'
import type { Hashes } from './crypto.ts'
import { type ZoneKey, rdataOfKey } from './dnskey.ts'
import { type DigestType, dsRdata } from './ds.ts'

/**
 * Records that ask for a DS of each key. RFC 7344 section 3: both are published, and say the same.
 */
export function cdsRecords(
  apex: string,
  keys: readonly Pick<ZoneKey, 'role' | 'publicKey'>[],
  ttlSeconds: number,
  digests: readonly DigestType[],
  hashes: Pick<Hashes, 'sha256' | 'sha384'>,
): RecordSpec[] {
  const owner = nameToWire(apex)
  if (!owner.ok) return []
  return keys.flatMap((key) => {
    const dnskey = rdataOfKey(key)
    const cds = digests.map((digest) => dsRdata(owner.value, dnskey, digest, hashes))
    return [
      ...cds.map((rdata) => ({ name: apex, type: types.CDS, ttlSeconds, rdata })),
      { name: apex, type: types.CDNSKEY, ttlSeconds, rdata: dnskey },
    ]
  })
}

/** RFC 8078 section 4, with the erratum's octet of digest and of key: take every DS away. */
export const deletionRecords = (apex: string, ttlSeconds: number): RecordSpec[] => [
  { name: apex, type: types.CDS, ttlSeconds, rdata: new Uint8Array([0, 0, 0, 0, 0]) },
  { name: apex, type: types.CDNSKEY, ttlSeconds, rdata: new Uint8Array([0, 0, 3, 0, 0]) },
]
