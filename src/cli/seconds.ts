/**
 * Spans of time as people write them on a command line.
 */
import { wrongUsage } from './failure.ts'

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }

/** Seconds in `90s`, `30m`, `2h` or `1d`; the option is named where it is none of these. */
export function secondsOf(option: string, text: string): number {
  const found = /^([1-9][0-9]{0,8})([smhd])$/.exec(text)
  if (found !== null) return Number(found[1]) * UNIT_SECONDS[found[2]!]!
  throw wrongUsage(`${option}: "${text}" is not a time such as 90s, 30m, 2h or 1d`)
}
