/**
 * A simulated world: regions, client networks, their resolvers, and what a round trip between any
 * network and any region takes at any time, which no policy is shown.
 *
 * One seed makes one world. Networks are numbered as they are allocated, in /20 blocks of a city in
 * an autonomous system, so the tree /24, /20, system, country says something about nearness, as it
 * does outside. The hidden time is fibre along the great circle or by a hub, how the system is
 * connected to the region, what block and network have of their own, and the last mile, which is
 * the same for all regions.
 */
import { seededRandom, type Random } from '../../src/core/base/random.ts'
import { distanceKm, type Position } from '../../src/core/geo/distance.ts'
import type { WorldParameters } from './parameters.ts'
import { cities, type City, hubs, regionCities, solarHours } from './places.ts'

/** Who asks an authoritative server: what an answer is chosen for, and cached by. */
export interface Asker {
  readonly kind: 'ecs' | 'own' | 'anycast'
  /** The /24 of ECS; -1 for a resolver, whose own network has no clients. */
  readonly prefix: number
  readonly block: number
  readonly asn: number
  readonly country: string
  /** As the geographic database has it. */
  readonly position: Position
  /** Networks whose clients are behind it. */
  readonly clients: Int32Array
}

export interface Asn {
  readonly country: string
  /** Indices of the cities it has clients in. */
  readonly cities: readonly number[]
}

export interface World {
  readonly parameters: WorldParameters
  readonly regions: readonly City[]
  readonly asns: readonly Asn[]
  /** By block: its system, its city, and the city the database says. */
  readonly blockAsn: Int32Array
  readonly blockCity: Int32Array
  readonly blockListed: Int32Array
  /** By prefix. */
  readonly prefixBlock: Int32Array
  /** Mean connections in an interval. */
  readonly demand: Float64Array
  readonly lastMileMs: Float32Array
  readonly askers: readonly Asker[]
  /** paths[prefix * regions + region]: without the last mile, in ms. */
  readonly paths: Float32Array
  /** crowds[asn * regions + region]: added at the height of the evening, in ms. */
  readonly crowds: Float32Array
}

const BLOCK = 16

/** A standard normal number (Box and Muller). */
export const gauss = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())

/** An index drawn in proportion to weight. */
function drawn(sums: readonly number[], random: Random): number {
  const point = random.next() * sums.at(-1)!
  return sums.findIndex((sum) => point < sum)
}

const running = (weights: readonly number[]): number[] => {
  let sum = 0
  return weights.map((weight) => {
    sum += weight
    return sum
  })
}

/** Two-way milliseconds of light in fibre: 200 km a millisecond, there and back. */
const fibreMs = (one: Position, other: Position, stretch: number): number =>
  (distanceKm(one, other) * stretch) / 100

function makeAsns(count: number, random: Random): Asn[] {
  const home = running(cities.map(({ people }) => people))
  return Array.from({ length: count }, () => {
    const { country } = cities[drawn(home, random)]!
    const all = cities.flatMap((one, index) => (one.country === country ? [index] : []))
    const own = all.filter(() => random.next() < 0.7)
    return { country, cities: own.length > 0 ? own : [all[random.below(all.length)]!] }
  })
}

function makeBlocks(parameters: WorldParameters, asns: readonly Asn[], random: Random) {
  const blocks = Math.ceil(parameters.prefixes / BLOCK)
  const sizes = running(asns.map((_, rank) => (rank + 1) ** -parameters.zipfAsn))
  // Each system has a block; the others by Zipf.
  const owners = Array.from({ length: blocks }, (_, at) =>
    at < asns.length ? at : drawn(sizes, random),
  ).sort((one, other) => one - other)
  const blockAsn = Int32Array.from(owners)
  const cityOf = (asn: number) => {
    const own = asns[asn]!.cities
    const sums = running(own.map((index) => cities[index]!.people))
    return own[drawn(sums, random)]!
  }
  const blockCity = blockAsn.map(cityOf)
  const blockListed = blockCity.map((right, block) => {
    if (random.next() >= parameters.geoErrorShare) return right
    const own = asns[blockAsn[block]!]!.cities
    // A database's errors are other cities of the same system, or a system's seat far away.
    return random.next() < 0.7 ? own[random.below(own.length)]! : random.below(cities.length)
  })
  return { blockAsn, blockCity, blockListed }
}

/** Path costs of each (system, region), and whether they go by a hub. */
function makePeering(parameters: WorldParameters, asns: readonly Asn[], random: Random) {
  const cells = asns.length * regionCities.length
  const costs = new Float32Array(cells)
  const detours = new Int32Array(cells).fill(-1)
  const crowds = new Float32Array(cells)
  for (let cell = 0; cell < cells; cell++) {
    costs[cell] = -parameters.peeringMs * Math.log(1 - random.next())
    if (random.next() < parameters.detourShare) detours[cell] = random.below(hubs.length)
    if (random.next() < parameters.crowdedShare)
      crowds[cell] = parameters.crowdedMs * (0.5 + random.next())
  }
  return { costs, detours, crowds }
}

function makePaths(
  parameters: WorldParameters,
  blocks: ReturnType<typeof makeBlocks>,
  peering: ReturnType<typeof makePeering>,
  random: Random,
): Float32Array {
  const { prefixes, fibreStretch, pathBaseMs, blockSpreadMs, prefixSpreadMs } = parameters
  const count = regionCities.length
  const paths = new Float32Array(prefixes * count)
  // Everybody is as far from everything as this where there is no signal.
  if (!parameters.signal) return paths.fill(60)
  const own = new Float64Array(count)
  for (let prefix = 0; prefix < prefixes; prefix++) {
    const block = Math.floor(prefix / BLOCK)
    const asn = blocks.blockAsn[block]!
    const from = cities[blocks.blockCity[block]!]!
    if (prefix % BLOCK === 0)
      for (let region = 0; region < count; region++) own[region] = gauss(random) * blockSpreadMs
    for (let region = 0; region < count; region++) {
      const cell = asn * count + region
      const hub = hubs[peering.detours[cell]!]
      const to = regionCities[region]!
      const fibre =
        hub === undefined
          ? fibreMs(from, to, fibreStretch)
          : fibreMs(from, hub, fibreStretch) + fibreMs(hub, to, fibreStretch)
      const spread = own[region]! + gauss(random) * prefixSpreadMs
      const ms = pathBaseMs + fibre + peering.costs[cell]! + spread
      paths[prefix * count + region] = Math.max(0.5, ms)
    }
  }
  return paths
}

/** Demand by Zipf over ranks in random order, times what the system's rank does not explain. */
function makeDemand(
  { prefixes, zipfDemand, connectionsPerPrefix }: WorldParameters,
  random: Random,
) {
  const weights = Float64Array.from({ length: prefixes }, (_, rank) => (rank + 1) ** -zipfDemand)
  for (let at = prefixes - 1; at > 0; at--) {
    const other = random.below(at + 1)
    const kept = weights[at]!
    weights[at] = weights[other]!
    weights[other] = kept
  }
  const whole = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => (weight / whole) * prefixes * connectionsPerPrefix)
}

export function makeWorld(parameters: WorldParameters, seed: number): World {
  const random = seededRandom(seed)
  const asns = makeAsns(parameters.asns, random)
  const blocks = makeBlocks(parameters, asns, random)
  const peering = makePeering(parameters, asns, random)
  const prefixBlock = Int32Array.from({ length: parameters.prefixes }, (_, prefix) =>
    Math.floor(prefix / BLOCK),
  )
  const lastMileMs = Float32Array.from(
    { length: parameters.prefixes },
    () => parameters.lastMileMs * Math.exp(gauss(random) * parameters.lastMileSpread),
  )
  const paths = makePaths(parameters, blocks, peering, random)
  const demand = makeDemand(parameters, random)
  const base = { parameters, regions: regionCities, asns, ...blocks, prefixBlock }
  const { crowds } = peering
  return { ...base, demand, lastMileMs, paths, crowds, askers: makeAskers(base, random) }
}

type Ground = Pick<
  World,
  'parameters' | 'asns' | 'blockAsn' | 'blockCity' | 'blockListed' | 'prefixBlock'
>

/** Every network finds its resolver; what the resolvers serve follows from it. */
function makeAskers(ground: Ground, random: Random): Asker[] {
  const { parameters, asns, blockAsn, blockCity, blockListed, prefixBlock } = ground
  const { ecsShare, anycastShare, farResolverShare, prefixesPerResolver } = parameters
  const ecs: Asker[] = []
  const behind = new Map<string, number[]>()
  const join = (key: string, prefix: number) => {
    const known = behind.get(key)
    if (known === undefined) behind.set(key, [prefix])
    else known.push(prefix)
  }
  for (let prefix = 0; prefix < parameters.prefixes; prefix++) {
    const block = prefixBlock[prefix]!
    const asn = blockAsn[block]!
    const { country } = asns[asn]!
    const point = random.next()
    const position = cities[blockListed[block]!]!
    const own = { prefix, block, asn, country, position, clients: Int32Array.of(prefix) }
    const from = blockCity[block]!
    if (point < ecsShare) ecs.push({ kind: 'ecs', ...own })
    else if (point < ecsShare + anycastShare) join(`anycast ${nearestSite(from)}`, prefix)
    else {
      const homes = asns[asn]!.cities
      const far = random.next() < farResolverShare
      const site = far ? homes[random.below(homes.length)]! : from
      join(`own ${asn} ${site} ${Math.floor(prefix / prefixesPerResolver)}`, prefix)
    }
  }
  const resolvers = [...behind].map(([key, clients]): Asker => {
    const [kind, first, second] = key.split(' ')
    const site = cities[Number(kind === 'own' ? second : first)]!
    const rest = { prefix: -1, block: -1, position: site, clients: Int32Array.from(clients) }
    return kind === 'own'
      ? { kind, asn: Number(first), country: asns[Number(first)]!.country, ...rest }
      : { kind: 'anycast', asn: -1, country: site.country, ...rest }
  })
  return [...ecs, ...resolvers]
}

/** Anycast resolvers are in the cities of the regions. */
function nearestSite(city: number): number {
  const from = cities[city]!
  let best = 0
  let bestKm = Number.POSITIVE_INFINITY
  for (const [index, site] of cities.entries()) {
    const km = regionCities.includes(site) ? distanceKm(from, site) : bestKm
    if (km < bestKm) [best, bestKm] = [index, km]
  }
  return best
}

/** 0 to 1: how much of the evening it is at a place, highest at 21 h local time. */
export function eveningAt(place: Position, nowMs: number): number {
  const hour = nowMs / 3_600_000 + solarHours(place)
  return Math.max(0, Math.cos(((hour - 21) / 24) * 2 * Math.PI)) ** 2
}

/** Demand at a place by the hour, 1 on the average over the day. */
export function demandAt(place: Position, nowMs: number): number {
  const hour = nowMs / 3_600_000 + solarHours(place)
  return 1 + 0.6 * Math.cos(((hour - 19) / 24) * 2 * Math.PI)
}
