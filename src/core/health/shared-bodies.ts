/**
 * What the registry's shared records say, as JSON in UTF-8.
 *
 * A body comes from another overwatch or from disk, so it is read field by field; one that does not
 * fit says nothing. The kinds: `override` and `drain` by server; `verdict`, `heard` and `draining`
 * by node and server or agent, `node/...`.
 */
import { limits } from '../base/limits.ts'
import type { SharedRecord } from '../gossip/peers/record.ts'
import { isTime, type OverrideCleared, type OverrideSet } from './events.ts'
import type { ServerHealth } from './fold.ts'

type Untrusted = Readonly<Record<string, unknown>>
export type Body = Uint8Array

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const GONE: Body = new Uint8Array(0)
export const encodeBody = (value: unknown): Body => encoder.encode(JSON.stringify(value))

export function readBody(body: Body): Untrusted | undefined {
  if (body.length === 0 || body.length > limits.sharedRecordBytesMax.default) return
  try {
    const value: unknown = JSON.parse(decoder.decode(body))
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Untrusted) : undefined
  } catch {
    return
  }
}

const isProse = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= limits.overrideTextCharsMax.max
const isId = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= limits.stateKeyBytesMax.default

/** What of a register of overrides others are told: stamp and rank, and the order if one holds. */
export function overrideBody({ override }: ServerHealth): Body {
  if (override === undefined) return GONE
  const { healthy, reason, by, expiresAtMs, source } = override
  return encodeBody({ healthy, reason, by, expiresAtMs, source })
}

/** The event that an override record stands for; undefined when it is none. */
export function overrideEvent(record: SharedRecord): OverrideSet | OverrideCleared | undefined {
  const { id: key, stamp: atMs, origin } = record
  if (record.body.length === 0) return { kind: 'override-cleared', key, by: origin, atMs }
  const fields = readBody(record.body)
  if (fields === undefined) return
  const { healthy, reason, by, expiresAtMs, source } = fields
  if (typeof healthy !== 'boolean' || !isProse(reason) || !isProse(by)) return
  const tool = isProse(source) ? { source } : {}
  const event = { kind: 'override-set', key, healthy, reason, by, atMs, ...tool } as const
  if (expiresAtMs === undefined) return event
  return isTime(expiresAtMs) ? { ...event, expiresAtMs } : undefined
}

/** A drain that an operator declared on an overwatch. */
export interface DrainOrder {
  readonly id: string
  readonly reason: string
  /** Who declared it, for the audit trail. */
  readonly author: string
  readonly sinceMs: number
  readonly untilMs?: number
}

export function parseDrainOrder(body: Body): DrainOrder | undefined {
  const { id, reason, author, sinceMs, untilMs } = readBody(body) ?? {}
  if (!isId(id) || !isProse(reason) || !isProse(author) || !isTime(sinceMs)) return
  const order = { id, reason, author, sinceMs }
  if (untilMs === undefined) return order
  return isTime(untilMs) ? { ...order, untilMs } : undefined
}

export function parseVote(body: Body): 'up' | 'down' | undefined {
  const verdict = readBody(body)?.['verdict']
  return verdict === 'up' || verdict === 'down' ? verdict : undefined
}

export const parseHeard = (body: Body): boolean => readBody(body)?.['heard'] === true

/** That a node answers no more with a server, because of this drain. */
export interface Withdrawn {
  readonly drain: string
  readonly atMs: number
}

export function parseWithdrawn(body: Body): Withdrawn | undefined {
  const { drain, atMs } = readBody(body) ?? {}
  return isId(drain) && isTime(atMs) ? { drain, atMs } : undefined
}

/** The parts of `node/rest`, when the node is the record's own. */
export const ownPart = ({ id, origin }: SharedRecord): string | undefined =>
  id.startsWith(`${origin}/`) ? id.slice(origin.length + 1) : undefined
