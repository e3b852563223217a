// Goal: clients that stick keep to their server; a server that goes, comes, or takes another weight
// moves its own clients and no others; a full one passes on the same part of them each time; all of
// it under every policy, and told with the scope of a client's network.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { explain } from '../../../../src/core/steer/explain.ts'
import { ownMemory } from '../../../../src/core/base/memory.ts'
import { placeClients } from '../../../../src/core/geo/source.ts'
import { decide, type Question } from '../../../../src/core/steer/decide.ts'
import type { LeafAlgorithm, PolicyNode } from '../../../../src/core/steer/policy-tree.ts'
import { Pool } from '../../../../src/core/steer/pool.ts'
import { hasKey, stickyKey } from '../../../../src/core/steer/sticky.ts'
import { decisionScope } from '../../../../src/core/steer/scope.ts'
import type { ServingPool } from '../../../../src/core/steer/snapshot.ts'
import { DOWN, UP, wordOf } from '../../../harness/pools.ts'

const regions = ['eu', 'us'].map((name) => ({ name, countries: [], continents: [] }))
const custom = [{ cidr: '10.0.0.0/8', region: 'eu', comment: '' }]
const geo = placeClients({ regions, custom, defaultRegion: '' }, {}, ownMemory)
const STICKY = { bits4: 24, bits6: 48, balance: 1.25 }

function poolOf(servers: readonly number[], spec: Partial<ServingPool>, weights: number[] = []) {
  const members = servers.map((_, at) => ({
    ...{ key: `k${at}`, address: `192.0.2.${at}`, port: 80, region: at % 2 === 0 ? 'eu' : 'us' },
    weight: weights[at] ?? 100,
  }))
  const whole: ServingPool = {
    ...{ name: 'app.example.com', zone: 'example.com', ttlSeconds: 30, policy: 'round-robin' },
    ...{ answers: 1, whenAllDown: 'servfail', fallback: [], slot: 0, sticky: STICKY },
    ...spec,
    members,
  }
  return new Pool(whole, servers, geo)
}

const clients = Array.from({ length: 400 }, (_, at) =>
  Uint8Array.of(at % 2 === 0 ? 10 : 172, at >> 4, (at * 7) & 255, at & 255),
)
const out = new Int32Array(32)
const chosenBy = (pool: Pool, client: Uint8Array, turn = 0) =>
  decide(pool.pools, 0, { family: 4, turn, client }, out) > 0 ? out[0]! : -1
const all = (pool: Pool, turn = 0) => clients.map((client) => chosenBy(pool, client, turn))

const leaf = (algorithm: LeafAlgorithm): PolicyNode => ({ kind: 'choose', algorithm, regions: [] })
const policies: readonly Partial<ServingPool>[] = [
  { policy: 'round-robin' },
  { policy: 'weighted' },
  { policy: 'latency' },
  { policy: 'geolocation' },
  { policy: 'learned_latency' },
  { policy: 'composed', tree: leaf('weighted') },
  {
    policy: 'composed',
    tree: {
      kind: 'split',
      parts: [
        { weight: 3, node: { kind: 'choose', algorithm: 'weighted', regions: ['eu'] } },
        { weight: 1, node: { kind: 'choose', algorithm: 'weighted', regions: ['us'] } },
      ],
    },
  },
]
const nameOf = (spec: Partial<ServingPool>) =>
  spec.tree === undefined ? spec.policy! : `composed of ${spec.tree.kind}`

describe.each(policies.map((spec) => [nameOf(spec), spec] as const))('under %s', (_, spec) => {
  test('turns do not matter, nor does the last part of an address', () => {
    const pool = poolOf([UP, UP, UP, UP, UP], spec)
    const first = all(pool)
    expect(all(pool, 17)).toEqual(first)
    expect(all(poolOf([UP, UP, UP, UP, UP], spec), 3)).toEqual(first)
    expect(new Set(first).size).toBe(5)
    for (const client of clients.slice(0, 50)) {
      const neighbour = client.slice()
      neighbour[3] = 255 - neighbour[3]!
      expect(chosenBy(pool, neighbour)).toBe(chosenBy(pool, client))
    }
  })

  test('a server that goes moves its own clients and no others, and has them back', () => {
    const states = fc.array(fc.boolean(), { minLength: 6, maxLength: 6 })
    fc.assert(
      fc.property(states, fc.nat(5), (up, at) => {
        const words = up.map((is) => (is ? UP : DOWN))
        words[at] = UP
        const pool = poolOf(words, spec)
        const before = all(pool)
        pool.setWord(at, DOWN)
        const after = all(pool)
        // Where its region or part is left without a server, others share out its clients.
        for (const [client, was] of before.entries())
          if (was !== at) expect(after[client]).toBe(was)
          else expect(after[client]).not.toBe(at)
        pool.setWord(at, UP)
        expect(all(pool)).toEqual(before)
      }),
      { numRuns: 30 },
    )
  })

  test('a full server passes on a part of its clients, always the same, and nobody else moves', () => {
    const pool = poolOf([UP, UP, UP, UP, UP, UP], spec)
    const before = all(pool)
    const moved = (spill: number) => {
      pool.setWord(0, wordOf({ spill }))
      const after = all(pool)
      const gone = clients.filter((_, at) => before[at] === 0 && after[at] !== 0)
      for (const [at, was] of before.entries()) if (was !== 0) expect(after[at]).toBe(was)
      return new Set(gone)
    }
    const [few, many] = [moved(4), moved(12)]
    const own = before.filter((one) => one === 0).length
    expect(few.size / own).toBeGreaterThan(0.05)
    expect(many.size / own).toBeGreaterThan(0.5)
    expect(many.size).toBeLessThan(own)
    for (const client of few) expect(many.has(client)).toBe(true)
  })

  test('the scope is that of a network, where no more is decided', () => {
    const pool = poolOf([UP, UP, UP, UP], spec)
    const question: Question = { family: 4, turn: 0, client: clients[0]! }
    decide(pool.pools, 0, question, out)
    expect(decisionScope(pool.pools, 0, question)).toBe(24)
  })
})

test('clients fall to servers by weight, and more weight takes clients from all others alike', () => {
  const many = Array.from({ length: 20_000 }, (_, at) => Uint8Array.of(11, at >> 8, at & 255, 1))
  const sharesOf = (weights: number[]) => {
    const pool = poolOf([UP, UP, UP], { policy: 'weighted' }, weights)
    const chosen = many.map((client) => chosenBy(pool, client))
    return {
      chosen,
      shares: [0, 1, 2].map((at) => chosen.filter((one) => one === at).length / 2e4),
    }
  }
  const before = sharesOf([100, 200, 100])
  expect(before.shares[0]).toBeCloseTo(0.25, 1)
  expect(before.shares[1]).toBeCloseTo(0.5, 1)
  const after = sharesOf([200, 200, 100])
  expect(after.shares[0]).toBeCloseTo(0.4, 1)
  for (const [at, was] of before.chosen.entries()) expect([was, 0]).toContain(after.chosen[at])
})

test('who asks why is told that the network keeps to its server, and who is full', () => {
  const pool = poolOf([UP, UP], { policy: 'weighted' })
  const client = clients[0]!
  const own = chosenBy(pool, client)
  const other = 1 - own
  pool.setWord(other, wordOf({ spill: 3 }))
  const { candidates } = explain(pool, { family: 4, turn: 9, client })
  expect(candidates[own]!.reason).toBe("healthy, and this client's network keeps to it")
  expect(candidates[other]!.reason).toContain('being full it passes on 3 of 16')
})

test('a client is placed only where that decides, also when it asks again', () => {
  const placeOf = (spec: Partial<ServingPool>) => {
    const pool = poolOf([UP, UP], spec)
    return [0, 1].map((turn) => {
      const question: Question = { family: 4, turn, client: clients[0]! }
      decide(pool.pools, 0, question, out)
      return question.place! >= 0
    })
  }
  expect(placeOf({ policy: 'geolocation' })).toEqual([true, true])
  expect(placeOf({ policy: 'weighted' })).toEqual([false, false])
  const fence: PolicyNode = { kind: 'geofence', rules: [{ node: leaf('weighted') }] }
  expect(placeOf({ policy: 'composed', tree: fence })).toEqual([true, true])
})

test('the key of a client is a number that needs no box, and none is taken for none', () => {
  const { pools } = poolOf([UP, UP], {})
  const keys = clients.map((client) => stickyKey(pools, 0, client))
  expect(keys.map((key) => key | 0)).toEqual(keys)
  expect(keys.every(hasKey)).toBe(true)
  expect(keys.some((key) => key < -1)).toBe(true)
})

test('further answers are the next in the order of the client', () => {
  const pool = poolOf([UP, UP, UP, UP], { policy: 'weighted', answers: 3 })
  for (const client of clients.slice(0, 40)) {
    const count = decide(pool.pools, 0, { family: 4, turn: 0, client }, out)
    const order = [...out.subarray(0, count)]
    expect(new Set(order).size).toBe(3)
    pool.setWord(order[0]!, DOWN)
    expect(chosenBy(pool, client)).toBe(order[1])
    pool.setWord(order[0]!, UP)
  }
})

test('IPv6 clients are told apart by their own prefix', () => {
  const pool = poolOf([UP, UP, UP, UP, UP], { policy: 'weighted' })
  const client = (third: number, last: number) => {
    const bytes = new Uint8Array(16)
    bytes.set([0x20, 0x01, 0x0d, 0xb8, third >> 8, third & 255])
    bytes[15] = last
    return bytes
  }
  const chosen = Array.from({ length: 64 }, (_, at) => chosenBy(pool, client(at, 1)))
  expect(new Set(chosen).size).toBe(5)
  for (const [at, one] of chosen.entries()) expect(chosenBy(pool, client(at, 77))).toBe(one)
})
