/**
 * What `--check` does of signing: it signs what would be served, with keys made for the purpose,
 * and has the validator look at every set and at the chains of denial.
 *
 * Nothing is written, and the keys of the node are not read: another process may own them.
 */
import { limits } from '../../core/base/limits.ts'
import { ownMemory } from '../../core/base/memory.ts'
import type { Loaded } from '../../core/config/load.ts'
import type { Algorithm } from '../../core/dnssec/algorithms.ts'
import { servingParts } from '../../core/dns/serving.ts'
import type { ZoneKey } from '../../core/dnssec/dnskey.ts'
import type { LifetimePolicy } from '../../core/dnssec/lifetimes.ts'
import { type Denial, type ZonePlan, apexRecordsOf } from '../../core/dnssec/serving-plan.ts'
import { beginSigning } from '../../core/dnssec/sign-serving.ts'
import { SignatureStore } from '../../core/dnssec/signatures.ts'
import { namesOf, tableOf } from '../../core/zone/table-source.ts'
import { sealZones } from '../../core/zone/sealed.ts'
import { nodeDnssecCrypto } from './ports-crypto.ts'

export interface CheckRules {
  readonly zones: readonly { readonly zone: string }[]
  readonly algorithm: Algorithm
  readonly isSplit: boolean
  readonly denial: Denial
  readonly lifetimes: LifetimePolicy
  readonly dnskeyTtlSeconds: number
}

export interface CheckOutcome {
  /** A sentence each; none when every set validates. */
  readonly faults: readonly string[]
  /** What was signed, or why not all of it. */
  readonly summary: string
}

/** Signs a configuration and examines it. */
export function checkSigning({ topology }: Loaded, rules: CheckRules): CheckOutcome {
  const crypto = nodeDnssecCrypto()
  const roles: readonly ZoneKey['role'][] = rules.isSplit ? ['ksk', 'zsk'] : ['csk']
  const { algorithm, denial, lifetimes, dnskeyTtlSeconds } = rules
  // One pair for each role: what is examined is the zones, not how keys are drawn.
  const keys = roles.map((role): ZoneKey => {
    return { ...crypto.generate(algorithm, limits.rsaModulusBits.default), role, isActive: true }
  })
  const plans = rules.zones.map(({ zone }): ZonePlan => ({ apex: zone, keys, denial, lifetimes }))
  const apexes = plans.map(({ apex }) =>
    apexRecordsOf(
      { ...{ apex, keys, dnskeyTtlSeconds, denial }, cdsKeys: [], cdsDigests: [] },
      crypto,
    ),
  )
  const names = namesOf(topology.pools)
  const table = tableOf({ zones: sealZones(topology.zones), apexes, names, seed: 1 }, ownMemory)
  const pools = topology.pools.map((spec, slot) => ({ ...spec, slot }))
  const nowSeconds = Math.floor(Date.now() / 1_000)
  const signing = beginSigning(
    servingParts(table, pools, ownMemory),
    { epoch: 1, version: 1, nowSeconds, zones: plans, wanted: [] },
    new SignatureStore(),
    crypto,
  )
  const most = limits.checkedSets.default
  if (signing.step(most) > 0)
    return { faults: [], summary: `the first ${most} sets sign and validate; more were not tried` }
  const outcome = signing.finish(ownMemory)
  if (!outcome.ok) return { faults: outcome.error, summary: '' }
  return { faults: [], summary: `${outcome.value.made} signatures validate` }
}
