/**
 * How a turn, which stands in for randomness, chooses among candidates by their weights.
 *
 * Turns follow the golden-ratio sequence, whose points spread most evenly whatever part of the
 * turns one looks at: clients of several regions share the turns of a name, and each region still
 * gets an even spread of those that fall to it.
 */

/** 2^32 divided by the golden ratio: the additive step whose points spread most evenly. */
const GOLDEN_STEP = 0x9e3779b1

/** A point in [0, 1) for a turn: the golden-ratio sequence, whose gaps stay within a factor 3. */
export const pointOf = (turn: number): number =>
  (Math.imul(turn, GOLDEN_STEP) >>> 0) / 0x1_0000_0000

/** The inverse of that step modulo 2^32: both are odd. */
const STEP_BACK = 0x0e8b2f51

/** The turn whose point is nearest below one in [0, 1). */
export const turnAt = (point: number): number =>
  Math.imul(Math.floor(point * 0x1_0000_0000), STEP_BACK) >>> 0

/**
 * The place, counted from `from`, whose stretch of the summed weights holds the point of a turn.
 *
 * @param turn whose point it is: given as one, a point would need memory of its own
 * @param guides for each of as many equal parts of the sums as there are places, its first place
 */
export function weightedPlace(
  sums: Float64Array,
  guides: Int32Array,
  from: number,
  count: number,
  turn: number,
): number {
  // As `pointOf` does it, which is not always compiled into its callers.
  const share = (Math.imul(turn, GOLDEN_STEP) >>> 0) / 0x1_0000_0000
  const point = share * sums[from + count - 1]!
  let place = guides[from + Math.floor(share * count)]!
  while (place < count - 1 && sums[from + place]! <= point) place++
  // Rounding may have put the guide a little too far.
  while (place > 0 && sums[from + place - 1]! > point) place--
  return place
}

/** The first place, counted from `from`, whose sum is above a point; the last where none is. */
export function firstAbove(sums: Float64Array, from: number, count: number, point: number): number {
  let [low, high] = [0, count - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sums[from + middle]! > point) high = middle
    else low = middle + 1
  }
  return low
}

/** Notes where a search among the sums may begin, so that it ends after a step or two. */
export function guideSums(
  sums: Float64Array,
  guides: Int32Array,
  from: number,
  count: number,
): void {
  const part = count === 0 ? 0 : sums[from + count - 1]! / count
  let place = 0
  for (let guide = 0; guide < count; guide++) {
    while (place < count - 1 && sums[from + place]! <= guide * part) place++
    guides[from + guide] = place
  }
}
