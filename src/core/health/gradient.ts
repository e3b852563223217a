/**
 * Shares that follow how hard machines work: away from those that work harder than the others of
 * their pool, back to them when they do not, a bounded step at a time.
 *
 * Each server has an ease, thousandths by which its share is multiplied. An ease falls where its
 * machine works more than the band above the mean, and rises only once it works less than the mean:
 * between the two nothing moves, so that readings which swing within the band move no traffic. The
 * step is in proportion of the gap and bounded, since clients follow an answer only as their caches
 * run out. Below a load at which nobody is short of anything all eases go back to whole.
 */

export interface GradientSettings {
  /** How far above the mean a machine may work, as a part of its capacity. */
  readonly band: number
  /** The most that an ease moves at once, thousandths. */
  readonly step: number
  /** No ease falls below it, thousandths. */
  readonly least: number
}

export interface Strain {
  /** By server, how much of its machine is in use, 0-1; undefined where nobody says so. */
  readonly used: readonly (number | undefined)[]
  /** Of those that serve; 0 for the others. */
  readonly weights: ArrayLike<number>
}

const WHOLE = 1_000
/** A mean below this leaves everybody room, whatever the differences. */
const QUIET = 0.2
/** A gap so many bands wide asks for the whole step. */
const WHOLE_STEP_BANDS = 2

/** Moves the eases one step in place; false where nothing changed. */
export function settleEases(
  { used, weights }: Strain,
  { band, step, least }: GradientSettings,
  eases: Uint16Array,
): boolean {
  const mean = meanOf(used, weights)
  let changed = false
  for (let at = 0; at < eases.length; at++) {
    const own = used[at]
    const isKnown = own !== undefined && weights[at]! > 0 && mean !== undefined && mean >= QUIET
    const move = isKnown ? moveFor(own - mean, band, step) : step
    const next = Math.min(WHOLE, Math.max(least, eases[at]! + move))
    if (next !== eases[at]) changed = true
    eases[at] = next
  }
  return changed
}

/** Of the machines of which it is known; undefined for fewer than two of them. */
function meanOf(used: Strain['used'], weights: ArrayLike<number>): number | undefined {
  let [sum, whole, known] = [0, 0, 0]
  for (const [at, own] of used.entries()) {
    if (own === undefined || weights[at] === 0) continue
    sum += own * weights[at]!
    whole += weights[at]!
    known++
  }
  return known < 2 ? undefined : sum / whole
}

function moveFor(gap: number, band: number, step: number): number {
  if (gap >= 0 && gap <= band) return 0
  const part = Math.min(1, Math.abs(gap) / (WHOLE_STEP_BANDS * band))
  return gap > 0 ? -Math.ceil(step * part) : Math.floor(step * part)
}
