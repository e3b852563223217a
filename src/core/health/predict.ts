/**
 * Readings of a machine in, vitals out: whether its share of the traffic should shrink, and why.
 *
 * Each signal (processor, memory, errors) is the mean over a window; it is too high from its
 * threshold on and clears a stated part below it. All of them move one share, so that several
 * together cannot swing it more often than one could. A signal that cannot be read for a whole
 * window is not too high: a false alarm must not stay because its source went away. The share may
 * reach zero; that a pool keeps a floor is for those who see the whole pool.
 */
import { limits } from '../base/limits.ts'
import { Window } from './predict-window.ts'
import { FULL_SHARE, Ramp } from './ramp.ts'
import type { PredictiveSignal, Vitals } from './report.ts'

export interface SignalRule {
  /** Percent from which it is too high. */
  readonly threshold: number
  readonly windowMs: number
  readonly bleedMs: number
}

export interface PredictRules {
  readonly cpu: SignalRule
  readonly memory: SignalRule
  readonly errors: SignalRule
  /** Part of a threshold by which a signal must fall below it to clear; 0-0.9. */
  readonly hysteresisShare: number
  /** Time between two readings of processor and memory. */
  readonly intervalMs: number
}

type SignalName = 'cpu' | 'memory' | 'errors'

const names: readonly SignalName[] = ['cpu', 'memory', 'errors']

/** As the wire has them (spec section 7). */
const reasons = {
  cpu: 'cpu_threshold_exceeded',
  memory: 'memory_threshold_exceeded',
  errors: 'error_rate_threshold_exceeded',
} as const

interface Signal {
  readonly rule: SignalRule
  readonly window: Window
  readonly least: { readonly readings: number; readonly of: number }
  percent: number | undefined
  over: boolean
}

const rounded = (percent: number) => Math.round(percent * 10) / 10

export class Predictor {
  readonly #rules: PredictRules
  readonly #signals: Readonly<Record<SignalName, Signal>>
  /** An application's own errors: another whole, so another window. */
  readonly #application: Window
  readonly #ramp: Ramp
  #signal: PredictiveSignal = 'none'
  #reason = ''
  #sinceMs: number

  constructor(rules: PredictRules, nowMs: number) {
    const { intervalMs } = rules
    const signal = (rule: SignalRule, of: number): Signal => {
      // A single reading is no mean: the window must be as full as its interval can make it.
      const full = Math.floor(rule.windowMs / Math.max(1, intervalMs))
      const readings = of > 0 ? 1 : Math.max(1, full)
      return {
        rule,
        // Half an interval more, so that a reading that comes late empties no place.
        window: new Window(rule.windowMs + intervalMs / 2),
        least: { readings, of },
        percent: undefined,
        over: false,
      }
    }
    this.#rules = rules
    this.#signals = {
      cpu: signal(rules.cpu, 0),
      memory: signal(rules.memory, 0),
      errors: signal(rules.errors, limits.predictiveChecksMin.default),
    }
    this.#application = new Window(rules.errors.windowMs)
    this.#ramp = new Ramp(nowMs)
    this.#sinceMs = nowMs
  }

  cpu(percent: number, nowMs: number): void {
    this.#signals.cpu.window.add(nowMs, percent, 100)
  }

  memory(percent: number, nowMs: number): void {
    this.#signals.memory.window.add(nowMs, percent, 100)
  }

  checks(counts: { readonly passed: number; readonly failed: number }, nowMs: number): void {
    this.#signals.errors.window.add(nowMs, counts.failed, counts.passed + counts.failed)
  }

  /** What an application counted since the reading before. */
  application(counts: { readonly errors: number; readonly total: number }, nowMs: number): void {
    this.#application.add(nowMs, counts.errors, counts.total)
  }

  /** Whether time alone changes the share, so that it should be looked at again soon. */
  get moves(): boolean {
    return this.#signal !== 'none'
  }

  /** Judges what was read, moves the share on to `nowMs`, and says how things stand. */
  advance(nowMs: number): Vitals {
    for (const name of names) this.#judge(name, nowMs)
    const over = names.filter((name) => this.#signals[name].over)
    const rules = over.map((name) => this.#signals[name].rule)
    const bleedMs = rules.length === 0 ? 0 : Math.min(...rules.map((rule) => rule.bleedMs))
    this.#ramp.advance(nowMs, over.length > 0, bleedMs, this.#rules.intervalMs)
    const signal = this.#signalNow(over.length > 0)
    // The first of the table wins; once all are clear, the last reason stays until it is over.
    if (over[0] !== undefined) this.#reason = reasons[over[0]]
    if (signal === 'none' || signal === 'recovered') this.#reason = ''
    if (signal !== this.#signal) this.#sinceMs = nowMs
    this.#signal = signal
    return this.#vitals(nowMs)
  }

  #judge(name: SignalName, nowMs: number): void {
    const signal = this.#signals[name]
    const { threshold } = signal.rule
    signal.percent = signal.window.percent(nowMs, signal.least)
    if (name === 'errors') {
      const application = this.#application.percent(nowMs, { readings: 1, of: 1 })
      if (application !== undefined) signal.percent = Math.max(signal.percent ?? 0, application)
    }
    if (signal.percent === undefined) signal.over = false
    else if (signal.percent >= threshold) signal.over = true
    else if (signal.percent < threshold * (1 - this.#rules.hysteresisShare)) signal.over = false
  }

  #signalNow(over: boolean): PredictiveSignal {
    switch (this.#ramp.move) {
      case 'full':
        return 'none'
      case 'empty':
        return 'drain'
      case 'rising':
        return 'recovered'
      case 'falling':
        return 'bleed'
      case 'held':
        // A rise that was stopped by new load, and a fall that waits for its hold to end.
        return over || this.#signal !== 'recovered' ? 'bleed' : 'recovered'
    }
  }

  #vitals(nowMs: number): Vitals {
    const { cpu, memory, errors } = this.#signals
    return {
      atMs: nowMs,
      ...(cpu.percent === undefined ? {} : { cpuPercent: rounded(cpu.percent) }),
      ...(memory.percent === undefined ? {} : { memoryPercent: rounded(memory.percent) }),
      ...(errors.percent === undefined ? {} : { errorPercent: rounded(errors.percent) }),
      signal: this.#signal,
      reason: this.#reason,
      sinceMs: this.#sinceMs,
      share: this.#signal === 'none' ? FULL_SHARE : this.#ramp.share,
    }
  }
}

/** Whether a reading is worth a message: the share, the signal, or a percentage moved. */
export function worthSaying(last: Vitals | undefined, next: Vitals): boolean {
  if (last === undefined) return true
  if (last.signal !== next.signal || last.share !== next.share || last.reason !== next.reason)
    return true
  const moved = (a: number | undefined, b: number | undefined) =>
    (a === undefined) !== (b === undefined) || Math.abs((a ?? 0) - (b ?? 0)) >= 1
  return (
    moved(last.cpuPercent, next.cpuPercent) ||
    moved(last.memoryPercent, next.memoryPercent) ||
    moved(last.errorPercent, next.errorPercent) ||
    Math.abs(next.atMs - last.atMs) >= limits.vitalsSilenceMs.default
  )
}
