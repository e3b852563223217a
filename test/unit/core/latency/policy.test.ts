// Goal: geography until something is measured, then what was measured, as far up the tree as it
// must; no move for noise; one move for a change; exploration only where something could be better.
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../src/core/base/random.ts'
import { COLD_START, GEO_FALLBACK, LEARNED } from '../../../../src/core/latency/rows.ts'
import { estimate, leadOf, MINUTE_MS, policyOf, REGIONS, repeat } from './ground.ts'

const shareOf = (policy: ReturnType<typeof policyOf>, row: number, region: number): number => {
  const { ranking, shares } = policy.rows
  const from = row * REGIONS
  return shares[from + ranking.subarray(from, from + REGIONS).indexOf(region)]!
}

describe('where nothing was measured', () => {
  test('geography ranks the regions, and the method says so', () => {
    const policy = policyOf()
    policy.compile(0)
    expect([...policy.rows.ranking.subarray(12, 15)]).toEqual([0, 1, 2])
    expect(policy.rows.method[4]).toBe(GEO_FALLBACK)
  })

  test('without geography it is a cold start', () => {
    const policy = policyOf([0, 0, 0])
    policy.compile(0)
    expect(policy.rows.method[4]).toBe(COLD_START)
  })
})

describe('what was measured', () => {
  test('wins over geography', () => {
    const policy = policyOf()
    repeat(policy, 4, [90, 30, undefined], 0)
    expect(leadOf(policy, 4)).toBe(1)
    expect(policy.rows.method[4]).toBe(LEARNED)
  })

  test('of one network counts for another of its system, not for one of another system', () => {
    const policy = policyOf()
    const nowMs = repeat(policy, 4, [90, 30, undefined], 0)
    expect(policy.rows.method[5]).toBe(LEARNED)
    const own = policy.expectation(5, 0).ms - policy.expectation(5, 1).ms
    const other = policy.expectation(7, 0).ms - policy.expectation(7, 1).ms
    expect(own).toBeGreaterThan(other + 10)
    expect(nowMs).toBe(30 * MINUTE_MS)
  })

  test.each([
    { ms: 75, hours: 2 },
    { ms: 62, hours: 2 },
    { ms: 75, hours: 6 },
  ])('stays, of one that is far from its system, while nothing new is heard: %o', (far) => {
    const policy = policyOf([20, 20, 100])
    let nowMs = 0
    for (let round = 0; round < 12; round++) {
      nowMs = repeat(policy, 5, [90, 20, undefined], nowMs, 1)
      nowMs = repeat(policy, 4, [49, far.ms, undefined], nowMs, 1)
    }
    // The other says again and again how good the second region is.
    for (let hour = 0; hour < far.hours; hour++) {
      nowMs = repeat(policy, 4, [49, undefined, undefined], nowMs, 12)
      repeat(policy, 5, [90, 20, undefined], nowMs - 1, 1)
    }
    const gap = policy.expectation(4, 1).ms - policy.expectation(4, 0).ms
    expect(gap).toBeGreaterThan(0.6 * (far.ms - 49))
    expect(leadOf(policy, 4)).toBe(0)
  })

  test('in less time than light takes from where geography has it, is believed', () => {
    const policy = policyOf([200, 80, 60])
    repeat(policy, 4, [50, 70, undefined], 0)
    expect(policy.expectation(4, 0).ms).toBeLessThan(65)
    expect(leadOf(policy, 4)).toBe(0)
  })

  test('of the last mile, which all regions share, changes no order', () => {
    const policy = policyOf()
    repeat(policy, 4, [45, undefined, undefined], 0)
    expect(leadOf(policy, 4)).toBe(0)
  })

  test('that no place but another explains moves the network there, and it alone', () => {
    const policy = policyOf([10, 20, 200, 210, 200, 10])
    const nowMs = repeat(policy, 4, [230, undefined, undefined], 0)
    expect(leadOf(policy, 4)).toBe(1)
    repeat(policy, 4, [230, 220, undefined], nowMs)
    expect(policy.predictions.placeOf(4, 0)).toBe(1)
    expect(leadOf(policy, 4)).toBe(2)
    expect(policy.predictions.placeOf(6, 0)).toBe(0)
    expect(leadOf(policy, 6)).toBe(0)
  })
})

describe('near-equals', () => {
  test('share, and the far one has nothing', () => {
    const policy = policyOf([20, 20, 100])
    repeat(policy, 4, [30, 30.3, 110], 0)
    expect(shareOf(policy, 4, 0)).toBeGreaterThan(300)
    expect(shareOf(policy, 4, 1)).toBeGreaterThan(300)
    expect(shareOf(policy, 4, 2)).toBe(0)
  })

  test('do not change their lead under noise in 500 rounds', () => {
    const random = seededRandom(3)
    const policy = policyOf([20, 20, 100])
    let nowMs = repeat(policy, 4, [30, 30, 110], 0)
    const lead = leadOf(policy, 4)
    let changes = 0
    for (let round = 0; round < 500; round++) {
      const noisy = [30, 30].map((ms) => ms + (random.next() - 0.5) * 3)
      nowMs = repeat(policy, 4, noisy, nowMs, 1)
      if (leadOf(policy, 4) !== lead) changes++
    }
    expect(changes).toBe(0)
  })
})

describe('changes', () => {
  test('a lead that doubles is left within two rounds', () => {
    const policy = policyOf()
    const nowMs = repeat(policy, 4, [30, 40, 120], 0)
    expect(leadOf(policy, 4)).toBe(0)
    repeat(policy, 4, [60, undefined, undefined], nowMs, 2)
    expect(leadOf(policy, 4)).toBe(1)
  })

  test('a new lead is held for a while against one that is a little better', () => {
    const policy = policyOf([20, 20, 100], { holdMs: 60 * MINUTE_MS })
    const nowMs = repeat(policy, 4, [40, 30, 110], 0)
    expect(leadOf(policy, 4)).toBe(1)
    repeat(policy, 4, [27, 30, 110], nowMs, 3)
    expect(leadOf(policy, 4)).toBe(1)
  })

  test('a region over max_latency is passed over, unless all are', () => {
    const policy = policyOf([20, 20, 100], { maxLatencyMs: 35 })
    repeat(policy, 4, [50, 30, 110], 0)
    expect([leadOf(policy, 4), shareOf(policy, 4, 0)]).toEqual([1, 0])
    const slow = policyOf([20, 20, 100], { maxLatencyMs: 10 })
    repeat(slow, 4, [50, 30, 110], 0)
    expect(leadOf(slow, 4)).toBe(1)
  })
})

describe('exploration', () => {
  test('has a target where an unknown region could be better, none where light could not', () => {
    const policy = policyOf([10, 20, 100])
    repeat(policy, 4, [40, undefined, undefined], 0)
    expect(policy.rows.explore[4]).toBe(1)
    const near = policyOf([10, 80, 100])
    repeat(near, 4, [18, undefined, undefined], 0)
    expect(near.rows.explore[4]).toBe(-1)
  })

  test('looks again at what was bad long ago', () => {
    const policy = policyOf([20, 22, 200])
    const nowMs = repeat(policy, 4, [30, 45, 220], 0)
    expect(policy.rows.explore[4]).toBe(-1)
    const later = nowMs + 100 * 60 * MINUTE_MS
    policy.tell(4, 0, estimate(30, later))
    policy.compile(later)
    expect(policy.rows.explore[4]).toBe(1)
  })

  test('and choice keep to the regions that a row may use', () => {
    const allowed = new Uint32Array(16).fill(0b111)
    allowed[8] = 0b110
    const policy = policyOf([10, 20, 100], {}, allowed)
    repeat(policy, 4, [5, 40, 90], 0)
    expect([leadOf(policy, 4), policy.rows.lengths[4]]).toEqual([1, 2])
    expect(policy.rows.explore[4]).not.toBe(0)
    expect(leadOf(policy, 5)).toBe(0)
  })
})

test('the same reports in the same order make the same rows', () => {
  const [one, other] = [policyOf(), policyOf()]
  for (const policy of [one, other]) repeat(policy, 4, [50, 30, 90], repeat(policy, 6, [20], 0))
  expect(one.rows).toEqual(other.rows)
})
