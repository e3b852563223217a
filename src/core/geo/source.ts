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
  return geoParts({ regions, custom: read, defaultRegion }, read, database, memory, systems)
}

/** The next of a series of numbers that looks random and is always the same (xorshift32). */
function nextOf(state: number): number {
  let next = state
  next ^= next << 13
  next ^= next >>> 17
  next ^= next << 5
  return next >>> 0
}

/**
 * The part, 0-1, of sampled addresses whose region or country is another than before. Sampled are
 * first addresses of ranges of either map, so that networks count and not their size.
 */
export function changedShare(before: GeoParts, after: GeoParts): number {
  const [old, now] = [tellerOf(before), tellerOf(after)]
  const { v4: old4, v6: old6 } = before.map
  const { v4: new4, v6: new6 } = after.map
  const tables = [new4, old4, new6, old6]
  const samples = geoLimits.geoSamples.default
  let state = 0x9e3779b9
  let changed = 0
  for (let sample = 0; sample < samples; sample++) {
    state = nextOf(state)
    const { starts, values } = tables[sample % tables.length]!
    const words = starts.length / values.length
    const at = (state % values.length) * words
    const bytes = new Uint8Array(words * 4)
    const view = new DataView(bytes.buffer)
    for (let word = 0; word < words; word++) view.setUint32(word * 4, starts[at + word]!)
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
