/**
 * The memory of clients: what it finds was noted for that very client, pool and stamp, however
 * often entries of both families take each other's place.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  ClientCache,
  notedSize,
  notedStart,
  notedTally,
  noteGroup,
  noteTally,
} from '../../../../src/core/steer/client-cache.ts'
import type { Question } from '../../../../src/core/steer/decide.ts'
import type { Pools } from '../../../../src/core/steer/pools.ts'

const asked = (): Question => ({ family: 4, turn: 0, client: new Uint8Array(4) })
/** All that is read of the pools is their memory of clients. */
const poolsWith = (cache: ClientCache) => ({ cache }) as unknown as Pools

/** Words such as stamps are, so that what lies beside an address looks like a part of it. */
const word = fc.constantFrom(1, 2)
const step = fc.record({
  pool: fc.constantFrom(0, 70_000),
  family: fc.constantFrom(4, 6),
  stamp: word,
  words: fc.oneof(fc.tuple(word), fc.tuple(word, word, word, word)),
})

test('what is found is what was noted last for that client, pool, family and stamp', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      // Two lines, so that nearly all meet.
      const cache = new ClientCache(1)
      const noted = new Map<string, number>()
      for (const [index, { pool, family, stamp, words }] of steps.entries()) {
        const bytes = Uint8Array.from(words.flatMap((each) => [0, 0, 0, each]))
        const key = [pool, family, stamp, words].join(' ')
        if (cache.find(pool, family, bytes, stamp)) {
          expect(notedTally(cache)).toBe(noted.get(key))
        } else {
          noteGroup(poolsWith(cache), { ...asked(), basis: 0, method: -1 }, 0, 1)
          noteTally(cache, index)
          noted.set(key, index)
        }
        expect(cache.clientAt(cache.at)).toEqual(bytes)
        expect(cache.find(pool, family, bytes, stamp)).toBe(true)
        expect(cache.isAt(pool, family, bytes, stamp)).toBe(bytes.length === 4)
        expect(cache.isAt(pool, family, bytes, stamp + 1)).toBe(false)
      }
    }),
    { numRuns: 300 },
  )
})

test('two clients of IPv4 share a line, and a third takes the place of one of them', () => {
  const cache = new ClientCache(1)
  const find = (last: number) => cache.find(0, 4, Uint8Array.of(10, 0, 0, last), 1)
  const lineOf = (last: number) => {
    find(last)
    return cache.at >> 4
  }
  const [one = 0, two = 0, three = 0] = [1, 2, 3, 4, 5].filter((last) => lineOf(last) === 0)
  find(one)
  find(two)
  expect([find(one), find(two)]).toEqual([true, true])
  expect(find(three)).toBe(false)
  expect(find(three)).toBe(true)
})

test('a client of IPv6 half of whose line was taken is not mistaken for its namesake', () => {
  const both = [1, 2]
  const addresses = both.flatMap((k1) => both.flatMap((k2) => both.map((k3) => [3, k1, k2, k3])))
  const octets = (words: readonly number[]) =>
    Uint8Array.from(words.flatMap((each) => [0, 0, 0, each]))
  for (const kept of addresses)
    for (const sought of addresses)
      for (const [short, stamp] of both.flatMap((one) => both.map((two) => [one, two] as const))) {
        if (sought.join() === kept.join()) continue
        const cache = new ClientCache(1)
        cache.find(0, 4, octets(kept), 1)
        // Halves are taken in turn, so that now the first, now the second is the next one.
        for (let before = 0; before < stamp + 3; before++)
          cache.find(0, 4, octets([before * 7 + 20 + kept[3]!]), 1)
        cache.find(0, 4, octets(kept), 1)
        cache.find(0, 4, octets([short]), stamp)
        expect(cache.find(0, 4, octets(sought), 1)).toBe(false)
      }
})

test('notes of any size, basis, method and scope are read back, and larger groups are not noted', () => {
  const cache = new ClientCache(1)
  const client = Uint8Array.of(192, 0, 2, 1)
  cache.find(3, 4, client, 1)
  expect([cache.scope, notedSize(cache), notedTally(cache)]).toEqual([-1, 0, -1])
  for (const [basis, method, size, scope] of [
    [0, -1, 1, 0],
    [4, 2, 0x1ffff, 128],
    [3, 0, 2, 32],
  ] as const) {
    noteGroup(poolsWith(cache), { ...asked(), basis, method }, 77, size)
    cache.scope = scope
    const question = asked()
    expect(notedStart(cache, question)).toBe(77)
    expect([question.basis, question.method, notedSize(cache), cache.scope]).toEqual([
      basis,
      method,
      size,
      scope,
    ])
  }
  cache.find(3, 4, client, 2)
  noteGroup(poolsWith(cache), { ...asked(), basis: 0, method: 0 }, 5, 0x20000)
  expect(notedSize(cache)).toBe(0)
})
