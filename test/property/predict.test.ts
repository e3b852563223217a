/**
 * Goal: whatever the readings, the share stays within 0-1,000, moves only the way its signal says,
 * and turns at most once each hold. Method: random loads at random moments.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Predictor } from '../../src/core/health/predict.ts'
import { Ramp, type RampMove } from '../../src/core/health/ramp.ts'

const runs = process.env['OPENGSLB_FULL'] === '1' ? 5_000 : 300

const ways: Readonly<Partial<Record<RampMove, number>>> = {
  falling: -1,
  empty: -1,
  rising: 1,
  full: 1,
}

const steps = fc.array(
  fc.record({ waitMs: fc.integer({ min: 1, max: 5_000 }), over: fc.boolean() }),
  { minLength: 1, maxLength: 400 },
)

test('a ramp never turns twice within its hold, and each way it is monotone', () => {
  fc.assert(
    fc.property(steps, fc.constantFrom(0, 500, 4_000, 30_000), (script, bleedMs) => {
      const windowMs = 1_000
      const ramp = new Ramp(0)
      let nowMs = 0
      let last = 1_000
      let direction = 1
      let turnedMs = Number.NEGATIVE_INFINITY
      for (const { waitMs, over } of script) {
        nowMs += waitMs
        ramp.advance(nowMs, over, bleedMs, windowMs)
        const { share, move } = ramp
        expect(share).toBeGreaterThanOrEqual(0)
        expect(share).toBeLessThanOrEqual(1_000)
        if (share < last)
          expect([over, move === 'falling' || move === 'empty']).toEqual([true, true])
        if (share > last)
          expect([over, move === 'rising' || move === 'full']).toEqual([false, true])
        if (move === 'full') expect(share).toBe(1_000)
        if (move === 'empty') expect(share).toBe(0)
        const went = ways[move] ?? direction
        if (went !== direction) {
          expect(nowMs - turnedMs).toBeGreaterThanOrEqual(Math.max(bleedMs, windowMs))
          direction = went
          turnedMs = nowMs
        }
        last = share
      }
    }),
    { numRuns: runs },
  )
})

test('a load that swings around its threshold turns the share at most once each hold', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }), (up, down) => {
      const bleedMs = 10_000
      const predictor = new Predictor(
        {
          cpu: { threshold: 80, windowMs: 1_000, bleedMs },
          memory: { threshold: 85, windowMs: 1_000, bleedMs },
          errors: { threshold: 5, windowMs: 60_000, bleedMs },
          hysteresisShare: 0.1,
          intervalMs: 1_000,
        },
        0,
      )
      let turns = 0
      let direction = 0
      let last = 1_000
      const seconds = 600
      for (let second = 1; second <= seconds; second++) {
        predictor.cpu(second % (up + down) < up ? 100 : 0, second * 1_000)
        const { share } = predictor.advance(second * 1_000)
        const went = Math.sign(share - last)
        if (went !== 0 && went !== direction) {
          turns++
          direction = went
        }
        last = share
      }
      expect(turns).toBeLessThanOrEqual((seconds * 1_000) / bleedMs + 1)
    }),
    { numRuns: Math.min(runs, 500) },
  )
})
