/**
 * What a configuration with its edits serves: pools, regions, and the zones around them.
 *
 * Zones of `dns.zones` stay as the file gave them, records and all. A domain in none of them is a
 * zone of its own; such zones come and go with their domains.
 */
import type { Memory } from '../../base/memory.ts'
import type { FleetTopology, PoolSpec, ZoneSpec } from '../../steer/topology.ts'
import { checkZone } from '../../zone/check.ts'
import { sealZones, unsealZones } from '../../zone/sealed.ts'
import { zonesOf } from '../authority.ts'
import { zoneAround, zoneNames } from '../names.ts'
import { poolsOf, regionSpecs } from '../topology.ts'
import type { Applied } from './apply.ts'

export interface OverlayContent {
  readonly topology: FleetTopology
  /** Sealed. */
  readonly zones: Uint8Array
}

/** Apexes of pools that lie in no zone of the file. */
function ownApexes(pools: readonly PoolSpec[], configured: ReadonlySet<string>): Set<string> {
  return new Set(pools.map(({ zone }) => zone).filter((zone) => !configured.has(zone)))
}

/**
 * @param base what the file alone serves
 * @param serial of zones that give none
 */
export function overlayContent(
  applied: Applied,
  base: OverlayContent,
  serial: number,
  memory: Memory,
): OverlayContent {
  const { config } = applied
  const pools = poolsOf(config, applied)
  const topology = { pools, regions: regionSpecs(config) }
  const configured = zoneNames(config)
  const [wanted, there] = [ownApexes(pools, configured), ownApexes(base.topology.pools, configured)]
  const isSame = wanted.size === there.size && [...wanted].every((apex) => there.has(apex))
  if (isSame) return { topology, zones: base.zones }
  const fixed = unsealZones(base.zones).filter(({ apex }) => configured.has(apex))
  const outside = pools.filter(({ zone }) => wanted.has(zone))
  const alone = { ...config, dns: { ...config.dns, zones: [] } }
  const own = zonesOf(alone, outside, { serial, zoneRecords: new Map() })
  return { topology, zones: sealZones([...fixed, ...own], memory) }
}

/** What the records of its zone say against a name that is to be steered; undefined for nothing. */
export function recordsAgainst(
  name: string,
  { zones }: OverlayContent,
  configured: ReadonlySet<string>,
): string | undefined {
  const apex = zoneAround(name, configured)
  const zone = unsealZones(zones).find((one: ZoneSpec) => one.apex === apex)
  if (zone === undefined) return
  const faults = checkZone(zone, [name]).filter(({ severity }) => severity === 'error')
  const alone = new Set(checkZone(zone, []).map(({ message }) => message))
  return faults.find(({ message }) => !alone.has(message))?.message
}
