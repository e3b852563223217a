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

/** What the engine keeps in a word wherever it lies, without a box. */
const isSmall = (value: number): boolean => Number.isInteger(value) && Math.abs(value) < 2 ** 30

export function limit(
  value: number,
  [min, max]: readonly [number, number],
  unit: string,
  why: string,
  key?: string,
): Limit {
  const named = key === undefined ? {} : { key }
  // Objects of one shape keep a field as floating point once one of them holds a fraction or a
  // large number there, and then each sum with a limit in it is one in floating point, on the path
  // of a query as well. The order of the fields keeps the two kinds of limits apart.
  if ([value, min, max].every(isSmall)) return { default: value, min, max, unit, why, ...named }
  return { unit, why, default: value, min, max, ...named }
}
