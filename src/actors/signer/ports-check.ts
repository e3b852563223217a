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
import { type Signing, beginSigning } from '../../core/dnssec/sign-serving.ts'
import { SignatureStore } from '../../core/dnssec/signatures.ts'
import { namesOf, tableOf } from '../../core/zone/table-source.ts'
import { sealZones } from '../../core/zone/sealed.ts'
import type { VerifyLater } from './contract.ts'
import { Examining } from './examining.ts'
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
  /** What was signed. */
  readonly summary: string
  /** More is to be signed than was tried. */
  readonly isPartial: boolean
}

/** Has the pool of libuv verify what is signed here, so that two cores share the work. */
async function signUpTo(
  most: number,
  signing: Signing,
  store: SignatureStore,
  verifyLater: VerifyLater,
): Promise<readonly string[]> {
  let wake = () => {}
  const examining = new Examining(verifyLater, store, () => wake())
  signing.verifyLater((one) => examining.take(one))
  const waitFor = async (pending: number) => {
    while (examining.pending > pending)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
  }
  const slice = limits.signingSliceSets.default
  for (let tried = 0; tried < most && signing.left > 0; tried += slice) {
    signing.step(Math.min(slice, most - tried))
    await waitFor(limits.examinationsPending.default)
  }
  await waitFor(0)
  return examining.faults
}

/**
 * Signs a configuration and examines it.
 * @param most sets; past them the chains of denial alone are looked at
 */
export async function checkSigning(
  { topology }: Loaded,
  rules: CheckRules,
  most: number = limits.checkedSets.default,
): Promise<CheckOutcome> {
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
  const store = new SignatureStore()
  const signing = beginSigning(
    servingParts(table, pools, ownMemory),
    { epoch: 1, version: 1, nowSeconds, zones: plans, wanted: [] },
    store,
    crypto,
  )
  const found = await signUpTo(most, signing, store, crypto.verifyLater)
  if (signing.left === 0) {
    const outcome = signing.finish(ownMemory, found)
    if (!outcome.ok) return { faults: outcome.error, summary: '', isPartial: false }
    return { faults: [], summary: `${outcome.value.made} signatures validate`, isPartial: false }
  }
  const faults = [...found, ...signing.chainFaults()]
  const all = most + signing.left
  const summary = `${most} of ${all} sets sign and validate, and the chains of denial are right`
  return { faults, summary, isPartial: true }
}
