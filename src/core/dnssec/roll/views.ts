/**
 * What validators may hold of a zone, and whether a new state goes with all of it.
 *
 * A validator puts together a DS set, a key set and signatures that it may have got at different
 * times and from different nodes. The law: each such mix with what is to be published is valid, for
 * one that takes any valid path (RFC 6840 section 5.11) and for one that wants all algorithms.
 */
import type { DsSet, KeyId, KeySet, Past, PastDs, RollState } from './types.ts'

/** One thing that may be held, and why it may be. */
export interface Held<T> {
  readonly value: T
  readonly reason:
    | { readonly kind: 'now' | 'offered' }
    | { readonly kind: 'past'; readonly past: Past<unknown> }
    | { readonly kind: 'past-ds'; readonly past: PastDs }
}

export interface Horizon {
  readonly nowSeconds: number
  readonly safetySeconds: number
  readonly parentSeconds: number
}

/** When the last cache has lost it; undefined while some node may still serve it. */
export const endOf = (past: Past<unknown>, marginSeconds: number): number | undefined =>
  past.confirmedSeconds === undefined
    ? undefined
    : past.confirmedSeconds + past.ttlSeconds + marginSeconds

const isHeld = (past: Past<unknown>, marginSeconds: number, nowSeconds: number): boolean =>
  nowSeconds < (endOf(past, marginSeconds) ?? Number.POSITIVE_INFINITY)

const NOW = { kind: 'now' } as const
const OFFERED = { kind: 'offered' } as const

function heldOf<T>(now: T, pasts: readonly Past<T>[], { nowSeconds, safetySeconds }: Horizon) {
  const held: Held<T>[] = [{ value: now, reason: NOW }]
  for (const past of pasts)
    if (isHeld(past, safetySeconds, nowSeconds))
      held.push({ value: past.value, reason: { kind: 'past', past } })
  return held
}

const idsWhere = (state: RollState, holds: 'isPublished' | 'signsKeys' | 'signsZone'): KeyId[] =>
  state.keys.filter((key) => key[holds]).map((key) => key.id)

export const keySetOf = (state: RollState): KeySet => ({
  members: idsWhere(state, 'isPublished'),
  signers: idsWhere(state, 'signsKeys').filter((id) => find(state, id)?.isPublished === true),
})

export const signingOf = (state: RollState): readonly KeyId[] => idsWhere(state, 'signsZone')

export const find = (state: RollState, id: KeyId) => state.keys.find((key) => key.id === id)

export const heldKeySets = (state: RollState, horizon: Horizon): Held<KeySet>[] =>
  heldOf(keySetOf(state), state.pastKeySets, horizon)

export const heldSignings = (state: RollState, horizon: Horizon): Held<readonly KeyId[]>[] =>
  heldOf(signingOf(state), state.pastSignings, horizon)

/** Whether the parent has shown that it publishes no DS, on all its servers. */
export const isInsecure = ({ ds }: RollState): boolean =>
  ds !== undefined && !ds.sets.some((set) => set.length > 0)

export const isPastDsHeld = (past: PastDs, { nowSeconds, safetySeconds }: Horizon): boolean =>
  nowSeconds < past.goneSeconds + past.ttlSeconds + safetySeconds

/**
 * The DS sets that validators may hold. What is offered is among them, since the parent may take it
 * up at any moment; what was offered is until the parent shows that it took a later one up.
 */
export function heldDsSets(state: RollState, horizon: Horizon): Held<DsSet>[] {
  const { ds, pastDs, pastOffers, offered } = state
  const held: Held<DsSet>[] = [{ value: offered, reason: OFFERED }]
  for (const set of ds?.sets ?? []) held.push({ value: set, reason: NOW })
  for (const past of pastDs)
    if (isPastDsHeld(past, horizon))
      held.push({ value: past.members, reason: { kind: 'past-ds', past } })
  const margin = horizon.safetySeconds + horizon.parentSeconds
  // A parent without DS shows no sign of what it took up, so only time can tell.
  for (const past of pastOffers)
    if (!isInsecure(state) || isHeld(past, margin, horizon.nowSeconds))
      held.push({ value: past.value, reason: { kind: 'past', past } })
  return held
}

export type AlgorithmOf = (id: KeyId) => number | undefined

/** The algorithm of a key that is known; a DS that speaks of no key of ours demands nothing. */
export const algorithmsIn =
  (state: RollState): AlgorithmOf =>
  (id) =>
    find(state, id)?.algorithm

/** Each algorithm of the ids that none of `able` has. */
function lacks(ids: readonly KeyId[], able: readonly KeyId[], algorithmOf: AlgorithmOf): boolean {
  return ids.some((id) => {
    const algorithm = algorithmOf(id)
    return algorithm !== undefined && !able.some((each) => algorithmOf(each) === algorithm)
  })
}

/** RFC 4035 section 2.2: for each algorithm of the DS set, a key of it signs the key set. */
export function dsGoesWith(ds: DsSet, keys: KeySet, algorithmOf: AlgorithmOf): boolean {
  // Without DS the zone is insecure, and nothing is validated.
  if (ds.length === 0) return true
  const able = ds.filter((id) => keys.members.includes(id) && keys.signers.includes(id))
  return able.length > 0 && !lacks(ds, able, algorithmOf)
}

/** RFC 4035 section 2.2: for each algorithm of the key set, a key of it signed. */
export function keysGoWith(
  keys: KeySet,
  signing: readonly KeyId[],
  algorithmOf: AlgorithmOf,
): boolean {
  // Who holds that there are no keys validates nothing, and is told no DS in that time.
  if (keys.members.length === 0) return true
  const able = signing.filter((id) => keys.members.includes(id))
  return able.length > 0 && !lacks(keys.members, able, algorithmOf)
}

/** The first of what may be held that does not go with the new set, or undefined. */
export function obstacleTo(
  state: RollState,
  change: 'keys' | 'signing' | 'offer',
  horizon: Horizon,
): Held<unknown> | undefined {
  const algorithmOf = algorithmsIn(state)
  const keys = keySetOf(state)
  const signing = signingOf(state)
  if (change === 'signing')
    return heldKeySets(state, horizon).find(({ value }) => !keysGoWith(value, signing, algorithmOf))
  if (change === 'offer')
    return heldKeySets(state, horizon).find(
      ({ value }) => !dsGoesWith(state.offered, value, algorithmOf),
    )
  return (
    heldDsSets(state, horizon).find(({ value }) => !dsGoesWith(value, keys, algorithmOf)) ??
    heldSignings(state, horizon).find(({ value }) => !keysGoWith(keys, value, algorithmOf))
  )
}
