/**
 * Keys that are read and checked, and that this version does nothing with yet.
 *
 * Files of before and of later load, but nobody may believe that something works because its key
 * was accepted: each such key is told at every start and check. One row a key; the row goes when
 * its feature comes. Defaults are not told, only what somebody wrote.
 */
import type { Path } from './problems.ts'
import type { Review } from './rules/report.ts'
import type { Config } from './schema/root.ts'

interface Row {
  /** `*` stands for each item of a list; the first that is told speaks for all. */
  readonly path: readonly string[]
  /** Whether the value asks for what is missing; without it, any value does. */
  readonly asks?: (value: unknown) => boolean
  /** What holds instead. */
  readonly instead: string
  /** The mode in which the key would mean something. */
  readonly mode?: Config['mode']
}

const ROWS: readonly Row[] = [
  { path: ['cluster', 'raft', 'snapshot_interval'], instead: 'snapshots are taken by count' },
]

/** The places a pattern stands for, among the values of the configuration. */
function* placesOf(value: unknown, pattern: readonly string[], path: Path = []): Generator<Path> {
  const [step, ...rest] = pattern
  if (step === undefined) yield path
  else if (step === '*' && Array.isArray(value))
    for (const [at, item] of value.entries()) yield* placesOf(item, rest, [...path, at])
  else yield* placesOf((value as Record<string, unknown>)?.[step], rest, [...path, step])
}

const valueAt = (config: Config, path: Path): unknown =>
  path.reduce<unknown>(
    (value, step) => (value as Record<string | number, unknown> | undefined)?.[step],
    config,
  )

export function checkPending(review: Review): void {
  const { config, given, warn } = review
  for (const { path, asks, instead, mode = 'overwatch' } of ROWS) {
    if (config.mode !== mode) continue
    const told: Path[] = []
    for (const place of placesOf(config, path))
      if (given(place) && (asks === undefined || asks(valueAt(config, place)))) told.push(place)
    const [first, ...others] = told
    if (first === undefined) continue
    const more = others.length === 0 ? '' : ` (here and in ${others.length} more)`
    warn(first, `is accepted, but not part of this version${more}: ${instead}`)
  }
}
