/**
 * Several tables of ranges seen as one: each address gets what `combine` makes of its values.
 *
 * When one layer changed, only where it changed is merged anew and the rest is copied, so that a
 * few learned rows do not cost a pass over the whole of a geographic database.
 */
import { compareKeys, rangeAt, RangeList, type Ranges, type Words } from './ranges.ts'

/** Makes one value of those of all layers; the array is reused and must not be kept. */
export type Combine = (values: Int32Array) => number

/** Where two tables differ, as pairs of first key and first key after; none at the space's end. */
export interface Dirty {
  readonly words: Words
  readonly from: Uint32Array
  /** Keys after; where `endless` is 1 there is none. */
  readonly to: Uint32Array
  readonly endless: Uint8Array
  readonly count: number
}

/** The least of the keys at which the next range of some layer begins; -1 when there is none. */
function nextLayer(layers: readonly Ranges[], at: Int32Array): number {
  let least = -1
  for (let layer = 0; layer < layers.length; layer++) {
    const { values, starts, words } = layers[layer]!
    const next = at[layer]! + 1
    if (next >= values.length) continue
    if (least < 0 || compareKeys(words, starts, next, layers[least]!.starts, at[least]! + 1) < 0)
      least = layer
  }
  return least
}

/** Steps every layer whose next range begins at that key. */
function stepAll(layers: readonly Ranges[], at: Int32Array, keys: Uint32Array, key: number): void {
  for (let layer = 0; layer < layers.length; layer++) {
    const { values, starts, words } = layers[layer]!
    const next = at[layer]! + 1
    if (next < values.length && compareKeys(words, starts, next, keys, key) === 0) at[layer] = next
  }
}

/** All layers as one; they have the same words, and there is at least one. */
export function mergeRanges(layers: readonly Ranges[], combine: Combine): Ranges {
  const { words } = layers[0]!
  const room = layers.reduce((sum, { values }) => sum + values.length, 0)
  const list = new RangeList(words, room)
  mergeInto(list, layers, new Int32Array(layers.length), combine, undefined)
  return list.done()
}

interface End {
  readonly keys: Uint32Array
  readonly at: number
}

/** Merges from the first key of the ranges `at` names, up to `end`. */
function mergeInto(
  list: RangeList,
  layers: readonly Ranges[],
  at: Int32Array,
  combine: Combine,
  end: End | undefined,
  start: End = { keys: new Uint32Array(list.words), at: 0 },
): void {
  const values = new Int32Array(layers.length)
  const value = () => {
    for (let layer = 0; layer < layers.length; layer++)
      values[layer] = layers[layer]!.values[at[layer]!]!
    return combine(values)
  }
  list.add(start.keys, start.at, value())
  for (;;) {
    const layer = nextLayer(layers, at)
    if (layer < 0) return
    const { starts } = layers[layer]!
    const key = at[layer]! + 1
    if (end !== undefined && compareKeys(list.words, starts, key, end.keys, end.at) >= 0) return
    stepAll(layers, at, starts, key)
    list.add(starts, key, value())
  }
}

/** Where two tables of the same words have different values. */
export function differenceOf(before: Ranges, after: Ranges): Dirty {
  const differs = mergeRanges([before, after], (values) => (values[0] === values[1] ? 0 : 1))
  const { words, starts, values } = differs
  const indices = [...values.keys()].filter((index) => values[index] === 1)
  const from = new Uint32Array(indices.length * words)
  const to = new Uint32Array(indices.length * words)
  const endless = new Uint8Array(indices.length)
  for (const [place, index] of indices.entries()) {
    from.set(starts.subarray(index * words, (index + 1) * words), place * words)
    if (index + 1 === values.length) endless[place] = 1
    else to.set(starts.subarray((index + 1) * words, (index + 2) * words), place * words)
  }
  return { words, from, to, endless, count: indices.length }
}

/**
 * What `mergeRanges(layers, combine)` gives, where `merged` is what it gave before and only the
 * stretches of `dirty` changed in some layer.
 */
export function remergeRanges(
  merged: Ranges,
  layers: readonly Ranges[],
  combine: Combine,
  dirty: Dirty,
): Ranges {
  if (dirty.count === 0) return merged
  const { words } = merged
  const list = new RangeList(words, merged.values.length + dirty.count * 4)
  const at = new Int32Array(layers.length)
  /** First range of `merged` that is not copied yet, and where its uncopied part begins. */
  let next = 0
  for (let place = 0; place < dirty.count; place++) {
    const first = rangeAt(merged, dirty.from, place)
    const startsThere = compareKeys(words, merged.starts, first, dirty.from, place) === 0
    list.addAll(merged, next, startsThere ? first : first + 1)
    for (const [layer, ranges] of layers.entries()) at[layer] = rangeAt(ranges, dirty.from, place)
    const end = dirty.endless[place] === 1 ? undefined : { keys: dirty.to, at: place }
    mergeInto(list, layers, at, combine, end, { keys: dirty.from, at: place })
    if (end === undefined) return list.done()
    // What went on past the end goes on with its old value.
    const last = rangeAt(merged, dirty.to, place)
    list.add(dirty.to, place, merged.values[last]!)
    next = last + 1
  }
  list.addAll(merged, next, merged.values.length)
  return list.done()
}
