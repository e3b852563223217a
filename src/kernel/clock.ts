/**
 * Time, as an actor sees it.
 */
export type Cancel = () => void

export interface Clock {
  /** Unix milliseconds. */
  nowMs(): number
  /** Milliseconds that never run backwards; only differences mean anything. */
  monotonicMs(): number
  after(delayMs: number, run: () => void): Cancel
  /** Runs first after `phaseMs`, then every `intervalMs`. */
  every(intervalMs: number, phaseMs: number, run: () => void): Cancel
}
