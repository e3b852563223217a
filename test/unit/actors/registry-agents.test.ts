// Goal: what agents say becomes words in the same turn, and a claim alone never takes a pool down.
import { describe, expect, test } from 'vitest'
import type { AgentsConfig } from '../../../src/actors/registry/contract.ts'
import { encodeBody } from '../../../src/core/health/shared-bodies.ts'
import { poolOf, topologyOf } from '../core/health/sample.ts'
import { agentsOf, backendAt, drainOf, KEY, worldOf } from './registry-agents-world.ts'
import { A, B, backend, configOf, START_MS } from './registry-world.ts'

describe('what agents declare', () => {
  test('joins the pool of its name at once, and is served by its claim', async () => {
    const world = await worldOf()
    world.report('a1', [backendAt(A)])
    await world.clock.advanceAsync(10)
    expect(world.spelt()).toEqual({ [A]: 'SL healthy' })
    expect(await backend(world, A)).toMatchObject({ source: 'agent', cause: 'agent' })
    const targets = world.said('registry.targets-set').at(-1)![1]
    expect(targets).toMatchObject({ targets: [{ member: { address: A } }] })
  })

  test('of many that start together only the first compiles at once', async () => {
    const world = await worldOf()
    const before = world.said('registry.serving-set').length
    for (let n = 1; n <= 200; n++) world.report(`a${n}`, [backendAt(`10.1.0.${n}`)])
    expect(world.said('registry.serving-set').length - before).toBe(1)
    await world.clock.advanceAsync(70)
    expect(world.said('registry.serving-set').length - before).toBe(2)
    expect(world.lastSnapshot().pools[0]!.members).toHaveLength(200)
  })

  test('a report without a new server changes words only', async () => {
    const world = await worldOf()
    world.report('a1', [backendAt(A), backendAt(B)])
    await world.clock.advanceAsync(100)
    const before = world.said('registry.snapshot-set').length
    world.report('a1', [backendAt(A, { healthy: false, reason: 'refused' }), backendAt(B)])
    await world.clock.advanceAsync(100)
    expect(world.said('registry.snapshot-set').length).toBe(before)
    expect(world.spelt()).toEqual({ [A]: '- unhealthy', [B]: 'SL healthy' })
  })

  test('an agent that signs off takes its servers along in the same turn, the last too', async () => {
    const world = await worldOf()
    world.report('a1', [backendAt(A)])
    world.verdict(A, 'up')
    world.left('a1', START_MS - 1)
    expect(world.spelt()).toEqual({ [A]: 'SL healthy' })
    world.left('a1')
    expect(world.spelt()[A]).toMatch('draining')
    await world.clock.advanceAsync(60)
    expect(world.spelt()).toEqual({})
    const kept = [...world.disk.shared.keys()]
    expect(kept.filter((key) => key.startsWith('report/'))).toEqual([])
    expect(world.said('registry.targets-set').at(-1)![1]).toEqual({ targets: [] })
  })

  test('the file says what a server is, its agent how it fares', async () => {
    const world = await worldOf([A, B])
    world.verdict(A, 'up')
    world.verdict(B, 'up')
    world.report('a1', [backendAt(A, { weight: 7, drain: drainOf() })])
    expect(world.spelt()).toEqual({ [A]: '- draining', [B]: 'SL healthy' })
    expect(await backend(world, A)).toMatchObject({ source: 'static', weight: 100 })
    world.left('a1')
    expect(world.spelt()[A]).toBe('SL healthy')
  })
})

describe('a claim against the last verdict', () => {
  const up = async (chorus: Partial<AgentsConfig['chorus']> = {}) => {
    const world = await worldOf([], chorus)
    world.report('a1', [backendAt(A)])
    world.report('a2', [backendAt(B)])
    await world.clock.advanceAsync(60)
    world.verdict(A, 'up')
    world.verdict(B, 'up')
    world.clock.advance(1_000)
    return world
  }
  const ill = { healthy: false, reason: 'refused' }

  test('counts at once and has the server checked', async () => {
    const world = await up()
    world.report('a1', [backendAt(A, ill)])
    expect(world.spelt()[A]).toBe('- unhealthy')
    expect(world.wanted()).toEqual([{ key: KEY, doubt: true }])
    expect((await backend(world, A)).hearing).toMatchObject({ doubted: true })
  })

  for (const [vetoMode, then] of [
    ['strict', 'SL healthy'],
    ['balanced', 'SL healthy'],
    ['permissive', '- unhealthy'],
  ] as const)
    test(`is ${then === '- unhealthy' ? 'kept' : 'overruled'} by a passing check under ${vetoMode}`, async () => {
      const world = await up({ vetoMode })
      world.report('a1', [backendAt(A, ill)])
      expect(world.spelt()[A]).toBe('- unhealthy')
      world.clock.advance(500)
      world.verdict(A, 'up')
      expect(world.spelt()[A]).toBe(then)
      const vetoes = { service: 'app', reason: 'validation_healthy' }
      const counted = world.metrics.value('opengslb_overwatch_vetoes_total', vetoes)
      expect(counted ?? 0).toBe(vetoMode === 'permissive' ? 0 : 1)
    })

  test('a verdict from before the claim does not answer it', async () => {
    const world = await up()
    world.report('a1', [backendAt(A, ill)])
    world.verdict(A, 'up', START_MS + 900)
    expect(world.spelt()[A]).toBe('- unhealthy')
  })

  test('waits for the check where the pool would have nobody left', async () => {
    const world = await up()
    world.report('a1', [backendAt(A, ill)])
    world.report('a2', [backendAt(B, ill)])
    expect(world.spelt()).toEqual({ [A]: '- unhealthy', [B]: 'SL healthy' })
    const held = { change: 'claim' }
    expect(world.metrics.value('opengslb_guard_rail_held_total', held)).toBe(1)
    world.verdict(B, 'down')
    expect(world.spelt()[B]).toBe('L unhealthy')
  })

  test('a restarted prober hears of the doubt again', async () => {
    const world = await up()
    world.report('a1', [backendAt(A, ill)])
    world.published.length = 0
    world.behaviour.onPeerStarted!('prober')
    expect(world.wanted()).toEqual([{ key: KEY, doubt: true }])
  })
})

describe('silence', () => {
  test('has the servers checked, and they stay while checks pass', async () => {
    const world = await worldOf()
    world.report('a1', [backendAt(A)])
    world.verdict(A, 'up')
    await world.clock.advanceAsync(10_200)
    expect(world.wanted()).toEqual([{ key: KEY, doubt: false }])
    expect(world.spelt()[A]).toBe('SL healthy')
    expect(world.metrics.value('opengslb_overwatch_stale_agents_total')).toBe(1)
    await world.clock.advanceAsync(120_000)
    expect(world.spelt()[A]).toBe('SL healthy')
    world.verdict(A, 'down')
    await world.clock.advanceAsync(2_000)
    expect(world.spelt()).toEqual({})
  })

  test('removes what no check vouches for once, and the rest stays', async () => {
    const world = await worldOf()
    world.report('a1', [backendAt(A), backendAt(B)])
    await world.clock.advanceAsync(100)
    world.verdict(A, 'up')
    await world.clock.advanceAsync(11_000)
    world.verdict(B, 'down')
    await world.clock.advanceAsync(55_000)
    expect(world.spelt()).toEqual({ [A]: 'SL healthy' })
    const before = world.said('registry.snapshot-set').length
    await world.clock.advanceAsync(60_000)
    expect(world.said('registry.snapshot-set').length).toBe(before)
    world.seen('a1')
    await world.clock.advanceAsync(100)
    expect(Object.keys(world.spelt())).toEqual([A, B])
  })

  test('without a verdict is the end of service, until the agent is heard again', async () => {
    const world = await worldOf()
    world.report('a1', [backendAt(A)])
    await world.clock.advanceAsync(9_000)
    world.seen('a1')
    await world.clock.advanceAsync(9_000)
    expect(world.spelt()[A]).toBe('SL healthy')
    await world.clock.advanceAsync(1_500)
    expect(world.spelt()[A]).toBe('L stale')
    world.seen('a1')
    expect(world.spelt()[A]).toBe('SL healthy')
  })

  test('ends service although checks pass, where the configuration says so', async () => {
    const world = await worldOf([], { withdrawSilent: true })
    world.report('a1', [backendAt(A)])
    world.verdict(A, 'up')
    await world.clock.advanceAsync(10_200)
    expect(world.spelt()[A]).toBe('L stale')
  })

  test('of an agent that another live overwatch hears is none', async () => {
    const world = await worldOf([], { withdrawSilent: true })
    world.report('a1', [backendAt(A)])
    world.live('node', 'peer')
    world.learned({ kind: 'heard', id: 'peer/a1', body: encodeBody({ heard: true }) })
    await world.clock.advanceAsync(10_200)
    expect(world.spelt()[A]).toBe('SL healthy')
    world.live('node')
    expect(world.spelt()[A]).toBe('L stale')
  })
})

test('checks that are switched off and on again begin anew', async () => {
  const world = await worldOf()
  const topology = topologyOf(poolOf('app', []))
  const switched = async (validates: boolean) => {
    await world.behaviour.onReconfigured!(configOf(topology, agentsOf({ validates })))
    await world.clock.advanceAsync(100)
  }
  world.report('a1', [backendAt(A)])
  world.report('a2', [backendAt(B)])
  await world.clock.advanceAsync(100)
  world.verdict(A, 'down')
  world.verdict(B, 'down')
  const healthy = { [A]: 'SL healthy', [B]: 'SL healthy' }
  await switched(false)
  expect(world.spelt()).toEqual(healthy)
  const last = new Map(world.told('verdict').map(({ id, body }) => [id, body.length]))
  expect([...last.values()]).toEqual([0, 0])
  world.seen('a1')
  world.seen('a2')
  await switched(true)
  expect(world.spelt()).toEqual(healthy)
  const targets = world.said('registry.targets-set').at(-1)![1]
  const unknown = { lastVerdict: 'unknown' }
  expect(targets).toMatchObject({ targets: [unknown, unknown] })
  world.verdict(A, 'down')
  expect(world.spelt()[A]).toBe('- unhealthy')
})

test('a server that the file takes over as its agent gives it up is judged by its checks', async () => {
  const world = await worldOf([B])
  world.report('a1', [backendAt(A)])
  await world.clock.advanceAsync(100)
  world.verdict(A, 'up')
  world.verdict(B, 'up')
  // Compiled at once, so that the next one waits.
  world.report('a2', [backendAt('192.0.2.77')])
  world.left('a1')
  expect(world.spelt()[A]).toBe('- draining')
  const file = topologyOf(poolOf('app', [B, A], { bleedFloor: 0.5 }))
  await world.behaviour.onReconfigured!(configOf(file, agentsOf()))
  await world.clock.advanceAsync(500)
  expect(world.spelt()[A]).toBe('SL healthy')
})
