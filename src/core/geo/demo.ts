/**
 * A small database of countries for trying geolocation out: a few well-known networks, one or two
 * on each continent, where public resolvers and registries are. It is no source of truth.
 */
import type { MmdbValue } from './mmdb-data.ts'
import { writeMmdb } from './mmdb-write.ts'

/** Network, country, continent. */
const NETWORKS: readonly (readonly [string, string, string])[] = [
  ['8.8.8.0/24', 'US', 'NA'],
  ['9.9.9.0/24', 'US', 'NA'],
  ['185.228.168.0/24', 'GB', 'EU'],
  ['193.0.0.0/21', 'NL', 'EU'],
  ['1.1.1.0/24', 'AU', 'OC'],
  ['202.12.29.0/24', 'AU', 'OC'],
  ['203.119.0.0/22', 'JP', 'AS'],
  ['200.160.0.0/20', 'BR', 'SA'],
  ['196.216.2.0/23', 'MU', 'AF'],
  ['2001:4860::/32', 'US', 'NA'],
  ['2001:67c:2e8::/48', 'NL', 'EU'],
  ['2606:4700::/32', 'US', 'NA'],
  ['2001:dc0::/32', 'AU', 'OC'],
]

/** @param builtSeconds what it tells as its date, Unix seconds */
export function demoDatabase(builtSeconds: number): Uint8Array {
  const recordOf = (country: string, continent: string): MmdbValue => ({
    continent: { code: continent },
    country: { iso_code: country },
  })
  return writeMmdb({
    type: 'OpenGSLB-Demo-Country',
    ipVersion: 6,
    recordBits: 24,
    builtSeconds,
    description: 'A few networks for demonstrations',
    networks: NETWORKS.map(([cidr, country, continent]) => [cidr, recordOf(country, continent)]),
  })
}
