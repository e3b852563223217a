/**
 * Who asks: what the gate found out about a caller, for handlers and the audit trail.
 */
import type { Role } from '../../core/access/roles.ts'
import type { ActorType } from '../../core/audit/entry.ts'

export interface Caller {
  readonly kind: Exclude<ActorType, 'system'>
  /** Of the token or certificate; of a network caller its address. */
  readonly name: string
  readonly role: Role
  /** Services it may change; absent means all. */
  readonly services?: readonly string[]
  /** Canonical; of the client, not of a trusted proxy before it. */
  readonly address: string
}

/** Why a request was turned away, as the audit trail and the metrics tell it. */
export type Refusal = 'network' | 'token' | 'role' | 'service' | 'browser' | 'rate'
