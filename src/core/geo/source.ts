/**
 * What a client map is made of: regions, mappings and databases; and how much two maps differ.
 */
import { geoLimits } from '../base/limits/geo.ts'
import type { Memory } from '../base/memory.ts'
import { parsePrefix } from '../net/address.ts'
import { ClientMap } from '../net/client-map.ts'
import type { RegionSpec } from '../steer/topology.ts'
import type { GeoDatabase } from './classes.ts'
import { joinDatabases } from './join.ts'
import { type GeoParts, geoParts, readGeoNames } from './parts.ts'

/** As the configuration and the API have it. */
export interface GeoSource {
  readonly regions: readonly RegionSpec[]
  readonly custom: readonly {
    readonly cidr: string
    readonly region: string
    readonly comment: string
  }[]
  /** Empty for none. */
  readonly defaultRegion: string
}

export interface GeoDatabases {
  /** Of countries or cities. */
  readonly places?: GeoDatabase | undefined
  /** Of autonomous systems. */
  readonly systems?: GeoDatabase | undefined
}

/** Places every address. Mappings that are no network are left out. */
export function placeClients(source: GeoSource, databases: GeoDatabases, memory: Memory): GeoParts {
  const { regions, defaultRegion } = source
  const read = source.custom.flatMap((one) => {
    const prefix = parsePrefix(one.cidr)
    return prefix.ok ? [{ ...one, prefix: prefix.value }] : []
  })
  const asns = new Set(regions.flatMap((region) => region.asns ?? []))
  const { places, systems } = databases
  const database =
    systems === undefined || asns.size === 0 ? places : joinDatabases(places, systems, asns)
  return geoParts({ regions, custom: read, defaultRegion }, read, database, memory)
}

/** The next of a series of numbers that looks random and is always the same (xorshift32). */
function nextOf(state: number): number {
  let next = state
  next ^= next << 13
  next ^= next >>> 17
  next ^= next << 5
  return next >>> 0
}

/** The part, 0-1, of sampled addresses whose region or country is another than before. */
export function changedShare(before: GeoParts, after: GeoParts): number {
  const [old, now] = [tellerOf(before), tellerOf(after)]
  const samples = geoLimits.geoSamples.default
  let state = 0x9e3779b9
  let changed = 0
  const v4 = new Uint8Array(4)
  const v6 = new Uint8Array(16)
  for (let sample = 0; sample < samples; sample++) {
    // One in four of IPv6, inside what is given out to networks: 2000::/3.
    const bytes = sample % 4 === 0 ? v6 : v4
    for (let at = 0; at < (bytes === v6 ? 8 : 4); at++) {
      state = nextOf(state)
      bytes[at] = state & 0xff
    }
    v6[0] = 0x20 | (v6[0]! & 0x1f)
    if (old(bytes) !== now(bytes)) changed++
  }
  return changed / samples
}

function tellerOf(parts: GeoParts): (bytes: Uint8Array) => string {
  const map = new ClientMap(parts.map)
  const { regions, labels } = readGeoNames(parts.labels)
  const told = labels.map(({ country, home }) => `${country} ${regions[home] ?? ''}`)
  return (bytes) => {
    const place = map.classOf(bytes.length === 16 ? 6 : 4, bytes)
    return told[parts.labelOf[place]!]!
  }
}
