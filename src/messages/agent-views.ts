/**
 * Shapes of the larger values in messages about agents, members and drains. Times are Unix
 * milliseconds.
 */
import type { Layer } from '../core/health/precedence.ts'
import type { ConnectionsSeen, Drain, Vitals } from '../core/health/report.ts'
import type { StopAnswer } from '../core/health/drain-watch.ts'

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

/** `refused`: it was revoked, or is not there to be asked. */
export type RotateOutcome = 'done' | 'not-found' | 'refused'

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

/** What an agent adds to what is known of a server. */
export interface AgentSay {
  readonly agentId: string
  readonly healthy?: boolean
  readonly reason: string
  readonly silent: boolean
  readonly lastSeenMs: number
  readonly vitals?: Vitals
}

/** Everything that speaks of a server beside its checks. */
export interface Hearing {
  readonly agent?: AgentSay
  readonly drain?: Drain & { readonly author: string }
  /** Verdicts of other live overwatches. */
  readonly peers: { readonly up: number; readonly down: number }
  /** The agent has claimed otherwise since the last check, which is being repeated. */
  readonly doubted: boolean
  /** Thousandths of its weight that it takes, after the floor of its pool. */
  readonly share: number
  /** Where asked for: all of the precedence, highest first; the first with a status decides. */
  readonly layers?: readonly Layer[]
}

/** One drain, with whether the server may be stopped. */
export interface DrainView {
  readonly id: string
  /** Key of the server. */
  readonly backend: string
  readonly service: string
  readonly address: string
  readonly port: number
  readonly agentId?: string
  readonly drain: Drain
  /** Who declared it, for the audit trail. */
  readonly author: string
  readonly connections?: ConnectionsSeen
  readonly safe: StopAnswer
}
