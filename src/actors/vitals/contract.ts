/**
 * What the vitals actor needs: readings of the machine, a drain file, a place to remember drains,
 * and the TCP table.
 */
import type { PredictRules } from '../../core/health/predict.ts'
import type { Reading, WatchedBackend } from '../../core/health/clients-table.ts'

/** Cumulative, in any unit the two share: their growth between two readings is the load. */
export interface CpuReading {
  readonly busy: number
  /** What could have been busy. */
  readonly whole: number
}

/** A part that cannot be read is absent. */
export interface MachineReading {
  readonly cpu?: CpuReading
  readonly memoryPercent?: number
  /** Where it was read: `cgroup2`, `cgroup1`, `proc` or `os`. */
  readonly cpuFrom?: string
  readonly memoryFrom?: string
}

/** Counts of an application, ever growing until it restarts. */
export interface ErrorCounts {
  readonly errors: number
  readonly total: number
}

/** Where an application counts its own errors. */
export type ErrorSource =
  | {
      readonly kind: 'metrics'
      readonly url: string
      /** Counters, as core/health/predict-metrics.ts reads them. */
      readonly errors: string
      readonly total: string
    }
  | {
      readonly kind: 'log'
      readonly path: string
      /** Text of a line that is an error. */
      readonly errors: string
      /** Text of a line that counts at all; empty means every line. */
      readonly total: string
    }

/** With a `fault`, as `EIO`, it could not be looked at, and the rest is what was seen before. */
export type DrainFileSeen = { readonly fault?: string } & (
  | { readonly present: false }
  | { readonly present: true; readonly text: string }
)

export interface TcpTable {
  /** What the table holds for these local ports now; undefined where it cannot be read. */
  read(ports: readonly number[]): Reading | undefined
  /** Addresses of this machine as of now, canonical. */
  ownAddresses(): readonly string[]
  close(): void
}

/**
 * Whether connections to a backend end on this machine, in this network namespace: `here`, or
 * `elsewhere` (forwarded, as to a container), or `unknown` when it takes no connection.
 */
export type Whereabouts = 'here' | 'elsewhere' | 'unknown'

export interface VitalsPorts {
  readMachine(): Promise<MachineReading>
  /** Undefined when they cannot be read now. */
  readErrors(source: ErrorSource): Promise<ErrorCounts | undefined>
  /** Calls `seen` at once and at each change; the function given ends it. */
  watchDrainFile(path: string, seen: (file: DrainFileSeen) => void): () => void
  /** The text last saved, `absent`, or `unreadable`. */
  loadDrains(path: string): Promise<{ readonly text: string } | 'absent' | 'unreadable'>
  /** False when it could not be written. */
  saveDrains(path: string, text: string): Promise<boolean>
  /**
   * Renames what cannot be taken up, so that it is not written over; gives its new path, or
   * undefined where that failed.
   */
  setAside(path: string): Promise<string | undefined>
  openTcpTable(): TcpTable
  /**
   * Opens one connection of its own and looks for its other end in the table. `opened` is told its
   * local port, so that it is not taken for a client.
   */
  whereabouts(
    address: string,
    port: number,
    opened: (localPort: number) => void,
  ): Promise<Whereabouts>
}

export interface VitalsConfig {
  /** Part of the ids of drains. */
  readonly agentId: string
  readonly backends: readonly WatchedBackend[]
  /** Empty: none. */
  readonly drainFile: string
  /** Where drains of the API outlive a restart; empty: nowhere. */
  readonly drainStatePath: string
  readonly countClients: boolean
  /** Absent: predictive health is switched off. */
  readonly predictive?: PredictRules
  /** Cgroup folder to read instead of the agent's own; empty: its own. */
  readonly cgroup?: string
  readonly errorSource?: ErrorSource
  /** Where the prober marks the ports of its checks; see core/health/clients-marks.ts. */
  readonly checkMarks?: SharedArrayBuffer
}
