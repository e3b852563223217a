// Goal: load, drains and the words of other overwatches shape the pools, and survive a restart.
import { describe, expect, test } from 'vitest'
import { limits } from '../../../src/core/base/limits.ts'
import type { SharedRecord } from '../../../src/core/gossip/peers/record.ts'
import { encodeBody, GONE } from '../../../src/core/health/shared-bodies.ts'
import { keyOf, poolOf, topologyOf } from '../core/health/sample.ts'
import { backendAt, KEY, worldOf } from './registry-agents-world.ts'
import { A, B, backend, C, START_MS } from './registry-world.ts'

describe('load', () => {
  const shared = (share: number) => ({
    vitals: { atMs: START_MS, signal: 'bleed' as const, reason: '', sinceMs: START_MS, share },
  })

  test('shapes the share of a server, and at zero it drains', async () => {
    const world = await worldOf()
    for (const [id, address] of [
      ['a1', A],
      ['a2', B],
      ['a3', C],
    ] as const)
      world.report(id, [backendAt(address)])
    await world.clock.advanceAsync(60)
    world.report('a1', [backendAt(A)], shared(300))
    expect(world.shares()).toEqual({ [A]: 300, [B]: 1000, [C]: 1000 })
    world.report('a1', [backendAt(A)], shared(0))
    expect(world.spelt()[A]).toBe('- draining')
    expect(await backend(world, A)).toMatchObject({ status: 'draining', cause: 'predictive' })
    world.report('a1', [backendAt(A)], shared(50))
    expect(world.spelt()[A]).toBe('SL healthy')
  })

  test('of the whole pool leaves its floor, and everyone answers', async () => {
    const world = await worldOf()
    world.report('a1', [backendAt(A)], shared(0))
    world.report('a2', [backendAt(B)], shared(0))
    await world.clock.advanceAsync(60)
    expect(world.shares()).toEqual({ [A]: 500, [B]: 500 })
    expect(world.spelt()).toEqual({ [A]: 'SL healthy', [B]: 'SL healthy' })
  })

  test('counts for nothing once the agent is silent, or an operator forces health', async () => {
    const world = await worldOf()
    world.report('a1', [backendAt(A)], shared(100))
    world.report('a2', [backendAt(B)])
    await world.clock.advanceAsync(60)
    world.verdict(A, 'up')
    await world.override(A, true)
    expect(world.shares()[A]).toBe(1000)
    await world.clear(A)
    expect(world.shares()[A]).toBe(100)
    world.seen('a2')
    await world.clock.advanceAsync(10_200)
    expect(world.shares()[A]).toBe(1000)
  })
})

describe('drains declared here', () => {
  const two = async () => {
    const world = await worldOf()
    world.report('a1', [backendAt(A)])
    world.report('a2', [backendAt(B)])
    await world.clock.advanceAsync(60)
    world.verdict(A, 'up')
    world.verdict(B, 'up')
    return world
  }

  test('take a server out at once, are told to its agent and to others, and end when lifted', async () => {
    const world = await two()
    const { ids, outcome } = await world.drain({ agentId: 'a1' })
    expect(outcome).toBe('done')
    expect(world.spelt()).toEqual({ [A]: '- draining', [B]: 'SL healthy' })
    const told = world.said('registry.drains-set').at(-1)![1]
    expect(told).toMatchObject({
      drains: [{ agentId: 'a1', backend: KEY, drain: { id: ids[0], by: 'overwatch' } }],
    })
    expect(world.told('drain')).toMatchObject([{ id: KEY, origin: 'node', keepUntilMs: 0 }])
    expect(await world.drains()).toMatchObject([{ id: ids[0], agentId: 'a1', author: 'ann' }])
    await world.lift(ids[0]!)
    expect(world.spelt()[A]).toBe('SL healthy')
    expect(world.said('registry.drains-set').at(-1)![1]).toEqual({ drains: [] })
  })

  test('outrank verdicts, and an override outranks them', async () => {
    const world = await two()
    await world.drain({ service: 'app', address: A })
    world.verdict(A, 'up')
    expect(world.spelt()[A]).toBe('- draining')
    await world.override(A, true)
    expect(world.spelt()[A]).toBe('SL healthy')
  })

  test('would leave nobody, so the guard-rail holds them unless forced', async () => {
    const world = await two()
    expect((await world.drain({ service: 'app' })).outcome).toBe('held-by-guard-rail')
    expect((await world.drain({ service: 'app', force: true })).ids).toHaveLength(2)
  })

  test('end at their stated end', async () => {
    const world = await two()
    await world.drain({ service: 'app', address: A, untilMs: world.clock.nowMs() + 5_000 })
    await world.clock.advanceAsync(4_000)
    expect(world.spelt()[A]).toBe('- draining')
    await world.clock.advanceAsync(1_100)
    expect(world.spelt()[A]).toBe('SL healthy')
    expect(world.said('registry.drains-set').at(-1)![1]).toEqual({ drains: [] })
  })

  test('what an agent repeats of a lifted drain does not bring it back', async () => {
    const world = await two()
    const { ids } = await world.drain({ agentId: 'a1' })
    const [view] = await world.drains()
    world.report('a1', [backendAt(A, { drain: view!.drain })])
    await world.lift(ids[0]!)
    expect(world.spelt()[A]).toBe('SL healthy')
  })

  test('are safe to stop once every overwatch took them and nobody is connected', async () => {
    const world = await two()
    world.live('node', 'peer')
    const { ids } = await world.drain({ agentId: 'a1' })
    const nowMs = world.clock.nowMs()
    await world.clock.advanceAsync(40_000)
    const quiet = { remaining: 0, arrived: 0, quietSinceMs: nowMs, networks: [], endsHeard: true }
    world.report('a1', [backendAt(A, { connections: { ...quiet, atMs: world.clock.nowMs() } })])
    const safe = async () => (await world.drains())[0]!.safe
    expect(await safe()).toMatchObject({ safe: 'no', waitingFor: [{ what: 'acknowledgement' }] })
    const body = encodeBody({ drain: ids[0], atMs: nowMs })
    world.learned({ kind: 'draining', id: `peer/${KEY}`, body })
    expect(await safe()).toMatchObject({ safe: 'yes' })
  })
})

describe('other overwatches', () => {
  test('their overrides count as our own, the later one wins', async () => {
    const world = await worldOf([A, B])
    world.verdict(A, 'up')
    world.verdict(B, 'up')
    const body = encodeBody({ healthy: false, reason: 'r', by: 'bob' })
    const stamp = world.clock.nowMs() + 5
    world.learned({ kind: 'override', id: KEY, stamp, body })
    expect(await backend(world, A)).toMatchObject({ cause: 'override', override: { by: 'bob' } })
    world.learned({ kind: 'override', id: KEY, stamp: stamp - 1, body: GONE })
    expect(world.spelt()[A]).toBe('- unhealthy')
    world.learned({ kind: 'override', id: KEY, stamp: stamp + 1, body: GONE })
    expect(world.spelt()[A]).toBe('SL healthy')
    expect(world.told('override')).toEqual([])
  })

  test('an override for a server that is to come waits for it', async () => {
    const world = await worldOf([A])
    const body = encodeBody({ healthy: false, reason: 'r', by: 'bob' })
    world.learned({ kind: 'override', id: keyOf('app', B), body })
    world.report('a2', [backendAt(B)])
    await world.clock.advanceAsync(60)
    expect(world.spelt()[B]).toBe('- unhealthy')
  })

  test('their verdicts count while they live and we have none', async () => {
    const world = await worldOf([A])
    world.learned({ id: `peer/${KEY}`, body: encodeBody({ verdict: 'up' }) })
    expect(world.spelt()[A]).toBe('- unknown')
    world.live('node', 'peer')
    expect(world.spelt()[A]).toBe('SL healthy')
    world.verdict(A, 'down')
    expect(world.spelt()[A]).toBe('L unhealthy')
  })

  test('a quorum keeps one node from calling a server down', async () => {
    const world = await worldOf([A, B], { quorum: 2 })
    world.live('node', 'peer', 'third')
    for (const node of ['peer', 'third'])
      world.learned({ id: `${node}/${KEY}`, origin: node, body: encodeBody({ verdict: 'up' }) })
    world.verdict(A, 'down')
    expect(world.spelt()[A]).toBe('SL healthy')
    const body = encodeBody({ verdict: 'down' })
    world.learned({ id: `peer/${KEY}`, stamp: START_MS + 9, body })
    expect(world.spelt()[A]).toBe('L unhealthy')
  })

  test('nobody speaks in the name of another', async () => {
    const world = await worldOf([A])
    world.live('node', 'peer')
    world.learned({ id: `third/${KEY}`, body: encodeBody({ verdict: 'up' }) })
    expect(world.spelt()[A]).toBe('- unknown')
  })
})

describe('a restart', () => {
  test('keeps agents with their age, drains and records, and tells a new gossip actor all', async () => {
    const first = await worldOf()
    first.report('a1', [backendAt(A)])
    first.report('a2', [backendAt(B)])
    await first.clock.advanceAsync(60)
    first.verdict(A, 'up')
    const { ids } = await first.drain({ agentId: 'a2' })
    first.learned({ kind: 'pin', id: 'a1', body: encodeBody({ any: 1 }) })
    await first.clock.advanceAsync(6_000)
    const atMs = first.clock.nowMs() + 1_000
    const world = await worldOf([], {}, { disk: first.disk, atMs })
    expect(world.spelt()).toEqual({ [A]: 'SL healthy', [B]: '- draining' })
    expect((await world.drains()).map(({ id }) => id)).toEqual(ids)
    world.published.length = 0
    world.behaviour.onPeerStarted!('gossip')
    const kinds = world.said('registry.record-told').map(([, one]) => (one as SharedRecord).kind)
    for (const kind of ['pin', 'drain', 'verdict', 'heard']) expect(kinds).toContain(kind)
    expect(world.said('registry.drains-set')).toHaveLength(1)
    // One that reads nothing is told no more than it may keep waiting, and the rest in time.
    world.published.length = 0
    world.outbox.fill = 0.5
    world.behaviour.onPeerStarted!('gossip')
    expect(world.said('registry.record-told')).toEqual([])
    world.outbox.fill = 0
    await world.clock.advanceAsync(10)
    expect(world.said('registry.record-told')).toHaveLength(kinds.length)
    await world.clock.advanceAsync(10_000)
    expect((await backend(world, A)).hearing!.agent!.silent).toBe(true)
  })
})

test('an order that lets a server go is over once every overwatch has heard of it', async () => {
  const world = await worldOf([A, B])
  world.verdict(A, 'up')
  world.verdict(B, 'up')
  await world.reload(topologyOf(poolOf('app', [])))
  void world.override(A, false, { force: true })
  await world.clock.advanceAsync(600)
  expect(Object.keys(world.spelt())).toEqual([B])
  const { stamp, keepUntilMs } = world.told('override').at(-1)!
  expect(keepUntilMs - stamp).toBe(limits.peerTombstoneMs.default)
  world.clock.setUnixMs(keepUntilMs + 1)
  await world.clock.advanceAsync(2 * limits.sharedTickMs.default)
  await world.reload(topologyOf(poolOf('app', [A, B])))
  world.verdict(A, 'up')
  expect(world.spelt()[A]).toBe('SL healthy')
})
