// Goal: what DNS threads count of servers that clients stick to becomes levels of words: once an
// interval, within a family, kept through a reload; counts of another epoch say nothing. Of metrics
// opengslb_backend_sticky_passed_on_ratio moves.
import { expect, test } from 'vitest'
import { unpackWord } from '../../../src/core/steer/words.ts'
import { A, A6, B, C, start } from './registry-world.ts'
import { keyOf, poolOf, topologyOf } from '../core/health/sample.ts'

const sticky = { bits4: 24, bits6: 48, balance: 1.25 }
const topology = topologyOf(
  poolOf('app', [A, B, A6], { policy: 'weighted', sticky }),
  poolOf('other', [C]),
)

async function worldOf(own = topology, up: readonly string[] = [A, B, A6]) {
  const world = await start(own)
  for (const address of up) world.verdict(address, 'up')
  const counted = (rows: readonly (readonly [number, number, number])[], epoch?: number) =>
    world.behaviour.receive['dns.loads-counted']({
      epoch: epoch ?? world.lastSnapshot().epoch,
      rows,
    })
  const spills = () => {
    world.behaviour.onPeerStarted!('api')
    return world.lastSnapshot().words[0]!.map((word) => unpackWord(word).spill ?? 0)
  }
  return { ...world, counted, spills }
}

const SKEWED = [
  [0, 0, 900],
  [0, 1, 300],
  [0, 2, 5_000],
  [1, 0, 70],
] as const

test('a server with more than its share passes clients on, and one of another family does not', async () => {
  const { counted, spills, clock, metrics } = await worldOf()
  counted(SKEWED)
  expect(spills()).toEqual([0, 0, 0])
  await clock.advance(10_000)
  counted([[0, 0, 10]])
  const [first, second, alone] = spills()
  expect(first).toBeGreaterThan(0)
  expect(second).toBe(0)
  expect(alone).toBe(0)
  const server = { domain: 'app', server: keyOf('app', A) }
  expect(metrics.value('opengslb_backend_sticky_passed_on_ratio', server)).toBe(first! / 16)
})

test('levels rest until the next interval, and counts begin anew with each', async () => {
  const { counted, spills, clock } = await worldOf()
  await clock.advance(10_000)
  counted(SKEWED)
  const before = spills()
  counted(SKEWED)
  expect(spills()).toEqual(before)
  await clock.advance(10_000)
  counted([
    [0, 0, 2_100],
    [0, 1, 2_000],
  ])
  expect(spills()[0]).toBeLessThanOrEqual(before[0]!)
})

test('a reload keeps who passes clients on', async () => {
  const { counted, spills, clock, reload } = await worldOf()
  await clock.advance(10_000)
  counted(SKEWED)
  const before = spills()
  expect(before[0]).toBeGreaterThan(0)
  await reload(
    topologyOf(
      poolOf('app', [A, B, A6], { policy: 'weighted', sticky, ttlSeconds: 7 }),
      poolOf('other', [C]),
    ),
  )
  expect(spills()).toEqual(before)
})

test('counts of another epoch, or of servers that there are not, say nothing', async () => {
  const { counted, spills, clock } = await worldOf()
  await clock.advance(10_000)
  counted(SKEWED, 1)
  counted([
    [7, 7, 9_000],
    [0, 99, 9_000],
    [0, 0, -5],
  ])
  expect(spills()).toEqual([0, 0, 0])
})

const even = async (world: Awaited<ReturnType<typeof worldOf>>, counts: readonly number[]) => {
  for (let round = 0; round < 5; round++) {
    await world.clock.advance(10_000)
    world.counted(counts.map((count, member) => [0, member, count] as const))
  }
  return world.spills()
}

test('ports of an address are one server, which has what is counted at one of them', async () => {
  const { members, ...spec } = poolOf('app', [A, B], { policy: 'weighted', sticky })
  const ports = members.flatMap((one) => [
    one,
    { ...one, port: 443, key: one.key.replace(/:80$/, ':443') },
  ])
  const world = await worldOf(topologyOf({ ...spec, members: ports }), [])
  for (const { key } of ports)
    world.behaviour.receive['prober.verdict-changed']({
      ...{ target: key, verdict: 'up', atMs: world.clock.nowMs(), reason: '' },
    })
  expect(await even(world, [500, 0, 500, 0])).toEqual([0, 0, 0, 0])
  await world.clock.advance(10_000)
  world.counted([
    [0, 0, 900],
    [0, 2, 300],
  ])
  const [first, second, third] = world.spills()
  expect([first! > 0, second === first, third]).toEqual([true, true, 0])
})

test('servers that a leaf of a policy does not give out take no share of those of another', async () => {
  const addresses = [A, B, C, '10.0.0.4', '10.0.0.5', '10.0.0.6']
  const leaf = (region: string) =>
    ({ kind: 'choose', algorithm: 'weighted', regions: [region] }) as const
  const tree = { kind: 'failover', tiers: [leaf('r1'), leaf('r2')] } as const
  const pool = poolOf('app', addresses, { sticky, tree })
  const members = pool.members.map((one, at) => ({ ...one, region: at < 2 ? 'r1' : 'r2' }))
  const world = await worldOf(topologyOf({ ...pool, members }), addresses)
  expect(await even(world, [500, 500, 0, 0, 0, 0])).toEqual([0, 0, 0, 0, 0, 0])
})

test('of servers steered by latency those that are too far have no share', async () => {
  const latency = { smoothingFactor: 0.5, maxLatencyMs: 500, minSamples: 1 }
  const addresses = [A, B, C]
  const own = topologyOf(poolOf('app', addresses, { policy: 'latency', latency, sticky }))
  const world = await worldOf(own, addresses)
  const times = [10, 10, 400].map((ms, at) => [keyOf('app', addresses[at]!), ms] as const)
  world.behaviour.receive['prober.times-measured']({ rows: times })
  expect(await even(world, [500, 500, 0])).toEqual([0, 0, 0])
})
