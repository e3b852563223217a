import { describe, expect, test } from 'vitest'
import {
  historyOf,
  pointOf,
  ratePointOf,
  SPAN_SECONDS,
  withPoints,
} from '../../../src/dashboard/series.ts'
import { Rates } from '../../../src/dashboard/traffic.ts'

describe('points', () => {
  test('the history and the present figures are read alike', () => {
    const values = { queries_per_sec: 200, error_rate: 1, p50_ms: 0.1, p95_ms: 0.2, p99_ms: 0.3 }
    const timestamp = '2026-11-21T12:00:05.400Z'
    const { p50_ms, p95_ms, p99_ms, ...rates } = values
    const response_times = { p50_ms, p95_ms, p99_ms }
    const expected = {
      ...{ at: Date.UTC(2026, 10, 21, 12, 0, 5) / 1_000, queries: 200, errors: 2 },
      ...{ p50: 0.1, p95: 0.2, p99: 0.3 },
    }
    expect(historyOf({ data_points: [{ timestamp, values }, null, {}] })).toEqual([expected])
    expect(pointOf({ timestamp, ...rates, response_times })).toEqual(expected)
  })

  test('a second of the feed counts failures apart from answers', () => {
    const data = { queries: 50, rcodes: { NOERROR: 40, NXDOMAIN: 7, SERVFAIL: 2, REFUSED: 1 } }
    expect(ratePointOf({ atMs: 5_900, data })).toMatchObject({ at: 5, queries: 50, errors: 3 })
  })

  test('readings of one second complete each other, and old ones go', () => {
    const first = withPoints(
      [],
      [
        { at: 100, queries: 1 },
        { at: 90, queries: 9 },
      ],
    )
    const both = withPoints(first, [{ at: 100, p50: 3, queries: undefined }])
    expect(both).toEqual([
      { at: 90, queries: 9 },
      { at: 100, queries: 1, p50: 3 },
    ])
    const later = withPoints(both, [{ at: 95 + SPAN_SECONDS, queries: 2 }])
    expect(later.map(({ at }) => at)).toEqual([100, 95 + SPAN_SECONDS])
  })
})

describe('rates of totals', () => {
  const totals = (value: number) => new Map([['a', value]])

  test('two readings make a rate', () => {
    const rates = new Rates()
    rates.observe(0, totals(100))
    expect(rates.perSecond()).toBeUndefined()
    rates.observe(10_000, totals(150))
    expect(rates.perSecond()).toEqual(new Map([['a', 5]]))
  })

  test('the window slides, so a rate follows a change', () => {
    const rates = new Rates()
    for (let second = 0; second <= 200; second += 10)
      rates.observe(second * 1_000, totals(second <= 100 ? second * 10 : 1_000))
    expect(rates.perSecond()).toEqual(new Map([['a', 0]]))
  })

  test('a total that fell belongs to a server that began anew', () => {
    const rates = new Rates()
    rates.observe(0, totals(100))
    rates.observe(10_000, totals(4))
    expect(rates.perSecond()).toBeUndefined()
    rates.observe(20_000, totals(24))
    expect(rates.perSecond()).toEqual(new Map([['a', 2]]))
  })
})
