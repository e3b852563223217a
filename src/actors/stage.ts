/**
 * What a mode brings onto the stage: its actors, what each is told, and what main holds for them.
 */
import type { Loaded } from '../core/config/load.ts'
import type { SystemOptions } from '../kernel/system.ts'
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
}
