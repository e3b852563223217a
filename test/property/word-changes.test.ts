// Goal: a pool whose words change one by one answers as one made anew from the same words, in large
// pools too, where a change is put in its place: who joins or leaves, bleeds, or takes the last.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decide, type Question } from '../../src/core/steer/decide.ts'
import { COUNT, MODE, methodOf, WEIGHTED } from '../../src/core/steer/modes.ts'
import { Pool } from '../../src/core/steer/pool.ts'
import type { PolicyNode } from '../../src/core/steer/policy-tree.ts'
import type { ServingPool } from '../../src/core/steer/snapshot.ts'
import { wordOf } from '../harness/pools.ts'

const tree: PolicyNode = {
  kind: 'failover',
  tiers: [
    { kind: 'choose', algorithm: 'weighted', regions: ['near'] },
    { kind: 'choose', algorithm: 'weighted', regions: [] },
  ],
}
/** Of fewer addresses than servers, some have several ports. */
type Variant = Partial<ServingPool> & { readonly addresses?: number }

const policies: readonly Variant[] = [
  { policy: 'round-robin' },
  { policy: 'round-robin', answers: 3 },
  { policy: 'weighted' },
  { policy: 'weighted', sticky: { bits4: 24, bits6: 48, balance: 1.25 } },
  { policy: 'failover', whenAllDown: 'last_healthy' },
  { policy: 'weighted', addresses: 60 },
  { policy: 'latency' },
  { policy: 'composed', tree },
]
const weight = fc.oneof(fc.constant(100), fc.integer({ min: 0, max: 9 }), fc.nat(5_000))
const word = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(wordOf({}), wordOf({ serving: false })) },
  fc.record({ serving: fc.boolean(), share: fc.nat(1_000), level: fc.nat(31) }).map(wordOf),
)
const member = fc.record({ weight, isIpv6: fc.nat(9).map((one) => one === 0) })

function poolOf(
  members: readonly { weight: number; isIpv6: boolean }[],
  words: number[],
  { addresses = 100, ...spec }: Variant = {},
) {
  const servers = members.map((one, at) => ({
    ...{ key: `k${at}`, port: at, region: at % 3 === 0 ? 'near' : 'far', weight: one.weight },
    address: one.isIpv6 ? `2001:db8::${at % addresses}` : `192.0.2.${at % addresses}`,
  }))
  return new Pool(
    {
      ...{ name: 'app.example.com', zone: 'example.com', ttlSeconds: 30, policy: 'round-robin' },
      ...{ answers: 1, whenAllDown: 'all', fallback: [], slot: 0, ...spec, members: servers },
    },
    words,
  )
}

const out = new Int32Array(32)
/** What both families answer with, by many turns. */
function answersOf({ pools }: Pool) {
  const client = Uint8Array.of(10, 0, 0, 7)
  return ([4, 6] as const).map((family) => ({
    row: [pools.modeOf(0, family), pools.rows[COUNT + family - 4]],
    given: Array.from({ length: 40 }, (_, at) => {
      client[1] = at
      const question: Question = { family, turn: Math.imul(at, 97), client }
      const count = decide(pools, 0, question, out)
      return count > 0 ? [...out.subarray(0, count)] : count
    }),
  }))
}

test('it answers as if made anew after each change, in small steps and in bursts', () => {
  const change = fc.record({ at: fc.nat(1_000), word, isAsked: fc.nat(9).map((one) => one > 1) })
  const sizes = { minLength: 64, maxLength: 90 }
  const starts = fc.constantFrom(wordOf({}), wordOf({ serving: false }), wordOf({ share: 0 }))
  const changes = fc.array(change, { minLength: 1, maxLength: 20 })
  const specs = fc.constantFrom(...policies)
  fc.assert(
    fc.property(fc.array(member, sizes), starts, changes, specs, (members, start, list, spec) => {
      const words = members.map((_, at) => (at < 3 ? wordOf({}) : start))
      const pool = poolOf(members, words, spec)
      answersOf(pool)
      for (const step of list) {
        const at = step.at % members.length
        words[at] = step.word
        pool.setWord(at, step.word)
        if (step.isAsked) expect(answersOf(pool)).toEqual(answersOf(poolOf(members, words, spec)))
      }
      expect(answersOf(pool)).toEqual(answersOf(poolOf(members, words, spec)))
    }),
    { numRuns: 150 },
  )
})

test('a storm of changes leaves no long way from a guide to its place', () => {
  const members = Array.from({ length: 400 }, (_, at) => {
    return { weight: 1 + ((at * 37) % 91), isIpv6: false }
  })
  const words = members.map((_, at) => wordOf({ serving: at % 2 === 0 }))
  const pool = poolOf(members, words, { policy: 'weighted' })
  const { pools } = pool
  let ways = 0
  for (let step = 0; step < 2_000; step++) {
    const at = Math.imul(step, 0x9e3779b1) >>> 23
    if (at >= members.length) continue
    words[at] = wordOf({ serving: step % 3 > 0 })
    pool.setWord(at, words[at]!)
    expect(methodOf(pools.modeOf(0, 4))).toBe(WEIGHTED)
    const count = pools.rows[COUNT]!
    for (let part = 0; part < count; part++) {
      const point = ((part + 0.5) / count) * pools.sums[count - 1]!
      const place = pools.sums.subarray(0, count).findIndex((sum) => sum > point)
      ways = Math.max(ways, Math.abs(place - pools.guides[part]!))
    }
  }
  expect(ways).toBeGreaterThan(1)
  expect(ways).toBeLessThan(30)
  expect(pools.rows[MODE]).not.toBe(0)
})

test('who went is answered no more when the sums grow again behind the last', () => {
  const last = 99
  const members = Array.from({ length: last + 1 }, (_, at) => {
    return { weight: at === 0 ? 1 : at === last ? 450 : 100, isIpv6: false }
  })
  const words = members.map((_, at) => wordOf({ share: at === 1 || at === 2 ? 0 : 1_000 }))
  const pool = poolOf(members, words, { policy: 'weighted' })
  const { pools } = pool
  const client = Uint8Array.of(10, 0, 0, 7)
  // Changes are put in their place in what was asked before.
  answersOf(pool)
  const steps = [
    [last, wordOf({ serving: false })],
    [0, wordOf({ serving: false })],
    [1, wordOf({})],
    [2, wordOf({})],
  ] as const
  for (const [at, next] of steps) {
    words[at] = next
    pool.setWord(at, next)
    let down = 0
    for (let turn = 0; turn < 20_000; turn++) {
      decide(pools, 0, { family: 4, turn, client }, out)
      down += Number(words[out[0]!] === wordOf({ serving: false }))
    }
    expect(down).toBe(0)
    const count = pools.rows[COUNT]!
    expect(Math.max(...pools.guides.subarray(0, count))).toBeLessThan(count)
  }
})
