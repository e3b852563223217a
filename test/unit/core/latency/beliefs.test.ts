// Goal: a belief follows its reports, one stray report does not move it, a change does at once, and
// what many networks see happen to a region is believed of the silent ones too.
import { describe, expect, test } from 'vitest'
import { latencyPolicyLimits } from '../../../../src/core/base/limits/latency-policy.ts'
import { ASN, Beliefs, NETWORK, WORLD } from '../../../../src/core/latency/beliefs.ts'
import { estimate, MINUTE_MS } from './ground.ts'

const HOUR_MS = 60 * MINUTE_MS

/** Ten networks in a system. */
const tree = {
  parents: Int32Array.of(0, 0, ...Array.from({ length: 10 }, () => 1)),
  levels: Uint8Array.of(WORLD, ASN, ...Array.from({ length: 10 }, () => NETWORK)),
}

const made = () => new Beliefs(tree, 2)
const meanOf = (beliefs: Beliefs, node: number, region = 0) => beliefs.means[node * 2 + region]!

function known(samples = 50): Beliefs {
  const beliefs = made()
  for (let node = 2; node < 12; node++) beliefs.tell(node, 0, estimate(40, 0, samples))
  beliefs.settle(0)
  return beliefs
}

describe('one network', () => {
  test('the first report is believed as it is', () => {
    expect(meanOf(known(), 2)).toBe(40)
  })

  test('a report near what is believed is averaged in, for more where the old one is older', () => {
    const [soon, late] = [known(), known()]
    soon.tell(2, 0, estimate(44, MINUTE_MS))
    late.tell(2, 0, estimate(44, 10 * HOUR_MS))
    expect(meanOf(soon, 2)).toBeGreaterThan(40)
    expect(meanOf(soon, 2)).toBeLessThan(meanOf(late, 2))
    expect(meanOf(late, 2)).toBeLessThanOrEqual(44)
  })

  test('one stray report of few samples changes nothing; a second in a row does', () => {
    const beliefs = known()
    beliefs.tell(2, 0, estimate(120, MINUTE_MS, 5))
    beliefs.settle(MINUTE_MS)
    expect(meanOf(beliefs, 2)).toBe(40)
    beliefs.tell(2, 0, estimate(120, 2 * MINUTE_MS, 5))
    expect(meanOf(beliefs, 2)).toBe(120)
  })

  test('strays to both sides are no change', () => {
    const beliefs = known()
    for (const [at, ms] of [120, 5, 120, 5].entries()) {
      beliefs.tell(2, 0, estimate(ms, at * 1000, 5))
      beliefs.settle(at * 1000)
    }
    expect(meanOf(beliefs, 2)).toBe(40)
  })

  test('a far report of many samples is believed at once', () => {
    const beliefs = known()
    beliefs.tell(2, 0, estimate(80, MINUTE_MS, 50))
    expect(meanOf(beliefs, 2)).toBe(80)
    expect(beliefs.jumpsMs[2]).toBe(MINUTE_MS)
  })

  test('what is believed grows uncertain with age', () => {
    const beliefs = known()
    expect(beliefs.varianceAt(4, 5 * HOUR_MS)).toBeGreaterThan(beliefs.varianceAt(4, HOUR_MS))
  })

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 60_001])('%d ms is not learned', (ms) => {
    const beliefs = made()
    beliefs.tell(2, 0, estimate(ms, 0))
    expect(meanOf(beliefs, 2)).toBe(0)
    expect(latencyPolicyLimits.latencyEstimateMsMax.default).toBe(60_000)
  })

  test('a report without samples, time or spread is no report, or one without spread', () => {
    const beliefs = made()
    beliefs.tell(2, 0, estimate(10, 0, 0))
    beliefs.tell(3, 0, estimate(10, Number.NaN))
    beliefs.tell(4, 0, { ...estimate(10, 0), variance: Number.NaN })
    expect([2, 3, 4].map((node) => meanOf(beliefs, node))).toEqual([0, 0, 10])
  })
})

describe('many networks', () => {
  test('a change that most see is believed of those that told nothing', () => {
    const beliefs = known()
    for (let node = 2; node < 9; node++) beliefs.tell(node, 0, estimate(80, MINUTE_MS))
    beliefs.settle(MINUTE_MS)
    expect(meanOf(beliefs, 11)).toBeCloseTo(80, 3)
    expect(beliefs.varianceAt(22, MINUTE_MS)).toBeGreaterThan(100)
  })

  test('a change that few see is believed of them alone', () => {
    const beliefs = known()
    for (let node = 2; node < 4; node++) beliefs.tell(node, 0, estimate(80, MINUTE_MS))
    for (let node = 4; node < 11; node++) beliefs.tell(node, 0, estimate(40, MINUTE_MS))
    beliefs.settle(MINUTE_MS)
    expect(meanOf(beliefs, 2)).toBe(80)
    expect(meanOf(beliefs, 11)).toBe(40)
  })

  test('a change of one region says nothing of another', () => {
    const beliefs = known()
    beliefs.tell(11, 1, estimate(30, 0))
    beliefs.settle(0)
    for (let node = 2; node < 11; node++) beliefs.tell(node, 0, estimate(80, MINUTE_MS))
    beliefs.settle(MINUTE_MS)
    expect(meanOf(beliefs, 11, 1)).toBe(30)
  })
})
