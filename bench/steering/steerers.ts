/**
 * The policies compared: round-robin, geography, the rule "the first region with data wins", and
 * the learned choice of this program. Each is told what agents would tell, and sees no more of the
 * world than a program could: addresses, a geographic database, reports, and which regions are up.
 */
import { distanceKm } from '../../src/core/geo/distance.ts'
import {
  ASN,
  COUNTRY,
  type LatencyEstimate,
  NETWORK,
  WIDE,
} from '../../src/core/latency/beliefs.ts'
import { Catchments } from '../../src/core/latency/catchments.ts'
import { defaultLatencySettings, LatencyPolicy } from '../../src/core/latency/policy.ts'
import { explores, keyOf, regionFor } from '../../src/core/latency/rows.ts'
import { cities } from './places.ts'
import type { World } from './world.ts'

export interface Steerer {
  readonly name: string
  /** The region for an asker; `turn` counts its questions. */
  choose(asker: number, turn: number, slot: number): number
  /** Whom it would choose were all up and nothing shared or explored; -1 where that varies. */
  lead(asker: number): number
  /** Whether the choice just made in this slot is an exploration. */
  explores(asker: number, slot: number): boolean
  tell(prefix: number, region: number, report: LatencyEstimate): void
  /** The reports of an interval are in. */
  turnOver(nowMs: number): void
}

export type Up = readonly boolean[]

const nothing = { lead: () => -1, explores: () => false, tell: () => {}, turnOver: () => {} }

export function roundRobin(world: World, up: Up): Steerer {
  const count = world.regions.length
  let turn = 0
  const choose = (): number => {
    do turn = (turn + 1) % count
    while (!up[turn])
    return turn
  }
  return { ...nothing, name: 'round-robin', choose }
}

/** Regions by distance from where the database says an asker is. */
export function geographic(world: World, up: Up): Steerer {
  const orders = new Map<string, readonly number[]>()
  const rankings = world.askers.map(({ position }) => {
    const key = `${position.latitude} ${position.longitude}`
    const known = orders.get(key)
    if (known !== undefined) return known
    const km = world.regions.map((region) => distanceKm(position, region))
    const made = km.map((_, index) => index).sort((one, other) => km[one]! - km[other]!)
    orders.set(key, made)
    return made
  })
  const choose = (asker: number): number => rankings[asker]!.find((region) => up[region])!
  return { ...nothing, name: 'geography', choose, lead: (asker) => rankings[asker]![0]! }
}

/**
 * The rule of learned latency without exploration: the least of the regions that have data for the
 * asker's /24, and round-robin where none has; a moving average with factor 0.3.
 */
export function firstWithData(world: World, up: Up): Steerer {
  const count = world.regions.length
  const known = new Float32Array(world.demand.length * count)
  const ring = roundRobin(world, up)
  const best = (prefix: number, isUp: (region: number) => boolean): number => {
    let found = -1
    if (prefix < 0) return found
    for (let region = 0; region < count; region++) {
      const ms = known[prefix * count + region]!
      if (ms === 0 || !isUp(region)) continue
      if (found < 0 || ms < known[prefix * count + found]!) found = region
    }
    return found
  }
  const choose = (asker: number, turn: number, slot: number): number => {
    const found = best(world.askers[asker]!.prefix, (region) => up[region]!)
    return found < 0 ? ring.choose(asker, turn, slot) : found
  }
  const tell = (prefix: number, region: number, { ewmaMs }: LatencyEstimate): void => {
    const cell = prefix * count + region
    known[cell] = known[cell] === 0 ? ewmaMs : 0.3 * ewmaMs + 0.7 * known[cell]!
  }
  const lead = (asker: number) => best(world.askers[asker]!.prefix, () => true)
  return { ...nothing, name: 'first with data', choose, tell, lead }
}

/** What this program takes a round trip over so many kilometres to be; cables are not straight. */
const expectedMs = (km: number): number => 3 + (km * 1.4) / 100

interface Laid {
  readonly policy: LatencyPolicy
  readonly nodeOfPrefix: Int32Array
  readonly catchments: Catchments
  /** By asker: its number among the catchments, or -1; the node of its system; its place. */
  readonly resolvers: Int32Array
  readonly nodes: Int32Array
  readonly places: Int32Array
}

/** The tree of what the world's addresses lie in, and a row for each asker. */
function lay(world: World, isDivided: boolean): Laid {
  const count = world.regions.length
  const countries = [...new Set(world.asns.map(({ country }) => country))]
  const firstAsn = 1 + countries.length
  const firstBlock = firstAsn + world.asns.length
  const firstPrefix = firstBlock + world.blockAsn.length
  const nodes = firstPrefix + world.demand.length
  const parents = new Int32Array(nodes)
  const levels = new Uint8Array(nodes)
  const nodePlaces = new Int32Array(nodes)
  const countryOf = (country: string) => 1 + countries.indexOf(country)
  levels.fill(COUNTRY, 1, firstAsn)
  for (const [asn, { country }] of world.asns.entries()) {
    parents[firstAsn + asn] = countryOf(country)
    levels[firstAsn + asn] = ASN
  }
  for (const [block, asn] of world.blockAsn.entries()) {
    parents[firstBlock + block] = firstAsn + asn
    levels[firstBlock + block] = WIDE
    nodePlaces[firstBlock + block] = world.blockListed[block]!
  }
  for (const [prefix, block] of world.prefixBlock.entries()) {
    parents[firstPrefix + prefix] = firstBlock + block
    levels[firstPrefix + prefix] = NETWORK
    nodePlaces[firstPrefix + prefix] = world.blockListed[block]!
  }
  const expected = Float32Array.from({ length: cities.length * count }, (_, cell) => {
    const [from, to] = [cities[Math.floor(cell / count)]!, world.regions[cell % count]!]
    return expectedMs(distanceKm(from, to))
  })
  // The most specific node that an asker's address lies in.
  const askerNodes = Int32Array.from(world.askers, ({ prefix, asn, country }) => {
    if (prefix >= 0) return firstPrefix + prefix
    if (asn >= 0) return firstAsn + asn
    return countries.includes(country) ? countryOf(country) : 0
  })
  const askerPlaces = Int32Array.from(world.askers, ({ position }) =>
    cities.findIndex(
      (city) => city.latitude === position.latitude && city.longitude === position.longitude,
    ),
  )
  const keys = Uint32Array.from(world.askers, (_, asker) => keyOf(`asker ${asker}`))
  const tree = { parents, levels }
  const catchments = new Catchments(count)
  // One that asks without a subnet from a network in which no client was seen.
  const resolvers = Int32Array.from(world.askers, ({ prefix, asn }, asker) =>
    !isDivided || prefix >= 0 || asn >= 0 ? -1 : catchments.add(askerPlaces[asker]!),
  )
  const policy = new LatencyPolicy(
    { tree, regions: count, nodePlaces, expected, placed: true },
    { nodes: askerNodes, places: askerPlaces, keys, resolvers },
    defaultLatencySettings,
    catchments,
  )
  const nodeOfPrefix = Int32Array.from(world.demand, (_, prefix) => firstPrefix + prefix)
  const laid = { resolvers, nodes: askerNodes, places: askerPlaces }
  return { policy, nodeOfPrefix, catchments, ...laid }
}

/** Ten-thousandths of slots. */
export const budget = 100

type Learned = Steerer & { readonly policy: LatencyPolicy }

export const learned = (world: World, up: Up): Learned => learnedAs('learned', world, up, true)

/** It takes a resolver without subnets for its country. */
export const learnedByCountry = (world: World, up: Up): Learned =>
  learnedAs('learned, by country', world, up, false)

function learnedAs(name: string, world: World, up: Up, isDivided: boolean): Learned {
  const { policy, nodeOfPrefix, catchments, resolvers, nodes, places } = lay(world, isDivided)
  const { rows } = policy
  const count = world.regions.length
  const open = new Uint8Array(count)
  const refresh = () => {
    for (let region = 0; region < count; region++) open[region] = up[region] ? 1 : 0
  }
  policy.compile(0)
  const note = (asker: number, region: number): number => {
    const { prefix, asn } = world.askers[asker]!
    if (resolvers[asker]! >= 0) catchments.told(resolvers[asker]!, region, 1)
    else if (prefix < 0 && asn >= 0) catchments.toldSystem(nodes[asker]!, places[asker]!, region, 1)
    return region
  }
  return {
    name,
    policy,
    choose: (asker, turn, slot) => {
      refresh()
      return note(asker, regionFor(rows, asker, { turn, slot, budget, open }))
    },
    lead: (asker) => rows.ranking[asker * count]!,
    explores: (asker, slot) => {
      const target = rows.explore[asker]!
      return target >= 0 && up[target] === true && explores(rows.keys[asker]!, slot, budget)
    },
    tell: (prefix, region, report) => {
      policy.tell(nodeOfPrefix[prefix]!, region, report)
      catchments.arrived(nodeOfPrefix[prefix]!, region, report.samples)
    },
    turnOver: (nowMs) => {
      policy.divide()
      policy.compile(nowMs)
    },
  }
}

/**
 * Knows every round trip of this moment; it pays for caching too.
 *
 * @param groups by asker, the networks that it takes to be behind it; absent: those that are
 */
export function oracle(
  world: World,
  up: Up,
  rtts: Float32Array,
  demand: Float64Array,
  name = 'oracle',
  groups: readonly Int32Array[] = world.askers.map(({ clients }) => clients),
) {
  const count = world.regions.length
  const best = new Int32Array(world.askers.length)
  const sums = new Float64Array(count)
  const bestFor = (prefixes: Int32Array): number => {
    sums.fill(0)
    for (const prefix of prefixes)
      for (let region = 0; region < count; region++)
        sums[region] = sums[region]! + demand[prefix]! * rtts[prefix * count + region]!
    let found = -1
    for (let region = 0; region < count; region++)
      if (up[region] && (found < 0 || sums[region]! < sums[found]!)) found = region
    return found
  }
  const look = (): void => {
    const known = new Map(groups.map((group) => [group, -1]))
    for (const [index, group] of groups.entries()) {
      if (known.get(group) === -1) known.set(group, bestFor(group))
      best[index] = known.get(group)!
    }
  }
  const steerer: Steerer = {
    ...nothing,
    name,
    choose: (asker) => best[asker]!,
    lead: (a) => best[a]!,
  }
  return { steerer, look }
}
