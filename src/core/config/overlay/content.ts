/**
 * What a configuration with its edits serves: pools, regions, and the zones around them.
 *
 * Zones of `dns.zones` stay as the file gave them, records and all. A domain in none of them is a
 * zone of its own; such zones come and go with their domains.
 */
import type { Memory } from '../../base/memory.ts'
import { isSame } from '../../base/same.ts'
import { keptPools } from '../../health/kept-pools.ts'
import type { FleetTopology, PoolSpec, ZoneSpec } from '../../steer/topology.ts'
import { checkZone } from '../../zone/check.ts'
import { sealZones, unsealZones } from '../../zone/sealed.ts'
import { zonesOf } from '../authority.ts'
import { domainNames, namesOfService, zoneAround, zoneNames } from '../names.ts'
import type { Config } from '../schema/root.ts'
import { poolsOf, regionSpecs } from '../topology.ts'
import type { Applied } from './apply.ts'
import type { Base } from './base.ts'
import type { CompiledOverlay } from './compile.ts'
import type { Entries, OverlayEntry } from './entry.ts'
import { parseServerId } from './server-id.ts'

export interface OverlayContent {
  readonly topology: FleetTopology
  /** Sealed. */
  readonly zones: Uint8Array
}

/** Apexes of pools that lie in no zone of the file. */
function ownApexes(pools: readonly PoolSpec[], configured: ReadonlySet<string>): Set<string> {
  return new Set(pools.map(({ zone }) => zone).filter((zone) => !configured.has(zone)))
}

/** What was served of the configuration before. */
export interface Former {
  readonly applied: Applied
  readonly pools: readonly PoolSpec[]
}

/** Whether all that is in one of two sets alone belongs to one of the names. */
function differsWithin(
  names: ReadonlySet<string>,
  one: ReadonlySet<string>,
  other: ReadonlySet<string>,
  nameOf = (key: string) => key,
): boolean {
  const isAlone = (all: ReadonlySet<string>) => (key: string) => !all.has(key)
  const alone = [...[...one].filter(isAlone(other)), ...[...other].filter(isAlone(one))]
  return alone.every((key) => names.has(nameOf(key)))
}

/** No name holds a colon, and keys of servers begin with theirs. */
const nameOfKey = (key: string): string => key.slice(0, key.indexOf(':'))

/**
 * The pools, where only those that a change touches are made anew; undefined where that would not
 * be the same. Names that no domain describes are served in the order of their servers, so where
 * one of them is touched all are made.
 */
function poolsAfter({ applied, since }: CompiledOverlay, former: Former): PoolSpec[] | undefined {
  const { applied: before, pools } = former
  if (since === undefined || since.before !== before) return
  const { names, config } = since.narrow
  if (!isSame(before.checks, applied.checks)) return
  if (!differsWithin(names, before.withheld, applied.withheld)) return
  if (!differsWithin(names, before.made, applied.made, nameOfKey)) return
  const count = before.config.domains.length
  if (pools.slice(count).some(({ name }) => names.has(name))) return
  const some = poolsOf(config, applied)
  if (some.length !== config.domains.length) return
  const made = new Map(keptPools(pools, some).map((pool) => [pool.name, pool]))
  const known = new Map(pools.slice(0, count).map((pool) => [pool.name, pool]))
  const domains = applied.config.domains.map(({ name }) => made.get(name) ?? known.get(name))
  const found = domains.filter((pool) => pool !== undefined)
  return found.length === domains.length ? [...found, ...pools.slice(count)] : undefined
}

/**
 * @param base what the file alone serves
 * @param serial of zones that give none
 * @param former pools that say the same are those very objects
 */
export function overlayContent(
  compiled: CompiledOverlay,
  base: OverlayContent,
  serial: number,
  memory: Memory,
  former?: Former,
): OverlayContent {
  const { applied } = compiled
  const { config } = applied
  const some = former && poolsAfter(compiled, former)
  const pools = some ?? keptPools(former?.pools ?? [], poolsOf(config, applied))
  const topology = { pools, regions: regionSpecs(config) }
  const configured = zoneNames(config)
  const [wanted, there] = [ownApexes(pools, configured), ownApexes(base.topology.pools, configured)]
  const isThere = wanted.size === there.size && [...wanted].every((apex) => there.has(apex))
  if (isThere) return { topology, zones: base.zones }
  const fixed = unsealZones(base.zones).filter(({ apex }) => configured.has(apex))
  const outside = pools.filter(({ zone }) => wanted.has(zone))
  const alone = { ...config, dns: { ...config.dns, zones: [] } }
  const own = zonesOf(alone, outside, { serial, zoneRecords: new Map() })
  return { topology, zones: sealZones([...fixed, ...own], memory) }
}

/** The names that an object of the API has served, but for those that a domain describes. */
function namesMadeBy(
  { kind, id }: Pick<OverlayEntry, 'kind' | 'id'>,
  domains: ReadonlySet<string>,
  configured: ReadonlySet<string>,
): readonly string[] {
  if (kind === 'domain') return [id]
  const server = kind === 'server' ? parseServerId(id) : undefined
  if (server === undefined || !server.ok) return []
  const names = namesOfService(server.value.service, domains, configured)
  return names.filter((name) => !domains.has(name))
}

/**
 * What the records of the file say against a new object, whose name is to be steered; undefined for
 * nothing.
 * @param config the edits of now with the file
 */
export function recordsAgainst(
  made: Pick<OverlayEntry, 'kind' | 'id'>,
  config: Config,
  base: Pick<OverlayContent, 'zones'>,
): string | undefined {
  const configured = zoneNames(config)
  const names = namesMadeBy(made, domainNames(config), configured)
  return [...namesAgainst(names, base, configured).values()][0]
}

/** What the records of its zone say against a name that is to be steered, by name. */
function namesAgainst(
  names: readonly string[],
  { zones }: Pick<OverlayContent, 'zones'>,
  configured: ReadonlySet<string>,
): ReadonlyMap<string, string> {
  const within = new Map<string, string[]>()
  for (const name of names) {
    const apex = zoneAround(name, configured)
    const own = apex === undefined ? undefined : within.get(apex)
    if (own !== undefined) own.push(name)
    else if (apex !== undefined) within.set(apex, [name])
  }
  if (within.size === 0) return new Map()
  return new Map(
    unsealZones(zones).flatMap((zone) => {
      const own = within.get(zone.apex) ?? []
      if (own.length === 0) return []
      const alone = new Set(checkZone(zone, []).map(({ message }) => message))
      return [...faultyOf(zone, own, alone)]
    }),
  )
}

/** Halves the names until those with a fault are found, so that many that have none cost little. */
function* faultyOf(
  zone: ZoneSpec,
  names: readonly string[],
  alone: ReadonlySet<string>,
): Generator<[string, string]> {
  const fault = checkZone(zone, names).find(
    ({ severity, message }) => severity === 'error' && !alone.has(message),
  )
  if (fault === undefined) return
  if (names.length === 1) return void (yield [names[0]!, fault.message])
  const middle = names.length >> 1
  yield* faultyOf(zone, names.slice(0, middle), alone)
  yield* faultyOf(zone, names.slice(middle), alone)
}

/** The base with what its records say against the names that edits made. */
export function withTaken(
  base: Base,
  entries: Entries,
  content: Pick<OverlayContent, 'zones'>,
): Base {
  const [domains, configured] = [domainNames(base.config), zoneNames(base.config)]
  const made = [...entries.values()].filter(({ owned }) => !owned)
  const names = new Set(made.flatMap((one) => namesMadeBy(one, domains, configured)))
  return { ...base, taken: namesAgainst([...names], content, configured) }
}
