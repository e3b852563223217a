/**
 * Goal: an outbox never reorders, never loses the newest of a key unless it says so, and never
 * exceeds its bounds.
 * Method: random puts, takes and removals against a plain list as the model.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Outbox } from '../../src/kernel/outbox.ts'

const bounds = { messages: 12, bytes: 60, batchMessages: 4, batchBytes: 20 }

const op = fc.oneof(
  fc.record({
    kind: fc.constant('put' as const),
    delivery: fc.constantFrom('latest' as const, 'each' as const),
    key: fc.integer({ min: 0, max: 5 }),
    size: fc.integer({ min: 2, max: 30 }),
  }),
  fc.record({ kind: fc.constant('take' as const) }),
  fc.record({ kind: fc.constant('own' as const) }),
)

test('what leaves is an ordered part of what was put, with the newest of every key', () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 200 }), (ops) => {
      let dropped = 0
      const outbox = new Outbox(bounds, () => dropped++)
      const left: number[] = []
      const newest = new Map<number, number>()
      let number = 0
      let each = 0
      const take = () => {
        const items = outbox.take()
        const size = items.reduce((sum, item) => sum + item.length, 0)
        expect(items.length).toBeLessThanOrEqual(bounds.batchMessages)
        if (items.length > 1) expect(size).toBeLessThanOrEqual(bounds.batchBytes)
        for (const item of items) left.push(item[0]! * 256 + item[1]!)
        return items.length
      }
      for (const step of ops) {
        if (step.kind === 'take') take()
        else if (step.kind === 'own') outbox.own()
        else {
          number++
          const bytes = new Uint8Array(step.size)
          bytes.set([number >> 8, number & 255])
          outbox.put('m', step.delivery, `${step.key}`, bytes)
          if (step.delivery === 'latest') newest.set(step.key, number)
          else each++
          expect(outbox.messages).toBeLessThanOrEqual(bounds.messages)
          expect(outbox.bytes).toBeLessThanOrEqual(bounds.bytes)
        }
      }
      while (take() > 0);
      expect(outbox.bytes).toBe(0)
      expect(left).toEqual([...left].sort((a, b) => a - b))
      expect(new Set(left).size).toBe(left.length)
      if (dropped > 0) return
      for (const last of newest.values()) expect(left).toContain(last)
      expect(left.length).toBeGreaterThanOrEqual(each)
    }),
    { numRuns: 500 },
  )
})
