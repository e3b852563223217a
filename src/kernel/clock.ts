/**
 * Time, as an actor sees it.
 */
export type Cancel = () => void

export interface Clock {
  /** Unix milliseconds. */
  nowMs(): number
  /**
   * Milliseconds that never run backwards; only differences mean anything. All threads of a process
   * count from the same moment.
   */
  monotonicMs(): number
  after(delayMs: number, run: () => void): Cancel
  /** Runs first after `phaseMs`, then every `intervalMs`. */
  every(intervalMs: number, phaseMs: number, run: () => void): Cancel
}
