// Goal: however many servers there are, a client that sticks gets what it would by a walk over all
// of them for each answer: by room, then by the logarithm of the draw over the weight, each address
// once; also when it asks again.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ownMemory } from '../../src/core/base/memory.ts'
import { placeClients } from '../../src/core/geo/source.ts'
import { decide, type Question } from '../../src/core/steer/decide.ts'
import { Pool } from '../../src/core/steer/pool.ts'
import { giveSticky, stickyKey } from '../../src/core/steer/sticky.ts'
import type { ServingPool } from '../../src/core/steer/snapshot.ts'
import { wordOf } from '../harness/pools.ts'
import { orderOf } from '../harness/sticky-draws.ts'

const regions = ['eu', 'us', 'ap'].map((name) => ({ name, countries: [], continents: [] }))
const custom = [{ cidr: '10.0.0.0/8', region: 'eu', comment: '' }]
const geo = placeClients({ regions, custom, defaultRegion: '' }, {}, ownMemory)

const server = fc.record({
  address: fc.nat(90).map((last) => `192.0.2.${last}`),
  region: fc.constantFrom('eu', 'us', 'ap'),
  weight: fc.oneof(fc.constant(100), fc.integer({ min: 1, max: 1_000 })),
  word: fc.oneof(
    { weight: 3, arbitrary: fc.constant(wordOf({})) },
    fc
      .record({
        serving: fc.boolean(),
        share: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1_000 })),
        spill: fc.nat(15),
      })
      .map(wordOf),
  ),
})
type Server = typeof server extends fc.Arbitrary<infer One> ? One : never

function poolOf(servers: readonly Server[], policy: ServingPool['policy'], answers: number) {
  const members = servers.map(({ address, region, weight }, at) => ({
    ...{ key: `k${at}`, address, port: at, region, weight },
  }))
  return new Pool(
    {
      ...{ name: 'app.example.com', zone: 'example.com', ttlSeconds: 30, policy, answers, slot: 0 },
      ...{ whenAllDown: 'all', fallback: [], sticky: { bits4: 24, bits6: 48, balance: 1.25 } },
      members,
    },
    servers.map(({ word }) => word),
    geo,
  )
}

const client = fc.tuple(fc.constantFrom(10, 11), fc.nat(255), fc.nat(255))
const sizes = { minLength: 1, maxLength: 128 }

test('the best are those of a walk over all, for each number of answers', () => {
  const policies = fc.constantFrom('round-robin', 'weighted', 'latency', 'geolocation')
  const before = fc.array(fc.nat(1_000), { maxLength: 3 })
  fc.assert(
    fc.property(
      fc.array(server, sizes),
      ...[policies, fc.integer({ min: 1, max: 32 }), client, before],
      (servers, policy, answers, octets, given) => {
        const { pools } = poolOf(servers, policy, answers)
        const bytes = Uint8Array.of(...octets, 1)
        pools.modeOf(0, 4)
        const [from, size] = [pools.placesFrom(0, 4), pools.rows[4]!]
        const key = stickyKey(pools, 0, bytes)
        for (const even of [true, false])
          for (const earlier of [[], given.map((one) => one % servers.length)]) {
            const out = new Int32Array(40)
            out.set(earlier)
            const wanted = Math.min(32, earlier.length + answers)
            const order = orderOf(pools, key, from, size, even, earlier)
            const expected = order.slice(0, wanted - earlier.length)
            // Again, and it may be remembered; the other kind of weights is another pool's.
            for (let again = 0; again < 2; again++) {
              const count = giveSticky(
                ...[pools, 0, key, from, size, -1, even, out, earlier.length, wanted],
              )
              expect([...out.subarray(earlier.length, count)]).toEqual(expected)
            }
            pools.stamps[0]!++
          }
      },
    ),
    { numRuns: 300 },
  )
})

test('what is remembered of a client is what would be decided anew, as words change', () => {
  const change = fc.record({ at: fc.nat(200), share: fc.constantFrom(0, 400, 1_000) })
  const policies = fc.constantFrom('round-robin', 'weighted', 'geolocation')
  fc.assert(
    fc.property(
      fc.array(server, { minLength: 20, maxLength: 60 }),
      ...[policies, fc.constantFrom(1, 4, 11, 12)],
      fc.array(client, { minLength: 1, maxLength: 4 }),
      fc.array(change, { maxLength: 6 }),
      (servers, policy, answers, clients, changes) => {
        const pool = poolOf(servers, policy, answers)
        const words = servers.map(({ word }) => word)
        const decided = (of: Pool, octets: readonly number[]) => {
          const out = new Int32Array(32)
          const question: Question = { family: 4, turn: 0, client: Uint8Array.of(...octets, 9) }
          return [...out.subarray(0, decide(of.pools, 0, question, out))]
        }
        for (const { at, share } of [{ at: 0, share: 1_000 }, ...changes]) {
          words[at % words.length] = wordOf({ share, serving: share > 0 })
          pool.setWord(at % words.length, words[at % words.length]!)
          const fresh = servers.map((one, index) => ({ ...one, word: words[index]! }))
          for (const octets of [...clients, ...clients])
            expect(decided(pool, octets)).toEqual(decided(poolOf(fresh, policy, answers), octets))
        }
      },
    ),
    { numRuns: 100 },
  )
})
