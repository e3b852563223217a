// Goal: a drained server is called safe only once no answer can hold it, whatever else keeps it in.
import { expect, test } from 'vitest'
import { poolOf, topologyOf } from '../core/health/sample.ts'
import { backendAt, drainOf, worldOf } from './registry-agents-world.ts'
import { A, B } from './registry-world.ts'

type World = Awaited<ReturnType<typeof worldOf>>

const quiet = (world: World, sinceMs: number) => ({
  ...{ atMs: world.clock.nowMs(), remaining: 0, arrived: 0, quietSinceMs: sinceMs, networks: [] },
  endsHeard: true,
})

const safe = async (world: World) => (await world.drains())[0]!.safe

test('an override that keeps it in the answers keeps it from being safe', async () => {
  const world = await worldOf([A, B])
  world.verdict(A, 'up')
  world.verdict(B, 'up')
  const sinceMs = world.clock.nowMs()
  void world.override(A, true)
  await world.clock.advanceAsync(600)
  await world.drain({ service: 'app', address: A })
  await world.clock.advanceAsync(200_000)
  world.report('a1', [backendAt(A, { connections: quiet(world, sinceMs) })])
  expect(world.spelt()[A]).toBe('SL healthy')
  expect(await safe(world)).toMatchObject({
    safe: 'no',
    why: 'an override keeps it in the answers',
  })
  expect(world.told('draining')).toEqual([])
  void world.clear(A)
  await world.clock.advanceAsync(200_000)
  world.report('a1', [backendAt(A, { connections: quiet(world, sinceMs) })])
  expect(await safe(world)).toMatchObject({ safe: 'yes' })
  expect(world.told('draining')).toHaveLength(1)
})

test('so does when_all_down, until somebody else serves', async () => {
  const world = await worldOf([])
  await world.reload(topologyOf(poolOf('app', [], { whenAllDown: 'last_healthy' })))
  world.report('a1', [backendAt(A)])
  world.report('a2', [backendAt(B, { healthy: false })])
  await world.clock.advanceAsync(100)
  const sinceMs = world.clock.nowMs()
  const drained = () =>
    world.report('a1', [
      backendAt(A, { drain: drainOf({ sinceMs }), connections: quiet(world, sinceMs) }),
    ])
  drained()
  await world.clock.advanceAsync(5_000)
  drained()
  world.seen('a2')
  expect(world.spelt()[A]).toBe('L draining')
  expect(await safe(world)).toMatchObject({ safe: 'no', why: expect.stringMatching('when_all') })
  world.report('a2', [backendAt(B)])
  expect(world.spelt()[B]).toBe('SL healthy')
  expect(world.told('draining').map(({ body }) => body.length > 0)).toEqual([true])
  world.report('a2', [backendAt(B, { healthy: false })])
  world.verdict(B, 'down')
  expect(await safe(world)).toMatchObject({ safe: 'no' })
})

test('where all stand in, one is out while another serves, and no longer', async () => {
  const world = await worldOf([A, B])
  await world.reload(topologyOf(poolOf('app', [A, B], { whenAllDown: 'all' })))
  world.verdict(A, 'up')
  world.verdict(B, 'up')
  await world.drain({ service: 'app', address: A })
  const isTold = () => world.told('draining').map(({ body }) => body.length > 0)
  expect(isTold()).toEqual([true])
  world.verdict(B, 'down')
  expect(isTold()).toEqual([true, false])
  expect(await safe(world)).toMatchObject({ safe: 'no', why: expect.stringMatching('when_all') })
})

for (const [how, isRestart] of [
  ['a configuration', false],
  ['a start with another configuration', true],
] as const)
  test(`answers of a longer TTL are waited for after ${how} has lowered it`, async () => {
    let world = await worldOf([A, B])
    const topology = (ttlSeconds: number) => topologyOf(poolOf('app', [A, B], { ttlSeconds }))
    await world.reload(topology(3_600))
    world.verdict(A, 'up')
    world.verdict(B, 'up')
    await world.clock.advanceAsync(1_000)
    if (isRestart)
      world = await worldOf([A, B], {}, { disk: world.disk, atMs: world.clock.nowMs() })
    await world.reload(topology(5))
    const loweredMs = world.clock.nowMs()
    await world.drain({ service: 'app', address: A })
    const at = async (ms: number) => {
      await world.clock.advanceAsync(loweredMs + ms - world.clock.nowMs())
      world.verdict(B, 'up')
      world.report('a1', [backendAt(A, { connections: quiet(world, loweredMs) })])
      return safe(world)
    }
    expect(await at(10_000)).toMatchObject({ safe: 'no', waitingFor: [{ what: 'ttl' }] })
    expect(await at(3_599_000)).toMatchObject({ safe: 'no', waitingFor: [{ what: 'ttl' }] })
    expect(await at(3_610_000)).toMatchObject({ safe: 'yes' })
  })
