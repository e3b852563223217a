/**
 * What the latency actor needs of the world, and what it is told of the configuration.
 */
import type { Result } from '../../core/base/result.ts'
import type { TcpRows } from '../../core/health/clients-rows.ts'
import type { SubnetRules } from '../../core/latency/subnets.ts'

export interface Ends {
  readonly rows: TcpRows
  /** The kernel had to drop some. */
  readonly missed: boolean
  /** Ask again: more may wait. */
  readonly more: boolean
}

/** The TCP table of this machine, for local ports. Rows hold until the next call. */
export interface TcpTimes {
  /** Whether connections that ended are told of; else why not. */
  readonly endsHeard: Result<true, string>
  /** Connections that are open now; undefined when the table could not be read. */
  open(ports: Uint32Array): TcpRows | undefined
  /** Connections that ended since the last call. */
  ended(ports: Uint32Array): Ends
  close(): void
}

export interface LatencyPorts {
  /** The error says why this system tells no round-trip times. */
  openTcp(): Result<TcpTimes, string>
  /** What was saved last; `absent` where nothing was, `unreadable` where it cannot be read. */
  load(path: string): Promise<Uint8Array | 'absent' | 'unreadable'>
  /** Whole or not at all, whatever ends the process; false when it could not be written. */
  save(path: string, octets: Uint8Array): Promise<boolean>
  /**
   * Renames what cannot be taken up, so that it is not written over; gives its new path, or
   * undefined where that failed.
   */
  setAside(path: string): Promise<string | undefined>
}

export interface LearnedService {
  readonly service: string
  readonly port: number
}

export interface AgentLatency {
  readonly mode: 'agent'
  readonly enabled: boolean
  readonly region: string
  /** A port may belong to several services. */
  readonly backends: readonly LearnedService[]
  readonly pollMs: number
  /** Connections that are open count from this age on. */
  readonly minAgeMs: number
  readonly reportMs: number
  readonly minSamples: number
  readonly ttlMs: number
  readonly subnets: SubnetRules
}

export interface OverwatchLatency {
  readonly mode: 'overwatch'
  /** Name of this node among the overwatches. */
  readonly node: string
  /** Where rows outlive a restart; empty: nowhere. */
  readonly path: string
  /** The same for who is behind resolvers. */
  readonly catchmentsPath: string
  /** Whether rows are told to other overwatches. */
  readonly share: boolean
  /** An agent's service `x` is `x` where that is served, else `x.<zone>` of each zone. */
  readonly domains: readonly string[]
  /** Whether it is learned who is behind resolvers that tell nothing of their clients. */
  readonly catchments: boolean
  /** Slots in which a network may explore, in ten-thousandths. */
  readonly exploration: number
  readonly zones: readonly string[]
}

export type LatencyConfig = AgentLatency | OverwatchLatency
