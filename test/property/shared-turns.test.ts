// Goal: what bleeding servers give away falls to whom a walk over all of them would find, under
// round-robin to the others in proportion of share, under failover down the line.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decide } from '../../src/core/steer/decide.ts'
import { FIRST_SHARED, methodOf, RING_SHARED } from '../../src/core/steer/modes.ts'
import { pointOf } from '../../src/core/steer/turns.ts'
import { poolOf, wordOf } from '../harness/pools.ts'

const client = new Uint8Array(4)
const out = new Int32Array(32)
const share = fc.oneof(fc.constant(1_000), fc.constant(0), fc.nat(1_000))
const shares = fc
  .tuple(fc.array(share, { maxLength: 200 }), fc.nat(200), fc.integer({ min: 1, max: 999 }))
  .map(([list, at, bleeding]) => list.toSpliced(at % (list.length + 1), 0, bleeding))
const turn = fc.oneof(fc.nat(1_000), fc.nat(0xffff_ffff))

/** Who is the first of the answer, of servers with such shares. */
function chooserOf(list: readonly number[], policy: 'round-robin' | 'failover', method: number) {
  const servers = list.map((one, at) => ({
    ...{ address: `192.0.2.${at}`, weight: 1 + ((at * 37) % 91), word: wordOf({ share: one }) },
  }))
  const { pools } = poolOf(servers, { policy })
  expect(methodOf(pools.modeOf(0, 4))).toBe(method)
  return (at: number) => {
    decide(pools, 0, { family: 4, turn: at, client }, out)
    return out[0]!
  }
}

function ringWalk(list: readonly number[], at: number): number {
  const place = at % list.length
  const round = Math.floor(at / list.length)
  if (pointOf(round) * 1000 < list[place]!) return place
  const others = list.map((one, index) => (index === place ? 0 : one))
  const whole = others.reduce((sum, one) => sum + one, 0)
  let point = pointOf(round * 3 + place + 1) * whole
  for (const [index, one] of others.entries()) {
    point -= one
    if (point < 0) return index
  }
  return place
}

/** What is passed on by each server and those before it, in thousandths. */
function passedBy(list: readonly number[]): number[] {
  let passed = 1_000
  return list.map((one) => (passed -= (passed * one) / 1_000))
}

describe('what bleeding servers give away', () => {
  test('falls to the others in proportion of share', () => {
    fc.assert(
      fc.property(shares, fc.array(turn, { minLength: 20, maxLength: 40 }), (list, turns) => {
        const choose = chooserOf(list, 'round-robin', RING_SHARED)
        for (const at of turns) expect(choose(at)).toBe(ringWalk(list, at))
      }),
      { numRuns: 300 },
    )
  })

  test('falls to the next in order', () => {
    fc.assert(
      fc.property(shares, fc.array(turn, { minLength: 20, maxLength: 40 }), (list, turns) => {
        const choose = chooserOf(list, 'failover', FIRST_SHARED)
        const passed = passedBy(list)
        const left = passed.at(-1)!
        for (const at of turns) {
          const point = left + pointOf(at) * (1_000 - left)
          const walked = passed.findIndex((one) => point >= one)
          const chosen = choose(at)
          // Where their stretches meet either will do.
          const apart = Math.min(
            ...[walked, walked - 1].map((one) => Math.abs(point - (passed[one] ?? 1_000))),
          )
          if (apart > 1e-6) expect(chosen).toBe(walked)
          else expect(list[chosen]).toBeGreaterThan(0)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('is the same for few whole servers as it was', () => {
    const choose = chooserOf([300, 1_000, 1_000], 'failover', FIRST_SHARED)
    const counts = [0, 0, 0]
    for (let at = 0; at < 10_000; at++) counts[choose(at)]!++
    expect(counts[0]! / 10_000).toBeCloseTo(0.3, 2)
    expect(counts).toEqual([counts[0], 10_000 - counts[0]!, 0])
  })
})
