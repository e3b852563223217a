/**
 * Shapes of the larger values that messages carry.
 */
import type { HoldReason } from '../core/health/holds.ts'
import type { Hearing } from './agent-views.ts'
import type { ConnectionsSeen, Drain } from '../core/health/report.ts'
import type { Status } from '../core/steer/words.ts'

/** `not-stored`: in force on this node, and the cluster has not stored it yet. */
export type OverrideOutcome = 'done' | 'not-found' | 'held-by-guard-rail' | 'not-stored'

/**
 * `stale`: the object is not the one that was meant; `unavailable`: nothing can be edited here;
 * `not-stored`: in force on this node, and not stored by the cluster yet.
 */
export type EditOutcome =
  | 'done'
  | 'not-stored'
  | 'exists'
  | 'not-found'
  | 'invalid'
  | 'conflict'
  | 'stale'
  | 'held-by-guard-rail'
  | 'unavailable'

/** One server as the registry sees it (spec section 5.3). Times are Unix milliseconds. */
export interface BackendView {
  readonly key: string
  readonly service: string
  readonly address: string
  readonly port: number
  readonly weight: number
  readonly region: string
  readonly source: 'static' | 'agent' | 'api'
  readonly status: Status
  /** Which rule of the precedence decided. */
  readonly cause: string
  readonly serving: boolean
  /** When `status` last changed; before this process, if it was restored. */
  readonly sinceMs: number
  readonly verdict: 'up' | 'down' | 'unknown'
  readonly verdictAtMs?: number
  readonly verdictReason?: string
  /** True until a check of this process confirms what was restored from disk. */
  readonly restored: boolean
  /** What agents, drains and other overwatches say of it. */
  readonly hearing?: Hearing
  readonly override?: OverrideView
}

export interface OverrideView {
  readonly healthy: boolean
  readonly reason: string
  readonly by: string
  readonly atMs: number
  readonly expiresAtMs?: number
  /** The external tool it came from; absent for an operator's own. */
  readonly source?: string
}

/** An override that an order has taken the place of, or ended. */
export interface OverrideBefore extends OverrideView {
  /** The server's. */
  readonly key: string
}

/** Servers that the guard-rail keeps in a pool although the configuration does without them. */
export interface HoldView {
  /** The name served. */
  readonly domain: string
  readonly family: 4 | 6
  /** Why they stay, as of now; docs/guides/health-and-failover.md says what each means. */
  readonly reason: HoldReason
  /** Keys of the servers kept. */
  readonly keys: readonly string[]
  /** When this process began to keep them, Unix milliseconds. */
  readonly sinceMs: number
}

/** The latest check of one target. Times are Unix milliseconds. */
export interface CheckView {
  readonly key: string
  readonly lastCheckMs?: number
  readonly lastHealthyMs?: number
  readonly consecutiveFailures: number
  readonly consecutiveSuccesses: number
  readonly lastError?: string
  readonly latencyMs?: number
  readonly certificateExpiresMs?: number
}

export type LocalDrainOutcome = 'done' | 'unknown-backend' | 'too-many' | 'already-over'

/** One backend of an agent with its drain, as the agent sees it. */
export interface LocalDrainView {
  readonly backend: string
  readonly drain?: Drain
  /** Absent where the machine's TCP table does not show the backend. */
  readonly connections?: ConnectionsSeen
}
