// Goal: at a first start servers are checked once what is served is signed, or after a bound; and
// at once where nothing is signed. Method: the moment of the opening alone, on a virtual clock.
import { expect, test } from 'vitest'
import { Opening } from '../../../src/actors/registry/opening.ts'
import { limits } from '../../../src/core/base/limits.ts'
import { virtualClock } from '../../harness/virtual-clock.ts'

const held = limits.firstChecksHeldMs.default

function openingOf(signing: 'none' | 'wanted' | 'not-yet', incarnation = 1) {
  const clock = virtualClock()
  let told = 0
  const opening = new Opening({ clock, incarnation }, signing, () => told++)
  return { clock, opening, told: () => told }
}

test('checks wait for the first signed edition and begin with it, once', async () => {
  const { clock, opening, told } = openingOf('wanted')
  expect(opening.isOver).toBe(false)
  opening.over()
  opening.over()
  expect(opening.isOver).toBe(true)
  await clock.advanceAsync(2 * held)
  expect(told()).toBe(1)
})

test('checks begin without it when it takes too long', async () => {
  const { clock, opening, told } = openingOf('not-yet')
  await clock.advanceAsync(held - 1)
  expect(told()).toBe(0)
  await clock.advanceAsync(1)
  expect([opening.isOver, told()]).toEqual([true, 1])
})

test('nothing waits where nothing is signed, or where the registry was restarted', () => {
  for (const { opening, told } of [openingOf('none'), openingOf('wanted', 2)])
    expect([opening.isOver, told()]).toEqual([true, 0])
})

test('a stop ends the wait without a word', async () => {
  const { clock, opening, told } = openingOf('wanted')
  opening.close()
  await clock.advanceAsync(2 * held)
  expect(told()).toBe(0)
})
