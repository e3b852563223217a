/**
 * What membership wants done, and what it tells: the only way out of the core.
 */
import type { Endpoint, PacketMessage } from '../messages.ts'
import type { Member } from './node.ts'

/** Send one datagram; several messages travel as a compound. */
export interface PacketOutput {
  readonly kind: 'packet'
  readonly to: Endpoint
  /** At least one; the first is the reason of the packet, the others ride with it. */
  readonly messages: readonly PacketMessage[]
  /** The highest protocol version the receiver understands; 0 when it is not known. */
  readonly pMax: number
}

/** Ping over a stream; answer with `streamOutcome(id, …)` before the deadline. */
export interface StreamPingOutput {
  readonly kind: 'stream-ping'
  readonly id: number
  readonly to: Endpoint
  readonly node: string
  readonly seqNo: number
  readonly deadlineMs: number
}

/**
 * Dial, send `localState(join)`, read the other state and hand it to `mergeRemote(…, id)`; when
 * that cannot be done, `streamOutcome(id, 'failed', …)`.
 */
export interface PushPullOutput {
  readonly kind: 'push-pull'
  readonly id: number
  readonly to: Endpoint
  readonly join: boolean
  readonly why: 'join' | 'periodic' | 'reconnect'
  /** The deadline for each of connecting, writing and reading. */
  readonly timeoutMs: number
}

/** Octets of the application that another member sent or spread. */
export interface UserOutput {
  readonly kind: 'user'
  readonly payload: Uint8Array
  readonly from: Endpoint
  readonly via: Via
}

export interface EventOutput {
  readonly kind: 'event'
  readonly event: MembershipEvent
}

export type MembershipEvent =
  /** New, or back from death; `left` was on purpose, `failed` was not. */
  | { readonly kind: 'joined' | 'left' | 'failed'; readonly member: Member }
  /** Its metadata, versions or address changed. */
  | { readonly kind: 'updated'; readonly member: Member }
  | { readonly kind: 'suspected'; readonly member: Member; readonly by: string }
  /** A suspected member showed that it lives. */
  | { readonly kind: 'cleared'; readonly member: Member }
  /** Somebody at `claimed` uses the name of a member that is elsewhere. Nothing was changed. */
  | { readonly kind: 'conflict'; readonly member: Member; readonly claimed: Endpoint }
  /** Others thought us gone, or older than we are; we contradicted. */
  | { readonly kind: 'refuted'; readonly incarnation: number }
  /** It answers streams and not datagrams: a firewall, or a full socket buffer. */
  | { readonly kind: 'stream-only'; readonly member: Member }
  | { readonly kind: 'refused'; readonly name: string; readonly why: 'full' }
  /** We stood still for this long; judgements were put off. */
  | { readonly kind: 'stalled'; readonly lateMs: number }
  /** Our leave has been told as often as a broadcast is, or there is nobody to tell. */
  | { readonly kind: 'leave-told' }

export type Via = 'packet' | 'stream'

export type Output = PacketOutput | StreamPingOutput | PushPullOutput | UserOutput | EventOutput
