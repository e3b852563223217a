/**
 * Goal: what the kernel has yet to tell of is never taken for quiet: only a mark that came back
 * from each processor proves what was heard.
 */
import { expect, test } from 'vitest'
import { EndsProof } from '../../../../src/core/health/ends-proof.ts'

/** Marks get cookies 1, 2, 3 …; `made` tells which processor each was made on. */
function world(processors: number, refused: readonly number[] = []) {
  const proof = new EndsProof(processors, 0)
  const made: number[] = []
  const mark = (cpu: number) => (refused.includes(cpu) ? 0 : made.push(cpu))
  return { proof, made, tick: (nowMs: number) => proof.markDue(mark, nowMs) }
}

test('until a mark comes back nothing is known since the beginning', () => {
  const { proof, tick } = world(1)
  tick(100)
  tick(300)
  expect(proof.lateMs(5_000)).toBe(5_000)
  proof.heard(1)
  expect(proof.lateMs(5_000)).toBe(4_900)
  proof.heard(2)
  expect(proof.lateMs(5_000)).toBe(4_700)
})

test('the latest processor decides', () => {
  const { proof, made, tick } = world(3)
  tick(100)
  expect(made).toEqual([0, 1, 2])
  proof.heard(1)
  proof.heard(3)
  expect(proof.lateMs(1_000)).toBe(1_000)
  proof.heard(2)
  expect(proof.lateMs(1_000)).toBe(900)
})

test('a processor on which this process may not run is not waited for', () => {
  const { proof, tick } = world(2, [1])
  tick(100)
  proof.heard(1)
  expect(proof.lateMs(150)).toBe(50)
  const nowhere = world(1, [0])
  nowhere.tick(100)
  expect(nowhere.proof.lateMs(9_000)).toBe(0)
})

test('where no mark can be made for a moment nothing is proved, and later it is again', () => {
  const proof = new EndsProof(1, 0)
  proof.markDue(() => -24, 100)
  expect(proof.lateMs(1_000)).toBe(1_000)
  proof.markDue(() => 0, 1_000)
  expect(proof.lateMs(1_100)).toBe(0)
  proof.markDue(() => 7, 2_000)
  expect(proof.lateMs(2_300)).toBe(300)
  proof.heard(7)
  expect(proof.lateMs(2_400)).toBe(400)
})

test('ends of others, and one told twice or out of order, change nothing', () => {
  const { proof, tick } = world(1)
  tick(0)
  tick(400)
  proof.heard(77)
  proof.heard(2)
  proof.heard(2)
  proof.heard(1)
  expect(proof.lateMs(500)).toBe(100)
})

test('marks are five a second, fewer with many processors, and lost ones are forgotten', () => {
  const few = world(2)
  for (let ms = 0; ms < 1_000; ms += 100) few.tick(ms)
  expect(few.made).toHaveLength(10)
  const many = world(64)
  for (let ms = 0; ms < 1_600; ms += 100) many.tick(ms)
  expect(many.made).toHaveLength(64)
  const lost = world(1)
  lost.tick(0)
  lost.tick(130_000)
  lost.proof.heard(1)
  expect(lost.proof.lateMs(130_000)).toBe(130_000)
})
