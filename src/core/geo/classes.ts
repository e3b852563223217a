/**
 * From where a client is to the regions that serve it, nearest first.
 *
 * Every address belongs to a class; a class is one order of all regions and why it is that order. A
 * custom mapping decides before any database, the default region after it. Regions that are named
 * for a place (subdivision, autonomous system, country, continent, in this order) are its home;
 * where none is, the nearest one is, if places and regions have positions. The regions after the
 * home follow by distance, so that when one has no healthy server the next nearest takes over.
 */
import type { RegionSpec } from '../steer/topology.ts'
import { type Prefixes, type Ranges, rangesOf, uniform, type Words } from '../net/ranges.ts'
import { mergeRanges } from '../net/ranges-merge.ts'
import type { Prefix } from '../net/address.ts'
import { distanceKm, type Position } from './distance.ts'
import { NO_PLACE, type Place } from './places.ts'

export interface CustomMapping {
  readonly prefix: Prefix
  readonly region: string
}

/** A database as ranges, the values being indices of places or below 0 for none. */
export interface GeoDatabase {
  readonly v4: Ranges
  readonly v6: Ranges
  readonly places: readonly Place[]
}

export interface GeoSettings {
  readonly regions: readonly RegionSpec[]
  readonly custom: readonly CustomMapping[]
  /** Empty for none. */
  readonly defaultRegion: string
}

export interface GeoClass {
  readonly match: 'custom_mapping' | 'geoip' | 'default' | 'none'
  /** Index of the mapping in the settings; -1 where no mapping decided. */
  readonly mapping: number
  readonly country: string
  readonly continent: string
  /** Indices of regions, the home first; empty where nothing says which is. */
  readonly ranking: readonly number[]
  /** Of one of the places in it; absent where none has one. */
  readonly position?: Position
}

export interface GeoClasses {
  /** The values are indices of `classes`. */
  readonly v4: Ranges
  readonly v6: Ranges
  readonly classes: readonly GeoClass[]
}

const positionOf = ({ latitude, longitude }: Partial<Position>): Position | undefined =>
  latitude === undefined || longitude === undefined ? undefined : { latitude, longitude }

/** Indices of regions by what they are named for; of several the first. */
function byKey<K>(
  regions: readonly RegionSpec[],
  keysOf: (region: RegionSpec) => readonly K[],
): ReadonlyMap<K, number> {
  const found = new Map<K, number>()
  for (const [index, region] of regions.entries())
    for (const key of keysOf(region)) if (!found.has(key)) found.set(key, index)
  return found
}

class Homes {
  readonly #regions: readonly RegionSpec[]
  readonly #bySubdivision: ReadonlyMap<string, number>
  readonly #byAsn: ReadonlyMap<number, number>
  readonly #byCountry: ReadonlyMap<string, number>
  readonly #byContinent: ReadonlyMap<string, number>
  readonly #rankings = new Map<string, readonly number[]>()

  constructor(regions: readonly RegionSpec[]) {
    this.#regions = regions
    this.#bySubdivision = byKey(regions, ({ subdivisions = [] }) => subdivisions)
    this.#byAsn = byKey(regions, ({ asns = [] }) => asns)
    this.#byCountry = byKey(regions, ({ countries }) => countries)
    this.#byContinent = byKey(regions, ({ continents }) => continents)
  }

  /** The region a place belongs to; -1 where nothing says so. */
  homeOf(place: Place): number {
    const { country, continent, subdivisions, asn } = place
    // The narrowest subdivision is the last.
    for (let at = subdivisions.length - 1; at >= 0; at--) {
      const found = this.#bySubdivision.get(`${country}-${subdivisions[at]!}`)
      if (found !== undefined) return found
    }
    const named =
      this.#byAsn.get(asn) ?? this.#byCountry.get(country) ?? this.#byContinent.get(continent)
    if (named !== undefined) return named
    const position = positionOf(place)
    return position === undefined ? -1 : this.#nearest(position)
  }

  #nearest(position: Position): number {
    let best = -1
    let bestKm = Number.POSITIVE_INFINITY
    for (const [index, region] of this.#regions.entries()) {
      const own = positionOf(region)
      const km = own === undefined ? bestKm : distanceKm(position, own)
      if (km < bestKm) [best, bestKm] = [index, km]
    }
    return best
  }

  /**
   * All regions, the home first, then by distance from the client or else from the home; those
   * without a position last, of the home's continents before others, in the order of the file.
   */
  rankingOf(home: number, place: Place): readonly number[] {
    if (home < 0) return []
    const regions = this.#regions
    // A tenth of a degree is finer than any database knows.
    const near = positionOf(place)
    const rounded = near && {
      latitude: Math.round(near.latitude * 10) / 10,
      longitude: Math.round(near.longitude * 10) / 10,
    }
    const key = `${home} ${rounded?.latitude ?? ''} ${rounded?.longitude ?? ''}`
    const known = this.#rankings.get(key)
    if (known !== undefined) return known
    const from = rounded ?? positionOf(regions[home]!)
    const continents = new Set(regions[home]!.continents)
    const rank = (index: number): readonly [number, number, number] => {
      const own = positionOf(regions[index]!)
      const km = from === undefined || own === undefined ? undefined : distanceKm(from, own)
      const shared = regions[index]!.continents.some((one) => continents.has(one))
      return [km ?? Number.POSITIVE_INFINITY, shared ? 0 : 1, index]
    }
    const others = regions.map((_, index) => index).filter((index) => index !== home)
    const ranks = new Map(others.map((index) => [index, rank(index)]))
    others.sort((one, other) => compare(ranks.get(one)!, ranks.get(other)!))
    const ranking = [home, ...others]
    this.#rankings.set(key, ranking)
    return ranking
  }
}

function compare(one: readonly number[], other: readonly number[]): number {
  for (const [at, value] of one.entries()) {
    const against = other[at]!
    if (value !== against) return value < against ? -1 : 1
  }
  return 0
}

/** Classes, each once. */
class Interned {
  readonly classes: GeoClass[] = []
  readonly #known = new Map<string, number>()

  indexOf(made: GeoClass): number {
    const { match, mapping, country, continent, ranking } = made
    const key = `${match} ${mapping} ${country} ${continent} ${ranking.join()}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    this.#known.set(key, this.classes.length)
    this.classes.push(made)
    return this.classes.length - 1
  }
}

/** The mappings of one family; the value of each is its index. */
function mappingRanges(custom: readonly CustomMapping[], words: Words): Ranges {
  const own = [...custom.entries()].filter(
    ([, { prefix }]) => (prefix.address.family === 4 ? 1 : 4) === words,
  )
  const starts = new Uint32Array(own.length * words)
  for (const [at, [, { prefix }]] of own.entries()) {
    const { bytes } = prefix.address
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let word = 0; word < words; word++) starts[at * words + word] = view.getUint32(word * 4)
  }
  const prefixes: Prefixes = {
    words,
    starts,
    lengths: Uint8Array.from(own, ([, { prefix }]) => prefix.length),
    values: Int32Array.from(own, ([index]) => index),
  }
  return rangesOf(prefixes, -1)
}

/** Places every address; `database` is absent where there is none. */
export function geoClasses(settings: GeoSettings, database?: GeoDatabase): GeoClasses {
  const { regions, custom, defaultRegion } = settings
  const homes = new Homes(regions)
  const interned = new Interned()
  const places = database?.places ?? []
  const indexOfRegion = (name: string) => regions.findIndex((region) => region.name === name)
  const fallbackHome = indexOfRegion(defaultRegion)
  const fallback = interned.indexOf({
    ...{ match: fallbackHome < 0 ? 'none' : 'default', mapping: -1, country: '', continent: '' },
    ranking: homes.rankingOf(fallbackHome, NO_PLACE),
  })
  const mapped = custom.map(({ region }, mapping) => {
    const ranking = homes.rankingOf(indexOfRegion(region), NO_PLACE)
    return interned.indexOf({
      ...{ match: 'custom_mapping', mapping, country: '', continent: '', ranking },
    })
  })
  const ofPlace = (place: Place): number => {
    const { country, continent } = place
    const home = homes.homeOf(place)
    const position = positionOf(place)
    if (home >= 0)
      return interned.indexOf({
        ...{ match: 'geoip', mapping: -1, country, continent },
        ranking: homes.rankingOf(home, place),
        ...(position === undefined ? {} : { position }),
      })
    return interned.indexOf({ ...interned.classes[fallback]!, country, continent })
  }
  const placed = Int32Array.from(places, ofPlace)
  const combine = (values: Int32Array): number => {
    const [mapping, place] = [values[0]!, values[1]!]
    if (mapping >= 0) return mapped[mapping]!
    return place >= 0 ? placed[place]! : fallback
  }
  const merged = (words: Words, ranges: Ranges | undefined) =>
    mergeRanges([mappingRanges(custom, words), ranges ?? uniform(words, -1)], combine)
  return {
    v4: merged(1, database?.v4),
    v6: merged(4, database?.v6),
    classes: interned.classes,
  }
}
