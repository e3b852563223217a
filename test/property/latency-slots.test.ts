/**
 * Goal: the table of slots is a map with a bound: whatever is put, found and removed, it holds what
 * a Map would hold, less what it said it gave up. Method: random commands against a Map.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Slots } from '../../src/core/latency/slots.ts'

const command = fc.record({
  verb: fc.constantFrom('put', 'put', 'put', 'find', 'remove'),
  key: fc.integer({ min: 0, max: 900 }),
})

test('slots hold what a map holds, less what was evicted', () => {
  fc.assert(
    fc.property(
      fc.array(command, { minLength: 1_000, maxLength: 3_000 }),
      fc.integer({ min: 1, max: 700 }),
      fc.integer(),
      (commands, max, seed) => {
        const model = new Map<number, number>()
        const slots = new Slots(2, max, seed, (entry) => {
          expect(model.get(slots.word(entry, 0))).toBe(entry)
          model.delete(slots.word(entry, 0))
        })
        for (const { verb, key } of commands) {
          slots.key[0] = key
          slots.key[1] = key * 3
          const known = model.get(key)
          if (verb === 'put') {
            const entry = slots.put()
            expect(slots.isFresh).toBe(known === undefined)
            if (known !== undefined) expect(entry).toBe(known)
            model.set(key, entry)
          } else if (verb === 'find') expect(slots.find()).toBe(known ?? -1)
          else if (known !== undefined) {
            slots.remove(known)
            model.delete(key)
          }
          expect(slots.count).toBe(model.size)
          expect(slots.count).toBeLessThanOrEqual(max)
        }
        for (const [key, entry] of model) {
          slots.key[0] = key
          slots.key[1] = key * 3
          expect(slots.find()).toBe(entry)
        }
      },
    ),
    { numRuns: process.env['OPENGSLB_FULL'] === '1' ? 2_000 : 60 },
  )
})
