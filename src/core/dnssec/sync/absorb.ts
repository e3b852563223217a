/**
 * Two key sets of one zone made one, by the leader of the one that wins.
 *
 * The law: the union is published and all keys that signed go on signing, so that whatever a
 * validator holds of either side goes with it. The keys of the other side have the goal to go; the
 * steps of the rollover let them, when caches have lost what needs them.
 */
import { limits } from '../../base/limits.ts'
import type { Past, RollEvent, RollKey, RollState } from '../roll/types.ts'
import { keySetOf, signingOf } from '../roll/views.ts'
import { markOf } from './lineage.ts'

const union = (key: RollKey, other: RollKey | undefined): RollKey =>
  other === undefined
    ? key
    : {
        ...key,
        isPublished: key.isPublished || other.isPublished,
        signsKeys: key.signsKeys || other.signsKeys,
        signsZone: key.signsZone || other.signsZone,
      }

/** Pasts of both sides; those of the other are over when all serve the new version. */
function pastsOf<T>(
  own: readonly Past<T>[],
  other: readonly Past<T>[],
  now: readonly Past<T>[],
  endedVersion: number,
): Past<T>[] {
  const byValue = new Map<string, Past<T>>()
  const moved = other.map((past) =>
    past.confirmedSeconds === undefined ? { ...past, endedVersion } : past,
  )
  for (const past of [...own, ...moved, ...now]) {
    const name = JSON.stringify([past.value, past.endedVersion, past.confirmedSeconds])
    const known = byValue.get(name)
    const ttlSeconds = Math.max(past.ttlSeconds, known?.ttlSeconds ?? 0)
    byValue.set(name, { ...past, ttlSeconds })
  }
  return [...byValue.values()]
}

export interface Absorbed {
  readonly state: RollState
  readonly events: readonly RollEvent[]
}

/** Undefined when the two together are more than a document holds. */
export function absorb(own: RollState, other: RollState, nowSeconds: number): Absorbed | undefined {
  const added = other.keys
    .filter((key) => !own.keys.some(({ id }) => id === key.id))
    .map((key): RollKey => ({ ...key, goal: 'gone', sinceSeconds: nowSeconds }))
  const keys = [
    ...own.keys.map((key) =>
      union(
        key,
        other.keys.find(({ id }) => id === key.id),
      ),
    ),
    ...added,
  ]
  const endedVersion = own.version + 1
  const ended = <T>(value: T, ttlSeconds: number): Past<T> => ({ value, endedVersion, ttlSeconds })
  const keyTtlSeconds = Math.max(own.keyTtlSeconds, other.keyTtlSeconds)
  const zoneTtlSeconds = Math.max(own.zoneTtlSeconds, other.zoneTtlSeconds)
  const keySets = [ended(keySetOf(own), keyTtlSeconds), ended(keySetOf(other), keyTtlSeconds)]
  const signings = [ended(signingOf(own), zoneTtlSeconds), ended(signingOf(other), zoneTtlSeconds)]
  const offers = other.offered.length === 0 ? [] : [ended(other.offered, keyTtlSeconds)]
  const ds = own.ds ?? other.ds
  const state: RollState = {
    ...own,
    keys,
    version: endedVersion,
    revision: own.revision + 1,
    absorbed: [...own.absorbed, ...other.absorbed, markOf(other)].slice(
      -limits.rollAbsorbed.default,
    ),
    members: [...new Set([...own.members, ...other.members])],
    keyTtlSeconds,
    zoneTtlSeconds,
    pastKeySets: pastsOf(own.pastKeySets, other.pastKeySets, keySets, endedVersion),
    pastSignings: pastsOf(own.pastSignings, other.pastSignings, signings, endedVersion),
    pastOffers: pastsOf(own.pastOffers, other.pastOffers, offers, endedVersion),
    pastDs: [...own.pastDs, ...other.pastDs].slice(-limits.rollPasts.default),
    ...(ds === undefined ? {} : { ds }),
  }
  const isTooMuch =
    state.keys.length > limits.rollKeys.max ||
    state.members.length > limits.rollMembers.max ||
    state.pastKeySets.length > limits.rollPasts.max
  if (isTooMuch) return undefined
  const tags = added.map((key) => key.tag).join(', ')
  const text =
    added.length === 0
      ? 'Two histories of the same keys are one again.'
      : `The keys ${tags}, made apart, are published with the others until they can go.`
  const { zone } = own
  return {
    state,
    events: [{ kind: 'sets-joined', zone, atSeconds: nowSeconds, text, isAlarm: false }],
  }
}
