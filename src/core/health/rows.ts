/**
 * What is kept on disk of one server: its registers, and what was judged from them.
 *
 * Rows are read as untrusted data: one that does not fit is dropped, never repaired. Times that lie
 * in the future (the clock was set back) are brought to now, or no later event could replace them.
 */
import { limits } from '../base/limits.ts'
import { type Status, statuses } from '../steer/words.ts'
import { isTime } from './events.ts'
import type { Override, ServerHealth, Verdict } from './fold.ts'
import { type Membership, parseMembership } from './membership.ts'

export interface ServerRow {
  readonly health: ServerHealth
  readonly status: Status
  /** When `status` last changed. */
  readonly sinceMs: number
  /** When it last came back from being out; 0 when it never did. */
  readonly recoveredAtMs: number
  /** It served when some pool of it last had a server to serve; `membership` says which. */
  readonly lastHealthy: boolean
  /** Absent where the row was made up from events. */
  readonly membership?: Membership
}

type Untrusted = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Untrusted =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isProse = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= limits.stateRowBytesMax.default
const isVerdict = (value: unknown): value is Verdict =>
  value === 'up' || value === 'down' || value === 'unknown'
const isStatus = (value: unknown): value is Status => statuses.some((status) => status === value)

function overrideOf(value: unknown, nowMs: number): Override | undefined {
  if (!isObject(value)) return
  const { healthy, reason, by, atMs, expiresAtMs, source } = value
  if (typeof healthy !== 'boolean' || !isProse(reason) || !isProse(by) || !isTime(atMs)) return
  const tool = isProse(source) ? { source } : {}
  const override = { healthy, reason, by, atMs: Math.min(atMs, nowMs), ...tool }
  if (expiresAtMs === undefined) return override
  return isTime(expiresAtMs) ? { ...override, expiresAtMs } : undefined
}

function healthOf(value: unknown, nowMs: number): ServerHealth | undefined {
  if (!isObject(value)) return
  const { verdict, verdictAtMs, verdictReason, override, overrideStampMs, overrideRank } = value
  if (!isVerdict(verdict) || !isTime(verdictAtMs) || !isProse(verdictReason)) return
  if (!isTime(overrideStampMs)) return
  if (overrideRank !== 0 && overrideRank !== 1 && overrideRank !== 2) return
  const health = {
    verdict,
    verdictAtMs: Math.min(verdictAtMs, nowMs),
    verdictReason,
    overrideStampMs: Math.min(overrideStampMs, nowMs),
    overrideRank,
  }
  if (override === undefined) return health
  const held = overrideOf(override, nowMs)
  return held === undefined ? undefined : { ...health, override: held }
}

/** Reads a row; undefined when it is none of ours. */
export function parseRow(value: unknown, nowMs: number): ServerRow | undefined {
  if (!isObject(value)) return
  const { health, status, sinceMs, recoveredAtMs, lastHealthy } = value
  const known = healthOf(health, nowMs)
  if (known === undefined || !isStatus(status) || typeof lastHealthy !== 'boolean') return
  if (!isTime(sinceMs) || !isTime(recoveredAtMs)) return
  const membership = parseMembership(value['membership'])
  return {
    health: known,
    status,
    sinceMs: Math.min(sinceMs, nowMs),
    recoveredAtMs: Math.min(recoveredAtMs, nowMs),
    lastHealthy,
    ...(membership === undefined ? {} : { membership }),
  }
}
