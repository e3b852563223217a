/**
 * What a mode brings onto the stage: its actors, what each is told, and what main holds for them.
 */
import type { Loaded } from '../core/config/load.ts'
import type { System, SystemOptions } from '../kernel/system.ts'
import type { Log } from '../kernel/log.ts'
import type { ReloadCounts } from './shell/contract.ts'

export interface Stage {
  /** Its actors, and what reads what they count in lent memory. */
  readonly system: Pick<SystemOptions, 'children' | 'readLoans'>
  /** Lines for the log, said once at the start. */
  readonly notes: readonly string[]
  /** The configurations of a reload, by child. */
  configs(loaded: Loaded, reloads: ReloadCounts): Readonly<Record<string, unknown>>
  /** Resolves once it does its work; to a sentence when it does not after a while. */
  serving(): Promise<string | undefined>
  /** Whether the data plane lives, for a watchdog. */
  isAlive(): Promise<boolean>
  /** From now on another process may take this one's place; absent: that is not possible. */
  offer?(system: System, leave: (successor: number) => void, log: Log): Promise<void>
  /** Told to the process whose place this one took; resolves when that one is gone. */
  replaced?(): Promise<void>
  /** Gives back what main held. */
  close(): void
}

/** The mode as it is told to people. */
export const modeOf = ({ mode, cluster }: Loaded['config']): 'overwatch' | 'agent' | 'cluster' =>
  mode === 'overwatch' && cluster.mode === 'cluster' ? 'cluster' : mode

/** What belongs to the process, whatever its configuration becomes. */
export interface ProcessFacts {
  readonly version: string
  readonly hostName: string
  readonly startedAtMs: number
  /** Octets nobody can guess. */
  readonly randomBytes: (count: number) => Uint8Array
  /** Takes the place of the process that holds the data directory, where there is one. */
  readonly takeOver?: boolean
}
