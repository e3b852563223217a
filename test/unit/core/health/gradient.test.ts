// Goal: traffic moves away from machines that work harder than the others, a bounded step at a
// time, until they work alike; what swings within the band moves nothing; nobody loses all.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { settleEases } from '../../../../src/core/health/gradient.ts'

const settings = { band: 0.1, step: 50, least: 250 }
const ones = (count: number) => Array.from({ length: count }, () => 1)

test('a machine above the band loses a bounded step, one within it nothing', () => {
  const eases = Uint16Array.of(1_000, 1_000, 1_000)
  expect(settleEases({ used: [0.95, 0.5, 0.5], weights: ones(3) }, settings, eases)).toBe(true)
  expect([...eases]).toEqual([950, 1_000, 1_000])
  expect(settleEases({ used: [0.6, 0.5, 0.5], weights: ones(3) }, settings, eases)).toBe(false)
})

test('readings that swing within the band move no traffic', () => {
  const eases = Uint16Array.of(900, 1_000)
  for (const own of [0.52, 0.58, 0.54, 0.6])
    expect(settleEases({ used: [own, 0.5], weights: ones(2) }, settings, eases)).toBe(false)
})

test('a machine that is cooler than the others has its share back', () => {
  const eases = Uint16Array.of(600, 1_000)
  settleEases({ used: [0.3, 0.7], weights: ones(2) }, settings, eases)
  expect(eases[0]).toBe(650)
})

describe('without a reason to hold it back a share returns to whole', () => {
  for (const [why, strain] of [
    ['its machine is not known any more', { used: [undefined, 0.9], weights: [1, 1] }],
    ['it is compared with nobody', { used: [0.9, 0.9], weights: [1, 0] }],
    ['nobody is short of anything', { used: [0.15, 0.01], weights: [1, 1] }],
  ] as const)
    test(why, () => {
      const eases = Uint16Array.of(400, 1_000)
      for (let round = 0; round < 12; round++) settleEases(strain, settings, eases)
      expect([...eases]).toEqual([1_000, 1_000])
    })
})

test('machines of any sizes come to work alike, or as far as the least share goes', () => {
  const sizes = fc.array(fc.integer({ min: 5, max: 20 }), { minLength: 2, maxLength: 6 })
  fc.assert(
    fc.property(sizes, fc.double({ min: 0.4, max: 0.9, noNaN: true }), (capacities, load) => {
      const total = load * capacities.reduce((sum, one) => sum + one, 0)
      const eases = Uint16Array.from(capacities, () => 1_000)
      const usedNow = () => {
        const whole = eases.reduce((sum, one) => sum + one, 0)
        return capacities.map((one, at) => Math.min(1, (total * eases[at]!) / whole / one))
      }
      let rest = 0
      for (let round = 0; round < 200; round++) {
        const before = [...eases]
        const changed = settleEases(
          { used: usedNow(), weights: ones(eases.length) },
          settings,
          eases,
        )
        for (const [at, was] of before.entries())
          expect(Math.abs(eases[at]! - was)).toBeLessThanOrEqual(settings.step)
        rest = changed ? 0 : rest + 1
      }
      const used = usedNow()
      const mean = used.reduce((sum, one) => sum + one, 0) / used.length
      expect(rest).toBeGreaterThan(50)
      for (const [at, own] of used.entries())
        if (eases[at]! > settings.least)
          expect(own).toBeLessThanOrEqual(mean + settings.band + 0.001)
    }),
    { numRuns: 100 },
  )
})
