/**
 * What the nodes of a cluster make of the readings that agents tell: under
 * `cluster.predictive_health` one set of thresholds holds for all machines, whatever each agent
 * would do by its own.
 *
 * The readings of an agent go through the signals and the ramp that it has itself (predict.ts), at
 * the beat of the node; the smaller of both shares counts. So an agent that only tells what it
 * measures is judged here alone, and one that has thresholds of its own may ask for less, never for
 * more. A reading lasts until the next one: an agent says it anew only when it changed. That a
 * silent agent's readings count for nothing is decided in chorus.ts, and the floor of a pool in
 * floor.ts.
 */
import { Predictor, type PredictRules } from './predict.ts'
import { FULL_SHARE } from './ramp.ts'
import type { Vitals } from './report.ts'

export interface ForesightRules {
  /** Percent from which a machine has too much to do. */
  readonly cpu: number
  readonly memory: number
  readonly errors: number
  /** The mean of the errors told over this time is what counts. */
  readonly errorsWindowMs: number
  /** Time to take a share down, and to hold it after. */
  readonly bleedMs: number
  /** Part of a threshold by which a signal must fall below it to clear; 0-0.9. */
  readonly hysteresisShare: number
}

/** A share that moved, and why. */
export interface Foreseen {
  readonly agentId: string
  readonly vitals: Vitals
  readonly before: Pick<Vitals, 'signal' | 'share'>
}

interface Forecast {
  readonly predictor: Predictor
  vitals: Pick<Vitals, 'signal' | 'share'>
}

const CALM = { signal: 'none', share: FULL_SHARE } as const

export class Foresight {
  readonly #rules: PredictRules
  readonly #beatMs: number
  readonly #agents = new Map<string, Forecast>()

  /** @param beatMs time between two calls of `advance` */
  constructor(rules: ForesightRules, beatMs: number) {
    const { cpu, memory, errors, errorsWindowMs, bleedMs, hysteresisShare } = rules
    // Processor and memory are told as means already: the last word on them is what counts.
    const rule = (threshold: number, windowMs = beatMs) => ({ threshold, windowMs, bleedMs })
    this.#beatMs = beatMs
    this.#rules = {
      ...{ cpu: rule(cpu), memory: rule(memory), errors: rule(errors, errorsWindowMs) },
      ...{ hysteresisShare, intervalMs: beatMs },
    }
  }

  /**
   * Judges what every agent that is heard tells now, and moves the shares on.
   * @param told by agent, what it told last; who is missing is forgotten
   */
  advance(told: ReadonlyMap<string, Vitals>, nowMs: number): readonly Foreseen[] {
    const moved: Foreseen[] = []
    for (const agentId of this.#agents.keys()) if (!told.has(agentId)) this.#agents.delete(agentId)
    for (const [agentId, readings] of told) {
      const forecast = this.#forecastOf(agentId, nowMs)
      const before = forecast.vitals
      const vitals = this.#judge(forecast.predictor, readings, nowMs)
      forecast.vitals = vitals
      if (vitals.share !== before.share || vitals.signal !== before.signal)
        moved.push({ agentId, vitals, before })
    }
    return moved
  }

  /** Thousandths of its weight that each server of an agent may take. */
  shareOf(agentId: string): number {
    return this.#agents.get(agentId)?.vitals.share ?? FULL_SHARE
  }

  #forecastOf(agentId: string, nowMs: number): Forecast {
    const known = this.#agents.get(agentId)
    if (known !== undefined) return known
    // A beat ago, so that the first reading fills the window of one beat.
    const forecast = { predictor: new Predictor(this.#rules, nowMs - this.#beatMs), vitals: CALM }
    this.#agents.set(agentId, forecast)
    return forecast
  }

  #judge(predictor: Predictor, { cpuPercent, memoryPercent, errorPercent }: Vitals, nowMs: number) {
    if (cpuPercent !== undefined) predictor.cpu(cpuPercent, nowMs)
    if (memoryPercent !== undefined) predictor.memory(memoryPercent, nowMs)
    if (errorPercent !== undefined)
      predictor.application({ errors: errorPercent, total: 100 }, nowMs)
    return predictor.advance(nowMs)
  }
}
