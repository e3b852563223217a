/**
 * What is believed of the round trip between a network and a region: a fold over reports.
 *
 * A belief is a mean and how uncertain that mean is; it grows uncertain with age, since networks
 * change, so a new report counts for more the longer nothing was heard. A report far from what is
 * believed is not averaged in: the second in a row, or one of many samples, is a change-point, at
 * which what was believed is dropped. Where many networks see a region change at once, those that
 * reported nothing are taken to have changed as well. Which networks lie in which is the tree's.
 */
import { assert } from '../base/assert.ts'
import { latencyPolicyLimits } from '../base/limits/latency-policy.ts'

/** What agents measured of one network and region since they last told. */
export interface LatencyEstimate {
  readonly ewmaMs: number
  /** Of one sample, in ms². */
  readonly variance: number
  readonly samples: number
  /** When the last of them was taken. */
  readonly lastMs: number
}

/** By node its parent, which comes before it; node 0 is the world, and its own parent. */
export interface LatencyTree {
  readonly parents: Int32Array
  /** By node one of `WORLD` to `NETWORK`. */
  readonly levels: Uint8Array
}

export const WORLD = 0
export const COUNTRY = 1
export const ASN = 2
export const WIDE = 3
export const NETWORK = 4

/** The system that a node is or lies in, or -1. */
export function systemOf(
  { parents, levels }: { readonly [part in keyof LatencyTree]: ArrayLike<number> },
  node: number,
): number {
  let at = node
  while (levels[at]! > ASN) at = parents[at]!
  return levels[at] === ASN ? at : -1
}

/** Variances are at least this: queues and clocks differ by more between two moments. */
const LEAST_VARIANCE = 0.25
/** Deviation that an hour adds, as a share of the time. */
const DRIFT_SHARE = 0.1
/** A report this many deviations off, and this far, does not belong to what is believed. */
const JUMP_SIGMAS = 3
const JUMP_SHARE = 0.25
const JUMP_LEAST_MS = 5
/** So many samples in one report are no accident. */
const SURE_SAMPLES = 8
/** A change is everybody's when this share of those that reported saw it, and so many. */
const COMMON_SHARE = 0.3
const COMMON_LEAST = 5
/** Uncertainty, as a share, of a belief that was moved without a report of its own. */
const MOVED_SHARE = 0.2
/** Of the newest round in the smoothed number of samples. */
const RATE_GAIN = 0.05
const HOUR_MS = 3_600_000

export class Beliefs {
  readonly tree: LatencyTree
  readonly regions: number
  /** Below by `node * regions + region`; a mean of 0 is no belief. */
  readonly means: Float32Array
  /** Of the mean, when it was last told. */
  readonly variances: Float32Array
  readonly lastMs: Float64Array
  /** By node, when a change-point was last seen at one of its regions. */
  readonly jumpsMs: Float64Array
  /** By node, samples of a round, smoothed: how much is asked for from there. */
  readonly rates: Float32Array
  readonly #samples: Float64Array
  readonly #strikes: Int8Array
  /** Of this round: who told, who jumped, and the sum of the logarithms of the ratios. */
  readonly #told: Uint32Array
  readonly #jumped: Uint32Array
  readonly #ratios: Float64Array
  readonly #round: Uint8Array
  #jumps = 0

  constructor(tree: LatencyTree, regions: number) {
    const nodes = tree.parents.length
    assert(nodes <= latencyPolicyLimits.latencyNodesMax.default, 'a tree has a bounded size')
    assert(regions <= latencyPolicyLimits.latencyRegionsMax.max, 'a pool has few regions')
    this.tree = tree
    this.regions = regions
    const cells = nodes * regions
    this.means = new Float32Array(cells)
    this.variances = new Float32Array(cells)
    this.lastMs = new Float64Array(cells)
    this.jumpsMs = new Float64Array(nodes).fill(Number.NEGATIVE_INFINITY)
    this.rates = new Float32Array(nodes)
    this.#samples = new Float64Array(nodes)
    this.#strikes = new Int8Array(cells)
    this.#told = new Uint32Array(cells)
    this.#jumped = new Uint32Array(cells)
    this.#ratios = new Float64Array(cells)
    this.#round = new Uint8Array(cells)
  }

  /** Goes on from beliefs on a tree whose nodes are the first of this one. */
  inherit(from: Beliefs): void {
    assert(from.regions === this.regions, 'regions stay what they were')
    this.means.set(from.means)
    this.variances.set(from.variances)
    this.lastMs.set(from.lastMs)
    this.jumpsMs.set(from.jumpsMs)
    this.rates.set(from.rates)
    this.#samples.set(from.#samples)
    this.#strikes.set(from.#strikes)
    this.#told.set(from.#told)
    this.#jumped.set(from.#jumped)
    this.#ratios.set(from.#ratios)
    this.#round.set(from.#round)
    this.#jumps = from.#jumps
  }

  /** How uncertain the mean of a cell is at a time, in ms². */
  varianceAt(cell: number, nowMs: number): number {
    const hours = Math.max(0, nowMs - this.lastMs[cell]!) / HOUR_MS
    const drift = DRIFT_SHARE * this.means[cell]!
    return this.variances[cell]! + drift * drift * hours
  }

  /** Takes a report; what is no time a network can have is passed over. */
  tell(node: number, region: number, report: LatencyEstimate): void {
    const { ewmaMs, samples, lastMs } = report
    const longest = latencyPolicyLimits.latencyEstimateMsMax.default
    if (!(ewmaMs > 0 && ewmaMs <= longest && samples >= 1 && Number.isFinite(lastMs))) return
    const cell = node * this.regions + region
    const spread = Number.isFinite(report.variance) ? Math.max(0, report.variance) : 0
    const variance = spread / samples + LEAST_VARIANCE
    this.#told[cell] = this.#told[cell]! + 1
    this.#samples[node] = this.#samples[node]! + samples
    this.#round[cell] = 1
    const mean = this.means[cell]!
    if (mean === 0) {
      this.#set(cell, ewmaMs, variance, lastMs)
      return
    }
    const before = this.varianceAt(cell, lastMs)
    const off = ewmaMs - mean
    const expected = JUMP_SIGMAS * Math.sqrt(before + variance)
    if (Math.abs(off) > Math.max(expected, JUMP_SHARE * mean, JUMP_LEAST_MS)) {
      this.#jump(cell, ewmaMs, variance, report)
      return
    }
    this.#strikes[cell] = 0
    const gain = before / (before + variance)
    this.#set(cell, mean + gain * off, (1 - gain) * before + LEAST_VARIANCE / 4, lastMs)
  }

  #set(cell: number, mean: number, variance: number, lastMs: number): void {
    this.means[cell] = mean
    this.variances[cell] = variance
    this.lastMs[cell] = lastMs
  }

  #jump(cell: number, ms: number, variance: number, { samples, lastMs }: LatencyEstimate): void {
    const mean = this.means[cell]!
    const direction = ms > mean ? 1 : -1
    const strikes = this.#strikes[cell]!
    const again = Math.sign(strikes) === direction
    this.#strikes[cell] = direction
    this.#jumped[cell] = 1
    this.#ratios[cell] = Math.log(ms / mean)
    this.#jumps++
    if (!again && samples < SURE_SAMPLES) return
    this.#strikes[cell] = 0
    this.jumpsMs[Math.floor(cell / this.regions)] = lastMs
    this.#set(cell, ms, variance, lastMs)
  }

  /**
   * Ends a round of reports: changes that are common to a system or to the world move those that
   * told nothing.
   */
  settle(nowMs: number): void {
    if (this.#jumps > 0) {
      this.#sumUp()
      this.#moveSilent(nowMs)
    }
    for (let node = 0; node < this.rates.length; node++)
      this.rates[node] = this.rates[node]! + RATE_GAIN * (this.#samples[node]! - this.rates[node]!)
    this.#samples.fill(0)
    this.#told.fill(0)
    this.#jumped.fill(0)
    this.#ratios.fill(0)
    this.#round.fill(0)
    this.#jumps = 0
  }

  /** Adds children to parents, children first. */
  #sumUp(): void {
    const { regions } = this
    const { parents } = this.tree
    for (let node = parents.length - 1; node > 0; node--) {
      const from = node * regions
      const to = parents[node]! * regions
      for (let region = 0; region < regions; region++) {
        if (this.#told[from + region] === 0) continue
        this.#told[to + region] = this.#told[to + region]! + this.#told[from + region]!
        this.#jumped[to + region] = this.#jumped[to + region]! + this.#jumped[from + region]!
        this.#ratios[to + region] = this.#ratios[to + region]! + this.#ratios[from + region]!
      }
    }
  }

  #moveSilent(nowMs: number): void {
    const { regions, means } = this
    const { parents, levels } = this.tree
    // By node and region the ratio of the nearest node in which a change is common, or 0.
    const ratios = new Float32Array(parents.length * regions)
    for (let node = 0; node < parents.length; node++) {
      const from = node * regions
      const above = parents[node]! * regions
      const groups = levels[node] === WORLD || levels[node] === ASN
      for (let region = 0; region < regions; region++) {
        const cell = from + region
        const jumped = this.#jumped[cell]!
        const common =
          groups && jumped >= COMMON_LEAST && jumped >= COMMON_SHARE * this.#told[cell]!
        ratios[cell] = common
          ? Math.exp(this.#ratios[cell]! / jumped)
          : node === 0
            ? 0
            : ratios[above + region]!
        const ratio = ratios[cell]!
        // One that jumped for the first time, and was not believed, is believed now.
        const silent = this.#round[cell] === 0 || this.#strikes[cell] !== 0
        if (ratio === 0 || means[cell] === 0 || !silent) continue
        const moved = means[cell]! * ratio
        this.#strikes[cell] = 0
        this.jumpsMs[node] = nowMs
        this.#set(cell, moved, (MOVED_SHARE * moved) ** 2, nowMs)
      }
    }
  }
}
