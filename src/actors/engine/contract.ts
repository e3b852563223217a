/**
 * What the engine actor needs of the world: processes beside this one.
 */
export interface ProcessSpec {
  readonly command: string
  readonly args: readonly string[]
  /** The folder it is started in. */
  readonly folder: string
  /** Arguments of node for a program that runs beside it, as long as it does; empty for none. */
  readonly watcher: readonly string[]
}

export type ProcessState =
  | { readonly state: 'absent' }
  | { readonly state: 'running'; readonly pid: number; readonly lines: readonly string[] }
  /** `lines` are its last words. */
  | {
      readonly state: 'ended'
      readonly code: number | null
      readonly signal: string | null
      readonly lines: readonly string[]
    }

export type StartOutcome =
  | { readonly code: 'started' | 'running'; readonly pid: number }
  | { readonly code: 'not-found' | 'not-permitted' | 'failed'; readonly message: string }

export type EngineConfig = Readonly<Record<string, never>>

export interface EnginePorts {
  start(spec: ProcessSpec): Promise<StartOutcome>
  read(): ProcessState
  /** Resolves once it is gone. */
  stop(graceMs: number): Promise<void>
  /** What the program says of its version; undefined when it cannot be run. */
  version(binary: string): Promise<string | undefined>
}
