/**
 * A map of clients under other mappings and another default region, where the databases that it was
 * made of are not at hand.
 *
 * What a database decided stays as it was. Of a network that was mapped by hand and is not any more
 * nothing is known, so it falls to the default region.
 */
import type { Memory } from '../base/memory.ts'
import { copyOf, textIn } from '../base/memory.ts'
import { type ClientMapPart, clientMapParts } from '../net/client-map.ts'
import { mergeRanges } from '../net/ranges-merge.ts'
import type { Ranges, Words } from '../net/ranges.ts'
import { type GeoLabel, type GeoNames, type GeoParts, readGeoNames } from './parts.ts'
import { type GeoSource, placeClients } from './source.ts'

const rangesIn = (words: Words, { starts, values }: ClientMapPart): Ranges => ({
  words,
  starts,
  values,
})

/** One table of rows behind the other. */
function joined<T extends Int32Array | Float32Array>(into: T, one: T, other: T): T {
  into.set(one)
  into.set(other, one.length)
  return into
}

/** Undefined where its regions are others than those of the map, which are told by number. */
export function placedOver(
  held: GeoParts,
  source: GeoSource,
  memory: Memory,
): GeoParts | undefined {
  const own = placeClients(source, {}, memory)
  const [was, is] = [readGeoNames(held.labels), readGeoNames(own.labels)]
  if (was.regions.join() !== is.regions.join()) return undefined
  const { stride } = held
  const classes = held.labelOf.length
  const labelAt = (place: number) => was.labels[held.labelOf[place]!]!
  const isMapped = Array.from(own.labelOf, (label) => is.labels[label]!.match === 'custom_mapping')
  const wasMapped = Array.from(held.labelOf, (_, at) => labelAt(at).match === 'custom_mapping')
  const combine = (values: Int32Array): number => {
    const [mine, theirs] = [values[0]!, values[1]!]
    return isMapped[mine]! || wasMapped[theirs]! ? classes + mine : theirs
  }
  const merged = (words: Words, one: ClientMapPart, other: ClientMapPart) =>
    mergeRanges([rangesIn(words, one), rangesIn(words, other)], combine)
  const size = held.rankings.length + own.rankings.length
  const rankings = joined(new Int32Array(memory(size * 4)), held.rankings, own.rankings)
  const expectedMs = joined(new Float32Array(memory(size * 4)), held.expectedMs, own.expectedMs)
  // Of classes in themselves the first is that of whom nothing else is known.
  const { match, home } = is.labels[own.labelOf[0]!]!
  const isElsewhere = (label: GeoLabel) => label.match === 'default' || label.match === 'none'
  for (let place = 0; place < classes; place++) {
    if (!isElsewhere(labelAt(place))) continue
    rankings.set(own.rankings.subarray(0, stride), place * stride)
    expectedMs.set(own.expectedMs.subarray(0, stride), place * stride)
  }
  const labels = was.labels.map((one) => (isElsewhere(one) ? { ...one, match, home } : one))
  const names: GeoNames = { regions: was.regions, labels: [...labels, ...is.labels] }
  const labelOf = [...held.labelOf, ...own.labelOf.map((label) => label + labels.length)]
  const { systems } = held
  return {
    map: clientMapParts(
      merged(1, own.map.v4, held.map.v4),
      merged(4, own.map.v6, held.map.v6),
      memory,
    ),
    ...{ rankings, stride, expectedMs, ...(systems === undefined ? {} : { systems }) },
    labelOf: copyOf(Int32Array.from(labelOf), memory),
    labels: textIn(JSON.stringify(names), memory),
  }
}
