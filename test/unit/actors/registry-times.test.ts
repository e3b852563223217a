// Goal: times of checks become levels of words in the turn they come, for pools that want them, and
// the fastest of those that serve always leads. Of metrics opengslb_backend_smoothed_latency_ms,
// opengslb_backend_latency_samples, opengslb_routing_latency_selected_ms,
// opengslb_routing_latency_rejected_total and opengslb_latency_rejection move.
import { expect, test } from 'vitest'
import { unpackWord } from '../../../src/core/steer/words.ts'
import { A, A6, B, C, start } from './registry-world.ts'
import { keyOf, poolOf, topologyOf } from '../core/health/sample.ts'

const latency = { smoothingFactor: 0.5, maxLatencyMs: 300, minSamples: 2 }
const topology = (addresses: readonly string[]) =>
  topologyOf(poolOf('app', addresses, { policy: 'latency', latency }), poolOf('other', [C]))

async function worldOf(addresses: readonly string[] = [A, B]) {
  const world = await start(topology(addresses))
  for (const address of addresses) world.verdict(address, 'up')
  const times = (rows: Readonly<Record<string, number>>, count = 2) => {
    for (let round = 0; round < count; round++)
      world.behaviour.receive['prober.times-measured']({
        rows: Object.entries(rows).map(([address, ms]) => [keyOf('app', address), ms] as const),
      })
  }
  const levels = () => {
    world.behaviour.onPeerStarted!('api')
    return world.lastSnapshot().words[0]!.map((word) => unpackWord(word).level ?? 0)
  }
  return { ...world, times, levels }
}

test('only servers of pools steered by latency are timed', async () => {
  const { said } = await worldOf()
  const targets = said('registry.targets-set').at(-1)![1]
  expect(targets).toMatchObject({
    targets: [{ timed: true }, { timed: true }, { member: { address: C } }],
  })
  expect(JSON.stringify(targets).match(/"timed"/g)).toHaveLength(2)
})

test('the fastest leads from min_samples on, and its word is said in the same turn', async () => {
  const { times, levels, published, metrics, logs } = await worldOf()
  times({ [A]: 40, [B]: 90 }, 1)
  expect(levels()).toEqual([0, 0])
  published.length = 0
  times({ [A]: 40, [B]: 90 }, 1)
  expect(published.map(([id]) => id)).toEqual(['registry.word-changed'])
  expect(levels()).toEqual([31, 0])
  expect(logs.at(-1)).toMatchObject({ message: 'latency leader changed' })
  const address = { service: 'app', address: B }
  expect(metrics.value('opengslb_backend_smoothed_latency_ms', address)).toBe(90)
  expect(metrics.value('opengslb_backend_latency_samples', address)).toBe(2)
  const lead = { domain: 'app', server: keyOf('app', A) }
  expect(metrics.value('opengslb_routing_latency_selected_ms', lead)).toBe(40)
})

test('near-equals share, and one over max_latency_ms is passed over and counted', async () => {
  const { times, levels, metrics } = await worldOf([A, B, C])
  times({ [A]: 40, [B]: 41, [C]: 400 })
  const [a, b, c] = levels()
  expect(a).toBeGreaterThan(b! - 1)
  expect(b).toBeGreaterThan(8)
  expect(c).toBe(0)
  const reason = { domain: 'app', server: keyOf('app', C), reason: 'above_threshold' }
  expect(metrics.value('opengslb_routing_latency_rejected_total', reason)).toBeGreaterThan(0)
  expect(metrics.value('opengslb_latency_rejection', reason)).toBeGreaterThan(0)
})

test('when the leader goes the next leads at once, and families do not compete', async () => {
  const { times, levels, verdict, clock } = await worldOf([A, B, A6])
  times({ [A]: 10, [B]: 90, [A6]: 200 })
  expect(levels()).toEqual([31, 0, 31])
  verdict(A, 'down')
  expect(levels()).toEqual([0, 31, 31])
  clock.advance(1_000)
  verdict(A, 'up')
  expect(levels()).toEqual([31, 0, 31])
})

test('a reload keeps what is known of the servers that stay', async () => {
  const { times, levels, reload } = await worldOf([A, B])
  times({ [A]: 90, [B]: 10 })
  await reload(topology([C, B, A]))
  // In the answers of the new epoch from the first, and not with the next check.
  expect(levels()).toEqual([0, 31, 0])
})

test('a successor that comes up ends the hold of one that is gone, and leads in its place', async () => {
  const { reload, verdict, clock, levels, times, lastSnapshot } = await worldOf([A])
  reload(topology([B]))
  await clock.advanceAsync(2_000)
  expect(lastSnapshot().pools[0]!.members.map(({ address }) => address)).toEqual([B, A])
  verdict(B, 'up')
  await clock.advanceAsync(2_000)
  expect(lastSnapshot().pools[0]!.members.map(({ address }) => address)).toEqual([B])
  times({ [B]: 40 })
  expect(levels()).toEqual([31])
})
