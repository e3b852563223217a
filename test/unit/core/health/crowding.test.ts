// Goal: within a few intervals no server takes more than its bound of the answers counted, whatever
// it draws by itself, and levels rest when the counts do.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { settleCrowd } from '../../../../src/core/health/crowding.ts'

const ANSWERS = 100_000

/** What servers take whose clients come by `draws`, passing on by levels to the others. */
function loadsOf(draws: readonly number[], levels: Uint8Array): number[] {
  const loads = draws.map(() => 0)
  for (const [at, draw] of draws.entries()) {
    const kept = (16 - levels[at]!) / 16
    loads[at]! += draw * kept
    const others = draws.map((_, one) => (one === at ? 0 : (16 - levels[one]!) / 16))
    const room = others.reduce((sum, one) => sum + one, 0)
    for (const [one, part] of others.entries()) loads[one]! += (draw * (1 - kept) * part) / room
  }
  return loads
}

test('loads come under the bound and stay there, and levels rest', () => {
  const draws = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 3, maxLength: 8 })
  fc.assert(
    fc.property(draws, fc.constantFrom(1.25, 1.5, 2), (parts, balance) => {
      const whole = parts.reduce((sum, one) => sum + one, 0)
      const asked = parts.map((one) => (one / whole) * ANSWERS)
      const levels = new Uint8Array(asked.length)
      const weights = asked.map(() => 1)
      let lastChange = 0
      for (let round = 0; round < 80; round++)
        if (settleCrowd({ counts: loadsOf(asked, levels), weights, balance }, levels))
          lastChange = round
      const cap = (balance * ANSWERS) / asked.length
      const most = Math.max(...loadsOf(asked, levels))
      // The last sixteenth is never passed on.
      const least = Math.max(...asked) / 16 + cap
      expect(most).toBeLessThanOrEqual(Math.max(cap, least) * 1.001)
      expect(lastChange).toBeLessThan(70)
    }),
    { numRuns: 200 },
  )
})

test('when a rush is over the clients come back, one level at a time', () => {
  const levels = Uint8Array.of(8, 0, 0)
  const crowd = { counts: [1_000, 1_000, 1_000], weights: [1, 1, 1], balance: 1.25 }
  expect(settleCrowd(crowd, levels)).toBe(true)
  expect([...levels]).toEqual([7, 0, 0])
})

test('few answers say nothing', () => {
  const levels = Uint8Array.of(0, 0)
  expect(settleCrowd({ counts: [150, 2], weights: [1, 1], balance: 1.1 }, levels)).toBe(false)
})

test('a server that does not serve, and one that stands alone, pass nobody on', () => {
  const levels = Uint8Array.of(5, 5)
  settleCrowd({ counts: [5_000, 0], weights: [1, 0], balance: 1.1 }, levels)
  expect([...levels]).toEqual([0, 0])
})
