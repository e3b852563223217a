/**
 * Which regions a class of clients is sent to, learned from reports: rows for the client map.
 *
 * It exploits with pessimism and explores with optimism. Regions are ordered by what is expected
 * plus a part of how uncertain that is, so an unknown region does not win by a guess; the region to
 * explore is the one that could be best if it were as good as it may be, and where none could be,
 * nothing is explored. Who leads keeps the lead until another is better by a margin, for a least
 * time; near-equals share. What is believed is in beliefs.ts, what follows for whom in predict.ts.
 */
import { assert } from '../base/assert.ts'
import {
  Beliefs,
  type LatencyEstimate,
  type LatencyTree,
  NETWORK,
  systemOf,
  WORLD,
} from './beliefs.ts'
import { Predictions, varianceOf } from './predict.ts'
import type { Catchment, Catchments, Expectations } from './catchments.ts'
import { COLD_START, GEO_FALLBACK, LEARNED, type LatencyRows } from './rows.ts'

export interface LatencySettings {
  /** Regions expected to take longer are passed over, unless all are. */
  readonly maxLatencyMs: number
  /** A region shares with the best while within this of it; the larger of the two holds. */
  readonly bandMs: number
  readonly bandShare: number
  /** A new lead is kept for so long, unless another is better by much. */
  readonly holdMs: number
  /** Deviations added to what is expected, and taken away from it to explore. */
  readonly caution: number
  readonly curiosity: number
}

export const defaultLatencySettings: LatencySettings = {
  maxLatencyMs: 500,
  bandMs: 1,
  bandShare: 0.03,
  holdMs: 600_000,
  caution: 0.7,
  curiosity: 1.5,
}

/** What rows are made for: clients in a node of the tree, at a place that geography knows. */
export interface LatencyClasses {
  /** By row. */
  readonly nodes: Int32Array
  readonly places: Int32Array
  readonly keys: Uint32Array
  /** By row, regions it may be sent to, as bits of two words (low, high); absent means all. */
  readonly allowed?: Uint32Array
  /** By row, the number of the resolver among the catchments that it is for, or -1. */
  readonly resolvers?: Int32Array
}

export interface LatencyGround {
  readonly tree: LatencyTree
  readonly regions: number
  /** By node, the place its own measurements are compared with. */
  readonly nodePlaces: Int32Array
  /** expected[place * regions + region], in ms; all 0 where geography knows nothing. */
  readonly expected: Float32Array
  /** Whether `expected` says anything. */
  readonly placed: boolean
  /** By place: 1 where its expectations follow from no position, so that they bound nothing. */
  readonly guessed?: Uint8Array
}

/** Nothing is faster than light in fibre: this share of what geography expects is a bound. */
const LEAST_OF_EXPECTED = 0.65
/** Margins by which a hold is broken, and which a member of the near-equals leaves at. */
const URGENT_MARGINS = 4
const LEAVE_BANDS = 2
/** Added to scores, more than any time: what is too slow, and what is fenced off. */
const LATE = 1e6
const FENCED = 1e9
/** Deviations of noise that a new lead must be better by. */
const NOISE_SIGMAS = 1.5

export class LatencyPolicy {
  readonly beliefs: Beliefs
  readonly predictions: Predictions
  readonly rows: LatencyRows
  readonly #settings: LatencySettings
  readonly #ground: LatencyGround
  readonly #classes: LatencyClasses
  /** By row: who leads (-1 before the first time), and since when. */
  readonly #leads: Int8Array
  readonly #since: Float64Array
  /** By row and region: 1 where it shares. */
  readonly #shares: Uint8Array
  readonly #means: Float64Array
  readonly #deviations: Float64Array
  readonly #scores: Float64Array
  readonly #order: Uint8Array
  /** What the row being made cannot take less than, by region. */
  readonly #floors: Float64Array
  readonly #catchments: Catchments | undefined
  readonly #view: Expectations
  /** Beside a row's ranking while it is made. */
  readonly #weights: Float64Array

  constructor(
    ground: LatencyGround,
    classes: LatencyClasses,
    settings = defaultLatencySettings,
    catchments?: Catchments,
  ) {
    const { regions } = ground
    const count = classes.nodes.length
    assert(ground.expected.length % regions === 0, 'expectations are rows of regions')
    this.beliefs = new Beliefs(ground.tree, regions)
    this.predictions = new Predictions(this.beliefs, ground.nodePlaces)
    this.#ground = ground
    this.#classes = classes
    this.#settings = settings
    this.#leads = new Int8Array(count).fill(-1)
    this.#since = new Float64Array(count).fill(Number.NEGATIVE_INFINITY)
    this.#shares = new Uint8Array(count * regions)
    this.#means = new Float64Array(regions)
    this.#deviations = new Float64Array(regions)
    this.#scores = new Float64Array(regions)
    this.#order = new Uint8Array(regions)
    this.#weights = new Float64Array(regions)
    this.#floors = new Float64Array(regions)
    this.#catchments = catchments
    this.#view = this.#viewed()
    this.rows = {
      regions,
      ranking: new Uint8Array(count * regions),
      shares: new Uint16Array(count * regions),
      lengths: new Uint8Array(count),
      explore: new Int8Array(count).fill(-1),
      method: new Uint8Array(count).fill(COLD_START),
      keys: classes.keys,
    }
  }

  /** Goes on from a policy whose nodes and rows are the first of this one. */
  inherit(from: LatencyPolicy): void {
    this.beliefs.inherit(from.beliefs)
    this.predictions.inherit(from.predictions)
    this.rows.ranking.set(from.rows.ranking)
    this.#leads.set(from.#leads)
    this.#since.set(from.#since)
    this.#shares.set(from.#shares)
  }

  /** A report of what was measured between a node of the tree and a region. */
  tell(node: number, region: number, report: LatencyEstimate): void {
    this.beliefs.tell(node, region, report)
  }

  /** The end of a round of questions: finds who is behind resolvers. */
  divide(): void {
    this.#catchments?.learn(this.#view)
  }

  /** The end of a round of reports: makes all rows anew. */
  compile(nowMs: number): LatencyRows {
    this.beliefs.settle(nowMs)
    this.predictions.update(this.#ground.expected, nowMs)
    this.#catchments?.refresh(this.#view)
    for (let row = 0; row < this.#leads.length; row++) this.#compileRow(row, nowMs)
    return this.rows
  }

  /** What a row expects of a region, in ms, and how uncertain that is. */
  expectation(row: number, region: number): { ms: number; deviationMs: number } {
    this.#expect(row)
    return { ms: this.#means[region]!, deviationMs: this.#deviations[region]! }
  }

  /** What a row expects of all regions, in `#means`, `#deviations` and `#floors`. */
  #expect(row: number): void {
    const [means, deviations, floors] = [this.#means, this.#deviations, this.#floors]
    this.#expectAt(this.#classes.nodes[row]!, this.#classes.places[row]!, means, deviations, floors)
    const catchment = this.#catchmentOf(row)
    for (let region = 0; region < means.length; region++) {
      let variance = deviations[region]!
      if (catchment !== undefined) {
        const { trust } = catchment
        means[region] = mix(trust, catchment.means[region]!, means[region]!)
        floors[region] = mix(trust, catchment.floors[region]!, floors[region]!)
        variance = mix(trust, catchment.variances[region]!, variance)
      }
      deviations[region] = Math.sqrt(variance)
    }
  }

  /** The networks behind a row, where it is that of a resolver and they are known. */
  #catchmentOf(row: number): Catchment | undefined {
    const resolver = this.#classes.resolvers?.[row] ?? -1
    return resolver < 0 ? undefined : this.#catchments?.of(resolver)
  }

  /** Fills the rows of regions: ms, variance, and what a round trip cannot be less than. */
  #expectAt(
    node: number,
    listed: number,
    means: Float64Array,
    variances: Float64Array,
    floors: Float64Array,
  ): void {
    const { regions, expected } = this.#ground
    const { predictions } = this
    const at = predictions.placeOf(node, listed)
    const place = at * regions
    const least = this.#ground.guessed?.[at] === 1 ? 0 : LEAST_OF_EXPECTED
    const common = Math.max(0, predictions.commons[node]!)
    for (let region = 0; region < regions; region++) {
      const far = expected[place + region]!
      const own = far + predictions.deviationOf(node, region)
      // What was measured in less time than light takes was not measured where geography has it.
      const isMeasured = this.beliefs.means[node * regions + region]! > 0
      floors[region] = isMeasured ? Math.min(own, least * far) : least * far
      means[region] = Math.max(own, floors[region]!) + common
      variances[region] = varianceOf(predictions.variances[node * regions + region]!, far)
    }
  }

  /** What catchments see of networks. */
  #viewed(): Expectations {
    const { regions, nodePlaces, expected } = this.#ground
    const placeOf = (node: number) => this.predictions.placeOf(node, nodePlaces[node]!)
    return {
      ...{ regions, expected, placeOf },
      networks: () => this.#networks(),
      rateOf: (node) => this.beliefs.rates[node]!,
      expect: (node, ...rows) => this.#expectAt(node, nodePlaces[node]!, ...rows),
      marginOf: (ms) => LEAVE_BANDS * this.#marginOf(ms),
      systemOf: (node) => systemOf(this.beliefs.tree, node),
    }
  }

  *#networks(): Generator<number> {
    const { levels } = this.beliefs.tree
    for (let node = 0; node < levels.length; node++)
      if (levels[node] === NETWORK && this.predictions.measured[node] === 1) yield node
  }

  #compileRow(row: number, nowMs: number): void {
    const { method } = this.rows
    const learned =
      this.#catchmentOf(row) !== undefined || this.#isLearned(this.#classes.nodes[row]!)
    method[row] = learned ? LEARNED : this.#ground.placed ? GEO_FALLBACK : COLD_START
    this.#expect(row)
    const order = this.#ordered(row)
    const lead = this.#leadOf(row, order, nowMs)
    this.#layShares(row, order, lead)
    this.rows.explore[row] = this.#targetOf(row, lead)
  }

  #isLearned(node: number): boolean {
    const { parents, levels } = this.beliefs.tree
    let at = node
    while (levels[at] !== WORLD && !this.predictions.informs(at)) at = parents[at]!
    return levels[at] !== WORLD
  }

  #isAllowed(row: number, region: number): boolean {
    const word = this.#classes.allowed?.[row * 2 + (region >> 5)]
    return word === undefined || ((word >>> (region & 31)) & 1) === 1
  }

  #scoreOf(region: number): number {
    return this.#means[region]! + this.#settings.caution * this.#deviations[region]!
  }

  /** Regions by score; fenced ones last, then those that take too long, unless all do. */
  #ordered(row: number): Uint8Array {
    const { regions, ranking } = this.rows
    const [scores, order] = [this.#scores, this.#order]
    for (let region = 0; region < regions; region++) {
      const late = this.#means[region]! > this.#settings.maxLatencyMs ? LATE : 0
      scores[region] = this.#scoreOf(region) + late + (this.#isAllowed(row, region) ? 0 : FENCED)
    }
    // The order of last time is nearly right, which insertion takes advantage of.
    const known = this.#leads[row]! >= 0
    for (let rank = 0; rank < regions; rank++) {
      const region = known ? ranking[row * regions + rank]! : rank
      let at = rank
      while (at > 0 && scores[order[at - 1]!]! > scores[region]!) {
        order[at] = order[at - 1]!
        at--
      }
      order[at] = region
    }
    return order
  }

  #marginOf(ms: number): number {
    return Math.max(this.#settings.bandMs, this.#settings.bandShare * ms)
  }

  #leadOf(row: number, order: Uint8Array, nowMs: number): number {
    const best = order[0]!
    const lead = this.#leads[row]!
    if (lead === best) return lead
    if (lead >= 0 && this.#mayLead(row, lead)) {
      const gain = this.#scoreOf(lead) - this.#scoreOf(best)
      const margin = this.#leadMargin(row, lead, best, nowMs)
      const held = nowMs - this.#since[row]! < this.#settings.holdMs
      if (gain < margin * (held ? URGENT_MARGINS : 1)) return lead
    }
    this.#leads[row] = best
    this.#since[row] = nowMs
    return best
  }

  /** Near-equals share whoever leads, so a new lead is better than that, and than noise. */
  #leadMargin(row: number, lead: number, best: number, nowMs: number): number {
    const noise = this.#noiseOf(row, lead, nowMs) + this.#noiseOf(row, best, nowMs)
    const near = LEAVE_BANDS * this.#marginOf(this.#means[best]!)
    return near + NOISE_SIGMAS * Math.sqrt(noise)
  }

  /** The variance that measurement has left, in ms²; none where nothing was measured. */
  #noiseOf(row: number, region: number, nowMs: number): number {
    const cell = this.#classes.nodes[row]! * this.#ground.regions + region
    return this.beliefs.means[cell] === 0 ? 0 : this.beliefs.varianceAt(cell, nowMs)
  }

  #mayLead(row: number, region: number): boolean {
    return this.#isAllowed(row, region) && this.#means[region]! <= this.#settings.maxLatencyMs
  }

  /** The lead, those near it by how near, then the others. */
  #layShares(row: number, order: Uint8Array, lead: number): void {
    const { regions, ranking, shares } = this.rows
    const from = row * regions
    const best = this.#means[lead]!
    const band = this.#marginOf(best)
    const leave = band * LEAVE_BANDS
    let whole = 1
    let members = 0
    const weights = this.#weights
    let allowed = this.#isAllowed(row, lead) ? 1 : 0
    const place = (region: number, weight: number) => {
      ranking[from + members] = region
      weights[members] = weight
      members++
    }
    place(lead, 1)
    for (const region of order) {
      if (region === lead) continue
      if (this.#isAllowed(row, region)) allowed++
      const cell = from + region
      const off = this.#means[region]! - best
      const near = this.#shares[cell] === 1 ? leave : band
      const sure = this.#deviations[region]! <= leave
      const shares = sure && Math.abs(off) <= near && this.#mayLead(row, region)
      this.#shares[cell] = shares ? 1 : 0
      const weight = shares ? Math.min(1, Math.max(0.1, 1 - off / leave)) : 0
      whole += weight
      place(region, weight)
    }
    this.rows.lengths[row] = allowed
    this.#sortMembers(from, weights)
    for (let rank = 0; rank < regions; rank++)
      shares[from + rank] = Math.round((1000 * weights[rank]!) / whole)
  }

  /** Sharers right behind the lead, as a choice reads no further than the last of them. */
  #sortMembers(from: number, weights: Float64Array): void {
    const { ranking } = this.rows
    let end = 1
    for (let rank = 1; rank < weights.length; rank++) {
      if (weights[rank] === 0) continue
      const [region, weight] = [ranking[from + rank]!, weights[rank]!]
      for (let at = rank; at > end; at--) {
        ranking[from + at] = ranking[from + at - 1]!
        weights[at] = weights[at - 1]!
      }
      ranking[from + end] = region
      weights[end++] = weight
    }
  }

  /** The region that could be best, were it as good as it may be; -1 where none could. */
  #targetOf(row: number, lead: number): number {
    const { regions } = this.#ground
    const { curiosity } = this.#settings
    const best = this.#means[lead]!
    let target = -1
    let least = best - this.#marginOf(best)
    for (let region = 0; region < regions; region++) {
      if (region === lead || !this.#mayLead(row, region)) continue
      const hoped = this.#means[region]! - curiosity * this.#deviations[region]!
      const ms = Math.max(this.#floors[region]!, hoped)
      if (ms < least) [target, least] = [region, ms]
    }
    return target
  }
}

const mix = (share: number, one: number, other: number): number => share * one + (1 - share) * other
