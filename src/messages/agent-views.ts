/**
 * Shapes of the larger values in messages about agents, members and drains. Times are Unix
 * milliseconds.
 */
import type { Layer } from '../core/health/precedence.ts'
import type { ConnectionsSeen, Drain, Vitals } from '../core/health/report.ts'
import type { StopAnswer } from '../core/health/drain-watch.ts'

/** One member of the gossip cluster. */
export interface MemberView {
  readonly name: string
  readonly role: 'overwatch' | 'agent' | 'unknown'
  readonly region: string
  readonly address: string
  readonly port: number
  readonly state: 'alive' | 'suspect' | 'dead' | 'left'
  /** Start of its process, Unix milliseconds; 0 where it did not say. */
  readonly boot: number
  readonly self: boolean
}

/** An agent as the gossip actor knows it: its pin, and when it was last heard. */
export interface AgentView {
  readonly agentId: string
  readonly fingerprint: string
  readonly region: string
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  readonly notAfterMs: number
  readonly revoked: boolean
  /** 0 while it is not. */
  readonly revokedAtMs: number
  readonly revokedReason: string
  /** How it signs: `Ed25519`, `ECDSA-P256`, or `none` where unsigned agents are admitted. */
  readonly algorithm: string
  /** Services it has proven its right to. */
  readonly services: readonly string[]
}

export type OrderOutcome = 'done' | 'not-found' | 'refused'

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
