// Goal: in sticky pools of thousands of servers one that leaves, comes, is down, full or of another
// weight moves its own clients and no others; clients fall to servers by weight; nothing depends on
// the order of the servers; a pool that grows past the size where rings begin moves few at once.
import { describe, expect, test } from 'vitest'
import { ownMemory, sharedMemory } from '../../../../src/core/base/memory.ts'
import { placeClients } from '../../../../src/core/geo/source.ts'
import { decide } from '../../../../src/core/steer/decide.ts'
import { explain } from '../../../../src/core/steer/explain.ts'
import type { PolicyNode } from '../../../../src/core/steer/policy-tree.ts'
import { Pool } from '../../../../src/core/steer/pool.ts'
import { layPools } from '../../../../src/core/steer/pool-layout.ts'
import type { ServingMember, ServingPool } from '../../../../src/core/steer/snapshot.ts'
import { DOWN, UP, wordOf } from '../../../harness/pools.ts'

const regions = ['eu', 'us'].map((name) => ({ name, countries: [], continents: [] }))
const custom = [{ cidr: '0.0.0.0/1', region: 'us', comment: '' }]
const geo = placeClients({ regions, custom, defaultRegion: '' }, {}, ownMemory)

const serverOf = (at: number, weight = 100): ServingMember => ({
  ...{ key: `k${at}`, address: `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}` },
  ...{ port: 80, region: at % 3 === 0 ? 'us' : 'eu', weight },
})
const serversOf = (count: number, weightOf: (at: number) => number = () => 100) =>
  Array.from({ length: count }, (_, at) => serverOf(at, weightOf(at)))

const specOf = (members: readonly ServingMember[]): ServingPool => ({
  ...{ name: 'app.example.com', zone: 'example.com', ttlSeconds: 30, policy: 'weighted' },
  ...{ answers: 1, whenAllDown: 'servfail', fallback: [], slot: 0 },
  ...{ sticky: { bits4: 32, bits6: 48, balance: 1.25 }, members },
})
const poolOf = (members: readonly ServingMember[], spec: Partial<ServingPool> = {}) =>
  new Pool(
    { ...specOf(members), ...spec },
    members.map(() => UP),
    geo,
  )

const out = new Int32Array(32)
const clientOf = (number: number) => {
  const hash = Math.imul(number, 0x9e3779b1)
  return Uint8Array.of(hash, hash >>> 8, hash >>> 16, hash >>> 24)
}
/** Keys of the servers that so many clients have. */
const all = (pool: Pool, clients: number): string[] =>
  Array.from({ length: clients }, (_, number) => {
    const count = decide(pool.pools, 0, { family: 4, turn: number, client: clientOf(number) }, out)
    return count === 1 ? pool.spec.members[out[0]!]!.key : ''
  })

/** The same servers in an order that has nothing to do with theirs. */
const shuffled = (members: readonly ServingMember[]): ServingMember[] =>
  members
    .map((member, at) => [Math.imul(at, 0x85ebca6b) ^ (at << 7), member] as const)
    .sort(([one], [other]) => one - other)
    .map(([, member]) => member)

describe.each([[2_000], [65_535]])('of %i servers', (count) => {
  const members = serversOf(count)
  const clients = 30_000
  const pool = poolOf(members)
  const before = all(pool, clients)

  test('some that leave or come move their own clients alone, in whatever order all stand', () => {
    const leave = (at: number) => Math.imul(at, 0x9e3779b1) >>> 0 < 2 ** 32 / 20
    const after = all(poolOf(shuffled(members.filter((_, at) => !leave(at)))), clients)
    let moved = 0
    for (const [client, was] of before.entries())
      if (leave(Number(was.slice(1)))) {
        expect(after[client]).not.toBe(was)
        moved++
      } else expect(after[client]).toBe(was)
    expect(moved / clients).toBeGreaterThan(0.04)
    expect(moved / clients).toBeLessThan(0.06)
  })

  test('one that is down gives its own away and has them back', () => {
    const down = before.slice(0, 40).map((key) => Number(key.slice(1)))
    for (const at of down) pool.setWord(at, DOWN)
    const after = all(pool, clients)
    for (const [client, was] of before.entries())
      if (down.includes(Number(was.slice(1)))) expect(after[client]).not.toBe(was)
      else expect(after[client]).toBe(was)
    for (const at of down) pool.setWord(at, UP)
    expect(all(pool, clients)).toEqual(before)
  })

  test('full ones pass on a part of their clients, and nobody else moves', () => {
    const full = (at: number) => at % 10 === 0
    for (let at = 0; at < count; at += 10) pool.setWord(at, wordOf({ spill: 4 }))
    const after = all(pool, clients)
    let [own, passed] = [0, 0]
    for (const [client, was] of before.entries()) {
      if (!full(Number(was.slice(1)))) expect(after[client]).toBe(was)
      own += Number(full(Number(was.slice(1))))
      passed += Number(after[client] !== was)
    }
    expect(passed / own).toBeCloseTo(0.25, 1)
    for (let at = 0; at < count; at += 10) pool.setWord(at, UP)
  })

  test.each([40, 150, 3_000])(
    'a server whose weight becomes %i takes or gives, and no others',
    (weight) => {
      const changes = (key: string) => Number(key.slice(1)) % 50 === 7
      const now = members.map((one) => (changes(one.key) ? { ...one, weight } : one))
      const after = all(poolOf(now), clients)
      let [had, has] = [0, 0]
      for (const [client, was] of before.entries()) {
        had += Number(changes(was))
        has += Number(changes(after[client]!))
        if (after[client] === was) continue
        expect(changes(was) || changes(after[client]!)).toBe(true)
        if (weight > 100) expect(changes(after[client]!)).toBe(true)
        else expect(changes(was)).toBe(true)
      }
      const due = (weight * 0.02) / (98 + 2 * (weight / 100))
      expect(had / clients).toBeCloseTo(0.02, 2)
      expect(has / clients / due).toBeCloseTo(1, 0.7)
    },
  )
})

const leaf = (region: string): PolicyNode => ({
  ...{ kind: 'choose', algorithm: 'weighted', regions: [region] },
})
const parts = ['eu', 'us'].map((region) => ({ weight: 1, node: leaf(region) }))
test.each<[string, Partial<ServingPool>]>([
  ['the region of a client, or all', { policy: 'geolocation' }],
  ['a leaf of a policy', { policy: 'composed', tree: { kind: 'split', parts } }],
])('so it is among those of %s', (_, spec) => {
  const members = serversOf(2_000)
  const before = all(poolOf(members, spec), 20_000)
  const leave = (key: string) => Number(key.slice(1)) % 20 === 7
  const left = shuffled(members.filter(({ key }) => !leave(key)))
  const pool = poolOf(left, spec)
  const after = all(pool, 20_000)
  for (const [client, was] of before.entries())
    if (leave(was)) expect(after[client]).not.toBe(was)
    else expect(after[client]).toBe(was)
  expect((pool.pools.composed?.leaves ?? pool.pools).rings).toBeDefined()
  // As many as there are, and both regions.
  expect(new Set(after).size).toBeGreaterThan(1_850)
})

test('clients fall evenly to servers, and by weight', () => {
  const counts = new Map<string, number>()
  const each = 200
  for (const key of all(poolOf(serversOf(2_000)), 2_000 * each))
    counts.set(key, (counts.get(key) ?? 0) + 1)
  const parts = [...counts.values()].map((one) => one / each)
  const square = parts.reduce((sum, one) => sum + (one - 1) ** 2, 0) / 2_000
  // What chance alone makes of so many clients is 0.07.
  expect(Math.sqrt(square - 1 / each)).toBeLessThan(0.06)
  expect(counts.size).toBe(2_000)
  expect(Math.max(...parts)).toBeLessThan(1.35)
  expect(Math.min(...parts)).toBeGreaterThan(0.6)
})

test.each([
  ['of some classes', [50, 100, 400, 1_000]],
  ['one that outweighs all others together', [1, 1, 1, 1]],
])('weights count: %s', (_, weights) => {
  const outweighs = weights[0] === weights[1]
  const members = serversOf(2_000, (at) => weights[at % 4]!)
  if (outweighs) members[0] = serverOf(0, 3_000)
  const clients = 60_000
  const got = new Map<number, number>()
  for (const key of all(poolOf(members), clients)) {
    const { weight } = members[Number(key.slice(1))]!
    got.set(weight, (got.get(weight) ?? 0) + 1 / clients)
  }
  const whole = members.reduce((sum, { weight }) => sum + weight, 0)
  for (const weight of new Set(members.map((one) => one.weight))) {
    const due = (members.filter((one) => one.weight === weight).length * weight) / whole
    expect(Math.abs(got.get(weight)! / due - 1)).toBeLessThan(0.04)
  }
})

test('a pool that grows past the size where rings begin moves few clients with each server', () => {
  const clients = 20_000
  const sizes = [127, 128, 129, 150, 200, 254, 255, 256, 257]
  for (const size of sizes) {
    const before = all(poolOf(serversOf(size)), clients)
    const after = all(poolOf(serversOf(size + 1)), clients)
    const moved = after.filter((key, client) => key !== before[client]).length / clients
    const isBetween = size >= 128 && size < 256
    expect(moved).toBeLessThan(1.4 / size + (isBetween ? 1.3 / 128 : 0))
    if (isBetween) expect(moved).toBeGreaterThan(1 / 128)
  }
})

test('who asks why is told the server that the client has', () => {
  const members = serversOf(2_000)
  const keys = all(poolOf(members), 5)
  for (const [number, key] of keys.entries()) {
    const question = { family: 4, turn: 9, client: clientOf(number) } as const
    const { candidates } = explain(poolOf(shuffled(members)), { ...question })
    expect(candidates.filter(({ chosen }) => chosen).map((one) => one.key)).toEqual([key])
  }
})

test('all threads read one table', () => {
  const { rings } = layPools([specOf(serversOf(300))], sharedMemory)
  for (const table of Object.values(rings!)) expect(table.buffer).toBeInstanceOf(SharedArrayBuffer)
  expect(layPools([specOf(serversOf(128))]).rings).toBeUndefined()
})
