/**
 * What the cluster actor needs of the world, and what it is told of the configuration.
 *
 * Every fault of the network or of a disk is an outcome; no function of the ports rejects.
 */
import type { TlsFiles } from '../../core/cluster/engine.ts'
import type { LeadershipSettings } from '../../core/cluster/leadership.ts'
import type { RaftTimes } from '../../core/cluster/raft-fence.ts'

export interface EmbeddedConfig {
  readonly kind: 'embedded'
  /** The program, by path or name. */
  readonly binary: string
  /** `cluster.raft.data_dir`. */
  readonly folder: string
  /** Where other members reach Raft, and where they are heard. */
  readonly bind: string
  readonly advertise: string
  /** Where nodes that join are heard; empty: the port after that of Raft. */
  readonly door: string
  readonly bootstrap: boolean
  readonly join: readonly string[]
  readonly forceNew: boolean
  readonly times: RaftTimes
  readonly snapshotCount: number
  /** Time between two saved snapshots. */
  readonly snapshotMs: number
  readonly tls?: TlsFiles
  /** The file that keeps the members known last; empty keeps none. */
  readonly memoryPath: string
}

export interface ExternalConfig {
  readonly kind: 'external'
  /** URLs of the clients' ports of an etcd cluster. */
  readonly endpoints: readonly string[]
  readonly username: string
  readonly password: string
  readonly tls?: Partial<TlsFiles>
  readonly leaseSeconds: number
  /** Where the pulse of this node is heard; empty: nowhere. */
  readonly door: string
  /** Of that door. */
  readonly nodeTls?: TlsFiles
}

export interface ClusterConfig extends LeadershipSettings {
  readonly version: string
  readonly startedAtMs: number
  /** Where this node answers DNS, told to operators of the others. */
  readonly dnsAddress: string
  /** The leave to answer, read by the DNS threads. */
  readonly lease: SharedArrayBuffer
  readonly leaveOnStop: boolean
  /** How long queries get no reply while nobody is known to lead; 0: they are refused at once. */
  readonly silenceMs: number
  readonly engine: EmbeddedConfig | ExternalConfig
}

type Answer = Readonly<Record<string, unknown>>

export type CallOutcome =
  | { readonly code: 'answered'; readonly answer: Answer }
  /** The server answered, with an error. */
  | { readonly code: 'refused'; readonly message: string }
  /** Longer than `limits.clusterGatewayBytes`. */
  | { readonly code: 'too-long'; readonly message: string }
  | { readonly code: 'unreachable' | 'timed-out'; readonly message: string }

export interface Gateway {
  call(path: string, body: unknown, timeoutMs: number): Promise<CallOutcome>
  /** Opens a stream; `ended` is called once, unless it was closed by what is returned. */
  watch(body: unknown, line: (text: string) => void, ended: (why: string) => void): () => void
  close(): void
}

export type GatewayTarget =
  | { readonly kind: 'socket'; readonly path: string }
  | Omit<ExternalConfig, 'leaseSeconds' | 'door' | 'nodeTls'>

/** What came of a request to another node. */
export type Knocked =
  | {
      readonly code: 'answered'
      readonly status: number
      readonly text: string
      /** Of an etcd: its cluster, hexadecimal. */
      readonly clusterId?: string
    }
  /** Nobody was found there. */
  | { readonly code: 'unreachable' | 'timed-out'; readonly message: string }
  /** Somebody may be there all the same, as where certificates do not fit. */
  | { readonly code: 'failed'; readonly message: string }

export interface DoorAnswer {
  readonly status: number
  readonly text: string
}

export interface DoorRequest {
  readonly host: string
  readonly port: number
  readonly tls?: TlsFiles
  /** The body of a request to join, at most `limits.clusterDoorBytes`. */
  readonly handle: (text: string) => Promise<DoorAnswer>
  /** Another node hears the pulse of this one until what is returned is called. */
  readonly heard: (tell: Tell) => () => void
}

/** Whether this node answers. */
export type Tell = (answers: boolean) => void

/** What is heard of the pulse of another node. */
export interface PulseEars {
  readonly told: Tell
  /** Called once, unless it was closed by whoever listens. */
  readonly ended: () => void
}

export type DoorOutcome =
  | { readonly code: 'open'; close(): Promise<void> }
  | { readonly code: 'failed'; readonly message: string }

export type SnapshotOutcome =
  | { readonly code: 'saved'; readonly bytes: number }
  | { readonly code: 'failed'; readonly message: string }

export interface ClusterPorts {
  gateway(to: GatewayTarget): Gateway
  /** Asks another node: a GET without a body, a POST with one. */
  knock(url: string, body: string | undefined, timeoutMs: number, tls?: TlsFiles): Promise<Knocked>
  openDoor(request: DoorRequest): Promise<DoorOutcome>
  /** Hears the pulse of another node at its door, until what is returned is called. */
  listen(door: string, ears: PulseEars, tls?: TlsFiles): () => void
  /** Whether the folder holds the data of a member. */
  hasData(folder: string): boolean
  /** Makes the folder, for its owner alone; the message of what failed, or undefined. */
  prepare(folder: string): Promise<string | undefined>
  /** Arguments of node for the watcher of a node whose member is in the folder. */
  watcher(folder: string, silenceMs: number): readonly string[]
  /** Answers the watcher as long as this thread lives; the message of what failed, or undefined. */
  openBeat(folder: string): Promise<string | undefined>
  /** Moves the data out of the way, under a name of its own. */
  setAside(folder: string): Promise<string | undefined>
  /** Saves what the member in the folder has stored, beside its data. */
  saveSnapshot(folder: string, timeoutMs: number): Promise<SnapshotOutcome>
  readText(path: string): Promise<string | undefined>
  /** Safe from a crash once it resolves; why it failed. */
  writeText(path: string, text: string): Promise<string | undefined>
  /** An address of this machine that others may reach, IPv4 where it has one; empty for none. */
  ownAddress(): string
  close(): void
}
