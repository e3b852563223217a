/**
 * Goal: the settings that answering needs change only when every thread of a start has loaded.
 */
import { expect, test } from 'vitest'
import { countLoaded, inlineOnceLoaded, loadedCount } from '../../../src/kernel/births.ts'

test('it is not over before the last of the threads has loaded', async () => {
  const count = loadedCount()
  let isOver = false
  const over = inlineOnceLoaded(count, 2).then(() => {
    isOver = true
  })
  countLoaded(count)
  // Longer than the wake-up of one that waits for a change of the count.
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(isOver).toBe(false)
  countLoaded(count)
  await over
  expect(Atomics.load(count, 0)).toBe(2)
})
