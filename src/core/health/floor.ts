/**
 * The floor of a pool: how much of its weight it keeps however much its servers bleed.
 *
 * Signals of load ask servers to take less. When many do at once nobody is left to take more, so
 * below the floor every share is raised by one measure: with F the floor and m the mean share by
 * weight, the share s becomes s + (1000 - s)(F - m)/(1000 - m). At m = F that is s itself, so the
 * measure sets in without a jump; the order of shares stays, and the mean becomes F. While it is in
 * force no share is 0, and otherwise the mean is at least F, so a floor above 0 never lets a pool
 * empty. The measure is kept in thousandths, rounded up, so that a large pool need not be gone
 * through at every small change.
 */

/** Thousandths of the way to whole by which every share is raised; 0 at or above the floor. */
export const liftOf = (floor: number, mean: number): number =>
  mean >= floor ? 0 : Math.ceil((1000 * (floor - mean)) / (1000 - mean))

/** A share in thousandths, raised. */
export const raisedShare = (share: number, lift: number): number =>
  lift === 0
    ? share
    : Math.max(1, Math.min(1000, Math.round(share + ((1000 - share) * lift) / 1000)))

/** The shares of the servers of one family that would otherwise serve, as running sums. */
export class Floor {
  /** As `liftOf` says for the servers that count now. */
  lift = 0
  readonly #floor: number
  #weight = 0
  #shared = 0

  /** @param floor 0-1 */
  constructor(floor: number) {
    this.#floor = Math.round(Math.min(1, Math.max(0, floor)) * 1000)
  }

  /** A server begins (1) or ceases (-1) to count; true when the measure is another one now. */
  count(weight: number, share: number, sign: 1 | -1): boolean {
    // Whole numbers far below 2^53, so the sums stay exact.
    this.#weight += sign * weight
    this.#shared += sign * weight * share
    const mean = this.#weight === 0 ? 1000 : this.#shared / this.#weight
    const before = this.lift
    this.lift = liftOf(this.#floor, mean)
    return this.lift !== before
  }
}
