/**
 * What the engine actor needs of the world: processes beside this one.
 */
import type { ProcessSpec, ProcessState, StartOutcome } from '../../kernel/children.ts'

export type EngineConfig = Readonly<Record<string, never>>

export interface EnginePorts {
  start(spec: ProcessSpec): Promise<StartOutcome>
  read(): ProcessState
  /** Resolves once it is gone. */
  stop(graceMs: number): Promise<void>
  /** What the program says of its version; undefined when it cannot be run. */
  version(binary: string): Promise<string | undefined>
}
