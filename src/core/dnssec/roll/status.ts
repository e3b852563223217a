/**
 * What the document says to who serves the zone and to who asks about it.
 */
import type { KeyWork } from '../dnskey.ts'
import { isSettled } from './look.ts'
import { signsZoneByRole } from './moves.ts'
import type { DsSet, RollKey, RollRow, RollState, ServingKeys } from './types.ts'

/** What the zone is served with in this version of the document. */
export function servingKeys(state: RollState): ServingKeys {
  const ids = (keys: readonly RollKey[]) => keys.map((key) => key.id)
  return {
    version: state.version,
    published: ids(state.keys.filter((key) => key.isPublished)),
    signKeys: ids(state.keys.filter((key) => key.signsKeys)),
    signZone: ids(state.keys.filter((key) => key.signsZone)),
    cds: state.offered,
  }
}

export const leaderOf = (state: RollState): string => state.terms.at(-1)?.leader ?? ''

function phaseOf(key: RollKey): RollRow['phase'] {
  const { goal, isPublished, signsKeys, signsZone } = key
  if (goal === 'gone') return isPublished || signsZone ? 'retiring' : 'withdrawn'
  if (!isPublished) return signsZone ? 'signing-ahead' : 'made'
  const works = signsZoneByRole(key) ? signsZone : signsKeys
  return works ? 'active' : 'published'
}

function dsOf(state: RollState, key: RollKey): RollRow['ds'] {
  const { ds, offered, pastDs } = state
  if (ds === undefined) return 'unknown'
  const among = ds.sets.filter((set) => set.includes(key.id)).length
  if (among === ds.sets.length) return 'seen'
  if (among > 0) return offered.includes(key.id) ? 'appearing' : 'vanishing'
  return pastDs.some(({ members }) => members.includes(key.id)) ? 'vanishing' : 'absent'
}

export const rollRows = (state: RollState): readonly RollRow[] =>
  state.keys.map((key) => ({
    zone: state.zone,
    id: key.id,
    keyTag: key.tag,
    role: key.role,
    algorithm: key.algorithm,
    createdSeconds: key.createdSeconds,
    sinceSeconds: key.sinceSeconds,
    phase: phaseOf(key),
    ds: dsOf(state, key),
    hasCds: state.offered.includes(key.id),
    isPublished: key.isPublished,
    signsKeys: key.signsKeys,
    signsZone: key.signsZone,
  }))

/** Whether a rollover runs: a key is on its way, or the parent has not what it is offered. */
export const isRolling = (state: RollState): boolean =>
  state.keys.some((key) => key.goal === 'gone' || phaseOf(key) !== 'active')

/** Whether the parent is worth a look: it has not all that it is offered, or was never seen. */
export const isParentAwaited = (state: RollState): boolean => isRolling(state) || !isSettled(state)

/** A key with the work it has in this version of the document. */
export function workOf(
  { isPublished, signsKeys, signsZone, id }: RollKey,
  offered: DsSet,
): KeyWork {
  return { isPublished, signsKeys, signsZone, hasCds: offered.includes(id) }
}
