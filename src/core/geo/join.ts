/**
 * A database of places and one of autonomous systems seen as one.
 *
 * Only systems that some region names are told apart, so that the ranges stay few.
 */
import { mergeRanges } from '../net/ranges-merge.ts'
import type { Ranges } from '../net/ranges.ts'
import type { GeoDatabase } from './classes.ts'
import { NO_PLACE, type Place } from './places.ts'

const OTHER = -1

/** @param asns numbers that matter; of every other system nothing is said */
export function joinDatabases(
  places: GeoDatabase | undefined,
  systems: GeoDatabase,
  asns: ReadonlySet<number>,
): GeoDatabase {
  const joined: Place[] = []
  const known = new Map<string, number>()
  const systemOf = Int32Array.from(systems.places, ({ asn }, at) => (asns.has(asn) ? at : OTHER))
  const combine = (values: Int32Array): number => {
    const [system, place] = [values[0]! < 0 ? OTHER : systemOf[values[0]!]!, values[1] ?? OTHER]
    if (system === OTHER && place < 0) return OTHER
    const key = `${system} ${place}`
    const at = known.get(key) ?? joined.push(pairOf(systems, system, places, place)) - 1
    known.set(key, at)
    return at
  }
  const layers = (system: Ranges, place: Ranges | undefined) =>
    place === undefined ? [system] : [system, place]
  return {
    v4: mergeRanges(layers(systems.v4, places?.v4), combine),
    v6: mergeRanges(layers(systems.v6, places?.v6), combine),
    places: joined,
  }
}

function pairOf(
  systems: GeoDatabase,
  system: number,
  places: GeoDatabase | undefined,
  place: number,
): Place {
  const own = place < 0 ? NO_PLACE : places!.places[place]!
  return system === OTHER ? own : { ...own, asn: systems.places[system]!.asn }
}
