/**
 * One turn of the keys of a zone: what was served before is let go when caches have lost it, goals
 * are set by policy, and each move that is valid by now is made.
 *
 * The law: called with the same document, time and facts it does the same, and it may be called at
 * any time and any number of times. Only the node that leads the document calls it.
 */
import { limits } from '../../base/limits.ts'
import { goalsOf, isAsWanted } from './goals.ts'
import { toldAgain } from './look.ts'
import { type Move, movesOf, signsKeysByRole, signsZoneByRole } from './moves.ts'
import type {
  KeyId,
  Past,
  RollAction,
  RollEvent,
  RollFacts,
  RollKey,
  RollPolicy,
  RollState,
  RollTurn,
  RollWait,
} from './types.ts'
import {
  type Horizon,
  endOf,
  isInsecure,
  isPastDsHeld,
  keySetOf,
  obstacleTo,
  signingOf,
} from './views.ts'
import { waitFor, waitForUnheard } from './waits.ts'

export const horizonOf = (state: RollState, policy: RollPolicy, nowSeconds: number): Horizon => ({
  nowSeconds,
  safetySeconds: state.isUrgent
    ? Math.min(policy.safetySeconds, limits.rollUrgentSafetySeconds.default)
    : policy.safetySeconds,
  // Where the parent has no DS nobody validates by the stolen key, and one that the parent has read
  // and not published yet may come still.
  parentSeconds: state.isUrgent && !isInsecure(state) ? 0 : policy.parentSeconds,
})

export type Ttls = Pick<RollPolicy, 'dnskeyTtlSeconds' | 'zoneTtlSeconds'>

export const longerTtls = (a: Ttls, b: Ttls): Ttls => ({
  dnskeyTtlSeconds: Math.max(a.dnskeyTtlSeconds, b.dnskeyTtlSeconds),
  zoneTtlSeconds: Math.max(a.zoneTtlSeconds, b.zoneTtlSeconds),
})

/** The longest TTLs, and what no node serves any more is marked so. */
function noted(
  state: RollState,
  policy: RollPolicy,
  { servedByAll = -1, isTimeUnsure = false }: RollFacts,
  nowSeconds: number,
): RollState {
  const { dnskeyTtlSeconds, zoneTtlSeconds } = policy
  const noteOf =
    (ttlSeconds: number) =>
    <T>(past: Past<T>): Past<T> => {
      if (past.confirmedSeconds !== undefined) return past
      // Whoever serves it still does so with the TTLs of now.
      const longer = past.ttlSeconds < ttlSeconds ? { ...past, ttlSeconds } : past
      return !isTimeUnsure && past.endedVersion <= servedByAll
        ? { ...longer, confirmedSeconds: nowSeconds }
        : longer
    }
  const noteKeys = noteOf(dnskeyTtlSeconds)
  // That there are no keys is held as long as the answers without signatures.
  const noteNoKeys = noteOf(Math.max(dnskeyTtlSeconds, zoneTtlSeconds))
  return {
    ...state,
    keyTtlSeconds: Math.max(state.keyTtlSeconds, dnskeyTtlSeconds),
    zoneTtlSeconds: Math.max(state.zoneTtlSeconds, zoneTtlSeconds),
    pastKeySets: state.pastKeySets.map((past) =>
      past.value.members.length === 0 ? noteNoKeys(past) : noteKeys(past),
    ),
    pastSignings: state.pastSignings.map(noteOf(zoneTtlSeconds)),
    pastOffers: state.pastOffers.map(noteKeys),
  }
}

/** Without what caches have lost. */
function forgotten(state: RollState, horizon: Horizon): RollState {
  const { nowSeconds, safetySeconds, parentSeconds } = horizon
  const keep = (marginSeconds: number) => (past: Past<unknown>) =>
    nowSeconds < (endOf(past, marginSeconds) ?? Number.POSITIVE_INFINITY)
  const isLooked = state.ds !== undefined
  return {
    ...state,
    pastKeySets: state.pastKeySets.filter(keep(safetySeconds)),
    pastSignings: state.pastSignings.filter(keep(safetySeconds)),
    // What was offered to a parent that was never seen is held for ever (`views.ts`).
    pastOffers: isLooked
      ? state.pastOffers.filter(
          (past) =>
            state.ds?.sets.some((set) => set.length > 0) ||
            keep(safetySeconds + parentSeconds)(past),
        )
      : state.pastOffers,
    pastDs: state.pastDs.filter((past) => isPastDsHeld(past, horizon)),
  }
}

/** What the move replaces goes to the past, to be held until every node serves the new version. */
function replaced(before: RollState, { change }: Move, after: RollState): RollState {
  const endedVersion = before.version + 1
  if (change === 'keys') {
    const past = { value: keySetOf(before), endedVersion, ttlSeconds: before.keyTtlSeconds }
    return { ...after, pastKeySets: [...after.pastKeySets, past] }
  }
  if (change === 'signing') {
    const past = { value: signingOf(before), endedVersion, ttlSeconds: before.zoneTtlSeconds }
    return { ...after, pastSignings: [...after.pastSignings, past] }
  }
  if (before.offered.length === 0) return after
  const past = { value: before.offered, endedVersion, ttlSeconds: before.keyTtlSeconds }
  return { ...after, pastOffers: [...after.pastOffers, past] }
}

/** Since when keys are as they are, and since when they do their work. */
function stamped(before: RollState, after: RollState, nowSeconds: number): RollState {
  const keys = after.keys.map((key): RollKey => {
    const old = before.keys.find(({ id }) => id === key.id)
    if (old === key) return key
    const isActive =
      (!signsZoneByRole(key) || key.signsZone) && (!signsKeysByRole(key) || key.signsKeys)
    const active = key.activeSeconds ?? (isActive && key.isPublished ? nowSeconds : undefined)
    return {
      ...key,
      sinceSeconds: nowSeconds,
      ...(active === undefined ? {} : { activeSeconds: active }),
    }
  })
  return { ...after, keys }
}

const eventOf = (state: RollState, move: Move, nowSeconds: number): RollEvent => {
  const [first] = move.keys
  return {
    kind: move.event,
    zone: state.zone,
    atSeconds: nowSeconds,
    text: `Key ${move.what}.`,
    ...(first === undefined ? {} : { keyTag: first.tag }),
    isAlarm: false,
  }
}

/** Nothing was ever offered, so the parent has no DS of ours unless an operator brought one. */
const isFirstOffer = ({ offered, pastOffers }: RollState): boolean =>
  offered.length === 0 && pastOffers.length === 0

interface Moved {
  readonly state: RollState
  readonly events: readonly RollEvent[]
  readonly waits: readonly RollWait[]
}

/** At most one change of each kind: what stood between two of a kind would never be served. */
function moved(start: RollState, horizon: Horizon, held: Horizon, facts: RollFacts): Moved {
  let state = start
  const events: RollEvent[] = []
  const waits = new Map<string, RollWait>()
  const done = new Set<string>()
  const isFull =
    start.pastKeySets.length + start.pastSignings.length + start.pastOffers.length >=
    limits.rollPasts.default
  for (const move of isFull ? [] : movesOf(start)) {
    if (done.has(move.change)) continue
    const after = move.apply(state)
    const unheard = move.change === 'offer' && isFirstOffer(start) ? (facts.unheard ?? []) : []
    if (unheard.length > 0) {
      const wait = waitForUnheard(move, unheard)
      waits.set(wait.text, wait)
      continue
    }
    const obstacle = obstacleTo(after, move.change, held)
    if (obstacle !== undefined) {
      const wait = waitFor(state, move, obstacle, horizon, facts)
      waits.set(wait.text, wait)
      continue
    }
    done.add(move.change)
    events.push(eventOf(state, move, horizon.nowSeconds))
    state = stamped(state, replaced(state, move, after), horizon.nowSeconds)
    if (move.change === 'offer') state = { ...state, offeredSeconds: horizon.nowSeconds }
  }
  if (done.size > 0) state = { ...state, version: start.version + 1 }
  // The TTL of a set that begins now is that of now.
  return { state, events, waits: [...waits.values()] }
}

/** Keys that no cache can hold anything of. */
function deletions(state: RollState): readonly KeyId[] {
  const held = new Set<KeyId>([
    ...state.offered,
    ...state.pastKeySets.flatMap(({ value }) => [...value.members, ...value.signers]),
    ...state.pastSignings.flatMap(({ value }) => value),
    ...state.pastOffers.flatMap(({ value }) => value),
    ...state.pastDs.flatMap(({ members }) => members),
  ])
  return state.keys
    .filter((key) => key.goal === 'gone' && !key.isPublished && !key.signsZone && !held.has(key.id))
    .map((key) => key.id)
}

function withoutKeys(state: RollState, ids: readonly KeyId[], nowSeconds: number): Moved {
  const going = state.keys.filter((key) => ids.includes(key.id))
  const keys = state.keys.filter((key) => !ids.includes(key.id))
  const base = { zone: state.zone, atSeconds: nowSeconds, isAlarm: false } as const
  const events: RollEvent[] = going.map((key) => ({
    ...base,
    kind: 'key-deleted',
    text: `Key ${key.tag} is deleted: no cache can hold a signature of it any more.`,
    keyTag: key.tag,
  }))
  const isDone = going.length > 0 && keys.every((key) => key.goal === 'in-use')
  if (isDone) events.push({ ...base, kind: 'roll-done', text: 'The rollover is done.' })
  const state_ = { ...state, keys, isUrgent: isDone ? false : state.isUrgent }
  return { state: state_, events, waits: [] }
}

const isChanged = (a: RollState, b: RollState): boolean =>
  JSON.stringify({ ...a, revision: 0 }) !== JSON.stringify({ ...b, revision: 0 })

/**
 * Whether there is nothing to do, found out cheaply: of ten thousand zones nearly all are idle, and
 * the thread that turns them has answers to sign.
 */
function isIdle(state: RollState, policy: RollPolicy, horizon: Horizon): boolean {
  const { pastKeySets, pastSignings, pastOffers, pastDs, keys } = state
  const pasts = pastKeySets.length + pastSignings.length + pastOffers.length + pastDs.length
  if (pasts > 0 || state.isUrgent) return false
  if (state.keyTtlSeconds < policy.dnskeyTtlSeconds) return false
  if (state.zoneTtlSeconds < policy.zoneTtlSeconds) return false
  if (keys.some((key) => key.goal === 'gone')) return false
  return movesOf(state).length === 0 && isAsWanted(state, policy, horizon)
}

/** One turn. `state` is the same object when nothing changed. */
export function advance(
  start: RollState,
  policy: RollPolicy,
  facts: RollFacts,
  nowSeconds: number,
): RollTurn {
  const horizon = horizonOf(start, policy, nowSeconds)
  if (isIdle(start, policy, horizon)) return { state: start, actions: [], events: [], waits: [] }
  // While the time of day may be wrong, nothing that a cache may hold is taken to be over.
  const isUnsure = facts.isTimeUnsure === true
  const held = isUnsure ? { ...horizon, nowSeconds: Number.NEGATIVE_INFINITY } : horizon
  const fresh = noted(start, policy, facts, nowSeconds)
  const seen = isUnsure ? fresh : toldAgain(fresh, nowSeconds, horizon.parentSeconds)
  const known = forgotten(seen, held)
  const goals = goalsOf(known, policy, held)
  const step = moved(goals.state, horizon, held, facts)
  const shortened = withTtlsOf(goals.state, step.state, policy)
  const gone = deletions(shortened)
  const last = withoutKeys(shortened, gone, nowSeconds)
  const actions: RollAction[] = [
    ...goals.actions,
    ...gone.map((id) => ({ kind: 'delete-key', id }) as const),
  ]
  const state = isChanged(start, last.state)
    ? { ...last.state, revision: start.revision + 1 }
    : start
  return {
    state,
    actions,
    events: [...goals.events, ...step.events, ...last.events],
    waits: step.waits,
  }
}

/** A new set is served with the TTLs of now, and forgets the longer ones of the set before. */
function withTtlsOf(before: RollState, after: RollState, policy: RollPolicy): RollState {
  const hasNewKeys = after.pastKeySets.length > before.pastKeySets.length
  const hasNewSigning = after.pastSignings.length > before.pastSignings.length
  return {
    ...after,
    keyTtlSeconds: hasNewKeys ? policy.dnskeyTtlSeconds : after.keyTtlSeconds,
    zoneTtlSeconds: hasNewSigning ? policy.zoneTtlSeconds : after.zoneTtlSeconds,
  }
}
