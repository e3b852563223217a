/**
 * The span of time that a page of figures is asked for: `start_time` and `end_time`, or `duration`
 * till now, in steps of `resolution`.
 */
import { fail, ok, type Result } from '../../core/base/result.ts'

export interface Span {
  readonly fromMs: number
  readonly toMs: number
  readonly resolutionMs: number
}

const HOUR_MS = 3_600_000

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: HOUR_MS,
  d: 24 * HOUR_MS,
}

/** `90s`, `1h30m`, `5m`; a bare number is seconds. */
export function durationOf(text: string): number | undefined {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1_000
  if (text.length > 32 || !/^(?:[0-9]{1,9}(?:ms|[smhd]))+$/.test(text)) return undefined
  return [...text.matchAll(/([0-9]+)(ms|[smhd])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * UNITS[unit!]!,
    0,
  )
}

/** RFC 3339, or Unix seconds. */
export function momentOf(text: string): number | undefined {
  if (/^[0-9]{1,12}$/.test(text)) return Number(text) * 1_000
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(text))
    return undefined
  const atMs = Date.parse(text)
  return Number.isNaN(atMs) ? undefined : atMs
}

/** The last hour unless something else is asked for. */
export function spanOf(query: URLSearchParams, nowMs: number): Result<Span, string> {
  const read = (name: string, parse: (text: string) => number | undefined) => {
    const text = query.get(name)
    return text === null || text === '' ? undefined : (parse(text) ?? `${name} is malformed`)
  }
  const start = read('start_time', momentOf)
  const end = read('end_time', momentOf)
  const duration = read('duration', durationOf)
  const resolution = read('resolution', durationOf)
  for (const value of [start, end, duration, resolution])
    if (typeof value === 'string') return fail(`${value}: a time is RFC 3339, a duration like 5m`)
  const toMs = (end as number | undefined) ?? nowMs
  const fromMs = (start as number | undefined) ?? toMs - ((duration as number) ?? HOUR_MS)
  if (fromMs > toMs) return fail('start_time must not be after end_time')
  return ok({ fromMs, toMs, resolutionMs: (resolution as number | undefined) ?? 0 })
}
