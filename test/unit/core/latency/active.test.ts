// Goal: traffic goes where checks are quick, near-equals share it, and nothing flaps: not by noise,
// not within the hold.
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../src/core/base/random.ts'
import { ActiveLatency, defaultActiveSettings } from '../../../../src/core/latency/active.ts'

const settings = defaultActiveSettings
const open = [1, 1, 1]

/** A pool whose servers have had `count` checks of these times. */
function pool(times: readonly number[], count = 5, changed: Partial<typeof settings> = {}) {
  const made = new ActiveLatency(times.length, { ...settings, ...changed })
  for (const [server, ms] of times.entries())
    for (let round = 0; round < count; round++) made.sample(server, ms)
  return made
}

describe('averages', () => {
  test('the first sample counts whole, later ones by the smoothing factor', () => {
    const made = pool([100], 1, { minSamples: 1, smoothingFactor: 0.5 })
    expect(made.msOf(0)).toBe(100)
    made.sample(0, 140)
    expect(made.msOf(0)).toBe(120)
  })

  test('one sample far off changes nothing, a second on the same side is believed whole', () => {
    const made = pool([50])
    made.sample(0, 400)
    expect(made.msOf(0)).toBe(50)
    made.sample(0, 50)
    made.sample(0, 400)
    made.sample(0, 2)
    expect(made.msOf(0)).toBe(50)
    made.sample(0, 2)
    expect(made.msOf(0)).toBe(2)
  })

  test('a server counts from min_samples on', () => {
    const made = pool([10, 20], 3, { minSamples: 4 })
    expect(made.shares(open, 0).reason).toBe('no_latency_data')
    made.sample(1, 20)
    expect([...made.shares(open, 0).shares]).toEqual([0, 1000])
  })

  test.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('%d is no duration', (ms) => {
    const made = pool([10])
    made.sample(0, ms)
    expect(made.msOf(0)).toBe(10)
  })

  test('a server that was forgotten starts anew', () => {
    const made = pool([10, 20])
    made.forget(0)
    expect(made.msOf(0)).toBeUndefined()
    expect(made.shares(open, 0).lead).toBe(1)
  })
})

describe('shares', () => {
  test('a server far behind has none', () => {
    expect([...pool([10, 50, 90]).shares(open, 0).shares]).toEqual([1000, 0, 0])
  })

  test('near-equals share by how near they are', () => {
    const { shares } = pool([100, 100, 109]).shares(open, 0)
    expect(shares[0]).toBe(shares[1])
    expect(shares[2]).toBeLessThan(shares[0]!)
    expect(shares[2]).toBeGreaterThan(100)
    expect(shares[0]! + shares[1]! + shares[2]!).toBeGreaterThan(997)
  })

  test('servers over max_latency_ms have none, unless all are over it', () => {
    expect([...pool([499, 501]).shares(open, 0).shares]).toEqual([1000, 0])
    const slow = pool([900, 600]).shares(open, 0)
    expect([slow.reason, slow.lead]).toEqual(['above_threshold', 1])
  })

  test('a server that may not be served has none', () => {
    const made = pool([10, 20, 90])
    expect([...made.shares([0, 1, 1], 0).shares]).toEqual([0, 1000, 0])
    expect(made.shares([0, 0, 0], 0).reason).toBe('no_latency_data')
  })
})

describe('the lead', () => {
  test('changes once when another becomes faster by more than the band, after the hold', () => {
    const made = pool([50, 60])
    expect(made.shares(open, 0).lead).toBe(0)
    // The first lead is no change, so nothing holds it.
    for (let round = 0; round < 20; round++) made.sample(1, 38)
    expect(made.shares(open, 1).lead).toBe(1)
    for (let round = 0; round < 20; round++) made.sample(1, 66)
    expect(made.shares(open, settings.holdMs).lead).toBe(1)
    expect(made.shares(open, settings.holdMs + 1).lead).toBe(0)
  })

  test('passes on before the hold is over where another is better by far', () => {
    const made = pool([50, 60])
    made.shares(open, 0)
    for (let round = 0; round < 20; round++) made.sample(1, 38)
    made.shares(open, 1)
    for (let round = 0; round < 2; round++) made.sample(1, 300)
    expect(made.shares(open, 2).lead).toBe(0)
  })

  test('stays with one that another beats by less than the band', () => {
    const made = pool([50, 60])
    made.shares(open, 0)
    for (let round = 0; round < 50; round++) made.sample(1, 46)
    expect(made.shares(open, 1e9).lead).toBe(0)
  })

  test('passes on at once when it may no longer be served', () => {
    const made = pool([10, 12])
    made.shares(open, 0)
    expect(made.shares([0, 1, 1], 1).lead).toBe(1)
  })

  test('of equals under noise of a tenth does not change in 10,000 rounds', () => {
    const random = seededRandom(5)
    const made = pool([50, 50], 20)
    const first = made.shares(open, 0).lead
    let changes = 0
    for (let round = 1; round <= 10_000; round++) {
      for (const server of [0, 1]) made.sample(server, 50 * (0.95 + 0.1 * random.next()))
      if (made.shares(open, round * 10_000).lead !== first) changes++
    }
    expect(changes).toBe(0)
  })
})
