/**
 * From what is believed of networks to what is expected of all: geography, corrected by what the
 * world, the country, the system and the wider network were seen to differ from it.
 *
 * Everything is a deviation from what geography expects. A network has one deviation that is the
 * same for all regions (its last mile), and one for each region; those of a wider node are the
 * average of what lies in it. On the way down each node trusts its own measurements as much as they
 * are certain, and what lies above it for the rest, so confidence alone decides how far up the tree
 * an expectation comes from.
 */
import type { Beliefs } from './beliefs.ts'
import { COUNTRY, NETWORK } from './beliefs.ts'

/** By level, deviation (ms) of what a node has of its own with a region. */
const SPREADS = [0, 4, 10, 3, 2] as const
/** Of what geography expects, in ms and as a share of it. */
const GEO_SPREAD_MS = 8
const GEO_SPREAD_SHARE = 0.25
/** Of what networks have in common with all regions. */
const COMMON_SPREAD_MS = 30
/** Of single networks around what the node above them has, when they are averaged. */
const AMONG_MS = 6
/** A network in a wrong place must not move its whole system. */
const OFF_MOST_MS = 150
const FIRST_ROUNDS = 4
/**
 * A last mile is within these; what is more is a region that is far, or a place that is wrong.
 * Where a network slows down at once it is mostly one region that did, so that what is common stays
 * as it was for a while.
 */
const COMMON_LEAST_MS = -10
const COMMON_MOST_MS = 40
/** The last mile is part of every round trip, so it is hardly more than the least deviation. */
const COMMON_SLACK_MS = 5
/** Where even the least deviation is more than this, the network is somewhere else. */
const MISPLACED_MS = 60
const COMMON_KEPT_MS = 7_200_000
/** So many deviations from what lies above it, a network is a case of its own. */
const ODD_SIGMAS = 3

export class Predictions {
  readonly beliefs: Beliefs
  /** By node, then region: deviation of the region from geography, and its variance. */
  readonly deviations: Float32Array
  readonly variances: Float32Array
  /** By country and region: sums of deviations, each times its demand. */
  readonly demanded: Float64Array
  readonly #demands: Float64Array
  /** By node: what is the same for all regions. */
  readonly commons: Float32Array
  /** By node: 1 where it, or something in it, was measured. */
  readonly measured: Uint8Array
  /** By node, the place whose expectations apply to its own measurements. */
  readonly #places: Int32Array
  /** The same as geography has it, which is what others in its system are compared with. */
  readonly #listed: Int32Array
  /** By node, the place it seems to be at instead; -1 where geography is believed. */
  readonly #moved: Int32Array
  /** By node: 1 where all that was measured is far too long for its place. */
  readonly #misplaced: Uint8Array
  readonly #weights: Float64Array
  /** Beside the weights, those of what is not old: averages keep what is, certainty does not. */
  readonly #fresh: Float64Array
  readonly #sums: Float64Array
  readonly #commonSums: Float64Array
  readonly #commonWeights: Float64Array
  /** By node, how uncertain its common part is, in ms². */
  readonly #doubts: Float32Array
  /** By node, how many regions its common part was last made from. */
  readonly #sources: Uint8Array
  #started = false

  constructor(beliefs: Beliefs, places: Int32Array) {
    const nodes = beliefs.tree.parents.length
    const cells = nodes * beliefs.regions
    this.beliefs = beliefs
    this.deviations = new Float32Array(cells)
    this.variances = new Float32Array(cells)
    this.demanded = new Float64Array(cells)
    this.#demands = new Float64Array(nodes)
    this.commons = new Float32Array(nodes)
    this.measured = new Uint8Array(nodes)
    this.#places = Int32Array.from(places)
    this.#listed = places
    this.#moved = new Int32Array(nodes).fill(-1)
    this.#misplaced = new Uint8Array(nodes)
    this.#weights = new Float64Array(cells)
    this.#fresh = new Float64Array(cells)
    this.#sums = new Float64Array(cells)
    this.#commonSums = new Float64Array(nodes)
    this.#commonWeights = new Float64Array(nodes)
    this.#doubts = new Float32Array(nodes)
    this.#sources = new Uint8Array(nodes)
  }

  /** Goes on from what followed for a tree whose nodes are the first of this one. */
  inherit(from: Predictions): void {
    this.deviations.set(from.deviations)
    this.variances.set(from.variances)
    this.commons.set(from.commons)
    this.#places.set(from.#places)
    this.#moved.set(from.#moved)
    this.#misplaced.set(from.#misplaced)
    this.#doubts.set(from.#doubts)
    this.#sources.set(from.#sources)
    this.#started = from.#started
  }

  /** Whether what was measured in a node says which regions are better there. */
  informs(node: number): boolean {
    const { regions, tree } = this.beliefs
    if (tree.levels[node] === NETWORK) return this.measured[node] === 1
    const from = node * regions
    for (let region = 0; region < regions; region++)
      if (this.#weights[from + region]! > 0) return true
    return false
  }

  /** Makes all of it anew; `expected` is what geography expects, by place and region, in ms. */
  update(expected: Float32Array, nowMs: number): void {
    // What networks have in common and what regions deviate are each known by the other; later
    // updates go on from the one before.
    const rounds = this.#started ? 1 : FIRST_ROUNDS
    this.#started = true
    for (let round = 0; round < rounds; round++) this.#round(expected, nowMs)
  }

  #round(expected: Float32Array, nowMs: number): void {
    this.#gather(expected, nowMs)
    this.#root()
    const { parents, levels } = this.beliefs.tree
    for (let node = 0; node < parents.length; node++)
      if (levels[node] === NETWORK) this.#network(node, expected, nowMs)
      else this.#inner(node)
    this.#weighByDemand(expected)
  }

  /**
   * What clients of a country have on the average, each network by how much it asks for: what a
   * resolver of which nothing else is known stands for. As a prior it would not do, since one busy
   * network would speak for all.
   */
  #weighByDemand(expected: Float32Array): void {
    const { beliefs, deviations, demanded } = this
    const { regions, rates, tree } = beliefs
    const { parents, levels } = tree
    demanded.fill(0)
    this.#demands.fill(0)
    for (let node = 0; node < parents.length; node++) {
      const rate = rates[node]!
      if (levels[node] !== NETWORK || !(rate > 0)) continue
      let above = parents[node]!
      while (levels[above]! > COUNTRY) above = parents[above]!
      this.#demands[above] = this.#demands[above]! + rate
      const place = this.#places[node]! * regions
      const listed = this.#listed[node]! * regions
      for (let region = 0; region < regions; region++) {
        const moved = expected[place + region]! - expected[listed + region]!
        const cell = above * regions + region
        demanded[cell] = demanded[cell]! + rate * (deviations[node * regions + region]! + moved)
      }
    }
  }

  /** The deviation that a class of clients in a node is to expect. */
  deviationOf(node: number, region: number): number {
    const cell = node * this.beliefs.regions + region
    const demand = this.#demands[node]!
    return demand > 0 ? this.demanded[cell]! / demand : this.deviations[cell]!
  }

  /** Where a node is, which geography says is at `listed`. */
  placeOf(node: number, listed: number): number {
    const moved = this.#moved[node]!
    return moved < 0 ? listed : moved
  }

  /** Averages over networks, in all nodes above them. */
  #gather(expected: Float32Array, nowMs: number): void {
    const { beliefs, commons, measured } = this
    const { regions, means, tree } = beliefs
    const { parents } = tree
    this.#weights.fill(0)
    this.#fresh.fill(0)
    this.#sums.fill(0)
    this.#commonSums.fill(0)
    this.#commonWeights.fill(0)
    measured.fill(0)
    for (let node = parents.length - 1; node > 0; node--) {
      const place = this.#places[node]! * regions
      let own = 0
      if (tree.levels[node] === NETWORK) this.#setCommon(node, expected, nowMs)
      for (let region = 0; region < regions; region++) {
        const cell = node * regions + region
        if (means[cell] === 0) continue
        const variance = beliefs.varianceAt(cell, nowMs)
        // Those who left a region since it is bad for them still say so, however long ago it was.
        const weight = this.#informs(node, Math.min(AMONG_MS * AMONG_MS, variance))
        const raw = means[cell]! - expected[place + region]! - commons[node]!
        const off = Math.min(OFF_MOST_MS, Math.max(-OFF_MOST_MS, raw))
        this.#weights[cell] = this.#weights[cell]! + weight
        this.#fresh[cell] = this.#fresh[cell]! + this.#informs(node, variance)
        this.#sums[cell] = this.#sums[cell]! + weight * off
        own = 1
      }
      if (own === 1) {
        this.#commonSums[node] = this.#commonSums[node]! + commons[node]!
        this.#commonWeights[node] = this.#commonWeights[node]! + 1
        measured[node] = 1
      }
      if (measured[node] === 1) this.#addUp(node, parents[node]!)
    }
  }

  /**
   * How much a measurement says about a region, for others: nothing where no other region tells
   * what is common to all.
   */
  #informs(node: number, variance: number): number {
    if (this.#sources[node]! < 2 || this.#misplaced[node] === 1) return 0
    return 1 / (variance + AMONG_MS * AMONG_MS + this.#doubts[node]!)
  }

  #addUp(node: number, parent: number): void {
    const { regions } = this.beliefs
    this.measured[parent] = 1
    this.#commonSums[parent] = this.#commonSums[parent]! + this.#commonSums[node]!
    this.#commonWeights[parent] = this.#commonWeights[parent]! + this.#commonWeights[node]!
    const from = node * regions
    const to = parent * regions
    for (let region = 0; region < regions; region++) {
      this.#weights[to + region] = this.#weights[to + region]! + this.#weights[from + region]!
      this.#fresh[to + region] = this.#fresh[to + region]! + this.#fresh[from + region]!
      this.#sums[to + region] = this.#sums[to + region]! + this.#sums[from + region]!
    }
  }

  /** Before any measurement: geography is right, and this uncertain. */
  #root(): void {
    const { regions } = this.beliefs
    for (let region = 0; region < regions; region++) {
      this.deviations[region] = 0
      this.variances[region] = GEO_SPREAD_MS ** 2
    }
  }

  /** A node that is the average of what lies in it. */
  #inner(node: number): void {
    const { deviations, variances, commons, beliefs } = this
    const { regions, tree } = beliefs
    const above = tree.parents[node]! * regions
    const spread = SPREADS[tree.levels[node]!]! ** 2
    const weight = this.#commonWeights[node]!
    // One network's worth of what lies above.
    const base = node === 0 ? 0 : commons[tree.parents[node]!]!
    commons[node] = (this.#commonSums[node]! + base) / (weight + 1)
    for (let region = 0; region < regions; region++) {
      const cell = node * regions + region
      const before = variances[above + region]! + spread
      const heard = this.#weights[cell]!
      const gain = (before * heard) / (before * heard + 1)
      const expected = deviations[above + region]!
      const own = heard === 0 ? expected : this.#sums[cell]! / heard
      deviations[cell] = expected + gain * (own - expected)
      variances[cell] = before / (before * this.#fresh[cell]! + 1)
    }
  }

  /** What a network has in common with all regions, given what lies above it. */
  #setCommon(node: number, expected: Float32Array, nowMs: number): void {
    const { deviations, variances, commons, beliefs } = this
    const { regions, means, tree } = beliefs
    const above = tree.parents[node]! * regions
    const place = this.#places[node]! * regions
    const spread = SPREADS[NETWORK] ** 2
    const base = commons[tree.parents[node]!]!
    let weights = 1 / COMMON_SPREAD_MS ** 2
    let sum = base * weights
    let sources = 0
    let least = Number.POSITIVE_INFINITY
    for (let region = 0; region < regions; region++) {
      const cell = node * regions + region
      if (means[cell] === 0) continue
      const before = variances[above + region]! + spread
      const weight = 1 / (before + beliefs.varianceAt(cell, nowMs))
      sum += weight * (means[cell]! - expected[place + region]! - deviations[above + region]!)
      weights += weight
      sources++
      least = Math.min(least, means[cell]! - expected[place + region]!)
    }
    const most = Math.min(COMMON_MOST_MS, least + COMMON_SLACK_MS)
    const fresh = Math.max(COMMON_LEAST_MS, Math.min(most, sum / weights))
    const wasMisplaced = this.#misplaced[node]
    this.#misplaced[node] = sources > 1 && least > MISPLACED_MS ? 1 : 0
    const grew = sources > this.#sources[node]!
    if (this.#misplaced[node] === 1 && (grew || wasMisplaced === 0)) this.#relocate(node, expected)
    const jumped = nowMs - beliefs.jumpsMs[node]! < COMMON_KEPT_MS
    const kept = jumped && !grew
    this.#sources[node] = sources
    this.#doubts[node] = sources === 0 ? 0 : 1 / weights
    if (!kept) commons[node] = sources === 0 ? base : fresh
  }

  /**
   * Finds the place that explains best what was measured: geographic databases are wrong by
   * continents now and then, and light is not.
   */
  #relocate(node: number, expected: Float32Array): void {
    const { regions, means } = this.beliefs
    const cells = node * regions
    let found = -1
    let least = Number.POSITIVE_INFINITY
    for (let from = 0; from < expected.length; from += regions) {
      let shortest = COMMON_MOST_MS
      for (let region = 0; region < regions; region++)
        if (means[cells + region] !== 0)
          shortest = Math.min(shortest, means[cells + region]! - expected[from + region]!)
      let cost = 0
      for (let region = 0; region < regions; region++) {
        if (means[cells + region] === 0) continue
        const off = means[cells + region]! - expected[from + region]! - Math.max(0, shortest)
        cost += Math.min(Math.abs(off), MISPLACED_MS) ** 2
      }
      if (cost < least) [found, least] = [from / regions, cost]
    }
    this.#moved[node] = found
    this.#places[node] = found
  }

  /** A node that was measured itself. */
  #network(node: number, expected: Float32Array, nowMs: number): void {
    const { deviations, variances, commons, beliefs } = this
    const { regions, means, tree } = beliefs
    const above = tree.parents[node]! * regions
    const place = this.#places[node]! * regions
    const spread = SPREADS[NETWORK] ** 2
    const common = commons[node]!
    for (let region = 0; region < regions; region++) {
      const cell = node * regions + region
      const before = variances[above + region]! + spread
      const mean = deviations[above + region]!
      if (means[cell] === 0) {
        // Against a region that was measured, it is as uncertain as what they have in common.
        deviations[cell] = mean
        variances[cell] = before + this.#doubts[node]!
        continue
      }
      const variance = beliefs.varianceAt(cell, nowMs)
      const off = means[cell]! - expected[place + region]! - common - mean
      // What lies above is no guide for one that was so far from it when it was measured: it would
      // draw it back as the measurement ages, and the network would go back and forth.
      const isOdd = off * off > ODD_SIGMAS ** 2 * (before + beliefs.variances[cell]!)
      const wide = isOdd ? off * off : before
      const gain = wide / (wide + variance)
      deviations[cell] = mean + gain * off
      variances[cell] = (1 - gain) * wide
    }
  }
}

const PRIOR_VARIANCE = SPREADS.reduce<number>((sum, ms) => sum + ms * ms, GEO_SPREAD_MS ** 2)

/**
 * The variance of an expectation, in ms²: what geography expects of far regions is less certain,
 * in so far as nothing was measured.
 */
export const varianceOf = (variance: number, expectedMs: number): number =>
  variance * (1 + (GEO_SPREAD_SHARE * expectedMs) ** 2 / PRIOR_VARIANCE)
