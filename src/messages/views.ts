/**
 * Shapes of the larger values that messages carry.
 */
import type { HoldReason } from '../core/health/holds.ts'
import type { ConnectionsSeen, Drain } from '../core/health/report.ts'
import type { Status } from '../core/steer/words.ts'

export type OverrideOutcome = 'done' | 'not-found' | 'held-by-guard-rail'

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
  readonly override?: {
    readonly healthy: boolean
    readonly reason: string
    readonly by: string
    readonly atMs: number
    readonly expiresAtMs?: number
  }
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

/** One member of the gossip cluster. Times are Unix milliseconds. */
export interface MemberView {
  readonly name: string
  /** `unknown` where its metadata is not ours to read. */
  readonly role: 'agent' | 'overwatch' | 'unknown'
  readonly region: string
  readonly address: string
  readonly port: number
  readonly state: 'alive' | 'suspect' | 'dead' | 'left'
  /** Start of its process; absent where it does not say. */
  readonly boot?: number
  readonly sinceMs: number
  readonly self: boolean
}

export type AgentOutcome = 'done' | 'not-found' | 'already-done'

/** What an overwatch knows of an agent. Times are Unix milliseconds. */
export interface AgentView {
  readonly agentId: string
  readonly region: string
  /** Lower-case hex SHA-256 of its certificate; empty for one that signs nothing. */
  readonly fingerprint: string
  readonly alg: 'ed25519' | 'p256' | ''
  /** Services it has proven its right to. */
  readonly services: readonly string[]
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  /** When its certificate ends; 0 for none. */
  readonly notAfterMs: number
  readonly revoked: boolean
  readonly revokedAtMs: number
  readonly revokedReason: string
  /** Heard here within `overwatch.stale.threshold`. */
  readonly connected: boolean
  /** Its last start; 0 when it was not heard here. */
  readonly boot: number
  /** Backends of its that are admitted. */
  readonly backends: number
  /** `alive`, `suspect`, … among the members; absent for none. */
  readonly memberState?: 'alive' | 'suspect' | 'dead' | 'left'
  readonly address?: string
}

/** A drain declared on an overwatch for one backend of one agent. */
export interface DrainDeclared {
  readonly agentId: string
  readonly backend: string
  readonly drain: Drain
}
