/**
 * Where the clients of some samples are, cut out of the map of all clients: what a capsule carries
 * of databases, which are large and not ours to hand on.
 *
 * Each range that a client lies in is carried with its true ends and with the neighbours that
 * core/steer/scope.ts looks at, because how far the answer holds around a client (RFC 7871 section
 * 7.2.1) follows from them; the rest of the map is nowhere. It comes back from a file, so every
 * number in it is checked before it is used.
 */
import { z } from 'zod'
import { copyOf, ownMemory, textIn } from '../base/memory.ts'
import { geoLimits } from '../base/limits/geo.ts'
import { replayLimits } from '../base/limits/replay.ts'
import { type GeoParts, readGeoNames } from '../geo/parts.ts'
import { ClientMap, clientMapParts } from '../net/client-map.ts'
import { compareKeys, type Ranges, type Words } from '../net/ranges.ts'

const WORD_MAX = 2 ** 32 - 1
const rangesMax = replayLimits.capsulePlaces.max
const NEIGHBOURS = geoLimits.geoScopeNeighbours.default
const word = z.string().max(255)

const table = z.strictObject({
  /** First address of each range, 32 bits at a time: one number for IPv4, four for IPv6. */
  starts: z.array(z.number().int().min(0).max(WORD_MAX)).max(rangesMax * 4),
  /** Its class. */
  values: z.array(z.number().int().min(0)).max(rangesMax),
})

const placeClass = z.strictObject({
  /** Numbers of regions, the home first. */
  ranking: z.array(z.number().int().min(0)).max(65_536),
  match: z.enum(['custom_mapping', 'geoip', 'default', 'none']),
  country: word,
  continent: word,
  cidr: word.optional(),
  comment: z.string().max(4_096).optional(),
})

const placesShape = z.strictObject({
  regions: z.array(word).max(65_536),
  classes: z.array(placeClass).min(1).max(rangesMax),
  v4: table,
  v6: table,
})

export type Places = z.output<typeof placesShape>

export const placesSchema = placesShape.refine(isWhole, 'is not a map of clients')

type PlaceClass = z.output<typeof placeClass>
type Table = z.output<typeof table>

const NOWHERE: PlaceClass = { ranking: [], match: 'none', country: '', continent: '' }

function isTable(words: Words, { starts, values }: Table, classes: number): boolean {
  if (values.length === 0 || starts.length !== values.length * words) return false
  if (starts.slice(0, words).some((one) => one !== 0)) return false
  const keys = Uint32Array.from(starts)
  for (let at = 1; at < values.length; at++)
    if (compareKeys(words, keys, at - 1, keys, at) >= 0) return false
  return values.every((one) => one < classes)
}

function isWhole({ regions, classes, v4, v6 }: Places): boolean {
  if (classes.some(({ ranking }) => ranking.some((region) => region >= regions.length)))
    return false
  return isTable(1, v4, classes.length) && isTable(4, v6, classes.length)
}

/**
 * Cuts out what is known of these clients, 4 or 16 octets each, the most important first.
 * @returns the map, and how many clients it has room for
 */
export function placesOf(
  parts: GeoParts,
  clients: readonly Uint8Array[],
): { readonly places: Places; readonly clients: number } {
  const map = new ClientMap(parts.map)
  const hit = { 4: new Set<number>(), 6: new Set<number>() }
  let fitting = 0
  // What stands between two that are carried takes room too.
  const isFull = () => (hit[4].size + hit[6].size) * 2 > replayLimits.capsulePlaces.default
  while (fitting < clients.length && !isFull()) {
    const client = clients[fitting++]!
    const family = client.length === 16 ? 6 : 4
    map.classOf(family, client)
    const first = Math.max(0, map.range - NEIGHBOURS)
    const last = Math.min(map.countOf(family) - 1, map.range + NEIGHBOURS)
    for (let range = first; range <= last; range++) hit[family].add(range)
  }
  return { places: cutOut(parts, hit), clients: fitting }
}

function cutOut(parts: GeoParts, hit: Readonly<Record<4 | 6, ReadonlySet<number>>>): Places {
  const classes: PlaceClass[] = [NOWHERE]
  const numbers = new Map<number, number>()
  const numberOf = (value: number): number => {
    const known = numbers.get(value)
    if (known !== undefined) return known
    numbers.set(value, classes.length)
    return classes.push(classOf(parts, value)) - 1
  }
  return {
    regions: [...readGeoNames(parts.labels).regions],
    v4: cut(1, parts.map.v4, hit[4], numberOf),
    v6: cut(4, parts.map.v6, hit[6], numberOf),
    classes,
  }
}

function classOf({ rankings, stride, labelOf, labels }: GeoParts, value: number): PlaceClass {
  const { home: _, ...label } = readGeoNames(labels).labels[labelOf[value]!]!
  const ranking = rankings.subarray(value * stride, (value + 1) * stride)
  return { ranking: [...ranking].filter((region) => region >= 0), ...label }
}

function cut(
  words: Words,
  { starts, values }: Pick<Ranges, 'starts' | 'values'>,
  hit: ReadonlySet<number>,
  numberOf: (value: number) => number,
): Table {
  const made: { starts: number[]; values: number[] } = { starts: [], values: [] }
  const add = (range: number, value: number) => {
    made.starts.push(...starts.subarray(range * words, (range + 1) * words))
    made.values.push(value)
  }
  if (!hit.has(0)) add(0, 0)
  for (const range of [...hit].sort((a, b) => a - b)) {
    add(range, numberOf(values[range]!))
    if (range + 1 < values.length && !hit.has(range + 1)) add(range + 1, 0)
  }
  return made
}

/** The map again, for those who answer. */
export function partsOfPlaces({ regions, classes, v4, v6 }: Places): GeoParts {
  const stride = Math.max(1, regions.length)
  const rankings = new Int32Array(classes.length * stride).fill(-1)
  const labels = classes.map(({ ranking, ...label }, at) => {
    rankings.set(ranking.slice(0, stride), at * stride)
    return { ...label, home: ranking[0] ?? -1 }
  })
  const rangesOf = (words: Words, { starts, values }: Table): Ranges => ({
    words,
    starts: Uint32Array.from(starts),
    values: Int32Array.from(values),
  })
  return {
    map: clientMapParts(rangesOf(1, v4), rangesOf(4, v6), ownMemory),
    rankings,
    stride,
    // Samples in whose answers these count are left out of a replay.
    expectedMs: new Float32Array(classes.length * stride),
    labelOf: copyOf(Int32Array.from(classes.keys()), ownMemory),
    labels: textIn(JSON.stringify({ regions, labels }), ownMemory),
  }
}
