/**
 * What would be served under another configuration: its pools, with the servers that agents brought
 * and the words that hold now.
 *
 * A pool that both configurations describe alike is taken as it is served, so that a configuration
 * without changes gives the very answers of now.
 */
import { ownMemory } from '../base/memory.ts'
import { type GeoConfig, geoConfigOf } from '../config/geography.ts'
import type { Loaded } from '../config/load.ts'
import type { Config } from '../config/schema/root.ts'
import type { GeoParts } from '../geo/parts.ts'
import { placedOver } from '../geo/over.ts'
import { placeClients } from '../geo/source.ts'
import { type ServingParts, servingParts } from '../dns/serving.ts'
import { layWords } from '../steer/pool-layout.ts'
import type { ServingMember, ServingPool } from '../steer/snapshot.ts'
import type { MemberSpec, PoolSpec, Topology } from '../steer/topology.ts'
import { packWord } from '../steer/words.ts'
import { compileTable } from '../zone/table-build.ts'

/** The word of a server that its checks find well. */
export const WELL = packWord({
  serving: true,
  lastHealthy: true,
  heldDown: false,
  guarded: false,
  status: 'healthy',
  cause: 'validation',
  share: 1_000,
})

const dead = (lastHealthy: boolean): number =>
  packWord({
    ...{ serving: false, lastHealthy, heldDown: false, guarded: false },
    ...{ status: 'unhealthy', cause: 'validation', share: 1_000 },
  })

/** The word of a server that its checks find dead. */
export const DEAD = dead(false)
/** The same of one that was among the last to serve. */
export const DEAD_LAST = dead(true)

export interface Next {
  readonly pools: readonly ServingPool[]
  readonly words: readonly (readonly number[])[]
  /** Keys of servers of which nothing is known yet, taken to be well. */
  readonly assumedWell: readonly string[]
}

const servingMember = ({ key, address, port, region, weight }: MemberSpec): ServingMember => ({
  key,
  address,
  port,
  region,
  weight,
})

/** The pools that a configuration declares, without what agents add. */
export const declaredPools = ({ pools }: Pick<Topology, 'pools'>): readonly ServingPool[] =>
  pools.map((spec: PoolSpec) => ({
    name: spec.name,
    zone: spec.zone,
    ttlSeconds: spec.ttlSeconds,
    policy: spec.policy,
    answers: spec.answers,
    whenAllDown: spec.whenAllDown,
    fallback: spec.fallback,
    slot: 0,
    ...(spec.geofence === undefined ? {} : { geofence: spec.geofence }),
    ...(spec.tree === undefined ? {} : { tree: spec.tree }),
    ...(spec.sticky === undefined ? {} : { sticky: spec.sticky }),
    members: spec.members.map(servingMember),
  }))

const describes = (a: ServingPool, b: ServingPool): boolean =>
  JSON.stringify(a) === JSON.stringify(b)

function nextPool(
  spec: ServingPool,
  before: ServingPool | undefined,
  served: ServingPool | undefined,
  slot: number,
): ServingPool {
  if (served !== undefined && before !== undefined && describes(before, spec)) return served
  const listed = new Set(spec.members.map(({ key }) => key))
  const declared = new Set(before?.members.map(({ key }) => key))
  // What is served and was in no file came from an agent, or is kept by the guard-rail.
  const joined = (served?.members ?? []).filter(({ key }) => !declared.has(key) && !listed.has(key))
  return { ...spec, slot: served?.slot ?? slot, members: [...spec.members, ...joined] }
}

/** Words by key of the server, of pools with their words. */
export function wordsByKey(
  pools: readonly ServingPool[],
  words: readonly ArrayLike<number>[],
): ReadonlyMap<string, number> {
  const byKey = new Map<string, number>()
  for (const [pool, { name, members }] of pools.entries())
    for (const [member, { key }] of members.entries())
      byKey.set(`${name} ${key}`, words[pool]?.[member] ?? WELL)
  return byKey
}

/**
 * @param served what is answered from now
 * @param known words by pool and key, as `wordsByKey` gives them
 * @param before what the configuration in force declares
 * @param after what the other one declares
 */
export function nextServing(
  served: readonly ServingPool[],
  known: ReadonlyMap<string, number>,
  before: readonly ServingPool[],
  after: readonly ServingPool[],
): Next {
  const now = new Map(served.map((pool) => [pool.name, pool]))
  const old = new Map(before.map((pool) => [pool.name, pool]))
  const named = new Set(after.map(({ name }) => name))
  const pools = after.map((spec, index) =>
    nextPool(spec, old.get(spec.name), now.get(spec.name), served.length + index),
  )
  // Names that agents alone brought stay.
  for (const pool of served) if (!old.has(pool.name) && !named.has(pool.name)) pools.push(pool)
  const assumedWell = new Set<string>()
  const words = pools.map(({ name, members }) =>
    members.map(({ key }) => {
      const word = known.get(`${name} ${key}`)
      if (word === undefined) assumedWell.add(key)
      return word ?? WELL
    }),
  )
  return { pools, words, assumedWell: [...assumedWell] }
}

/** Compiles zones and pools into tables of their own. */
export function partsOf(
  zones: Topology['zones'],
  pools: readonly ServingPool[],
  seed: number,
  geo?: GeoParts,
): ServingParts {
  const names = pools.map(({ name }) => name)
  return servingParts(compileTable(zones, names, seed, ownMemory), pools, ownMemory, geo)
}

/** Whether where clients are does not follow from the configuration alone. */
export function namesDatabase(config: Config): boolean {
  const { databasePath, asnPath } = geoConfigOf(config)
  return databasePath !== '' || asnPath !== ''
}

/**
 * Where clients are under a configuration.
 * @param held the map in force, which stands in where the configuration names a database
 */
export function geoUnder(config: Config, regions: Topology['regions'], held?: GeoParts) {
  const geo = geoConfigOf(config)
  if (namesDatabase(config) && held !== undefined) return held
  return placeClients({ regions, ...geo }, {}, ownMemory)
}

export interface PlannedGeo {
  readonly geo: GeoParts
  /** What of the other configuration does not show in it; sentences. */
  readonly unseen: readonly string[]
}

type Placed = Pick<Loaded, 'config' | 'topology'>

/**
 * The same for a configuration that is compared with the one in force: databases are not read, but
 * mappings and the default region show.
 */
export function geoPlanned(before: Placed, after: Placed, held?: GeoParts): PlannedGeo {
  const { config, topology } = after
  if (held === undefined || !namesDatabase(config))
    return { geo: geoUnder(config, topology.regions), unseen: [] }
  const [was, is] = [geoConfigOf(before.config), geoConfigOf(config)]
  const differs = (of: (one: Placed, geo: GeoConfig) => unknown) =>
    JSON.stringify(of(before, was)) !== JSON.stringify(of(after, is))
  const unseen: string[] = []
  if (differs((_, { databasePath, asnPath }) => [databasePath, asnPath]))
    unseen.push(
      'overwatch.geolocation: another database is not read; clients are where they are now',
    )
  if (differs((one) => one.topology.regions))
    unseen.push('regions: clients are where they are now, whatever places the regions have')
  const kept = new Set(is.custom.map(({ cidr }) => cidr))
  if (was.custom.some(({ cidr }) => !kept.has(cidr)))
    unseen.push('overwatch.geolocation: of networks mapped no more, a database is not asked')
  if (!differs((_, { custom, defaultRegion }) => [custom, defaultRegion]))
    return { geo: held, unseen }
  const geo = placedOver(held, { regions: topology.regions, ...is }, ownMemory)
  if (geo === undefined) unseen.push('overwatch.geolocation: nor do its mappings show')
  return { geo: geo ?? held, unseen }
}

export const flatWords = (
  pools: readonly ServingPool[],
  words: readonly (readonly number[])[],
): Uint32Array => layWords(pools, words)
