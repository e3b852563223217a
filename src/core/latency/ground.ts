/**
 * What learned latency stands on: where every address is, by geography and autonomous system, and
 * which names are steered by it.
 *
 * It is made anew with each client map and shared by all names. A base is a pair of system and
 * class of geography; addresses of one base differ in nothing but their networks.
 */
import { type GeoParts, readGeoNames } from '../geo/parts.ts'
import { ClientMap, type ClientMapPart } from '../net/client-map.ts'
import { mergeRanges } from '../net/ranges-merge.ts'
import type { Ranges, Words } from '../net/ranges.ts'

/** A name that is steered by learned latency. */
export interface SteeredService {
  readonly name: string
  /** What agents call it, where that is another name: a part of a policy has rows of its own. */
  readonly measured?: string
  /** Its clients keep to their servers, so none is sent elsewhere to learn. */
  readonly sticky?: true
  /** Regions it has servers in. */
  readonly regions: readonly string[]
  /** Regions that take longer are passed over, unless all do. */
  readonly maxLatencyMs: number
  /** A network is believed from so many samples on. */
  readonly minSamples: number
}

/** Where nothing is known of a client, every region is expected to be about as far. */
const UNPLACED_MS = 100

export interface Ground {
  readonly geo: GeoParts
  readonly regions: readonly string[]
  /** By class, its country; empty where that is not known. */
  readonly countries: readonly string[]
  /** The values are bases. */
  readonly v4: Ranges
  readonly v6: Ranges
  /** By base: its class, and its system or 0. */
  readonly classes: Int32Array
  readonly systems: Int32Array
  /** The class of an address of 4 or 16 octets. */
  classOf(bytes: Uint8Array): number
  /** The number of its system, or 0. */
  systemOf(bytes: Uint8Array): number
}

const rangesIn = ({ starts, values }: ClientMapPart, words: Words): Ranges => ({
  words,
  starts,
  values,
})

export function groundOf(geo: GeoParts): Ground {
  const classes: number[] = []
  const systems: number[] = []
  const known = new Map<string, number>()
  const base = (values: Int32Array): number => {
    const [place, system] = [values[0]!, values[1] ?? 0]
    const key = `${place} ${system}`
    const found = known.get(key)
    if (found !== undefined) return found
    known.set(key, classes.length)
    systems.push(system)
    return classes.push(place) - 1
  }
  const layersOf = (family: 'v4' | 'v6', words: Words) =>
    [geo.map[family], geo.systems?.[family]].flatMap((part) =>
      part === undefined ? [] : [rangesIn(part, words)],
    )
  const v4 = mergeRanges(layersOf('v4', 1), base)
  const v6 = mergeRanges(layersOf('v6', 4), base)
  const { regions, labels } = readGeoNames(geo.labels)
  const map = new ClientMap(geo.map)
  const own = geo.systems && new ClientMap(geo.systems)
  return {
    ...{ geo, regions, v4, v6 },
    countries: Array.from(geo.labelOf, (label) => labels[label]!.country),
    classes: Int32Array.from(classes),
    systems: Int32Array.from(systems),
    classOf: (bytes) => map.classOf(bytes.length === 16 ? 6 : 4, bytes),
    systemOf: (bytes) => own?.classOf(bytes.length === 16 ? 6 : 4, bytes) ?? 0,
  }
}

/** What geography expects of a service's regions, by class; and where it only guesses. */
export function expectationsOf(ground: Ground, service: SteeredService) {
  const { geo, regions, countries } = ground
  const count = service.regions.length
  const columns = service.regions.map((name) => regions.indexOf(name))
  const expected = new Float32Array(countries.length * count)
  const guessed = new Uint8Array(countries.length)
  for (let place = 0; place < countries.length; place++) {
    const row = place * geo.stride
    if (geo.rankings[row]! < 0) guessed[place] = 1
    for (const [at, column] of columns.entries()) {
      const ms = column < 0 ? 0 : geo.expectedMs[row + column]!
      if (ms === 0) guessed[place] = 1
      expected[place * count + at] = ms === 0 ? UNPLACED_MS : ms
    }
  }
  return { expected, guessed }
}
