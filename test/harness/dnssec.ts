/**
 * Zones to sign in tests: keys of each algorithm, made once, and plans with fixed times.
 */
import { nodeDnssecCrypto } from '../../src/actors/signer/ports-crypto.ts'
import type { Algorithm } from '../../src/core/dnssec/algorithms.ts'
import type { ZoneKey } from '../../src/core/dnssec/dnskey.ts'
import { plainNsec3 } from '../../src/core/dnssec/nsec3.ts'
import type { SigningPlan } from '../../src/core/dnssec/sign-zone.ts'
import type { ZoneSpec } from '../../src/core/steer/topology.ts'
import { parseZoneFile } from '../../src/core/zone/zonefile.ts'

export const crypto = nodeDnssecCrypto()

const made = new Map<string, ZoneKey>()

/** A key of the algorithm and role: the same one each time. */
export function keyFor(algorithm: Algorithm, role: ZoneKey['role'] = 'csk'): ZoneKey {
  const name = `${algorithm} ${role}`
  const known = made.get(name)
  if (known !== undefined) return known
  const key = { ...crypto.generate(algorithm, 1_024), role, isActive: true }
  made.set(name, key)
  return key
}

export function zoneFrom(text: string, apex: string): ZoneSpec {
  const parsed = parseZoneFile(text, { origin: apex, file: 'zone', defaultTtlSeconds: 300 })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error, null, 1))
  const { soa, records } = parsed.value
  if (soa === undefined) throw new Error('the zone has no SOA')
  return { apex, soa, records }
}

export const plans = {
  nsec: { kind: 'nsec' },
  nsec3: { kind: 'nsec3', ...plainNsec3 },
} as const satisfies Record<string, SigningPlan['denial']>

/** Signatures from an hour before `nowSeconds` to a day after it. */
export const planOf = (
  keys: readonly ZoneKey[],
  denial: SigningPlan['denial'],
  nowSeconds: number,
): SigningPlan => ({
  keys,
  dnskeyTtlSeconds: 3_600,
  cdsDigests: [2, 4],
  denial,
  timesOf: () => ({
    inceptionSeconds: nowSeconds - 3_600,
    expirationSeconds: nowSeconds + 86_400,
  }),
})
