/**
 * Who stands behind a resolver that tells nothing of its clients: the networks whose connections
 * arrive where it was told to send them.
 *
 * A network reaches a region because its own row, or that of a resolver of its own system, says so,
 * or because such a resolver was told so. Each network divides what arrives of it among these
 * causes, by how well what each was told explains it and by what is known already (one step of
 * expectation and maximisation a round). Where all causes were told alike nothing is learned, so
 * that a guess stays one. Before anything is learned the resolvers nearest to a network have a
 * small part of it, the nearer the more. A resolver then expects of a region what its networks do,
 * by the part and the demand of each.
 *
 * Only connections teach, which nobody can feign from a false address; questions only say who asks
 * and what it was told. Sizes are bounded. No clock, no random source.
 */
import { assert } from '../base/assert.ts'
import { latencyPolicyLimits } from '../base/limits/latency-policy.ts'

/** Resolvers that a network may be behind, the nearest first. */
const NEAR = 32
/** A resolver may have a network wherever both seem to be: so much beside 1 for the nearest. */
const ANYWHERE = 0.02
/** A smaller part than this is no more than a suspicion, which no expectation follows from. */
const LEAST_PART = 0.02
/** The part of a network that resolvers far from it have together before anything is learned. */
const PRIOR_PART = 0.2
/** That guess counts as much as so many connections. */
const PRIOR_SAMPLES = 20
/** Difference of expected times at which a resolver is less likely by e, in ms. */
const NEAR_MS = 10
/** Part of the answers that a cause gives against what it was told: old ones, other resolvers. */
const STRAY = 0.02
/** Another resolver of the system, somewhere else, may have been asked. */
const ELSEWHERE = 0.3
/** A round that moves less than this of a network tells nothing. */
const TELLING = 0.02
/** Connections of a round come from few answers, so more of them say no more. */
const ROUND_SAMPLES = 20
/** What was learned is kept from round to round; half is left after eleven hours. */
const KEPT = 0.995
/** Answers of the round before may still be held. */
const HELD = 0.25
/** A resolver that asked nothing for a day gives way to another. */
const SILENT_ROUNDS = 288
/** Answers, by samples, that tell what a resolver was told. */
const TOLD_LEAST = 3
/** Networks' worth of trust in what its surroundings say of a resolver. */
const TRUST = 3

/** What is expected of networks: the policy's own view of them. */
export interface Expectations {
  readonly regions: number
  /** Networks that were measured. */
  networks(): Iterable<number>
  placeOf(network: number): number
  /** How much is asked for from there; any unit. */
  rateOf(network: number): number
  /** Fills the three rows: ms, their variance, and what they cannot be less than. */
  expect(network: number, means: Float64Array, variances: Float64Array, floors: Float64Array): void
  /** By how much regions may differ and are as good as equal. */
  marginOf(ms: number): number
  /** By place and region, what geography expects, in ms. */
  readonly expected: Float32Array
  /** A network's system, or -1. */
  systemOf(network: number): number
}

/** What a resolver was told, or those of a system at one place. */
interface Told {
  readonly place: number
  now: Float64Array
  before: Float64Array
  /** By region, its share in both, as of the end of a round; -1 where that was too little. */
  readonly shares: Float64Array
}

/** What a resolver expects, by region. */
export interface Catchment {
  readonly means: Float64Array
  readonly variances: Float64Array
  readonly floors: Float64Array
  /** Networks behind it, each by its part. */
  networks: number
  demand: number
  /** How far to trust it, 0 to 1. */
  trust: number
}

/** What was learned of a network, in connections. */
export interface Divided {
  /** Of itself, and of resolvers by their numbers; those without any are left out. */
  readonly own: number
  readonly parts: readonly (readonly [resolver: number, connections: number])[]
}

interface Resolver {
  readonly id: number
  readonly place: number
  readonly told: Told
  catchment: Catchment
  /** Rounds since it was last told anything. */
  silent: number
}

export class Catchments {
  readonly #regions: number
  readonly #resolvers = new Map<number, Resolver>()
  #nextId = 0
  readonly #systems = new Map<number, Told[]>()
  /** By network, its regions of this round, each with its connections behind it. */
  #arrived = new Map<number, number[]>()
  /** By place, the resolvers nearest to it and their parts before anything is learned. */
  #near = new Map<number, { readonly ids: Int32Array; readonly parts: Float64Array }>()
  /** By network: whose candidates it has, and what was learned of them and of itself. */
  readonly #counts = new Map<number, { ids: Int32Array; counts: Float64Array }>()
  readonly #rows: readonly [Float64Array, Float64Array, Float64Array]
  readonly #homes: Float64Array
  readonly #fits = new Float64Array(NEAR + 1)
  readonly #parts = new Float64Array(NEAR + 1)
  /** What the connections of a round make of the parts. */
  readonly #gains = new Float64Array(NEAR + 1)

  constructor(regions: number) {
    this.#regions = regions
    this.#homes = new Float64Array(regions)
    this.#rows = [new Float64Array(regions), new Float64Array(regions), new Float64Array(regions)]
  }

  /** Resolvers, and the parts of networks that are taken to be behind them. */
  sizes(): { readonly resolvers: number; readonly networks: number } {
    let networks = 0
    for (const { catchment } of this.#resolvers.values()) networks += catchment.networks
    return { resolvers: this.#resolvers.size, networks }
  }

  has(resolver: number): boolean {
    return this.#resolvers.has(resolver)
  }

  /** A resolver at a place; its number, or -1 while as many are asking as may be known. */
  add(place: number): number {
    if (this.#resolvers.size >= latencyPolicyLimits.latencyResolversMax.default) {
      const idle = [...this.#resolvers.values()].find(({ silent }) => silent >= SILENT_ROUNDS)
      if (idle === undefined) return -1
      this.#resolvers.delete(idle.id)
    }
    this.#near = new Map()
    const id = this.#nextId++
    const told = this.#toldAt(place)
    this.#resolvers.set(id, { id, place, told, catchment: this.#emptyCatchment(), silent: 0 })
    return id
  }

  /** A resolver was told a region so many times. */
  told(resolver: number, region: number, answers: number): void {
    const found = this.#resolvers.get(resolver)
    if (found === undefined) return
    found.told.now[region] = found.told.now[region]! + answers
    found.silent = 0
  }

  /** A resolver of a system, which has networks of its own there, was told a region. */
  toldSystem(system: number, place: number, region: number, answers: number): void {
    const known = this.#systems.get(system)
    const places = known ?? []
    if (known === undefined) this.#systems.set(system, places)
    let told = places.find((one) => one.place === place)
    if (told === undefined) {
      if (places.length >= latencyPolicyLimits.latencyResolverPlacesMax.default) return
      told = this.#toldAt(place)
      places.push(told)
    }
    told.now[region] = told.now[region]! + answers
  }

  /** Connections of a network arrived at a region. */
  arrived(network: number, region: number, samples: number): void {
    if (this.#resolvers.size === 0) return
    const known = this.#arrived.get(network)
    if (known === undefined) this.#arrived.set(network, [region, samples])
    else known.push(region, samples)
  }

  /** What a resolver expects; undefined while nobody is known behind it. */
  of(resolver: number): Catchment | undefined {
    const catchment = this.#resolvers.get(resolver)?.catchment
    return catchment === undefined || catchment.trust === 0 ? undefined : catchment
  }

  /** What was learned of each network. */
  *divided(): Generator<readonly [network: number, Divided]> {
    for (const [network, { ids, counts }] of this.#counts) {
      const parts = [...ids].map((id, at) => [id, counts[at]!] as const)
      const own = counts[ids.length]!
      yield [network, { own, parts: parts.filter(([id, part]) => part > 0 && this.has(id)) }]
    }
  }

  /** Takes up what was learned of a network before. */
  restore(network: number, { own, parts }: Divided): void {
    const ids = Int32Array.from(parts, ([id]) => id)
    this.#counts.set(network, { ids, counts: Float64Array.of(...parts.map(([, n]) => n), own) })
  }

  /** Ends a round: networks are divided anew. */
  learn(view: Expectations): void {
    assert(view.regions === this.#regions, 'regions stay what they were')
    if (this.#resolvers.size > 0) this.#learn(view)
    this.#arrived = new Map()
    for (const resolver of this.#resolvers.values()) {
      turn(resolver.told)
      resolver.silent++
    }
    for (const places of this.#systems.values()) for (const told of places) turn(told)
  }

  /** What resolvers expect, from what is expected of networks now. */
  refresh(view: Expectations): void {
    if (this.#resolvers.size === 0) return
    for (const resolver of this.#resolvers.values()) resolver.catchment = this.#emptyCatchment()
    const [means, variances, floors] = this.#rows
    for (const network of view.networks()) {
      const rate = view.rateOf(network)
      if (!(rate > 0)) continue
      const { ids } = this.#divide(network, view)
      view.expect(network, means, variances, floors)
      for (let at = 0; at < ids.length; at++) {
        const part = this.#parts[at]!
        if (part < LEAST_PART) continue
        const { catchment } = this.#resolvers.get(ids[at]!)!
        const weight = part * rate
        catchment.networks += part
        catchment.demand += weight
        for (let region = 0; region < this.#regions; region++) {
          catchment.means[region] = catchment.means[region]! + weight * means[region]!
          catchment.variances[region] = catchment.variances[region]! + weight * variances[region]!
          catchment.floors[region] = catchment.floors[region]! + weight * floors[region]!
        }
      }
    }
    for (const { catchment } of this.#resolvers.values()) average(catchment)
  }

  #learn(view: Expectations): void {
    const open = new Uint8Array(this.#regions)
    for (const { told } of this.#resolvers.values()) setShares(told)
    for (const places of this.#systems.values()) for (const told of places) setShares(told)
    for (const pairs of this.#arrived.values())
      for (let at = 0; at < pairs.length; at += 2) open[pairs[at]!] = 1
    for (const [network, pairs] of this.#arrived) {
      this.#setHomes(network, view, open)
      this.#explain(network, pairs, view)
    }
  }

  /** By region, in `#homes`, how well it is explained without any resolver that is far. */
  #setHomes(network: number, view: Expectations, open: Uint8Array): void {
    const [means, variances, floors] = this.#rows
    view.expect(network, means, variances, floors)
    let best = Number.POSITIVE_INFINITY
    for (let region = 0; region < this.#regions; region++)
      if (open[region] === 1) best = Math.min(best, means[region]! + Math.sqrt(variances[region]!))
    const places = this.#systems.get(view.systemOf(network)) ?? []
    const place = view.placeOf(network)
    for (let region = 0; region < this.#regions; region++) {
      // One that could be the best, by what is not known of it, may be what it was told.
      let home = means[region]! <= best + 2 * view.marginOf(best) ? 1 : STRAY
      for (const told of places)
        home = Math.max(home, told.shares[region]! * (told.place === place ? 1 : ELSEWHERE))
      this.#homes[region] = home
    }
  }

  /** One step: what each cause has of the connections, given the parts known until now. */
  #explain(network: number, pairs: readonly number[], view: Expectations): void {
    const { ids, counts } = this.#divide(network, view)
    const [fits, parts, gains] = [this.#fits, this.#parts, this.#gains]
    gains.fill(0)
    let all = 0
    for (let pair = 0; pair < pairs.length; pair += 2) {
      const [region, samples] = [pairs[pair]!, pairs[pair + 1]!]
      const home = this.#homes[region]!
      let whole = 0
      for (let at = 0; at <= ids.length; at++) {
        const share = at === ids.length ? home : this.#resolvers.get(ids[at]!)!.told.shares[region]!
        // Of one that was not heard of nothing follows.
        fits[at] = parts[at]! * (share < 0 ? home : Math.max(STRAY, share))
        whole += fits[at]!
      }
      for (let at = 0; at <= ids.length; at++)
        gains[at] = gains[at]! + (samples * fits[at]!) / whole
      all += samples
    }
    let moved = 0
    for (let at = 0; at <= ids.length; at++) moved += Math.max(0, gains[at]! / all - parts[at]!)
    if (moved < TELLING) return
    const weight = Math.min(all, ROUND_SAMPLES) / all
    for (let at = 0; at <= ids.length; at++) counts[at] = KEPT * counts[at]! + weight * gains[at]!
  }

  /** The parts of a network, in `#parts`: of each resolver it may be behind, then its own. */
  #divide(network: number, view: Expectations) {
    const place = view.placeOf(network)
    const near = this.#near.get(place) ?? this.#nearest(place, view)
    let known = this.#counts.get(network)
    if (known === undefined || known.ids !== near.ids) {
      known = { ids: near.ids, counts: carried(known, near.ids) }
      this.#counts.set(network, known)
    }
    const { ids, counts } = known
    let whole = PRIOR_SAMPLES
    for (let at = 0; at <= ids.length; at++) whole += counts[at]!
    for (let at = 0; at <= ids.length; at++)
      this.#parts[at] = (PRIOR_SAMPLES * near.parts[at]! + counts[at]!) / whole
    return known
  }

  /**
   * The resolvers nearest to a place. What geography expects of all regions takes the place of a
   * position: of two places near each other it differs by no more than what lies between them.
   */
  #nearest(place: number, { expected }: Expectations) {
    const regions = this.#regions
    const far = [...this.#resolvers.values()].map(({ id, place: other }) => {
      let ms = 0
      for (let region = 0; region < regions; region++) {
        const own = expected[place * regions + region]!
        ms = Math.max(ms, Math.abs(own - expected[other * regions + region]!))
      }
      return { id, ms }
    })
    far.sort((one, other) => one.ms - other.ms || one.id - other.id)
    const near = far.slice(0, NEAR)
    const parts = new Float64Array(near.length + 1)
    const chances = near.map(({ ms }) => Math.exp((near[0]!.ms - ms) / NEAR_MS) + ANYWHERE)
    const whole = chances.reduce((sum, chance) => sum + chance, 0)
    for (const [at, chance] of chances.entries()) parts[at] = (PRIOR_PART * chance) / whole
    parts[near.length] = near.length === 0 ? 1 : 1 - PRIOR_PART
    const made = { ids: Int32Array.from(near, ({ id }) => id), parts }
    this.#near.set(place, made)
    return made
  }

  #toldAt(place: number): Told {
    const [now, before, shares] = this.#rows.map(() => new Float64Array(this.#regions))
    return { place, now: now!, before: before!, shares: shares! }
  }

  #emptyCatchment(): Catchment {
    const [means, variances, floors] = this.#rows.map(() => new Float64Array(this.#regions))
    return {
      means: means!,
      variances: variances!,
      floors: floors!,
      networks: 0,
      demand: 0,
      trust: 0,
    }
  }
}

function turn(told: Told): void {
  const free = told.before
  told.before = told.now
  told.now = free.fill(0)
}

function setShares({ now, before, shares }: Told): void {
  let whole = 0
  for (let at = 0; at < now.length; at++) whole += now[at]! + HELD * before[at]!
  for (let at = 0; at < now.length; at++)
    shares[at] = whole < TOLD_LEAST ? -1 : (now[at]! + HELD * before[at]!) / whole
}

/** What was learned of resolvers that are still near, among those that are now. */
function carried(
  from: { readonly ids: Int32Array; readonly counts: Float64Array } | undefined,
  ids: Int32Array,
): Float64Array {
  const counts = new Float64Array(ids.length + 1)
  if (from === undefined) return counts
  for (const [at, id] of from.ids.entries()) {
    const now = ids.indexOf(id)
    // Two resolvers may have become one.
    if (now >= 0) counts[now] = counts[now]! + from.counts[at]!
  }
  counts[ids.length] = from.counts[from.ids.length]!
  return counts
}

function average(catchment: Catchment): void {
  const { means, variances, floors, demand, networks } = catchment
  if (!(demand > 0)) return
  for (const row of [means, variances, floors])
    for (let region = 0; region < row.length; region++) row[region] = row[region]! / demand
  catchment.trust = networks / (networks + TRUST)
}
