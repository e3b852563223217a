/**
 * Figures of the last hour in steps of five seconds, and of the last day in steps of a minute.
 *
 * Each point is a mean over its step. They are kept in memory, in rings of a fixed length: a
 * restart of the process begins them anew.
 */
import { limits } from '../../core/base/limits.ts'

export interface Point {
  readonly atMs: number
  /** The end of the step; what was not known is not there. */
  readonly values: Readonly<Record<string, number>>
  /** Answers a second with servers of each region. */
  readonly regions: Readonly<Record<string, number>>
}

/** What is known at a moment: totals to take differences of, and levels. */
export interface Sample {
  readonly atMs: number
  readonly totals: Readonly<Record<string, number>>
  readonly levels: Readonly<Record<string, number>>
  readonly regions: ReadonlyMap<string, number>
}

class Ring {
  readonly stepMs: number
  readonly #most: number
  #points: Point[] = []
  #from: Sample | undefined

  constructor(stepMs: number, most: number) {
    this.stepMs = stepMs
    this.#most = most
  }

  get points(): readonly Point[] {
    return this.#points
  }

  take(sample: Sample): void {
    const from = this.#from
    if (from === undefined) this.#from = sample
    if (from === undefined || sample.atMs - from.atMs < this.stepMs) return
    this.#from = sample
    this.#points.push(pointOf(from, sample))
    if (this.#points.length > this.#most) this.#points = this.#points.slice(-this.#most)
  }
}

function pointOf(from: Sample, to: Sample): Point {
  const seconds = (to.atMs - from.atMs) / 1_000
  const rate = (now: number, before: number | undefined) =>
    Math.max(0, now - (before ?? 0)) / seconds
  const rates = Object.entries(to.totals).map(
    ([name, now]) => [`${name}_per_sec`, rate(now, from.totals[name])] as const,
  )
  const regions = [...to.regions]
    .slice(0, limits.historyRegions.default)
    .map(([region, now]) => [region, rate(now, from.regions.get(region))] as const)
  return {
    atMs: to.atMs,
    values: { ...Object.fromEntries(rates), ...to.levels },
    regions: Object.fromEntries(regions),
  }
}

export class History {
  readonly #fine = new Ring(limits.historyFineMs.default, limits.historyFineSamples.default)
  readonly #coarse = new Ring(limits.historyCoarseMs.default, limits.historyCoarseSamples.default)

  take(sample: Sample): void {
    this.#fine.take(sample)
    this.#coarse.take(sample)
  }

  /** Points of a span, in steps no finer than asked for; the finest that reaches back so far. */
  read(fromMs: number, toMs: number, resolutionMs: number, nowMs: number): readonly Point[] {
    const fineMs = this.#fine.stepMs * limits.historyFineSamples.default
    const isFine = nowMs - fromMs <= fineMs && resolutionMs < this.#coarse.stepMs
    const ring = isFine ? this.#fine : this.#coarse
    const points = ring.points.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs)
    const every = Math.max(1, Math.round(resolutionMs / ring.stepMs))
    // From the end, so that the newest point is always there.
    return points.filter((_, at) => (points.length - 1 - at) % every === 0)
  }
}
