/**
 * The median of ratios and how sure it is: a percentile bootstrap over pairs of rounds.
 *
 * Ratios are resampled whole, never their two sides, since what makes a machine slow makes both
 * sides of one pair slow. The draw is seeded: the same rounds give the same interval.
 */
import { median } from '../report.ts'

const RESAMPLES = 4_000

export interface Estimate {
  readonly median: number
  /** The 2.5th and the 97.5th percentile of resampled medians. */
  readonly low: number
  readonly high: number
  readonly pairs: number
}

/** Numbers in [0, 1), the same ones every time. */
function seeded(): () => number {
  let state = 0x2545f491
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

export function estimate(ratios: readonly number[]): Estimate | undefined {
  if (ratios.length === 0) return undefined
  const draw = seeded()
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(ratios.map(() => ratios[Math.floor(draw() * ratios.length)]!)),
  ).sort((one, other) => one - other)
  return {
    median: median(ratios),
    low: medians[Math.floor(RESAMPLES * 0.025)]!,
    high: medians[Math.floor(RESAMPLES * 0.975)]!,
    pairs: ratios.length,
  }
}
