/**
 * Where clients are, as plain memory that every thread which answers reads: the class of every
 * address, and for each class the regions in their order.
 *
 * It never changes once made; a new database or mapping makes a new one, which takes the place of
 * the old one whole. What classes are called lies beside it as text, for those who count and tell.
 */
import { copyOf, type Memory, textIn, textOf } from '../base/memory.ts'
import { ClientMap, type ClientMapParts, clientMapParts } from '../net/client-map.ts'
import { mergeRanges } from '../net/ranges-merge.ts'
import { expectedTimes } from './expected.ts'
import { type GeoClass, geoClasses, type GeoDatabase, type GeoSettings } from './classes.ts'

export interface GeoParts {
  /** The values are numbers of classes. */
  readonly map: ClientMapParts
  /** For each class `stride` numbers of regions, the home first; -1 fills up. */
  readonly rankings: Int32Array
  readonly stride: number
  /**
   * For each class as many round-trip times, in ms, that its places let expect of the regions; all
   * 0 where nothing is known of them.
   */
  readonly expectedMs: Float32Array
  /** The values are numbers of autonomous systems; absent without a database of them. */
  readonly systems?: ClientMapParts
  /** By class, its number among the labels, which classes share that are told alike. */
  readonly labelOf: Int32Array
  /** `GeoNames` as text. */
  readonly labels: Uint8Array
}

/** What is told of a class. */
export interface GeoLabel extends Pick<GeoClass, 'match' | 'country' | 'continent'> {
  /** Number of the first region of the ranking; -1 where nothing says which. */
  readonly home: number
  /** The mapping that decided. */
  readonly cidr?: string
  readonly comment?: string
}

export interface GeoNames {
  /** By number. */
  readonly regions: readonly string[]
  readonly labels: readonly GeoLabel[]
}

/** A mapping with what is told of it. */
export interface ToldMapping {
  readonly cidr: string
  readonly comment: string
}

/**
 * @param told the mappings of the settings, in their order
 * @param systems the database of autonomous systems
 */
export function geoParts(
  settings: GeoSettings,
  told: readonly ToldMapping[],
  database: GeoDatabase | undefined,
  memory: Memory,
  systems?: GeoDatabase,
): GeoParts {
  const { v4, v6, classes } = geoClasses(settings, database)
  const stride = Math.max(1, settings.regions.length)
  const rankings = new Int32Array(memory(classes.length * stride * 4)).fill(-1)
  const expectedMs = new Float32Array(memory(classes.length * stride * 4))
  const labels: GeoLabel[] = []
  const known = new Map<string, number>()
  const labelOf = Int32Array.from(classes, (one, index) => {
    rankings.set(one.ranking, index * stride)
    for (const [region, ms] of expectedTimes(one, settings.regions).entries())
      expectedMs[index * stride + region] = ms
    const label = labelOfClass(one, told[one.mapping])
    const key = JSON.stringify(label)
    const at = known.get(key) ?? labels.push(label) - 1
    known.set(key, at)
    return at
  })
  const names: GeoNames = { regions: settings.regions.map(({ name }) => name), labels }
  return {
    map: clientMapParts(v4, v6, memory),
    rankings,
    stride,
    expectedMs,
    ...(systems === undefined ? {} : { systems: systemsOf(systems, memory) }),
    labelOf: copyOf(labelOf, memory),
    labels: textIn(JSON.stringify(names), memory),
  }
}

function systemsOf({ v4, v6, places }: GeoDatabase, memory: Memory): ClientMapParts {
  const number = (values: Int32Array) => (values[0]! < 0 ? 0 : places[values[0]!]!.asn | 0)
  return clientMapParts(mergeRanges([v4], number), mergeRanges([v6], number), memory)
}

function labelOfClass(one: GeoClass, told: ToldMapping | undefined): GeoLabel {
  const { match, country, continent, ranking } = one
  const label = { match, country, continent, home: ranking[0] ?? -1 }
  return told === undefined ? label : { ...label, cidr: told.cidr, comment: told.comment }
}

/** Texts that were read, since many ask for the same one and it never changes. */
const read = new WeakMap<Uint8Array, GeoNames>()

export function readGeoNames(labels: Uint8Array): GeoNames {
  const known = read.get(labels)
  if (known !== undefined) return known
  const names = JSON.parse(textOf(labels)) as GeoNames
  read.set(labels, names)
  return names
}

/** The parts with what a thread needs to look things up in them. */
export class GeoTable {
  readonly parts: GeoParts
  readonly map: ClientMap
  readonly rankings: Int32Array
  readonly stride: number

  constructor(parts: GeoParts) {
    this.parts = parts
    this.map = new ClientMap(parts.map)
    this.rankings = parts.rankings
    this.stride = parts.stride
  }

  /** What is told of a class. */
  labelNumber(place: number): number {
    return this.parts.labelOf[place]!
  }
}
