/** What the threads of a pool are told at their birth, and share. */

export interface PoolData {
  /** Modules to load ahead. */
  readonly warm: readonly string[]
  /** Shared by all, in the places below. */
  readonly state: Int32Array
}

/** Places in `PoolData.state`. */
export const poolState = {
  /** 1 once the system is up. */
  up: 0,
  /** The largest id among the first threads that are to run an actor. */
  lastActor: 1,
  /** The largest id among the spare threads that were born with them. */
  lastSpare: 2,
} as const
