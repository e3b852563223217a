/**
 * What one node knows of another, and how incarnations compare.
 *
 * Addresses, metadata and versions are kept as they were received and never changed in place, so
 * that records, messages and views may share them.
 */
import type { Alive, Endpoint, NodeState, PushNodeState, VersionVector } from '../messages.ts'

/** A member as others may see it: a copy, which later events do not change. */
export interface Member extends Endpoint {
  readonly name: string
  readonly meta: Uint8Array
  readonly vsn: VersionVector
  readonly incarnation: number
  readonly state: NodeState
  /** Since when it has been in this state, on the clock of the caller. */
  readonly sinceMs: number
}

/** The record itself. Only the mechanisms of this folder write to it. */
export interface NodeRecord {
  readonly name: string
  addr: Uint8Array
  port: number
  meta: Uint8Array
  vsn: VersionVector
  incarnation: number
  state: NodeState
  sinceMs: number
}

/** What a node says of itself when it starts. */
export interface SelfDescription extends Endpoint {
  readonly name: string
  /** At most 512 octets. */
  readonly meta: Uint8Array
  readonly vsn: VersionVector
}

export const viewOfNode = (node: NodeRecord): Member => ({ ...node })

export const isGone = (node: { readonly state: NodeState }): boolean =>
  node.state === 'dead' || node.state === 'left'

/**
 * Whether incarnation `a` came after `b`. Incarnations are 32 bits and wrap, so they compare as
 * serial numbers do (RFC 1982, section 3.2): a node accused at 2^32 - 1 can still refute, with 0.
 */
export const isNewer = (a: number, b: number): boolean => ((a - b) | 0) > 0

export const isOlder = (a: number, b: number): boolean => ((a - b) | 0) < 0

/** The number after this one, for incarnations and sequence numbers alike. */
export const following = (number: number): number => (number + 1) >>> 0

export function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}

export const sameVersions = (a: VersionVector, b: VersionVector): boolean =>
  a === b || a.every((version, index) => version === b[index])

/** Compared octet by octet: 4 octets and their 16-octet form are different addresses. */
export const sameEndpoint = (a: Endpoint, b: Endpoint): boolean =>
  a.port === b.port && sameOctets(a.addr, b.addr)

/** The message that tells others of this node. */
export function aliveOf({ name, addr, port, meta, vsn, incarnation }: NodeRecord): Alive {
  return { type: 'alive', incarnation, node: name, addr, port, meta, vsn }
}

export function toldInExchange(node: NodeRecord): PushNodeState {
  const { name, addr, port, meta, incarnation, state, vsn } = node
  return { name, addr, port, meta, incarnation, state, vsn }
}
