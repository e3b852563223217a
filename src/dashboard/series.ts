/**
 * What the plots draw: rates and latencies over the last minutes.
 *
 * Points come from the server's history, from its feed each second, and from each reading of its
 * figures; whatever there is, the newest of one second wins. Held by time, bounded, pure but for
 * the one cell at the end.
 */
import { Cell } from './cell.ts'
import { momentOf } from './format.ts'
import { type Facts, factsOf, listIn, numberIn, objectIn, textIn } from './shapes.ts'

export interface Point {
  /** Unix seconds. */
  readonly at: number
  readonly queries?: number | undefined
  /** Replies a second that were failures: SERVFAIL and its like. */
  readonly errors?: number | undefined
  readonly p50?: number | undefined
  readonly p95?: number | undefined
  readonly p99?: number | undefined
}

/** How far back the plots look. */
export const SPAN_SECONDS = 900

/** Sorted by time; a later reading of one second completes the earlier. */
export function withPoints(held: readonly Point[], more: readonly Point[]): readonly Point[] {
  if (more.length === 0) return held
  const byTime = new Map(held.map((point) => [point.at, point]))
  for (const point of more) {
    const told = Object.entries(point).filter(([, value]) => value !== undefined)
    byTime.set(point.at, { ...byTime.get(point.at), ...Object.fromEntries(told), at: point.at })
  }
  const sorted = [...byTime.values()].sort((one, other) => one.at - other.at)
  const end = sorted[sorted.length - 1]?.at ?? 0
  return sorted.filter(({ at }) => at > end - SPAN_SECONDS)
}

const latenciesOf = (value: unknown) => {
  const nested = objectIn<Facts>(value, 'response_times')
  const find = (name: string) => numberIn(nested, name) ?? numberIn(value, name)
  return { p50: find('p50_ms'), p95: find('p95_ms'), p99: find('p99_ms') }
}

/** One point of the server's history, whose figures lie in `values`, or its present figures. */
export function pointOf(told: unknown, whenMs?: number): Point | undefined {
  const atMs = momentOf(textIn(told, 'timestamp')) ?? whenMs
  if (atMs === undefined) return undefined
  const value = { ...factsOf(told), ...objectIn<Facts>(told, 'values') }
  const queries = numberIn(value, 'queries_per_sec')
  const share = numberIn(value, 'error_rate')
  return {
    at: Math.floor(atMs / 1_000),
    queries,
    errors: share === undefined || queries === undefined ? undefined : (share * queries) / 100,
    ...latenciesOf(value),
  }
}

export const historyOf = (value: unknown): readonly Point[] =>
  listIn<unknown>(value, 'data_points').flatMap((one) => pointOf(one) ?? [])

/** RFC 1035 section 4.1.1 and RFC 2308: these two are answers, the rest are failures. */
const ANSWERS = new Set(['NOERROR', 'NXDOMAIN', '0', '3'])

export function ratePointOf({ atMs, data }: { atMs: number; data: Facts }): Point {
  const rcodes = Object.entries(factsOf(data['rcodes']))
  const failures = rcodes.filter(([name]) => !ANSWERS.has(name.toUpperCase()))
  const sum = failures.reduce((all, [, value]) => all + (typeof value === 'number' ? value : 0), 0)
  return {
    at: Math.floor(atMs / 1_000),
    queries: numberIn(data, 'queries'),
    ...(rcodes.length === 0 ? {} : { errors: sum }),
    ...latenciesOf(data),
  }
}

export const points = new Cell<readonly Point[]>([])

export const addPoints = (more: readonly Point[]): void =>
  points.set(withPoints(points.value, more))

export const addRate = (event: { atMs: number; data: Facts }): void =>
  addPoints([ratePointOf(event)])
