// Goal: however many servers there are, a client that sticks gets what it would by a walk over all
// of them for each answer: by room, then by the logarithm of the draw over the weight, each address
// once; also when it asks again.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ownMemory } from '../../src/core/base/memory.ts'
import { placeClients } from '../../src/core/geo/source.ts'
import { decide, type Question } from '../../src/core/steer/decide.ts'
import { Pool } from '../../src/core/steer/pool.ts'
import { ADDRESS_BYTES } from '../../src/core/steer/pool-layout.ts'
import type { Pools } from '../../src/core/steer/pools.ts'
import { giveSticky, stickyKey } from '../../src/core/steer/sticky.ts'
import type { ServingPool } from '../../src/core/steer/snapshot.ts'
import { spillOf } from '../../src/core/steer/words.ts'
import { wordOf } from '../harness/pools.ts'

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

function mixed(word: number): number {
  let hash = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

function seedOf({ layout }: Pools, address: number): number {
  let hash = 0x811c9dc5
  for (const byte of layout.bytes.subarray(address * ADDRESS_BYTES, (address + 1) * ADDRESS_BYTES))
    hash = Math.imul(hash ^ byte, 0x01000193)
  return hash
}

/** The whole order of a client over a stretch, without those given before. */
function orderOf(
  pools: Pools,
  key: number,
  from: number,
  size: number,
  even: boolean,
  before: readonly number[],
): readonly number[] {
  const drawn = Array.from({ length: size }, (_, at) => {
    const place = from + at
    const candidate = pools.places[place]!
    const address = pools.addressFrom(0) + candidate
    const weight = even ? pools.shares[place]! : pools.loads[place]! * pools.shares[place]!
    const draw = mixed(key ^ Math.imul(seedOf(pools, address), 0x9e3779b1)) >>> 0
    const isFull = mixed(draw ^ 0x5bd1e995) >>> 28 < spillOf(pools.words[address]!)
    const score = Math.log((draw + 0.5) / 2 ** 32) / (weight > 0 ? weight : 1)
    return { candidate, rank: weight > 0 ? Number(isFull) : 2, score }
  })
  drawn.sort((one, other) => one.rank - other.rank || other.score - one.score)
  const seen = new Set(before.map((candidate) => pools.firstOf(0, candidate)))
  const isNew = (first: number) => !seen.has(first) && seen.add(first) === seen
  return drawn.map((one) => one.candidate).filter((one) => isNew(pools.firstOf(0, one)))
}

const client = fc.tuple(fc.constantFrom(10, 11), fc.nat(255), fc.nat(255))
const sizes = { minLength: 1, maxLength: 120 }

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
                ...[pools, 0, key, from, size, even, out, earlier.length, wanted],
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
