/**
 * What the parent showed, folded into the document.
 *
 * The law: a DS set counts as gone when all servers of the parent were heard and none showed it; a
 * look that missed one adds what it saw and takes nothing away.
 */
import { algorithmName } from '../algorithms.ts'
import type { DsSet, DsView, Past, PastDs, RollEvent, RollEventKind, RollState } from './types.ts'
import { find } from './views.ts'

export interface ParentLook {
  readonly atSeconds: number
  /** Whether all servers of the parent answered. */
  readonly isComplete: boolean
  /** The set of each server that answered. */
  readonly sets: readonly DsSet[]
  /** The longest TTL seen, or one that is long enough when there is none to see. */
  readonly ttlSeconds: number
  /** The word of an operator. */
  readonly isTold?: boolean
}

const PAST_DS_MAX = 16

const sorted = (set: DsSet): DsSet => [...new Set(set)].sort()
const nameOf = (set: DsSet): string => set.join(' ')

const pastEnd = ({ goneSeconds, ttlSeconds }: PastDs): number => goneSeconds + ttlSeconds

/** Of equal sets the one that caches keep longest will do. */
function withPastDs(pasts: readonly PastDs[], added: readonly PastDs[]): readonly PastDs[] {
  const isOutlasted = (past: PastDs) =>
    added.some(
      (one) => nameOf(one.members) === nameOf(past.members) && pastEnd(one) >= pastEnd(past),
    )
  return [...pasts.filter((past) => !isOutlasted(past)), ...added].slice(-PAST_DS_MAX)
}

function distinctSets(sets: readonly DsSet[]): readonly DsSet[] {
  const byName = new Map<string, DsSet>()
  for (const set of sets.map(sorted)) byName.set(nameOf(set), set)
  return [...byName.values()]
}

/** Whether each server shows all that is offered: an earlier offer is no longer taken up. */
export const isSettled = ({ ds, offered }: RollState): boolean =>
  ds !== undefined &&
  offered.length > 0 &&
  ds.sets.length > 0 &&
  ds.sets.every((set) => offered.every((id) => set.includes(id)))

const wordOf = (state: RollState, id: string): string => {
  const key = find(state, id)
  if (key !== undefined) return `${key.tag} (${algorithmName(key.algorithm)})`
  return id.startsWith('?') ? `${id.slice(1).split(':')[1] ?? ''} (no key of ours)` : 'a past key'
}

const words = (state: RollState, ids: DsSet): string =>
  ids.map((id) => wordOf(state, id)).join(', ')

function eventsOf(before: RollState, after: RollState, nowSeconds: number): RollEvent[] {
  const old = new Set((before.ds?.sets ?? []).flat())
  const now = new Set((after.ds?.sets ?? []).flat())
  const event = (kind: RollEventKind, text: string, isAlarm = false): RollEvent => ({
    kind,
    zone: after.zone,
    atSeconds: nowSeconds,
    text,
    isAlarm,
  })
  const events: RollEvent[] = []
  const come = [...now].filter((id) => !old.has(id))
  const gone = [...old].filter((id) => !now.has(id))
  if (come.length > 0)
    events.push(event('ds-seen', `The parent has a DS of ${words(after, come)}.`))
  if (gone.length > 0)
    events.push(event('ds-gone', `The parent has no DS of ${words(before, gone)} any more.`))
  if (come.length > 0 && hasForeignDs(after)) events.push(event('ds-foreign', FOREIGN_DS, true))
  return events
}

/** What is wrong where `hasForeignDs`. */
export const FOREIGN_DS =
  'The parent has DS records, but none of a key that is published here: validators refuse ' +
  'the zone until its DS is replaced.'

/** Whether the parent was last seen with DS records of other keys alone. */
export function hasForeignDs(state: RollState): boolean {
  const ids = (state.ds?.sets ?? []).flat()
  return ids.length > 0 && !ids.some((id) => find(state, id)?.isPublished)
}

/**
 * A parent that shows an earlier offer works through what it read before: its time counts from
 * then. Told again each quarter of that time, so that not each look is a change for all nodes.
 */
function shownAgain(past: Past<DsSet>, look: ParentLook, parentSeconds: number): Past<DsSet> {
  const { confirmedSeconds } = past
  if (confirmedSeconds === undefined || parentSeconds === 0) return past
  const isShown = look.sets.some((set) => nameOf(sorted(set)) === nameOf(sorted(past.value)))
  const isOld = look.atSeconds - confirmedSeconds >= parentSeconds / 4
  return isShown && isOld ? { ...past, confirmedSeconds: look.atSeconds } : past
}

/**
 * The document after a look at the parent. `parentSeconds`: how long a parent may take to publish
 * what it read.
 */
export function lookedAt(
  state: RollState,
  look: ParentLook,
  parentSeconds: number,
): { readonly state: RollState; readonly events: readonly RollEvent[] } {
  const before = state.ds
  const seen = distinctSets(look.sets)
  if (seen.length === 0) return { state, events: [] }
  const kept = look.isComplete ? [] : (before?.sets ?? [])
  const sets = distinctSets([...seen, ...kept])
  // An incomplete first look is no view of the parent: what it missed may be anything.
  if (before === undefined && !look.isComplete) return { state, events: [] }
  const names = new Set(sets.map(nameOf))
  const ended = (before?.sets ?? []).filter((set) => !names.has(nameOf(set)))
  const ttlSeconds = Math.max(look.ttlSeconds, before?.ttlSeconds ?? 0)
  const gone = (members: DsSet): PastDs => ({ members, ttlSeconds, goneSeconds: look.atSeconds })
  const isTold = look.isTold === true || (!look.isComplete && before?.isTold === true)
  const ds: DsView = {
    sets,
    // A server that was missed may serve a longer one still.
    ttlSeconds: look.isComplete ? look.ttlSeconds : ttlSeconds,
    seenSeconds: look.atSeconds,
    ...(isTold ? { isTold } : {}),
  }
  // Caches keep for the longer TTL what they got before it fell.
  const left = ds.ttlSeconds < ttlSeconds ? (before?.sets ?? []) : ended
  let next: RollState = {
    ...state,
    ds,
    pastDs: withPastDs(state.pastDs, left.filter((set) => set.length > 0).map(gone)),
  }
  next = {
    ...next,
    pastOffers: state.pastOffers.map((past) => shownAgain(past, look, parentSeconds)),
  }
  if (isSettled(next)) {
    // A node that is behind offers the old keys still, and so does a cache: the parent may go back.
    const isOver = ({ confirmedSeconds, ttlSeconds: ttl }: Past<DsSet>) =>
      confirmedSeconds !== undefined && look.atSeconds >= confirmedSeconds + ttl + parentSeconds
    // The parent may have shown them for a while between two looks.
    const between = next.pastOffers.filter(isOver).map((past) => gone(past.value))
    const pastOffers = next.pastOffers.filter((past) => !isOver(past))
    next = { ...next, pastDs: withPastDs(next.pastDs, between), pastOffers }
  }
  const isSame =
    before !== undefined &&
    before.ttlSeconds === ds.ttlSeconds &&
    before.isTold === ds.isTold &&
    before.sets.map(nameOf).join('|') === ds.sets.map(nameOf).join('|') &&
    next.pastOffers.length === state.pastOffers.length &&
    next.pastOffers.every((past, at) => past === state.pastOffers[at])
  // A look that shows nothing new is no news to other nodes.
  if (isSame) return { state, events: [] }
  return {
    state: { ...next, revision: state.revision + 1 },
    events: eventsOf(state, next, look.atSeconds),
  }
}

/**
 * The word of an operator counts at each moment as if it were said then: nobody would say it again
 * when the time of an earlier offer is over.
 */
export function toldAgain(state: RollState, nowSeconds: number, parentSeconds: number): RollState {
  const { ds, pastOffers } = state
  if (ds?.isTold !== true || pastOffers.length === 0 || !isSettled(state)) return state
  const { sets, ttlSeconds } = ds
  const look = { atSeconds: nowSeconds, isComplete: true, sets, ttlSeconds, isTold: true }
  return lookedAt(state, look, parentSeconds).state
}
