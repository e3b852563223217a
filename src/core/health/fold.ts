/**
 * The fold of events into the state of a server.
 *
 * A server is two registers, its verdict and its override, and in each the latest event wins. Equal
 * times are settled by rank and then by content, so any order of the same events, with any
 * repetition, ends in the same state. Serving, hold-down and the like are judged from this state
 * elsewhere (precedence.ts, pool-state.ts); nothing here reads a clock.
 */
import type { HealthEvent, ServerEvent } from './events.ts'

export type Verdict = 'up' | 'down' | 'unknown'

export interface Override {
  readonly healthy: boolean
  readonly reason: string
  readonly by: string
  readonly atMs: number
  readonly expiresAtMs?: number
  /** The external tool it came from; absent for an operator's own. */
  readonly source?: string
}

/** What is known of one server. */
export interface ServerHealth {
  readonly verdict: Verdict
  /** 0 while the verdict is unknown. */
  readonly verdictAtMs: number
  readonly verdictReason: string
  readonly override?: Override
  /** Time of the override that was last set or cleared; 0 when there never was one. */
  readonly overrideStampMs: number
  /** What happened at that time: 0 set, 1 expired, 2 cleared. */
  readonly overrideRank: number
}

export const UNKNOWN_HEALTH: ServerHealth = {
  verdict: 'unknown',
  verdictAtMs: 0,
  verdictReason: '',
  overrideStampMs: 0,
  overrideRank: 0,
}

const SET = 0
const EXPIRED = 1
const CLEARED = 2

type OverrideEvent = Exclude<ServerEvent, { kind: 'verdict-changed' }>

/** An expiry is ranked at the time of the override it ends, so that a later one stays untouched. */
const stampOf = (event: OverrideEvent) =>
  event.kind === 'override-expired' ? event.setAtMs : event.atMs
const rankOf = (event: OverrideEvent) =>
  event.kind === 'override-set' ? SET : event.kind === 'override-expired' ? EXPIRED : CLEARED

/** Any total order serves for two overrides of one millisecond, if it is always the same. */
const spell = (override: Override) =>
  JSON.stringify([
    ...[override.healthy, override.reason, override.by, override.expiresAtMs ?? null],
    ...(override.source === undefined ? [] : [override.source]),
  ])

function foldVerdict(
  state: ServerHealth,
  event: Extract<ServerEvent, { kind: 'verdict-changed' }>,
): ServerHealth {
  const { verdict, atMs, reason } = event
  if (state.verdict !== 'unknown') {
    if (atMs < state.verdictAtMs) return state
    if (atMs === state.verdictAtMs) {
      // In one and the same millisecond the cautious verdict wins.
      if (verdict === state.verdict ? reason <= state.verdictReason : verdict === 'up') return state
    }
  }
  return { ...state, verdict, verdictAtMs: atMs, verdictReason: reason }
}

function foldOverride(state: ServerHealth, event: OverrideEvent): ServerHealth {
  const stamp = stampOf(event)
  const rank = rankOf(event)
  const { override: held, ...rest } = state
  if (stamp < state.overrideStampMs) return state
  if (stamp === state.overrideStampMs && rank < state.overrideRank) return state
  const next = { ...rest, overrideStampMs: stamp, overrideRank: rank }
  if (event.kind !== 'override-set') {
    const same = stamp === state.overrideStampMs && rank === state.overrideRank
    return same ? state : next
  }
  const { healthy, reason, by, atMs, expiresAtMs, source } = event
  const override = {
    healthy,
    reason,
    by,
    atMs,
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(source === undefined ? {} : { source }),
  }
  const tie = held !== undefined && stamp === state.overrideStampMs
  if (tie && spell(override) <= spell(held)) return state
  return { ...next, override }
}

/** The state after the event; the same object when the event changes nothing. */
export const foldServer = (state: ServerHealth, event: ServerEvent): ServerHealth =>
  event.kind === 'verdict-changed' ? foldVerdict(state, event) : foldOverride(state, event)

export type FleetHealth = ReadonlyMap<string, ServerHealth>

/** The state of every server that the events speak of. */
export function replay(events: Iterable<HealthEvent>): FleetHealth {
  const state = new Map<string, ServerHealth>()
  for (const event of events) {
    if (event.kind === 'guard-held' || event.kind === 'guard-released') continue
    state.set(event.key, foldServer(state.get(event.key) ?? UNKNOWN_HEALTH, event))
  }
  return state
}
