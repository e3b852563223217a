/**
 * What the registry needs: its configuration, and a disk for state and events.
 */
import type { EventDraft, FeedEvent } from '../../core/events/event.ts'
import type { Config } from '../../core/config/schema/root.ts'
import type { GeoConfig } from '../../core/config/geography.ts'
import type { GeoParts } from '../../core/geo/parts.ts'
import type { GeoSource } from '../../core/geo/source.ts'
import type { ForesightRules } from '../../core/health/foresight.ts'
import type { HealthEvent } from '../../core/health/events.ts'
import type { ChorusSettings } from '../../core/health/chorus.ts'
import type { ServiceDefaults, ValidationSettings } from '../../core/health/declared.ts'
import type { GuardSettings } from '../../core/health/guard.ts'
import type { ServerRow } from '../../core/health/rows.ts'
import type { Checkpoint, PastServing, WordRecord } from '../../core/replay/history.ts'
import type { FleetTopology } from '../../core/steer/topology.ts'
import type { TableSource } from '../../core/zone/table-source.ts'
import type { TableParts } from '../../core/zone/table.ts'

export interface RegistryConfig {
  readonly topology: FleetTopology
  /** The zones with their static records (core/zone/sealed.ts). */
  readonly zones: Uint8Array
  /** Equal for configurations that serve the same. */
  readonly contentHash: string
  /** Apexes of the zones that must not be served without signatures; absent for none. */
  readonly signedZones?: readonly string[]
  /** Starts the name hashes: that of those who answer. */
  readonly hashSeed: number
  /** Empty keeps everything in memory. */
  readonly dataDir: string
  readonly guard: GuardSettings
  readonly eventLog: EventLogSettings
  readonly agents: AgentsConfig
  /** Orders are to be stored by the cluster before they are acknowledged. */
  readonly isClustered?: boolean
  /** Thresholds of the cluster on what agents tell; absent: agents move shares by themselves. */
  readonly foresight?: ForesightRules
  /** Where clients are; absent: nobody asks. */
  readonly geo?: GeoConfig
  /** What the API may edit; absent where the topology was not made of a configuration. */
  readonly declared?: DeclaredConfig
  /** The configuration without secrets, and its SHA-256 in hex; absent where none is kept. */
  readonly plain?: { readonly text: string; readonly hash: string }
  /** Where a refusal of the first epoch is noted, for who waits for the start. */
  readonly refusal?: SharedArrayBuffer
}

/** A database file, as it was last looked at. */
export interface GeoFileReport {
  readonly path: string
  /** `kept`: it could not be taken, and what was read before holds; `missing`: nothing was. */
  readonly state: 'loaded' | 'kept' | 'missing'
  /** It was read just now. */
  readonly isNew: boolean
  /** Why it was not taken; empty when it was. */
  readonly fault: string
  /** As the file in use calls itself, and when it was made, Unix seconds; 0 for none. */
  readonly type: string
  readonly builtSeconds: number
}

export interface GeoOrder extends GeoSource {
  readonly databasePath: string
  readonly asnPath: string
}

export interface GeoPlaced {
  readonly code: 'placed'
  readonly parts: GeoParts
  readonly files: readonly GeoFileReport[]
  /** Part, 0-1, of sampled addresses that another database moved. */
  readonly changedShare?: number
}

export type GeoOutcome =
  | GeoPlaced
  | {
      readonly code: 'failed'
      readonly message: string
      /** By mappings and the default region alone: for who has no map yet. */
      readonly without: GeoParts
    }

/** Makes client maps in memory that every thread reads; at once where no file is to be read. */
export interface Geographer {
  place(order: GeoOrder): GeoOutcome | Promise<GeoOutcome>
  /** Whether a file is another than it was when it was last looked at. */
  isChanged(order: Pick<GeoOrder, 'databasePath' | 'asnPath'>): boolean
  close(): Promise<void>
}

/** The configuration as the files have it, secrets left out. */
export interface DeclaredConfig {
  readonly config: Config
  /** SOA serial of zones that give none. */
  readonly serial: number
}

/** How what agents and other overwatches say is taken. */
export interface AgentsConfig {
  readonly chorus: ChorusSettings
  readonly validation: ValidationSettings
  /** The pool of a service that no domain describes. */
  readonly service: ServiceDefaults
}

/** Nobody but the file declares servers; for tests and tools. */
export const agentsDefaults: AgentsConfig = {
  chorus: {
    self: 'node',
    roll: { domains: [], zones: [], staleMs: 30_000, removeAfterMs: 300_000 },
    vetoMode: 'balanced',
    quorum: 0,
    withdrawSilent: false,
    validates: true,
  },
  validation: {
    enabled: true,
    intervalMs: 30_000,
    timeoutMs: 5_000,
    vetoMode: 'balanced',
    vetoThreshold: 3,
  },
  service: {
    ttlSeconds: 30,
    policy: 'round-robin',
    answers: 1,
    whenAllDown: 'servfail',
    fallback: [],
    holdDownMs: 30_000,
  },
}

export interface EventLogSettings {
  readonly retentionMs: number
  readonly maxBytes: number
}

/** `failed`: the disk refused; what was waiting is tried again with the next change. */
export type CommitOutcome = 'committed' | 'failed'

export interface StoredRows {
  readonly rows: ReadonlyMap<string, ServerRow>
  /** Rows that were not ours or not whole. */
  readonly dropped: number
  /** Some of the file could not be read: newer rows than these may be lost. */
  readonly damaged: boolean
}

/** What holds now, by server. Writes are queued and reach the disk together within 50 ms. */
export interface StateStore {
  load(nowMs: number): Promise<StoredRows>
  put(key: string, row: ServerRow): void
  remove(key: string): void
  /** Resolves once everything queued so far is on disk, or could not be put there. */
  flush(): Promise<CommitOutcome>
  close(): Promise<void>
}

/** What agents and other overwatches said, by key. Writes are queued like those of state. */
export interface SharedStore {
  load(): Promise<ReadonlyMap<string, Uint8Array>>
  put(key: string, bytes: Uint8Array): void
  remove(key: string): void
  flush(): Promise<CommitOutcome>
  close(): Promise<void>
}

/** What the API made and edited, by key. Values are read as untrusted data. */
export interface ObjectStore {
  load(): Promise<ReadonlyMap<string, unknown>>
  put(key: string, value: unknown): void
  remove(key: string): void
  flush(): Promise<CommitOutcome>
  close(): Promise<void>
}

export interface LoggedEvents {
  readonly events: readonly HealthEvent[]
  /** Records that were whole but are no events of this version. */
  readonly unreadable: number
  /** Segments that end in damage; their records before it are in `events`. */
  readonly damagedSegments: number
}

/** What happened, in order. Appends are queued and reach the disk together within 50 ms. */
export interface EventLog {
  append(event: HealthEvent): void
  flush(): Promise<CommitOutcome>
  /** What is still kept, oldest first; only the newest segments when `newestBytes` is given. */
  read(newestBytes?: number): Promise<LoggedEvents>
  close(): Promise<void>
}

export interface FeedPage {
  /** In order; fewer than asked for where they are many bytes, or none are left. */
  readonly events: readonly FeedEvent[]
  /** The oldest number that is held. */
  readonly first: number
  /** The number of the next event to come. */
  readonly next: number
}

/** The events that operators follow. Each gets its number with the commit that makes it last. */
export interface FeedLog {
  append(draft: EventDraft): void
  /** Called with each group once it is on disk, or with number 0 where the disk refused it. */
  onTold(run: (events: readonly FeedEvent[]) => void): void
  /** At most `limit` events with numbers from `from` on. */
  read(from: number, limit: number): Promise<FeedPage>
  bounds(): Pick<FeedPage, 'first' | 'next'>
  flush(): Promise<CommitOutcome>
  close(): Promise<void>
}

/** What held at a past moment, or since when anything is held. */
export interface PastOutcome {
  readonly outcome: 'found' | 'nothing-held' | 'failed'
  readonly heldFromMs?: number
  readonly past?: PastServing
}

/** What was published, in order. Writes are queued like those of the log. */
export interface History {
  /** Everything; begins a new stretch. */
  checkpoint(record: Checkpoint): void
  append(record: WordRecord): void
  /** Keeps a configuration under its hash. */
  keepConfig(hash: string, text: string): void
  read(atMs: number): Promise<PastOutcome>
  flush(): Promise<CommitOutcome>
  close(): Promise<void>
}

/** Counts of what went wrong since the start. */
export interface DiskFaults {
  /** Commits that failed. */
  failedCommits: number
  /** Events and rows given up because the disk did not keep up. */
  dropped: number
}

export type CompileOutcome =
  | { readonly code: 'compiled'; readonly table: TableParts }
  | { readonly code: 'failed'; readonly message: string }

/** Compiles a name table into memory that every thread reads; at once where it is small. */
export type Compile = (source: TableSource) => CompileOutcome | Promise<CompileOutcome>

export interface RegistryPorts {
  readonly compile: Compile
  readonly geographer: Geographer
  readonly store: StateStore
  readonly log: EventLog
  readonly shared: SharedStore
  readonly feed: FeedLog
  readonly objects: ObjectStore
  readonly history: History
  readonly faults: DiskFaults
  /** Nothing is served yet, and what was to be is refused; absent: nobody waits for it. */
  refusedFirst?(reason: string): void
  /** Flushes and closes them all. */
  close(): Promise<void>
}
