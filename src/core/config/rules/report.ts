/**
 * What a rule across keys is given: the values, where they stand, and a way to tell a fault.
 */
import { formatPath, formatPlace, type Path, type Problem } from '../problems.ts'
import type { Config } from '../schema/root.ts'
import { asWritten, keyPlaceAt, type MapNode, nodeAt, placeAt } from '../tree.ts'
import { shownValue } from '../validate.ts'

export interface Review {
  readonly config: Config
  /** Whether the file (or a flag) gives this key, whatever its value. */
  given(path: Path): boolean
  /** `file:line:column` of a value, to name the other one of a pair. */
  where(path: Path): string
  error(path: Path, message: string, extra?: Partial<Problem>): void
  warn(path: Path, message: string, extra?: Partial<Problem>): void
}

export interface Reviewed {
  readonly review: Review
  readonly problems: readonly Problem[]
}

/** `tree` is what the values were read from. */
export function startReview(config: Config, tree: MapNode): Reviewed {
  const problems: Problem[] = []
  const tell = (
    severity: Problem['severity'],
    path: Path,
    message: string,
    extra: Partial<Problem> = {},
  ): void => {
    const node = nodeAt(tree, path)
    const value = node?.kind === 'scalar' ? shownValue(node, path) : undefined
    problems.push({
      severity,
      place: node === undefined ? keyPlaceAt(tree, path) : placeAt(tree, path),
      path: formatPath(asWritten(tree, path)),
      message,
      ...(value === undefined ? {} : { value }),
      ...extra,
    })
  }
  const review: Review = {
    config,
    given: (path) => nodeAt(tree, path) !== undefined,
    where: (path) => formatPlace(placeAt(tree, path)),
    error: (path, message, extra) => tell('error', path, message, extra),
    warn: (path, message, extra) => tell('warning', path, message, extra),
  }
  return { review, problems }
}

/** Tells of every value that stands in a list twice, naming the first place. */
export function refuseTwice<T>(
  review: Review,
  items: Iterable<readonly [key: T, path: Path]>,
  what: string,
): void {
  const first = new Map<T, Path>()
  for (const [key, path] of items) {
    const earlier = first.get(key)
    if (earlier === undefined) first.set(key, path)
    else review.error(path, `${what}; the first is at ${review.where(earlier)}`)
  }
}
