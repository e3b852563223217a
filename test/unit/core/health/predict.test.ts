/**
 * Goal: readings become signals as documented: a mean, a threshold, a hysteresis, a reason, and no
 * alarm from a single reading or a source that went away.
 */
import { describe, expect, test } from 'vitest'
import { Predictor, type PredictRules, worthSaying } from '../../../../src/core/health/predict.ts'

const SECOND = 1_000
const rules: PredictRules = {
  cpu: { threshold: 80, windowMs: 30 * SECOND, bleedMs: 30 * SECOND },
  memory: { threshold: 85, windowMs: 30 * SECOND, bleedMs: 30 * SECOND },
  errors: { threshold: 5, windowMs: 60 * SECOND, bleedMs: 30 * SECOND },
  hysteresisShare: 0.1,
  intervalMs: 10 * SECOND,
}

/** Feeds one processor reading each ten seconds; the signal after each. */
function cpuScript(percents: readonly number[]): string[] {
  const predictor = new Predictor(rules, 0)
  return percents.map((percent, index) => {
    const nowMs = (index + 1) * 10 * SECOND
    predictor.cpu(percent, nowMs)
    const { signal, share } = predictor.advance(nowMs)
    return `${signal} ${share}`
  })
}

describe('a processor', () => {
  test.each([
    // One peak is no mean.
    [
      [10, 100, 10, 10],
      ['none 1000', 'none 1000', 'none 1000', 'none 1000'],
    ],
    // The mean of three readings counts; the share then falls in three more.
    [
      [90, 90, 90, 90, 90, 90, 90],
      ['none 1000', 'none 1000', 'bleed 1000', 'bleed 650', 'bleed 350', 'drain 0', 'drain 0'],
    ],
    // Between 72 and 80 percent nothing changes: it is the hysteresis.
    [
      [90, 90, 90, 75, 75, 75, 75, 75],
      [
        'none 1000',
        'none 1000',
        'bleed 1000',
        'bleed 650',
        'bleed 350',
        'drain 0',
        'drain 0',
        'drain 0',
      ],
    ],
    // Clear, held for the bleed, then up as slowly.
    [
      [90, 90, 90, 90, 0, 0, 0, 0, 0, 0, 0],
      [
        'none 1000',
        'none 1000',
        'bleed 1000',
        'bleed 650',
        'bleed 650',
        'bleed 650',
        'bleed 650',
        'recovered 650',
        'none 1000',
        'none 1000',
        'none 1000',
      ],
    ],
  ])('%j gives %j', (percents, expected) => {
    expect(cpuScript(percents)).toEqual(expected)
  })
})

test('the reasons are those of the table, the first signal that is over first', () => {
  const predictor = new Predictor(rules, 0)
  const at = (nowMs: number, cpu: number, memory: number) => {
    predictor.cpu(cpu, nowMs)
    predictor.memory(memory, nowMs)
    return predictor.advance(nowMs).reason
  }
  const reasons = [10, 20, 30, 40, 50, 60].map((second) =>
    at(second * SECOND, second > 30 ? 100 : 10, 90),
  )
  expect(reasons).toEqual([
    '',
    '',
    'memory_threshold_exceeded',
    'memory_threshold_exceeded',
    'memory_threshold_exceeded',
    'memory_threshold_exceeded',
  ])
  expect(at(70 * SECOND, 100, 90)).toBe('cpu_threshold_exceeded')
})

describe('errors', () => {
  test('the rate is of the checks in the window; fewer than five say nothing', () => {
    const predictor = new Predictor(rules, 0)
    predictor.checks({ passed: 2, failed: 2 }, SECOND)
    expect(predictor.advance(SECOND)).toMatchObject({ signal: 'none', share: 1_000 })
    expect(predictor.advance(SECOND).errorPercent).toBeUndefined()
    predictor.checks({ passed: 4, failed: 0 }, 2 * SECOND)
    const vitals = predictor.advance(2 * SECOND)
    expect(vitals).toMatchObject({ errorPercent: 25, signal: 'bleed' })
    expect(vitals.reason).toBe('error_rate_threshold_exceeded')
  })

  test('the application’s own errors count beside the checks, the worse of the two', () => {
    const predictor = new Predictor(rules, 0)
    predictor.checks({ passed: 99, failed: 1 }, SECOND)
    predictor.application({ errors: 70, total: 1_000 }, SECOND)
    expect(predictor.advance(SECOND)).toMatchObject({ errorPercent: 7, signal: 'bleed' })
  })

  test('a rate whose source went away is no alarm once its window has passed', () => {
    const predictor = new Predictor(rules, 0)
    predictor.application({ errors: 1, total: 2 }, SECOND)
    expect(predictor.advance(SECOND).signal).toBe('bleed')
    for (let second = 2; second < 200; second++) predictor.advance(second * SECOND)
    expect(predictor.advance(200 * SECOND)).toMatchObject({ signal: 'none', share: 1_000 })
  })
})

test('readings that are no numbers change nothing, and a clock set back forgets the future', () => {
  const predictor = new Predictor(rules, 0)
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, -1]) predictor.memory(bad, 1)
  expect(predictor.advance(1).memoryPercent).toBeUndefined()
  for (const second of [100, 110, 120]) predictor.memory(99, second * SECOND)
  expect(predictor.advance(50 * SECOND)).toMatchObject({ signal: 'none' })
})

test('only what moved is worth a message, or a minute of silence', () => {
  const base = new Predictor(rules, 0).advance(0)
  expect(worthSaying(undefined, base)).toBe(true)
  expect(worthSaying(base, { ...base, atMs: 59_999 })).toBe(false)
  expect(worthSaying(base, { ...base, atMs: 60_000 })).toBe(true)
  expect(worthSaying({ ...base, cpuPercent: 10 }, { ...base, cpuPercent: 10.9 })).toBe(false)
  expect(worthSaying({ ...base, cpuPercent: 10 }, { ...base, cpuPercent: 11 })).toBe(true)
  expect(worthSaying(base, { ...base, share: 950 })).toBe(true)
})
