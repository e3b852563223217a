// Goal: however the load of a pool's servers moves, what they take moves gently, keeps its order,
// and never empties the pool.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { liftOf, raisedShare } from '../../src/core/health/floor.ts'
import { NO_HOLD } from '../../src/core/health/holds.ts'
import { PoolState } from '../../src/core/health/pool-state.ts'
import { SERVING, unpackWord } from '../../src/core/steer/words.ts'
import { memberOf, poolOf } from '../unit/core/health/sample.ts'

const share = fc.integer({ min: 0, max: 1000 })
const floor = fc.integer({ min: 10, max: 1000 })
const scenes = fc.record({
  servers: fc.array(fc.record({ share, weight: fc.constantFrom(1, 10, 100, 65_535) }), {
    minLength: 1,
    maxLength: 12,
  }),
  floor,
})

interface Scene {
  readonly servers: readonly { readonly share: number; readonly weight: number }[]
  readonly floor: number
}

const UP = { status: 'healthy', cause: 'validation', serving: true } as const

function poolFor({ servers, floor: thousandths }: Scene, policy: 'weighted' | 'failover') {
  const members = servers.map(({ weight }, index) => ({
    ...memberOf('app', `10.0.0.${index + 1}`),
    weight,
  }))
  const spec = poolOf('app', [], { members, bleedFloor: thousandths / 1000, policy })
  const pool = new PoolState(spec, NO_HOLD, () => ({
    ...{ serving: false, lastHealthy: false, holdFromMs: 0 },
  }))
  const shares = servers.map((server) => server.share)
  pool.fill(
    members.map(() => UP),
    0,
    shares,
  )
  return pool
}

const sharesOf = (pool: PoolState) =>
  pool.words.map((word) => ((word & SERVING) !== 0 ? unpackWord(word).share : 0))

const meanOf = (shares: readonly number[], { servers }: Scene) => {
  const whole = servers.reduce((sum, { weight }) => sum + weight, 0)
  return shares.reduce((sum, one, index) => sum + one * servers[index]!.weight, 0) / whole
}

test('a pool keeps its floor, and somebody always serves', () => {
  fc.assert(
    fc.property(scenes, (scene) => {
      const shares = sharesOf(poolFor(scene, 'weighted'))
      const asked = scene.servers.map((server) => server.share)
      expect(shares.some((one) => one > 0)).toBe(true)
      expect(meanOf(shares, scene)).toBeGreaterThanOrEqual(Math.min(scene.floor, 1000) - 1)
      if (meanOf(asked, scene) >= scene.floor) expect(shares).toEqual(asked)
      for (const [index, one] of shares.entries()) expect(one).toBeGreaterThanOrEqual(asked[index]!)
    }),
  )
})

test('shares keep their order', () => {
  fc.assert(
    fc.property(scenes, (scene) => {
      const shares = sharesOf(poolFor(scene, 'weighted'))
      for (const [one, { share: asked }] of scene.servers.entries())
        for (const [other, { share: others }] of scene.servers.entries())
          if (asked <= others) expect(shares[one]).toBeLessThanOrEqual(shares[other]!)
    }),
  )
})

test('a small change of one share changes every share a little', () => {
  fc.assert(
    fc.property(
      floor,
      share,
      share,
      fc.integer({ min: 0, max: 999 }),
      (least, one, other, from) => {
        // Two servers of one weight; the first moves by a thousandth.
        const given = (first: number) => {
          const lift = liftOf(least, (first + other) / 2)
          return [raisedShare(first, lift), raisedShare(other, lift), raisedShare(one, lift)]
        }
        const [before, after] = [given(from), given(from + 1)]
        // The measure has slope (1000 - F)/(1000 - m)^2 <= 1/(1000 - m) below the floor.
        const gap = Math.max(1, 1000 - (from + 1 + other) / 2)
        const most = 3 + 1000 / gap
        for (const [index, value] of before.entries())
          expect(Math.abs(after[index]! - value)).toBeLessThanOrEqual(most)
      },
    ),
  )
})

test('a share that changes step by step ends where it would have begun', () => {
  fc.assert(
    fc.property(
      scenes,
      fc.array(fc.tuple(fc.nat(11), share), { maxLength: 20 }),
      fc.constantFrom('weighted' as const, 'failover' as const),
      (scene, steps, policy) => {
        const pool = poolFor(scene, policy)
        const servers = scene.servers.map((server) => ({ ...server }))
        for (const [at, next] of steps) {
          const index = at % servers.length
          pool.setShare(index, next)
          servers[index]!.share = next
        }
        pool.takeChanges()
        const fresh = poolFor({ ...scene, servers }, policy)
        expect(sharesOf(pool)).toEqual(sharesOf(fresh))
        expect(pool.words.some((word) => (word & SERVING) !== 0)).toBe(true)
      },
    ),
  )
})
