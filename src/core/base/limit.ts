/**
 * What a limit is: a number with its default, its range, its unit and its reason.
 */
export interface Limit {
  readonly default: number
  readonly min: number
  readonly max: number
  readonly unit: string
  readonly why: string
  /** The configuration key that sets it, where there is one. */
  readonly key?: string
}

export function limit(
  value: number,
  [min, max]: readonly [number, number],
  unit: string,
  why: string,
  key?: string,
): Limit {
  return { default: value, min, max, unit, why, ...(key === undefined ? {} : { key }) }
}
