/**
 * The events that health is folded from, as the log keeps them.
 *
 * Only changes are events; a topology is an input of the fold and not one of them. Each carries the
 * time given to it by the actor that saw it, and that time alone decides what it replaces, so the
 * order in which events are read does not matter.
 */
import { limits } from '../base/limits.ts'

/** A server crossed its failure or success threshold. */
export interface VerdictChanged {
  readonly kind: 'verdict-changed'
  readonly key: string
  readonly verdict: 'up' | 'down'
  readonly atMs: number
  readonly reason: string
}

/** An operator forced a server healthy or unhealthy. */
export interface OverrideSet {
  readonly kind: 'override-set'
  readonly key: string
  readonly healthy: boolean
  readonly reason: string
  readonly by: string
  readonly atMs: number
  readonly expiresAtMs?: number
  /** The external tool it came from; absent for an operator's own. */
  readonly source?: string
}

export interface OverrideCleared {
  readonly kind: 'override-cleared'
  readonly key: string
  readonly by: string
  readonly atMs: number
}

/** An override reached its end. It names the override it ends, so it can never end a later one. */
export interface OverrideExpired {
  readonly kind: 'override-expired'
  readonly key: string
  readonly setAtMs: number
  readonly atMs: number
}

/** What the guard-rail looks at. */
export type GuardedChange = (typeof guardedChanges)[number]
export const guardedChanges = ['override', 'reload', 'drain', 'claim', 'edit'] as const

/** The guard-rail kept servers in a pool. A record for people: folding it changes nothing. */
export interface GuardHeld {
  readonly kind: 'guard-held'
  readonly pool: string
  readonly change: GuardedChange
  /** Servers kept in service; at most `limits.eventKeysMax` of them. */
  readonly keys: readonly string[]
  /** Why, for people. */
  readonly reason: string
  readonly atMs: number
}

/** The guard-rail let go of the servers that it had kept through a reload. */
export interface GuardReleased {
  readonly kind: 'guard-released'
  readonly pool: string
  readonly keys: readonly string[]
  readonly atMs: number
}

/** Events about one server. */
export type ServerEvent = VerdictChanged | OverrideSet | OverrideCleared | OverrideExpired
export type HealthEvent = ServerEvent | GuardHeld | GuardReleased

type Untrusted = Readonly<Record<string, unknown>>

const isText = (value: unknown, most: number): value is string =>
  typeof value === 'string' && value.length <= most
const isKey = (value: unknown): value is string =>
  isText(value, limits.stateKeyBytesMax.default) && value !== ''
const isProse = (value: unknown): value is string => isText(value, limits.eventBytesMax.default)
/** Unix milliseconds that survive arithmetic. */
export const isTime = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

function overrideSet(value: Untrusted): OverrideSet | undefined {
  const { key, healthy, reason, by, atMs, expiresAtMs, source } = value
  if (!isKey(key) || typeof healthy !== 'boolean' || !isProse(reason) || !isProse(by)) return
  if (!isTime(atMs)) return
  const tool = isProse(source) ? { source } : {}
  const event = { kind: 'override-set', key, healthy, reason, by, atMs, ...tool } as const
  if (expiresAtMs === undefined) return event
  return isTime(expiresAtMs) ? { ...event, expiresAtMs } : undefined
}

function guardEvent(value: Untrusted): GuardHeld | GuardReleased | undefined {
  // Records of earlier versions give no reason.
  const { kind, pool, change, keys, atMs, reason = '' } = value
  if (!isKey(pool) || !isTime(atMs) || !Array.isArray(keys)) return
  if (keys.length > limits.eventKeysMax.max || !keys.every(isKey)) return
  if (kind === 'guard-released') return { kind, pool, keys, atMs }
  const known = guardedChanges.find((one) => one === change)
  if (known === undefined || !isProse(reason)) return
  return { kind: 'guard-held', pool, change: known, keys, reason, atMs }
}

/** Reads an event from untrusted data; undefined when it is none that this version knows. */
export function parseEvent(value: unknown): HealthEvent | undefined {
  if (typeof value !== 'object' || value === null) return
  const fields = value as Untrusted
  const { kind, key, atMs } = fields
  if (kind === 'override-set') return overrideSet(fields)
  if (kind === 'guard-held' || kind === 'guard-released') return guardEvent(fields)
  if (!isKey(key) || !isTime(atMs)) return
  if (kind === 'verdict-changed') {
    const { verdict, reason } = fields
    if ((verdict !== 'up' && verdict !== 'down') || !isProse(reason)) return
    return { kind, key, verdict, atMs, reason }
  }
  if (kind === 'override-cleared') {
    return isProse(fields['by']) ? { kind, key, by: fields['by'], atMs } : undefined
  }
  if (kind === 'override-expired') {
    const setAtMs = fields['setAtMs']
    return isTime(setAtMs) ? { kind, key, setAtMs, atMs } : undefined
  }
  return
}
