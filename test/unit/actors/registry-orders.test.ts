// Goal: operators' orders take effect, are held where they would empty a pool, and end in time; and
// what a registry knew is there again after a crash.
import { describe, expect, test } from 'vitest'
import { registry } from '../../../src/actors/registry/actor.ts'
import { emptyDisk, memoryPorts } from '../../../src/actors/registry/ports-memory.ts'
import { limits } from '../../../src/core/base/limits.ts'
import { fakeCtx } from '../../harness/ctx.ts'
import { settle } from '../../harness/virtual-clock.ts'
import { keyOf, memberOf, poolOf, spell, topologyOf } from '../core/health/sample.ts'
import { A, A6, B, backend, configOf, START_MS, start } from './registry-world.ts'

describe('overrides', () => {
  test('an order changes the words, is answered once it is on disk, and can be ended', async () => {
    const world = await start(topologyOf(poolOf('app', [A, B])))
    for (const address of [A, B]) world.verdict(address, 'up')
    expect((await world.override(A, false)).outcome).toBe('done')
    expect(world.disk.rows.get(keyOf('app', A))!.health.override).toMatchObject({ by: 'ann' })
    expect(await backend(world, A)).toMatchObject({
      ...{ status: 'unhealthy', cause: 'override', serving: false },
      override: { healthy: false, reason: 'work', by: 'ann' },
    })
    expect((await world.clear(A)).outcome).toBe('done')
    expect(await backend(world, A)).toMatchObject({ status: 'healthy', cause: 'validation' })
    expect((await world.clear(A)).outcome).toBe('not-found')
  })

  test('every spelling of an IPv6 address and of the name means the same server', async () => {
    const world = await start(topologyOf(poolOf('app', [A6, '2001:db8::2'])))
    for (const address of ['2001:DB8:0:0::1', '[2001:db8::1]', '2001:0db8::0:1']) {
      const reply = await world.override(address, true, { service: 'APP.' })
      expect(reply.outcome).toBe('done')
    }
    expect((await world.list()).backends.filter((one) => one.override)).toHaveLength(1)
  })

  test('without a port every port of the address is meant, with one only that', async () => {
    const members = [memberOf('app', A, 80), memberOf('app', A, 81), memberOf('app', B)]
    const world = await start(topologyOf({ ...poolOf('app', []), members }))
    await world.override(A, true)
    expect((await world.list()).backends.map((one) => one.status)).toEqual([
      ...['healthy', 'healthy', 'unknown'],
    ])
    await world.clear(A)
    await world.override(A, true, { port: 81 })
    expect((await world.list()).backends.map((one) => one.status)).toEqual([
      ...['unknown', 'healthy', 'unknown'],
    ])
  })

  test('an address that is none, and a server nobody knows, are not found', async () => {
    const world = await start(topologyOf(poolOf('app', [A])))
    expect((await world.override('nonsense', true)).outcome).toBe('not-found')
    expect((await world.override(B, true)).outcome).toBe('not-found')
  })

  test('an order that would empty a pool is held, unless forced', async () => {
    const world = await start(topologyOf(poolOf('app', [A, B])))
    for (const address of [A, B]) world.verdict(address, 'up')
    expect((await world.override(A, false)).outcome).toBe('done')
    const held = await world.override(B, false)
    expect(held).toMatchObject({ outcome: 'held-by-guard-rail' })
    expect(held.message).toContain('force')
    expect((await backend(world, B)).serving).toBe(true)
    expect(world.disk.events.at(-1)).toMatchObject({ kind: 'guard-held', change: 'override' })
    expect(world.metrics.value('opengslb_guard_rail_held_total', { change: 'override' })).toBe(1)
    expect((await world.override(B, false, { force: true })).outcome).toBe('done')
    expect((await backend(world, B)).serving).toBe(false)
  })

  test('orders that follow each other are added up, and after a while they are not', async () => {
    const four = [A, B, '192.0.2.3', '192.0.2.4']
    const world = await start(topologyOf(poolOf('app', four)))
    for (const address of four) world.verdict(address, 'up')
    expect((await world.override(four[0]!, false)).outcome).toBe('done')
    expect((await world.override(four[1]!, false)).outcome).toBe('done')
    // One of the two left is half of them, and three of the four are too many.
    const held = await world.override(four[2]!, false)
    expect(held.outcome).toBe('held-by-guard-rail')
    expect(held.message).toContain('would lose 3 of 4 serving servers at once (2 of them went a')
    world.clock.advance(limits.guardWindowMs.default)
    expect((await world.override(four[2]!, false)).outcome).toBe('done')
  })

  test('a server that is back in service, or that checks call down, is not added up', async () => {
    const four = [A, B, '192.0.2.3', '192.0.2.4']
    const world = await start(topologyOf(poolOf('app', four)))
    for (const address of four) world.verdict(address, 'up')
    await world.override(four[0]!, false)
    await world.clear(four[0]!)
    await world.override(four[1]!, false)
    await world.clear(four[1]!)
    world.verdict(four[1]!, 'down')
    expect((await world.override(four[2]!, false)).outcome).toBe('done')
  })

  test('a confirmed verdict may empty a pool', async () => {
    const world = await start(topologyOf(poolOf('app', [A])))
    world.verdict(A, 'up')
    world.verdict(A, 'down')
    expect((await backend(world, A)).serving).toBe(false)
  })

  test('an override ends at its time, by itself', async () => {
    const world = await start(topologyOf(poolOf('app', [A, B])))
    for (const address of [A, B]) world.verdict(address, 'up')
    await world.override(A, false, { expiresAtMs: START_MS + 7_200_000 })
    world.clock.advance(7_200_000 - 31)
    expect((await backend(world, A)).status).toBe('unhealthy')
    world.clock.advance(31)
    expect(await backend(world, A)).toMatchObject({ status: 'healthy', cause: 'validation' })
    await world.clock.advanceAsync(30)
    expect(world.disk.events.at(-1)).toMatchObject({ kind: 'override-expired' })
    const labels = { service: 'app', action: 'expire' }
    expect(world.metrics.value('opengslb_overrides_changes_total', labels)).toBe(1)
  })

  test('a disk that does not answer delays the reply by half a second at most', async () => {
    const world = fakeCtx('registry')
    const ports = memoryPorts()
    const stuck = { ...ports, store: { ...ports.store, flush: () => new Promise<never>(() => {}) } }
    const config = configOf(topologyOf(poolOf('app', [A])))
    const { receive } = await registry.start(world.ctx, stuck, config)
    const order = { service: 'app', address: A, healthy: true, reason: '', by: '', force: false }
    const reply = receive['api.set-override'](order)
    await world.clock.advanceAsync(500)
    expect((await reply).message).toContain('not on disk')
  })
})

describe('restart', () => {
  const topology = topologyOf(poolOf('app', [A, B], { whenAllDown: 'last_healthy' }))

  test('after a crash the last known state serves, with its age, until a check confirms', async () => {
    const first = await start(topology)
    first.verdict(A, 'up')
    first.verdict(B, 'down')
    await first.override(B, true)
    const atMs = START_MS + 60_000
    const world = await start(topology, { atMs, disk: first.disk })
    expect(world.lastSnapshot().words[0]!.map(spell)).toEqual(['SL healthy', 'SL healthy'])
    expect(await backend(world, A)).toMatchObject({
      ...{ cause: 'restored', restored: true, serving: true },
      ...{ verdictAtMs: START_MS, sinceMs: START_MS },
    })
    expect(await backend(world, B)).toMatchObject({ cause: 'override', restored: true })
    expect(world.said('registry.targets-set')[0]![1]).toMatchObject({
      targets: [{ lastVerdict: 'up' }, { lastVerdict: 'down' }],
    })
    world.verdict(A, 'up', atMs)
    expect(await backend(world, A)).toMatchObject({ cause: 'validation', restored: false })
  })

  test('who served last is remembered through a crash', async () => {
    const first = await start(topology)
    for (const address of [A, B]) first.verdict(address, 'up')
    first.verdict(A, 'down')
    first.verdict(B, 'down')
    first.clock.advance(30)
    await settle()
    const world = await start(topology, { atMs: START_MS + 60_000, disk: first.disk })
    expect(world.lastSnapshot().words[0]!.map(spell)).toEqual(['- unhealthy', 'L unhealthy'])
  })

  test('an override that ended while nobody ran is ended before anyone hears of it', async () => {
    const first = await start(topology)
    first.verdict(A, 'up')
    await first.override(A, false, { force: true, expiresAtMs: START_MS + 1_000 })
    const world = await start(topology, { atMs: START_MS + 60_000, disk: first.disk })
    expect(world.said('registry.snapshot-set')).toHaveLength(1)
    expect(spell(world.lastSnapshot().words[0]![0]!)).toBe('SL healthy')
  })

  test('servers taken out of the configuration do not come back', async () => {
    const first = await start(topology)
    for (const address of [A, B]) first.verdict(address, 'up')
    first.clock.advance(30)
    await settle()
    const without = await start(topologyOf(poolOf('app', [A])), {
      atMs: START_MS + 1_000,
      disk: first.disk,
    })
    without.clock.advance(30)
    await settle()
    expect((await without.list()).backends.map((one) => one.address)).toEqual([A])
    const world = await start(topology, { atMs: START_MS + 2_000, disk: first.disk })
    expect(world.lastSnapshot().words[0]!.map(spell)).toEqual(['SL healthy', '- unknown'])
  })

  for (const [title, incarnation, delayMs] of [
    ['a registry killed in the middle of a reload', 2, 0],
    ['a process killed while the old servers of a pool are kept', 1, 30],
  ] as const)
    test(`${title} keeps them when it starts again`, async () => {
      const first = await start(topologyOf(poolOf('app', [A])))
      first.verdict(A, 'up')
      await first.clock.advanceAsync(30)
      first.reload(topologyOf(poolOf('app', [B])))
      await first.clock.advanceAsync(delayMs)
      const disk = {
        ...emptyDisk(),
        rows: new Map(first.disk.rows),
        events: [...first.disk.events],
      }
      const next = topologyOf(poolOf('app', [B]))
      const world = await start(next, { incarnation, atMs: START_MS + 1_000, disk })
      expect(world.said('registry.targets-set')[0]![1]).toMatchObject({
        targets: [{ member: { address: B } }, { member: { address: A } }],
      })
      await world.clock.advanceAsync(250)
      expect(world.lastSnapshot().words[0]!.map(spell)).toEqual(['- unknown', 'SLG healthy'])
      world.verdict(B, 'up')
      await world.clock.advanceAsync(30)
      expect(world.lastSnapshot().words[0]!.map(spell)).toEqual(['SL healthy'])
      expect([...world.disk.rows.keys()]).toEqual([keyOf('app', B)])
    })

  test('a weight that a reload took away is not remembered as one that served', async () => {
    const weighing = (weight: number) => ({
      ...poolOf('app', []),
      members: [{ ...memberOf('app', A), weight }, memberOf('app', B)],
    })
    const first = await start(topologyOf(weighing(100)))
    for (const address of [A, B]) first.verdict(address, 'up')
    await first.clock.advanceAsync(30)
    first.reload(topologyOf(weighing(0)))
    first.verdict(B, 'down')
    await first.clock.advanceAsync(30)
    const world = await start(topologyOf(weighing(0)), { atMs: START_MS + 1_000, disk: first.disk })
    expect(world.lastSnapshot().words[0]!.map(spell)).toEqual(['- healthy', 'L unhealthy'])
  })

  test('a restarted registry speaks once the prober has said its verdicts again', async () => {
    const world = await start(topology, { incarnation: 2 })
    expect(world.said('registry.snapshot-set')).toEqual([])
    world.behaviour.onPeerStarted!('dns')
    world.verdict(A, 'up')
    expect(world.toReaders().map(([id]) => id)).toEqual(['registry.targets-set'])
    world.verdict(B, 'up')
    expect(world.lastSnapshot().epoch).toBe(2 * 2 ** 20 + 1)
    expect(world.lastSnapshot().words[0]!.map(spell)).toEqual(['SL healthy', 'SL healthy'])
  })

  test('a restarted registry waits for a silent prober for 250 ms and no longer', async () => {
    const world = await start(topology, { incarnation: 2 })
    world.clock.advance(249)
    expect(world.said('registry.snapshot-set')).toEqual([])
    world.clock.advance(1)
    expect(world.said('registry.snapshot-set')).toHaveLength(1)
  })

  test('rows lost to damage are made up from the event log', async () => {
    const first = await start(topology)
    first.verdict(A, 'up')
    first.clock.advance(30)
    await settle()
    const world = fakeCtx('registry', { startUnixMs: START_MS + 1_000 })
    const ports = memoryPorts({ ...emptyDisk(), events: first.disk.events })
    const load = async () => ({ rows: new Map(), dropped: 0, damaged: true })
    const damaged = { ...ports, store: { ...ports.store, load } }
    const { receive } = await registry.start(world.ctx, damaged, configOf(topology))
    const { backends } = await receive['api.list-backends']({})
    expect(backends.map((one) => one.cause)).toEqual(['restored', 'none'])
  })
})
