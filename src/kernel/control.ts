/**
 * What the supervisor and an actor's host say to each other, on a channel of its own that is read
 * before any message of a peer.
 */
import type { LogLevel } from './log-pino.ts'

export interface Fault {
  /** For programs: stable, and kept across the hop between threads. */
  readonly code: string
  readonly message: string
}

export type ToActor =
  /** Comes with the end of a channel; it replaces one held for an earlier incarnation. */
  | { readonly kind: 'peer-connected'; readonly peer: string }
  /** The peer is up and holds nothing yet. */
  | { readonly kind: 'peer-started'; readonly peer: string }
  | { readonly kind: 'peer-down'; readonly peer: string }
  | { readonly kind: 'reconfigure'; readonly config: unknown }
  | { readonly kind: 'collect-metrics'; readonly call: number }
  /** To be answered with `alive`, which a thread that stands still does not. */
  | { readonly kind: 'beat' }
  /** For the thread's log, not for the actor. */
  | { readonly kind: 'set-log-level'; readonly level: LogLevel }
  | { readonly kind: 'stop' }

/** What a host says while it lives. */
export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'alive' }
  | { readonly kind: 'metrics'; readonly call: number; readonly series: unknown }
  /** Memory it counts in, to be read from outside until it is returned or the actor has ended. */
  | { readonly kind: 'lent'; readonly loan: number; readonly memory: unknown }
  | { readonly kind: 'returned'; readonly loan: number }

export type FromActor =
  | Report
  /** Its end, with the code `stopped` when it was asked to. Nothing follows. */
  | { readonly kind: 'ended'; readonly fault: Fault }

export const stoppedFault: Fault = { code: 'stopped', message: 'stopped on request' }

/** Any thrown value as data; class and prototype would not survive a hop between threads. */
export function faultOf(thrown: unknown): Fault {
  if (typeof thrown === 'object' && thrown !== null) {
    const { code, message } = thrown as { code?: unknown; message?: unknown }
    return {
      code: typeof code === 'string' ? code : 'uncaught-exception',
      message: typeof message === 'string' ? message : String(thrown),
    }
  }
  return { code: 'uncaught-exception', message: String(thrown) }
}

/** A first start that failed, with the fault of the actor at fault. */
export class StartError extends Error {
  override readonly name = 'StartError'
  readonly actor: string
  readonly code: string

  constructor(actor: string, fault: Fault) {
    super(fault.message)
    this.actor = actor
    this.code = fault.code
  }
}
