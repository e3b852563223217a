/**
 * What members of a gossip cluster say to each other, as values.
 *
 * These are HashiCorp memberlist's messages with our spelling of their fields; `wire/` turns them
 * into bytes and back, `swim/` decides what they mean. Addresses stay the 4 or 16 octets that were
 * received: written differently they would look like another node to other members.
 */

/** Where a datagram or a stream goes: `addr` is 4 or 16 octets, `port` 1..65535. */
export interface Endpoint {
  readonly addr: Uint8Array
  readonly port: number
}

/** [pMin, pMax, pCur, dMin, dMax, dCur]: protocol and delegate versions a node speaks. */
export type VersionVector = readonly [number, number, number, number, number, number]

/** Asks `node` for a sign of life; the ack goes to the source when one is named. */
export interface Ping {
  readonly type: 'ping'
  readonly seqNo: number
  /** The name of the node that is meant; another one at this address stays silent. */
  readonly node: string
  /** Empty when the sender names no source. */
  readonly sourceAddr: Uint8Array
  readonly sourcePort: number
  readonly sourceNode: string
}

/** Asks a third node to ping `node` at `target` in our stead. */
export interface IndirectPing {
  readonly type: 'indirect-ping'
  readonly seqNo: number
  readonly target: Uint8Array
  readonly port: number
  readonly node: string
  /** Whether the helper shall say when it got no answer either. */
  readonly nack: boolean
  readonly sourceAddr: Uint8Array
  readonly sourcePort: number
  readonly sourceNode: string
}

export interface Ack {
  readonly type: 'ack'
  readonly seqNo: number
  readonly payload: Uint8Array
}

export interface Nack {
  readonly type: 'nack'
  readonly seqNo: number
}

export interface Suspect {
  readonly type: 'suspect'
  readonly incarnation: number
  readonly node: string
  readonly from: string
}

export interface Alive {
  readonly type: 'alive'
  readonly incarnation: number
  readonly node: string
  readonly addr: Uint8Array
  readonly port: number
  /** At most 512 octets, opaque here. */
  readonly meta: Uint8Array
  readonly vsn: VersionVector
}

/** `from === node` says that the node left on purpose. */
export interface Dead {
  readonly type: 'dead'
  readonly incarnation: number
  readonly node: string
  readonly from: string
}

/** Octets of the application; memberlist does not look inside. */
export interface UserMessage {
  readonly type: 'user'
  readonly payload: Uint8Array
}

/** What a server says when it could not read a stream. */
export interface RemoteError {
  readonly type: 'err'
  readonly error: string
}

export type NodeState = 'alive' | 'suspect' | 'dead' | 'left'

/** One member as told in a full exchange. */
export interface PushNodeState {
  readonly name: string
  readonly addr: Uint8Array
  readonly port: number
  readonly meta: Uint8Array
  readonly incarnation: number
  readonly state: NodeState
  readonly vsn: VersionVector
}

/** The full exchange of two members over a stream. */
export interface PushPull {
  readonly type: 'push-pull'
  readonly join: boolean
  readonly nodes: readonly PushNodeState[]
  readonly userState: Uint8Array
}

/** Messages a packet may carry. */
export type PacketMessage = Ping | IndirectPing | Ack | Nack | Suspect | Alive | Dead | UserMessage

/** Messages a stream may carry. */
export type StreamMessage = Ping | Ack | PushPull | UserMessage | RemoteError
