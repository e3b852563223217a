/**
 * Goal: the share falls and rises along its ramps, is held as long as a fall lasts, and turns
 * seldom. Method: a script of seconds, `+` with too high a load and `-` without.
 */
import { expect, test } from 'vitest'
import { Ramp } from '../../../../src/core/health/ramp.ts'

const STEP_MS = 1_000

/** Shares after each second of the script. */
function shares(script: string, bleedMs: number): number[] {
  const ramp = new Ramp(0)
  return [...script].map((sign, second) => {
    ramp.advance((second + 1) * STEP_MS, sign === '+', bleedMs, STEP_MS)
    return ramp.share
  })
}

test.each([
  // Falls from the second in which the load is first seen.
  ['+++++', 4_000, [1_000, 750, 500, 250, 0]],
  // Held for as long as the ramp lasts, then up along the same one.
  ['+++++--------', 4_000, [1_000, 750, 500, 250, 0, 0, 0, 0, 0, 0, 250, 500, 750]],
  // A load that comes back during the hold goes on falling, and the hold begins anew.
  ['+++--+-----', 4_000, [1_000, 750, 500, 500, 500, 250, 250, 250, 250, 250, 250]],
  // A rise stopped by new load stays where it is until it may turn, then falls.
  ['+++----- -++++++', 4_000, [1_000, 750, 500, 500, 500, 500, 500, 500, 750, 1_000]],
  // No duration: at once, both ways, with a reading between.
  ['+-----', 0, [0, 0, 1_000, 1_000, 1_000, 1_000]],
] as const)('%s with a bleed of %i ms gives %j', (script, bleedMs, expected) => {
  expect(shares(script.replace(' ', '-'), bleedMs).slice(0, expected.length)).toEqual(expected)
})

test('a rise that meets new load is stopped at once and falls once the hold is over', () => {
  const all = shares('+++-----+++++++', 4_000)
  //                  fall   hold  rise begins at the 8th second; load at the 9th.
  expect(all).toEqual(
    [1_000, 750, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 250, 0, 0].slice(0, all.length),
  )
})

test('the share moves in steps, and reaches nothing and everything exactly', () => {
  const ramp = new Ramp(0)
  const seen = new Set<number>()
  for (let ms = 0; ms <= 40_000; ms += 10) {
    ramp.advance(ms, true, 30_000, 1_000)
    seen.add(ramp.share)
  }
  expect([...seen]).toEqual(Array.from({ length: 21 }, (_, step) => 1_000 - 50 * step))
})
