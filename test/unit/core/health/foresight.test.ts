// Goal: nodes of a cluster judge what agents tell by one set of thresholds: a share falls at the
// threshold of the cluster, is held, comes back; errors count by their mean; who is gone is
// forgotten.
import { expect, test } from 'vitest'
import { Foresight, type ForesightRules } from '../../../../src/core/health/foresight.ts'
import type { Vitals } from '../../../../src/core/health/report.ts'

const rules: ForesightRules = {
  ...{ cpu: 80, memory: 85, errors: 5, errorsWindowMs: 10_000 },
  ...{ bleedMs: 4_000, hysteresisShare: 0.1 },
}

const CALM: Vitals = { atMs: 0, signal: 'none', reason: '', sinceMs: 0, share: 1_000 }

/** The share of one agent after each second in which it told this. */
function shares(field: 'cpuPercent' | 'memoryPercent' | 'errorPercent', told: readonly number[]) {
  const foresight = new Foresight(rules, 1_000)
  return told.map((percent, at) => {
    foresight.advance(new Map([['a', { ...CALM, [field]: percent }]]), (at + 1) * 1_000)
    return foresight.shareOf('a')
  })
}

test('a share falls from the threshold on, within the bleed, and comes back after the hold', () => {
  expect(shares('cpuPercent', [10, 79, 79, 79])).toEqual([1_000, 1_000, 1_000, 1_000])
  const load = [85, 85, 85, 85, 85, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10]
  expect(shares('cpuPercent', load)).toEqual([
    ...[1_000, 750, 500, 250, 0],
    ...[0, 0, 0, 0, 0, 250, 500, 750, 1_000, 1_000],
  ])
})

test('between the threshold and a tenth below it nothing changes', () => {
  expect(shares('memoryPercent', [90, 90, 80, 80, 80, 80]).at(-1)).toBe(0)
  expect(shares('memoryPercent', [80, 80, 80])).toEqual([1_000, 1_000, 1_000])
})

test('errors count by their mean over the window of the cluster', () => {
  // One peak of 20 percent among nine calm seconds is 2 percent.
  expect(shares('errorPercent', [0, 0, 0, 0, 0, 0, 0, 0, 0, 20])).toEqual(Array(10).fill(1_000))
  expect(shares('errorPercent', [0, 0, 0, 0, 20, 20, 20, 20]).at(-1)).toBeLessThan(1_000)
})

test('what moved is told with its reason, and an agent that is gone starts anew', () => {
  const foresight = new Foresight(rules, 1_000)
  const told = new Map([['a', { ...CALM, cpuPercent: 99 }]])
  expect(foresight.advance(told, 1_000)).toMatchObject([
    { agentId: 'a', vitals: { signal: 'bleed', reason: 'cpu_threshold_exceeded' } },
  ])
  foresight.advance(told, 3_000)
  expect(foresight.shareOf('a')).toBe(500)
  foresight.advance(new Map(), 4_000)
  expect(foresight.shareOf('a')).toBe(1_000)
})

test('readings that nobody tells move nothing', () => {
  const foresight = new Foresight(rules, 1_000)
  for (let at = 1; at < 20; at++)
    expect(foresight.advance(new Map([['a', CALM]]), at * 1_000)).toEqual([])
})
