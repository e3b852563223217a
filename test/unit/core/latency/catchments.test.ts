// Goal: who is behind a resolver is found by where connections arrive, and by nothing that a false
// address could feign; until then those near it are taken for a small part; sizes are bounded.
// Method: three regions, three networks, resolvers near and far, and what each was told by hand.
import { describe, expect, test } from 'vitest'
import { limits } from '../../../../src/core/base/limits.ts'
import { Catchments, type Expectations } from '../../../../src/core/latency/catchments.ts'

const REGIONS = 3
const [A, B, C] = [0, 1, 2]
/** Networks by number, each at a place of its own: one near region A, two near B. */
const times = [
  [10, 50, 90],
  [60, 20, 90],
  [60, 21, 90],
]

const view: Expectations = {
  regions: REGIONS,
  networks: () => [0, 1, 2],
  placeOf: (network) => network,
  // The last is there to show that its region is open, and counts for nothing else.
  rateOf: (network) => (network === 2 ? 0 : 10),
  expect: (network, means, variances, floors) => {
    means.set(times[network]!)
    variances.fill(1)
    floors.fill(5)
  },
  marginOf: () => 2,
  expected: Float32Array.from(times.flat()),
  systemOf: (network) => 100 + network,
}

/** Rounds in which resolvers are told regions and networks arrive at regions. */
function rounds(
  catchments: Catchments,
  told: readonly (readonly [number, number])[],
  arrived: readonly (readonly [number, number])[],
  count = 12,
) {
  for (let round = 0; round < count; round++) {
    for (const [resolver, region] of told) catchments.told(resolver, region, 5)
    for (const [network, region] of arrived) catchments.arrived(network, region, 10)
    catchments.arrived(2, B, 10)
    catchments.learn(view)
  }
  catchments.refresh(view)
}

const behind = (catchments: Catchments, resolver: number) => catchments.of(resolver)?.networks ?? 0
const meansOf = (catchments: Catchments, resolver: number) => [
  ...(catchments.of(resolver)?.means ?? []),
]

describe('a resolver without client subnets', () => {
  test('is taken for a part of the networks near it before anything arrived', () => {
    const made = new Catchments(REGIONS)
    const [near, far] = [made.add(0), made.add(1)]
    made.refresh(view)
    const [quick, other] = [meansOf(made, near), meansOf(made, far)]
    expect(quick[A]).toBeLessThan(quick[B]!)
    expect(other[B]).toBeLessThan(other[A]!)
    expect(behind(made, near)).toBeLessThan(0.3)
  })

  test('has the networks that arrive where it was told, and expects what they do', () => {
    const made = new Catchments(REGIONS)
    const resolver = made.add(0)
    // The network near B comes to A again and again, where its own row would not send it.
    rounds(made, [[resolver, A]], [[1, A]])
    expect(behind(made, resolver)).toBeGreaterThan(0.8)
    const means = meansOf(made, resolver)
    expect(means[B]).toBeLessThan(means[A]!)
  })

  test('loses those that arrive elsewhere than it was told', () => {
    const made = new Catchments(REGIONS)
    const resolver = made.add(0)
    made.refresh(view)
    const before = behind(made, resolver)
    rounds(
      made,
      [[resolver, C]],
      [
        [0, A],
        [1, B],
      ],
    )
    expect(behind(made, resolver)).toBeLessThan(before / 3)
  })

  test('learns nothing while it was told what its networks would be told anyway', () => {
    const made = new Catchments(REGIONS)
    const resolver = made.add(0)
    made.refresh(view)
    const before = behind(made, resolver)
    rounds(made, [[resolver, A]], [[0, A]])
    expect(behind(made, resolver)).toBeCloseTo(before, 6)
  })

  test('is not given what resolvers of the network\u2019s own system explain', () => {
    const made = new Catchments(REGIONS)
    const resolver = made.add(0)
    made.refresh(view)
    const before = behind(made, resolver)
    for (let round = 0; round < 12; round++) {
      made.toldSystem(101, 1, C, 5)
      rounds(made, [[resolver, C]], [[1, C]], 1)
    }
    expect(behind(made, resolver)).toBeCloseTo(before, 6)
  })

  test('of two, the one that was told has a network, though the other is nearer', () => {
    const made = new Catchments(REGIONS)
    const [nearer, farther] = [made.add(1), made.add(0)]
    rounds(
      made,
      [
        [nearer, C],
        [farther, A],
      ],
      [[1, A]],
    )
    expect(behind(made, farther)).toBeGreaterThan(0.8)
    expect(behind(made, nearer)).toBeLessThan(0.1)
  })

  test('has a network that seems to be far away, though many are nearer to it', () => {
    const made = new Catchments(REGIONS)
    const nearer = Array.from({ length: 8 }, () => made.add(1))
    const right = made.add(0)
    const told = nearer.map((resolver) => [resolver, C] as const)
    rounds(made, [...told, [right, A]], [[1, A]], 24)
    expect(behind(made, right)).toBeGreaterThan(0.8)
    expect(nearer.map((resolver) => behind(made, resolver)).every((part) => part < 0.1)).toBe(true)
  })

  test('has nothing of networks that could be anywhere while nothing says so', () => {
    const made = new Catchments(REGIONS)
    const [near, far] = [made.add(1), made.add(0)]
    // Only the network near B is counted.
    made.refresh({ ...view, networks: () => [1] })
    expect(behind(made, near)).toBeGreaterThan(0.1)
    expect(made.of(far)).toBeUndefined()
  })

  test('has most of a network that comes where it was told, in that proportion', () => {
    const made = new Catchments(REGIONS)
    const resolver = made.add(0)
    // A fifth goes where the network's own row would send it as well.
    for (let round = 0; round < 60; round++) {
      made.told(resolver, A, 4)
      made.told(resolver, B, 1)
      made.arrived(1, A, 800)
      made.arrived(1, B, 200)
      made.learn(view)
    }
    made.refresh({ ...view, networks: () => [1] })
    expect(behind(made, resolver)).toBeGreaterThan(0.75)
  })

  test('gets nothing by questions alone, however many', () => {
    const made = new Catchments(REGIONS)
    const [honest, feigned] = [made.add(0), made.add(0)]
    made.refresh(view)
    const before = meansOf(made, honest)
    for (let round = 0; round < 12; round++) {
      made.told(feigned, C, 1e6)
      made.learn(view)
    }
    made.refresh(view)
    expect(meansOf(made, honest)).toEqual(before)
  })
})

test('resolvers are bounded; one that asked nothing for a day gives way', () => {
  const made = new Catchments(REGIONS)
  for (let at = 0; at < limits.latencyResolversMax.default; at++) made.add(0)
  expect(made.add(1)).toBe(-1)
  for (let round = 0; round < 288; round++) {
    for (let at = 1; at < limits.latencyResolversMax.default; at++) made.told(at, A, 5)
    made.learn(view)
  }
  const fresh = made.add(1)
  expect([fresh >= 0, made.has(0), made.has(1)]).toEqual([true, false, true])
  expect(made.sizes().resolvers).toBe(limits.latencyResolversMax.default)
})
