/**
 * What the gossip actor needs of the world, and what it is told of the configuration.
 *
 * Every fault of the network is an outcome; no function of the ports rejects or throws. A
 * simulated twin of the ports is in test/harness/gossip-network.ts, and one suite runs on both.
 */
import type { Random } from '../../core/base/random.ts'
import type { Result } from '../../core/base/result.ts'
import type { AgentKey, TrustCrypto } from '../../core/gossip/app/crypto.ts'
import type { Endpoint, VersionVector } from '../../core/gossip/messages.ts'
import type { SwimSettings } from '../../core/gossip/swim/settings.ts'
import type { AesGcm } from '../../core/gossip/wire/crypt.ts'
import type { AgentBackend } from '../../core/health/self.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'

export interface Datagram {
  readonly octets: Uint8Array
  readonly from: Endpoint
}

/** `more`: read on. `done`: close. Octets: say these, then close. */
export type Heard = 'more' | 'done' | Uint8Array

/** The reading end of one connection. Both are called in order, and no more after `more` ended. */
export interface StreamEars {
  feed(octets: Uint8Array): Heard
  /** The other side closed its end. */
  end(): Heard
}

export interface SocketEars {
  /** What lay in the socket buffer together, in order; the octets are the receiver's to keep. */
  datagrams(batch: readonly Datagram[]): void
  /** A connection came in; undefined closes it. */
  accept(from: Endpoint): StreamEars | undefined
}

export type DialOutcome = 'done' | 'refused' | 'unreachable' | 'timed-out' | 'closed'

export interface GossipSocket {
  /** What was bound; UDP and TCP have the same number. */
  readonly endpoint: Endpoint
  /** False when the datagram was dropped at once, as when it is too long. */
  send(octets: Uint8Array, to: Endpoint): boolean
  /**
   * Connects, says `octets`, reads the answer into `ears` when there are any, closes. `timeoutMs`
   * holds for connecting, and again for each wait after it.
   */
  dial(to: Endpoint, octets: Uint8Array, timeoutMs: number, ears?: StreamEars): Promise<DialOutcome>
  /** Connections that are open now, of both directions, and those turned away so far. */
  counts(): { readonly streams: number; readonly refused: number; readonly dropped: number }
  close(): Promise<void>
}

export interface BindFault {
  readonly code: 'in-use' | 'not-ours' | 'not-permitted' | 'malformed' | 'failed'
  readonly message: string
}

export interface AgentIdentity {
  readonly agentId: string
  readonly region: string
  readonly key: AgentKey
  readonly previousKey: AgentKey | undefined
  readonly notAfterMs: number
}

export interface IdentityFiles {
  readonly region: string
  readonly certPath: string
  readonly keyPath: string
}

export interface GossipPorts {
  readonly crypto: TrustCrypto
  readonly aesGcm: AesGcm
  /** Twelve octets never given before. */
  readonly nonce: () => Uint8Array
  /** Octets nobody can guess. */
  secret(bytes: number): Uint8Array
  /** Binds TCP and UDP on one number; `bind` is `host:port`, port 0 takes any. */
  open(bind: string, ears: SocketEars): Promise<Result<GossipSocket, BindFault>>
  /** Addresses of `host:port`, at most 16; none when the name is not known now. */
  resolve(hostPort: string): Promise<readonly Endpoint[]>
  /** The address this machine has towards another, or the first it has; 4 or 16 octets. */
  addressTowards(to: Endpoint | undefined): Promise<Uint8Array>
  /** Loads the identity, or makes it; renews it when it ends soon. The error is for an operator. */
  identity(files: IdentityFiles, nowMs: number): Result<AgentIdentity, string>
  /** Makes another key for the identity, which is there, and keeps the old one beside it. */
  renew(files: IdentityFiles, nowMs: number): Result<AgentIdentity, string>
}

interface Common {
  /** `host:port` to listen on. */
  readonly bindAddress: string
  /** `host:port` or `host` told to others; empty: what others reach. */
  readonly advertiseAddress: string
  readonly region: string
  /** Base64, 32 octets each; the first seals, all open. Never empty. */
  readonly encryptionKeys: readonly string[]
  /** For tests and unusual networks: what differs from the profile `lan`. */
  readonly settings?: Partial<SwimSettings>
  /** For tests with other programs that speak the protocol. */
  readonly vsn?: VersionVector
}

export interface PeeringConfig {
  /** Records travel on a port of their own; else with gossip. */
  readonly enabled: boolean
  readonly bindAddress: string
  readonly bootstrapPeers: readonly string[]
  /** Keeps out who holds the gossip key and is no overwatch; empty: derived of the agent tokens. */
  readonly secret: string
}

export interface OverwatchGossip extends Common {
  readonly mode: 'overwatch'
  /** Name among the members. */
  readonly node: string
  readonly probeIntervalMs: number
  readonly probeTimeoutMs: number
  readonly gossipIntervalMs: number
  readonly agentTokens: Readonly<Record<string, string>>
  /** Apexes of the zones served: an agent's service `x` is `x.<zone>` of the first that has it. */
  readonly zones: readonly string[]
  readonly allowedBackends: readonly string[]
  readonly allowUnsignedAgents: boolean
  readonly staleThresholdMs: number
  readonly removeAfterMs: number
  /** Members to join at start beside those remembered: `host:port`. */
  readonly seeds: readonly string[]
  readonly peering: PeeringConfig
}

export interface AgentGossip extends Common {
  readonly mode: 'agent'
  readonly overwatchNodes: readonly string[]
  readonly discovery: {
    readonly enabled: boolean
    readonly anycastAddress: string
    readonly fallbackNodes: readonly string[]
  }
  readonly identity: IdentityFiles & { readonly serviceToken: string }
  readonly heartbeatIntervalMs: number
  readonly missedThreshold: number
  readonly backends: readonly AgentBackend[]
}

export type GossipConfig = OverwatchGossip | AgentGossip

/** What the parts of the actor share of its context. */
export interface Ticking {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}
