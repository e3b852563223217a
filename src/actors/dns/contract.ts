/**
 * What the dns actor needs from the world: sockets that hand it queries and take its replies.
 *
 * The plain front (ports.ts) is node:dgram and node:net; another front, fed in batches by native
 * code, fits the same contract.
 */
import type { OnlineKey } from '../../core/dns/compact.ts'
import type { CookieSettings } from '../../core/dns/cookie.ts'
import type { SubnetSettings } from '../../core/dns/ecs.ts'
import type { Client } from '../../core/dns/exchange.ts'
import type { RateSettings } from '../../core/dns/response-rate.ts'
import type { Verifier } from '../../core/dnssec/crypto.ts'

export interface TcpSettings {
  readonly maxConnections: number
  readonly maxConnectionsPerClient: number
  /** A connection without a whole query for this long is closed. */
  readonly idleTimeoutMs: number
  /** Replies of one connection not yet taken by the kernel before reading from it pauses. */
  readonly maxPipelined: number
  /** How long a front that closes lets its connections end by themselves; absent: not at all. */
  readonly lingerMs?: number
}

/** A UDP socket that the main thread opened and a DNS thread reads; see ports-sockets.ts. */
export interface LentSocket {
  readonly host: string
  readonly port: number
  readonly receiver: number
  /** A second socket of the same address, or the receiver itself where there can be none. */
  readonly sender: number
  /** Bound to every address: answers leave from the address that was asked. */
  readonly wildcard: boolean
  /** Datagrams a batch. */
  readonly batch: number
  /** Where batches are read and answered; holds what a dying thread could not finish. */
  readonly memory: SharedArrayBuffer
  /** The kernel's running count of what it dropped, when another process gave the socket; or 0. */
  readonly drops?: number
}

export interface DnsConfig {
  /** Lent sockets for the native front; without any, node:dgram serves. */
  readonly sockets: readonly LentSocket[]
  /** The thread runs on this CPU alone. */
  readonly cpu?: number
  /** Added to the thread's nice value, where that is permitted; absent: 0. */
  readonly nice?: number
  /** The thread goes before all others while it has time to spare; absent: it does not. */
  readonly realtime?: boolean
  /** TCP is served by another thread. */
  readonly udpOnly?: boolean
  /** The listening socket of TCP, which the main thread lends; absent: the thread opens its own. */
  readonly listener?: number
  /** How long queries wait for a thread's first snapshot; absent: limits.firstSnapshotWaitMs. */
  readonly firstSnapshotWaitMs?: number
  /** `host:port`, `[v6]:port`, or `:port` for every address of the machine. */
  readonly listenAddress: string
  readonly udpPayloadSize: number
  readonly nsid: string
  readonly versionString: string
  /** Drawn for each process; starts the name hashes. */
  readonly hashSeed: number
  /** Turn counters, two 32-bit numbers for each pool slot, shared by all who answer. */
  readonly turns: SharedArrayBuffer
  /** When routing was told (routed.ts), shared by all who tell; absent: each tells for itself. */
  readonly told?: SharedArrayBuffer
  /** Networks, besides loopback, that `TXT why.<name>` of class CH is told to. */
  readonly whyNetworks?: readonly string[]
  /** Samples a second that this thread takes of its answers; absent or 0: none. */
  readonly samplesPerSecond?: number
  /** Whose client subnet option is believed; absent: nobody's. */
  readonly subnets?: SubnetSettings
  /** DNS cookies; absent: not answered. */
  readonly cookies?: CookieSettings
  /** Absent: every reply is sent. */
  readonly rateLimit?: RateSettings
  /** The counts of rate limiting, shared by all who answer; absent: each has its own. */
  readonly rateMemory?: SharedArrayBuffer
  readonly tcp: TcpSettings
  /** Cluster mode: whether this node may answer (core/cluster/lease.ts); absent: it always may. */
  readonly lease?: SharedArrayBuffer
}

/**
 * Answers the query in `query[start, start + length)` into `out` from `outStart`; returns the bytes
 * written, 0 for no reply; their negative for one by UDP that had better wait for a word of the
 * leader (core/cluster/held.ts). Called for one query at a time; it never throws on input.
 */
export type Answer = (
  query: Uint8Array,
  start: number,
  length: number,
  out: Uint8Array,
  outStart: number,
  client: Client,
) => number

/** Looks at the queries of a batch before the first is answered (core/dns/read-ahead.ts). */
export type ReadAhead = (
  queries: Uint8Array,
  stride: number,
  lengths: Uint32Array,
  count: number,
) => void

/** What tells when a refusal came that waits; absent: none does. */
export interface Waiting {
  /** How often the leader was heard of. */
  heard(): number
  /** Of the monotonic clock. */
  nowMs(): number
}

/** What a front gives up: a TCP connection, or a UDP reply, for want of room. */
export type Lost = 'connection' | 'reply'

export interface ListenRequest {
  readonly address: string
  readonly tcp: TcpSettings
  readonly answer: Answer
  /** For fronts that are handed several queries at once. */
  readonly readAhead: ReadAhead
  readonly waiting?: Waiting
  /** A socket reported a fault after it was opened; serving goes on. */
  readonly onFault: (message: string) => void
  /** Called for each; the native front counts replies in the memory of its sockets instead. */
  readonly onLost: (what: Lost) => void
}

export interface FrontCounts {
  readonly tcpConnections: number
  /** Replies not sent because the socket's queue was full. */
  readonly repliesDropped: number
  /** Connections refused or closed because a cap was reached. */
  readonly connectionsShed: number
}

export interface Front {
  /** What does the work, for the log. */
  readonly kind: string
  /** Where it listens; the port is real where 0 was asked for. */
  readonly host: string
  readonly port: number
  /** What this thread counted. */
  counts(): FrontCounts
  /** Sends what waited for words of the leader, of which so many were heard by now. */
  release(heard: number, nowMs: number): void
  /** Begins to read UDP queries. Until then they wait in the queue, on a front that has one. */
  serve(): void
  reconfigure(tcp: TcpSettings): void
  close(): Promise<void>
}

export type ListenOutcome =
  | { readonly code: 'listening'; readonly front: Front }
  | {
      readonly code: 'malformed' | 'in-use' | 'not-permitted' | 'not-available' | 'failed'
      readonly message: string
    }

export interface DnsPorts {
  /** Of a key as PKCS #8; undefined where it is none. Absent: denial is never compact. */
  signWith?(algorithm: number, privateKey: Uint8Array): OnlineKey['sign'] | undefined
  /** Examines what such a key signs. Absent: denial is never compact. */
  verify?: Verifier['verify']
  listen(request: ListenRequest): Promise<ListenOutcome>
}
