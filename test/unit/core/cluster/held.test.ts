// Goal: a refusal that waits is sent after two words of the leader, never before, and is forgotten
// where they do not come; only who asks the same again at once has to wait.
import { describe, expect, test } from 'vitest'
import { limits } from '../../../../src/core/base/limits.ts'
import { Held, Repeats } from '../../../../src/core/cluster/held.ts'

const HELD_MS = limits.clusterHeldMs.default
const REPEAT_MS = limits.clusterRepeatMs.default

describe('refusals that wait', () => {
  test('are sent after the second word that came since, in their order', () => {
    const held = new Held(4)
    held.keep(7, 0)
    held.keep(8, 5)
    expect([held.next(8, 20), held.next(9, 40), held.next(9, 40), held.count]).toEqual([
      ...['wait', 'send', 'wait'],
      1,
    ])
    expect([held.next(10, 60), held.next(10, 60), held.count]).toEqual(['send', 'wait', 0])
  })

  test('are forgotten where no word comes, and make room for others', () => {
    const held = new Held(2)
    expect([held.keep(1, 0), held.keep(1, 0), held.keep(1, 0)]).toEqual([true, true, false])
    expect(held.next(2, HELD_MS)).toBe('wait')
    expect(held.next(2, HELD_MS + 1)).toBe('forget')
    expect(held.keep(2, HELD_MS + 1)).toBe(true)
    expect([held.next(2, HELD_MS + 1), held.next(2, HELD_MS + 1)]).toEqual(['forget', 'wait'])
  })

  test('are counted right where the count of words comes round', () => {
    const held = new Held(2)
    held.keep(2 ** 31 - 1, 0)
    expect(held.next(-(2 ** 31), 1)).toBe('wait')
    expect(held.next(-(2 ** 31) + 1, 2)).toBe('send')
  })
})

describe('a question', () => {
  const bytes = (text: string) => new TextEncoder().encode(text)
  const [one, other] = [Uint8Array.of(192, 0, 2, 1), Uint8Array.of(192, 0, 2, 2)]

  test.each([
    ['of the same client at once', one, 'app', REPEAT_MS, true],
    ['in other letters', one, 'aPP', 1, true],
    ['after a while', one, 'app', REPEAT_MS + 1, false],
    ['of another client', other, 'app', 1, false],
    ['for another name', one, 'api', 1, false],
  ] as const)('%s', (_name, client, name, afterMs, isAgain) => {
    const repeats = new Repeats()
    expect(repeats.again(one, bytes('xapp'), 1, 4, 1_000)).toBe(false)
    expect(repeats.again(client, bytes(name), 0, name.length, 1_000 + afterMs)).toBe(isAgain)
  })

  test('that takes the slot of another is not taken for it', () => {
    const repeats = new Repeats(1)
    repeats.again(one, bytes('app'), 0, 3, 0)
    repeats.again(one, bytes('api'), 0, 3, 1)
    expect(repeats.again(one, bytes('app'), 0, 3, 2)).toBe(false)
  })
})
