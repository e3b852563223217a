// Goal: what must hold of every decision, whatever the pool.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ALL_DOWN, decide } from '../../src/core/steer/decide.ts'
import { explain } from '../../src/core/steer/explain.ts'
import { poolsOf } from '../../src/core/steer/pools.ts'
import type { Policy, WhenAllDown } from '../../src/core/steer/topology.ts'
import { formatAddress } from '../../src/core/net/address.ts'
import { poolOf, wordOf } from '../harness/pools.ts'

interface Scene {
  readonly servers: readonly {
    readonly family: 4 | 6
    readonly weight: number
    readonly share: number
    readonly serving: boolean
    readonly lastHealthy: boolean
  }[]
  readonly policy: Policy
  readonly answers: number
  readonly whenAllDown: WhenAllDown
  readonly turn: number
  readonly family: 4 | 6
}

const family = fc.constantFrom<(4 | 6)[]>(4, 6)

const scenes: fc.Arbitrary<Scene> = fc.record({
  servers: fc.array(
    fc.record({
      family,
      weight: fc.constantFrom(0, 1, 50, 100),
      share: fc.constantFrom(0, 1, 500, 1000),
      serving: fc.boolean(),
      lastHealthy: fc.boolean(),
    }),
    { maxLength: 12 },
  ),
  policy: fc.constantFrom<Policy[]>('round-robin', 'weighted', 'failover', 'latency'),
  answers: fc.integer({ min: 1, max: 8 }),
  whenAllDown: fc.constantFrom<WhenAllDown[]>('servfail', 'last_healthy', 'all', 'nodata'),
  turn: fc.nat(0xffffffff),
  family,
})

const build = (scene: Scene) =>
  poolOf(
    scene.servers.map(({ family, weight, share, serving, lastHealthy }, index) => ({
      address: family === 4 ? `10.0.0.${index + 1}` : `2001:db8::${index + 1}`,
      weight,
      word: wordOf({ serving, lastHealthy, share }),
    })),
    scene,
  )

const run = (scene: Scene) => {
  const out = new Int32Array(32)
  const question = { family: scene.family, turn: scene.turn, client: new Uint8Array(4) }
  const pool = build(scene)
  const count = decide(pool.pools, pool.index, question, out)
  return { count, chosen: [...out.subarray(0, Math.max(0, count))] }
}

test('an answer holds distinct servers of the asked family, as many as asked for', () => {
  fc.assert(
    fc.property(scenes, (scene) => {
      const { chosen } = run(scene)
      expect(new Set(chosen).size).toBe(chosen.length)
      for (const index of chosen) expect(scene.servers[index]?.family).toBe(scene.family)
      expect(chosen.length).toBeLessThanOrEqual(scene.answers)
    }),
    { numRuns: 2000 },
  )
})

test('only serving servers answer while there is one, and then somebody always does', () => {
  fc.assert(
    fc.property(scenes, (scene) => {
      const { count, chosen } = run(scene)
      const able = scene.servers.filter((one) => one.serving && one.weight > 0)
      if (able.length === 0) return
      expect(count).not.toBe(ALL_DOWN)
      expect(count > 0).toBe(able.some((one) => one.family === scene.family))
      for (const index of chosen) expect(able).toContain(scene.servers[index])
    }),
    { numRuns: 2000 },
  )
})

test('the explanation tells the same answer as the decision', () => {
  fc.assert(
    fc.property(scenes, (scene) => {
      const { chosen } = run(scene)
      const pool = build(scene)
      const question = { family: scene.family, turn: scene.turn, client: new Uint8Array(4) }
      const told = explain(pool, question)
      expect(told.chosen).toEqual(chosen.map((index) => formatAddress(pool.addresses[index]!)))
      for (const candidate of told.candidates) expect(candidate.reason).not.toBe('')
    }),
    { numRuns: 1000 },
  )
})

test('words set one by one decide as words given at once', () => {
  fc.assert(
    fc.property(scenes, (scene) => {
      const pool = poolOf(
        scene.servers.map((one, index) => ({
          address: one.family === 4 ? `10.0.0.${index + 1}` : `2001:db8::${index + 1}`,
          weight: one.weight,
          word: 0,
        })),
        scene,
      )
      const whole = build(scene)
      for (const [index, word] of whole.words.entries()) {
        // Each family may be asked between two changes, and must then see the next.
        for (const family of [4, 6] as const) pool.basis(family)
        pool.setWord(index, word)
      }
      const question = { family: scene.family, turn: scene.turn, client: new Uint8Array(4) }
      expect(explain(pool, question)).toEqual(explain(whole, question))
    }),
    { numRuns: 500 },
  )
})

test('weighted: a turn falls to the first server whose running sum passes its point', () => {
  const servers = fc.array(
    fc.record({ weight: fc.constantFrom(1, 2, 7, 100, 65_535), share: fc.integer({ max: 1000 }) }),
    { minLength: 1, maxLength: 300 },
  )
  fc.assert(
    fc.property(servers, fc.array(fc.nat(0xffffffff), { minLength: 20 }), (drawn, turns) => {
      const lines = drawn.map(({ weight, share }, index) => ({
        address: `10.0.${index >> 8}.${index & 255}`,
        weight,
        word: wordOf({ share: Math.max(1, share) }),
      }))
      const pool = poolOf(lines, { policy: 'weighted' })
      const parts = drawn.map(({ weight, share }) => weight * Math.max(1, share))
      const total = parts.reduce((sum, part) => sum + part, 0)
      const out = new Int32Array(32)
      for (const turn of turns) {
        decide(pool.pools, 0, { family: 4, turn, client: new Uint8Array(4) }, out)
        const point = ((Math.imul(turn, 0x9e3779b1) >>> 0) / 2 ** 32) * total
        let sum = 0
        const expected = parts.findIndex((part) => {
          sum += part
          return sum > point
        })
        expect(out[0]).toBe(expected)
      }
    }),
    { numRuns: 300 },
  )
})

test('pools side by side decide as each does alone', () => {
  fc.assert(
    fc.property(fc.array(scenes, { minLength: 1, maxLength: 6 }), (all) => {
      const alone = all.map(build)
      const words = alone.map((pool) => [...pool.words])
      const together = poolsOf(
        alone.map((pool) => pool.spec),
        words,
      )
      const [one, other] = [new Int32Array(32), new Int32Array(32)]
      for (const [index, { family, turn }] of all.entries()) {
        const question = { family, turn, client: new Uint8Array(4) }
        const count = decide(together, index, question, one)
        expect(count).toBe(decide(alone[index]!.pools, 0, question, other))
        expect(one.slice(0, Math.max(0, count))).toEqual(other.slice(0, Math.max(0, count)))
      }
    }),
    { numRuns: 500 },
  )
})
