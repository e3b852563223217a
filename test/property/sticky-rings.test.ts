// Goal: in large pools, where few servers are asked, a client that sticks gets what it would by a
// walk over all of them: whatever their weights and health, among those of a region and of all
// regions, for each number of answers, and as words change one by one.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ownMemory } from '../../src/core/base/memory.ts'
import { placeClients } from '../../src/core/geo/source.ts'
import { decide } from '../../src/core/steer/decide.ts'
import { Pool } from '../../src/core/steer/pool.ts'
import { giveSticky, stickyKey } from '../../src/core/steer/sticky.ts'
import type { ServingPool } from '../../src/core/steer/snapshot.ts'
import { wordOf } from '../harness/pools.ts'
import { isByRing, orderOf } from '../harness/sticky-draws.ts'

const regions = ['eu', 'us', 'ap'].map((name) => ({ name, countries: [], continents: [] }))
const custom = [{ cidr: '10.0.0.0/8', region: 'eu', comment: '' }]
const geo = placeClients({ regions, custom, defaultRegion: '' }, {}, ownMemory)

const word = fc
  .record({
    serving: fc.boolean(),
    share: fc.constantFrom(0, 1, 300, 1_000),
    spill: fc.nat(15),
    level: fc.nat(31),
  })
  .map(wordOf)
/** Of many servers: how they are told from few numbers, so that cases shrink. */
const crowd = fc.record({
  count: fc.integer({ min: 129, max: 600 }),
  addresses: fc.constantFrom(100, 1_000, 60_000),
  // As most pools are, of some classes, and of one that outweighs all.
  weights: fc.constantFrom([100], [100, 100, 350], [1, 7, 90, 1_000], [1, 1, 1, 1, 1, 1, 65_535]),
  seed: fc.integer(),
  /** One in so many has a word of its own. */
  odd: fc.constantFrom(1, 2, 8, 1_000),
  words: fc.array(word, { minLength: 1, maxLength: 5 }),
  common: fc.constantFrom(wordOf({}), wordOf({}), wordOf({ serving: false }), wordOf({ spill: 6 })),
  policy: fc.constantFrom('round-robin', 'weighted', 'latency', 'geolocation'),
  answers: fc.constantFrom(1, 1, 1, 2, 5, 32),
})
type Crowd = typeof crowd extends fc.Arbitrary<infer One> ? One : never

function poolOf(one: Crowd, changed?: readonly number[]) {
  const { count, addresses, weights, seed, odd, words } = one
  const hash = (at: number, by: number) => Math.imul(at ^ Math.imul(seed, by), 0x9e3779b1) >>> 12
  const members = Array.from({ length: count }, (_, at) => {
    const number = hash(at, 3) % addresses
    const isSix = hash(at, 5) % 9 === 0
    const low = `${(number >> 8) & 255}.${number & 255}`
    return {
      ...{ key: `k${at}`, port: at, region: ['eu', 'us', 'ap', 'none'][hash(at, 7) % 4]! },
      address: isSix ? `2001:db8::${number.toString(16)}` : `192.0.${low}`,
      weight: weights[hash(at, 11) % weights.length]!,
    }
  })
  const own = members.map((_, at) =>
    hash(at, 13) % odd === 0 ? words[hash(at, 17) % words.length]! : one.common,
  )
  const spec: ServingPool = {
    ...{ name: 'app.example.com', zone: 'example.com', ttlSeconds: 30, slot: 0, members },
    ...{ policy: one.policy as ServingPool['policy'], answers: one.answers, whenAllDown: 'all' },
    ...{ fallback: [], sticky: { bits4: 32, bits6: 48, balance: 1.25 } },
  }
  const held = changed ?? own
  return { pool: new Pool(spec, held, geo), words: own }
}

const clients = fc.array(fc.integer(), { minLength: 4, maxLength: 4 })
const bytesOf = (number: number) =>
  Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number)

/** Stretches of a pool: of each group, and of all; `[group, from, size]`. */
function stretchesOf({ pools }: Pool): [number, number, number][] {
  return ([4, 6] as const).flatMap((family) => {
    pools.modeOf(0, family)
    const from = pools.placesFrom(0, family)
    const all = pools.rows[family === 4 ? 4 : 6]!
    const own = pools.segmentsFrom(0, family)
    const groups = Array.from({ length: pools.groupsOf(0) }, (_, group) => {
      const start = pools.segments[own + group]!
      const size = pools.segments[own + group + 1]! - start
      return [group, from + start, size] as [number, number, number]
    })
    return [...groups, [-1, from, all] as [number, number, number]].filter(([, , size]) => size > 0)
  })
}

test('the best are those of a walk over all', () => {
  let byRing = 0
  fc.assert(
    fc.property(crowd, clients, fc.array(fc.nat(128), { maxLength: 3 }), (one, numbers, given) => {
      const { pool } = poolOf(one)
      const { pools } = pool
      const even = one.policy === 'round-robin'
      for (const [group, from, size] of stretchesOf(pool))
        for (const number of numbers) {
          const key = stickyKey(pools, 0, bytesOf(number))
          if (isByRing(one.count, key)) byRing++
          for (const earlier of [[], given]) {
            const out = new Int32Array(40)
            out.set(earlier)
            const wanted = Math.min(32, earlier.length + one.answers)
            const order = orderOf(pools, key, from, size, even, earlier)
            const count = giveSticky(
              ...[pools, 0, key, from, size, group, even, out, earlier.length, wanted],
            )
            const best = order.slice(0, wanted - earlier.length)
            expect([...out.subarray(earlier.length, count)]).toEqual(best)
          }
        }
    }),
    { numRuns: 300 },
  )
  expect(byRing).toBeGreaterThan(2_000)
})

test('as words change one by one it answers as one made anew', () => {
  const change = fc.record({ at: fc.nat(1_000), word })
  const changes = fc.array(change, { minLength: 1, maxLength: 8 })
  const out = new Int32Array(32)
  const decided = (pool: Pool, number: number) =>
    ([4, 6] as const).map((family) => {
      const count = decide(pool.pools, 0, { family, turn: 0, client: bytesOf(number) }, out)
      return count > 0 ? [...out.subarray(0, count)] : count
    })
  fc.assert(
    fc.property(crowd, changes, clients, (one, list, numbers) => {
      const { pool, words } = poolOf(one)
      for (const { at, word: changed } of list) {
        words[at % words.length] = changed
        pool.setWord(at % words.length, changed)
        const fresh = poolOf(one, words).pool
        for (const number of numbers) expect(decided(pool, number)).toEqual(decided(fresh, number))
      }
    }),
    { numRuns: 100 },
  )
})
