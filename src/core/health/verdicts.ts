/**
 * When a target counts as up or down: consecutive thresholds, counted for each target on its own.
 *
 * A verdict turns only after `failureThreshold` failures or `successThreshold` passes in a row,
 * from UNKNOWN as from its opposite; a result of the other kind starts the count again. A verdict
 * taken over from an earlier run stands until the counts turn it, and the first check that agrees
 * confirms it. Who wins against an operator or an agent is not decided here (precedence.ts).
 */
import type { Outcome } from './outcome.ts'

export type Verdict = 'up' | 'down'
export type VerdictOrUnknown = Verdict | 'unknown'

export interface Thresholds {
  /** Failures in a row that make it down; at least 1. */
  readonly failureThreshold: number
  /** Passes in a row that make it up; at least 1. */
  readonly successThreshold: number
}

export interface VerdictChange {
  readonly target: string
  readonly verdict: Verdict
  /** Unix milliseconds of the deciding check. */
  readonly atMs: number
  /** Outcome of the deciding check; empty when it passed. */
  readonly reason: string
  /** Equal to `verdict` when a check only confirmed what was taken over. */
  readonly previous: VerdictOrUnknown
}

/** The latest check of one target. Times are Unix milliseconds. */
export interface CheckRecord {
  readonly key: string
  readonly lastCheckMs?: number
  readonly lastHealthyMs?: number
  readonly consecutiveFailures: number
  readonly consecutiveSuccesses: number
  /** Why the latest check failed; absent when it passed. */
  readonly lastError?: string
  readonly latencyMs?: number
  readonly certificateExpiresMs?: number
}

interface State {
  readonly key: string
  readonly thresholds: Thresholds
  verdict: VerdictOrUnknown
  /** True once a check of this process agreed with the verdict. */
  confirmed: boolean
  /** A check is wanted that says the verdict again; contested ones count thresholds anew. */
  wanted: 'no' | 'said-again' | 'counted-anew'
  /** Checks that began before this, of a monotonic clock, do not answer. */
  wantedMs: number
  atMs: number
  reason: string
  failures: number
  successes: number
  lastCheckMs: number | undefined
  lastHealthyMs: number | undefined
  lastError: string | undefined
  latencyMs: number | undefined
  certificateExpiresMs: number | undefined
}

export class Verdicts {
  readonly #states = new Map<string, State>()

  /** Starts counting for a target, or starts anew for one whose check changed. */
  watch(key: string, thresholds: Thresholds, lastVerdict: VerdictOrUnknown): void {
    const before = this.#states.get(key)
    // What this process found itself is never older than what it is told.
    const verdict = before?.confirmed === true ? before.verdict : lastVerdict
    this.#states.set(key, fresh(key, thresholds, verdict))
  }

  /**
   * Tells what the reader of the verdicts holds for a target that goes on unchanged. A verdict only
   * taken over is the reader's own word, so it follows the reader; one confirmed here does not.
   */
  follow(key: string, lastVerdict: VerdictOrUnknown): void {
    const state = this.#states.get(key)
    if (state !== undefined && !state.confirmed) state.verdict = lastVerdict
  }

  /**
   * A verdict is to be said again by a check that begins from now on.
   * @param doubt it is contested: the thresholds are to be crossed anew
   * @param fromMs now, of a clock that never runs backwards
   */
  want(key: string, doubt: boolean, fromMs: number): void {
    const state = this.#states.get(key)
    if (state === undefined) return
    if (!doubt && state.wanted === 'counted-anew') return
    state.wantedMs = fromMs
    state.wanted = doubt ? 'counted-anew' : 'said-again'
    if (!doubt) return
    // What speaks against the verdict counts on.
    if (state.verdict === 'up') state.successes = 0
    else state.failures = 0
  }

  /** Whether somebody waits for a verdict. */
  isWanted(key: string): boolean {
    return (this.#states.get(key)?.wanted ?? 'no') !== 'no'
  }

  forget(key: string): void {
    this.#states.delete(key)
  }

  verdictOf(key: string): VerdictOrUnknown {
    return this.#states.get(key)?.verdict ?? 'unknown'
  }

  /**
   * Counts one outcome; a change or a confirmation comes back, to be announced.
   * @param startedMs when the check began, of the clock of `want`
   */
  observe(
    key: string,
    outcome: Outcome,
    nowMs: number,
    startedMs: number = Number.POSITIVE_INFINITY,
  ): VerdictChange | undefined {
    const state = this.#states.get(key)
    if (state === undefined) return undefined
    record(state, outcome, nowMs)
    if (outcome.inconclusive === true) return undefined
    const isWanted = state.wanted !== 'no' && startedMs >= state.wantedMs
    const verdict = outcome.ok ? 'up' : 'down'
    // A check from before the doubt cannot dispel it; one that agrees with the doubt counts.
    const isLate = state.wanted === 'counted-anew' && !isWanted && verdict === state.verdict
    const counted = isLate ? 0 : 1
    state.successes = outcome.ok ? state.successes + counted : 0
    state.failures = outcome.ok ? 0 : state.failures + counted
    const { successThreshold, failureThreshold } = state.thresholds
    const crossed = outcome.ok
      ? state.successes >= successThreshold
      : state.failures >= failureThreshold
    const agrees = state.verdict === verdict
    const isKnown = state.confirmed && !isWanted
    const isNoNews = agrees && state.wanted !== 'counted-anew' ? isKnown : !crossed
    if (isNoNews) return undefined
    state.wanted = 'no'
    const previous = state.verdict
    state.verdict = verdict
    state.confirmed = true
    state.atMs = nowMs
    state.reason = outcome.ok ? '' : (outcome.error ?? 'failed')
    return { ...announcement(state, verdict), previous }
  }

  /** Every verdict that this process reached or confirmed. */
  known(): Omit<VerdictChange, 'previous'>[] {
    const all: Omit<VerdictChange, 'previous'>[] = []
    for (const state of this.#states.values())
      if (state.confirmed && state.verdict !== 'unknown')
        all.push(announcement(state, state.verdict))
    return all
  }

  /** @param service absent: of all */
  records(service?: string): CheckRecord[] {
    const states = [...this.#states.values()]
    const prefix = `${service}:`
    return states.filter(({ key }) => service === undefined || key.startsWith(prefix)).map(recordOf)
  }
}

function fresh(key: string, thresholds: Thresholds, verdict: VerdictOrUnknown): State {
  return {
    key,
    thresholds,
    verdict,
    confirmed: false,
    wanted: 'no',
    wantedMs: 0,
    atMs: 0,
    reason: '',
    failures: 0,
    successes: 0,
    lastCheckMs: undefined,
    lastHealthyMs: undefined,
    lastError: undefined,
    latencyMs: undefined,
    certificateExpiresMs: undefined,
  }
}

function record(state: State, outcome: Outcome, nowMs: number): void {
  state.lastCheckMs = nowMs
  state.lastError = outcome.ok ? undefined : (outcome.error ?? 'failed')
  state.latencyMs = outcome.latencyMs
  if (outcome.ok) state.lastHealthyMs = nowMs
  // A check that failed before the handshake shows no certificate; the last one seen still stands.
  if (outcome.certificateExpiresMs !== undefined)
    state.certificateExpiresMs = outcome.certificateExpiresMs
}

const announcement = (state: State, verdict: Verdict) => ({
  target: state.key,
  verdict,
  atMs: state.atMs,
  reason: state.reason,
})

function recordOf(state: State): CheckRecord {
  const { lastCheckMs, lastHealthyMs, lastError, latencyMs, certificateExpiresMs } = state
  return {
    key: state.key,
    consecutiveFailures: state.failures,
    consecutiveSuccesses: state.successes,
    ...(lastCheckMs === undefined ? {} : { lastCheckMs }),
    ...(lastHealthyMs === undefined ? {} : { lastHealthyMs }),
    ...(lastError === undefined ? {} : { lastError }),
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(certificateExpiresMs === undefined ? {} : { certificateExpiresMs }),
  }
}
