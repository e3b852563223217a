// Goal: what the registry publishes, answers, logs and remembers, turn by turn.
// Method: the actor on a virtual clock with a simulated disk; a crash is a second start on that disk.
import { beforeEach, describe, expect, test } from 'vitest'
import { registry } from '../../../src/actors/registry/actor.ts'
import {
  emptyDisk,
  type MemoryDisk,
  memoryPorts,
} from '../../../src/actors/registry/ports-memory.ts'
import type { Snapshot } from '../../../src/core/steer/snapshot.ts'
import type { Topology } from '../../../src/core/steer/topology.ts'
import { fakeCtx } from '../../harness/ctx.ts'
import { settle } from '../../harness/virtual-clock.ts'
import { keyOf, memberOf, poolOf, spell, topologyOf } from '../core/health/sample.ts'

const A = '10.0.0.1'
const B = '10.0.0.2'
const C = '10.0.0.3'
const A6 = '2001:db8::1'
const START_MS = 1_750_000_000_000

const configOf = (topology: Topology) => ({
  topology,
  dataDir: '',
  guard: { enabled: true, maxWithdrawnShare: 0.5 },
  eventLog: { retentionMs: 86_400_000, maxBytes: 1e9 },
})

let disk: MemoryDisk
beforeEach(() => {
  disk = emptyDisk()
})

async function start(topology: Topology, options: { incarnation?: number; atMs?: number } = {}) {
  const { incarnation = 1, atMs = START_MS } = options
  const world = fakeCtx('registry', { incarnation, startUnixMs: atMs })
  const ports = memoryPorts(disk, world.clock)
  const behaviour = await registry.start(world.ctx, ports, configOf(topology))
  const said = (id: string) => world.published.filter(([name]) => name === id)
  const { receive } = behaviour
  return {
    ...world,
    behaviour,
    said,
    reload: (next: Topology) => behaviour.onReconfigured!(configOf(next)),
    lastSnapshot: () => {
      const last = said('registry.snapshot-set').at(-1)
      return last?.[1] as Snapshot
    },
    verdict: (address: string, state: 'up' | 'down', at?: number, service = 'app') =>
      receive['prober.verdict-changed']({
        ...{ target: keyOf(service, address), verdict: state },
        ...{ atMs: at ?? world.clock.nowMs(), reason: state === 'up' ? '' : 'refused' },
      }),
    override: async (address: string, healthy: boolean, more: object = {}) => {
      const order = { service: 'app', address, healthy, reason: 'work', by: 'ann', force: false }
      const reply = receive['api.set-override']({ ...order, ...more })
      await world.clock.advanceAsync(30)
      return reply
    },
    clear: async (address: string) => {
      const reply = receive['api.clear-override']({ service: 'app', address, by: 'ann' })
      await world.clock.advanceAsync(30)
      return reply
    },
    list: async () => receive['api.list-backends']({}),
  }
}

type Registry = Awaited<ReturnType<typeof start>>
const backend = async (world: Registry, address: string) =>
  (await world.list()).backends.find((one) => one.address === address)!

describe('publishing', () => {
  test('a start publishes the snapshot and the targets', async () => {
    const world = await start(topologyOf(poolOf('app', [A, A6])))
    expect(world.lastSnapshot()).toMatchObject({
      ...{ epoch: 2 ** 20 + 1, version: 0 },
      pools: [{ name: 'app', slot: 0, members: [{ address: A }, { address: A6 }] }],
    })
    expect(world.lastSnapshot().words[0]!.map(spell)).toEqual(['- unknown', '- unknown'])
    expect(world.said('registry.targets-set')[0]![1]).toMatchObject({
      targets: [
        { member: { key: keyOf('app', A) }, lastVerdict: 'unknown' },
        { member: { key: keyOf('app', A6) }, lastVerdict: 'unknown' },
      ],
    })
  })

  test('a verdict publishes its word in the same turn, with growing versions', async () => {
    const world = await start(topologyOf(poolOf('app', [A, B])))
    world.published.length = 0
    world.verdict(A, 'up')
    world.verdict(B, 'up')
    expect(world.published.map(([id, message]) => [id, message])).toMatchObject([
      ['registry.word-changed', { epoch: 2 ** 20 + 1, version: 1, pool: 0, member: 0 }],
      ['registry.word-changed', { version: 2, member: 1 }],
    ])
    world.published.length = 0
    world.verdict(A, 'up', START_MS)
    expect(world.published).toEqual([])
  })

  test('the change is logged with old and new state and the rule that decided', async () => {
    const world = await start(topologyOf(poolOf('app', [A])))
    world.verdict(A, 'up')
    expect(world.logs.at(-1)).toEqual({
      ...{ level: 'info', message: 'backend status changed' },
      fields: {
        ...{ service: 'app', address: A, port: 80, region: 'r1' },
        ...{ old_status: 'unknown', new_status: 'healthy', cause: 'validation' },
      },
    })
    world.verdict(A, 'down')
    expect(world.logs.at(-1)).toMatchObject({ level: 'warn', fields: { domain: 'app' } })
  })

  test('a restarted reader gets all again: answerers the snapshot, the prober its targets', async () => {
    const world = await start(topologyOf(poolOf('app', [A])))
    world.verdict(A, 'up')
    for (const [peer, id] of [
      ['dns', 'registry.snapshot-set'],
      ['api', 'registry.snapshot-set'],
      ['prober', 'registry.targets-set'],
    ] as const) {
      world.published.length = 0
      world.behaviour.onPeerStarted!(peer)
      expect(world.published.map(([name]) => name)).toEqual([id])
      if (peer !== 'prober') expect(spell(world.lastSnapshot().words[0]![0]!)).toBe('SL healthy')
    }
    expect(world.published[0]![1]).toMatchObject({ targets: [{ lastVerdict: 'up' }] })
  })

  test('verdicts of unknown targets are ignored and counted', async () => {
    const world = await start(topologyOf(poolOf('app', [A])))
    world.verdict(B, 'up')
    const name = 'opengslb_registry_verdicts_ignored_total'
    expect(world.metrics.value(name, { reason: 'unknown-server' })).toBe(1)
  })

  test('an older verdict does not undo a newer one, and is counted', async () => {
    const world = await start(topologyOf(poolOf('app', [A])))
    world.clock.advance(100)
    world.verdict(A, 'down')
    world.verdict(A, 'up', world.clock.nowMs() - 50)
    expect((await backend(world, A)).verdict).toBe('down')
    const name = 'opengslb_registry_verdicts_ignored_total'
    expect(world.metrics.value(name, { reason: 'out-of-date' })).toBe(1)
  })

  test('after the clock was set back, verdicts still count', async () => {
    const world = await start(topologyOf(poolOf('app', [A])))
    world.verdict(A, 'up', START_MS)
    world.clock.advance(30)
    const later = await start(topologyOf(poolOf('app', [A])), { atMs: START_MS - 3_600_000 })
    later.verdict(A, 'down')
    expect((await backend(later, A)).verdict).toBe('down')
    later.verdict(A, 'up')
    expect((await backend(later, A)).verdict).toBe('up')
  })
})

describe('reload', () => {
  test('the epoch grows, state stays, slots stay with their names', async () => {
    const world = await start(topologyOf(poolOf('one', [A]), poolOf('app', [A])))
    world.verdict(A, 'up')
    world.reload(topologyOf(poolOf('app', [A, B]), poolOf('new', [C])))
    expect(world.lastSnapshot()).toMatchObject({
      epoch: 2 ** 20 + 2,
      pools: [
        { name: 'app', slot: 1 },
        { name: 'new', slot: 2 },
      ],
    })
    expect(world.lastSnapshot().words[0]!.map(spell)).toEqual(['SL healthy', '- unknown'])
  })

  test('an override survives a reload', async () => {
    const world = await start(topologyOf(poolOf('app', [A, B])))
    await world.override(A, false)
    world.reload(topologyOf(poolOf('app', [B, A])))
    expect(await backend(world, A)).toMatchObject({ status: 'unhealthy', cause: 'override' })
  })

  test('the guard-rail keeps the old servers, says so, counts it, and lets go in time', async () => {
    const world = await start(topologyOf(poolOf('app', [A])))
    world.verdict(A, 'up')
    world.reload(topologyOf(poolOf('app', [B])))
    expect(world.lastSnapshot().words[0]!.map(spell)).toEqual(['- unknown', 'SLG healthy'])
    expect(world.said('registry.targets-set').at(-1)![1]).toMatchObject({
      targets: [{ member: { address: A } }, { member: { address: B } }],
    })
    expect(await backend(world, A)).toMatchObject({ cause: 'guard-rail', serving: true })
    const told = world.logs.find(({ message }) => message === 'guard-rail held a change')
    expect(told).toMatchObject({ level: 'warn', fields: { domain: 'app', change: 'reload' } })
    const name = 'opengslb_guard_rail_held_total'
    expect(world.metrics.value(name, { change: 'reload' })).toBe(1)
    world.published.length = 0
    world.verdict(B, 'up')
    expect(world.published.map(([id]) => id)).toEqual([
      'registry.snapshot-set',
      'registry.targets-set',
    ])
    expect(world.lastSnapshot().words[0]!.map(spell)).toEqual(['SL healthy'])
    await world.clock.advanceAsync(30)
    expect(disk.events.map(({ kind }) => kind)).toEqual([
      ...['verdict-changed', 'guard-held', 'verdict-changed', 'guard-released'],
    ])
    expect([...disk.rows.keys()]).toEqual([keyOf('app', B)])
  })

  test('hold-down of a failover pool ends by the clock', async () => {
    const spec = { policy: 'failover', holdDownMs: 30_000 } as const
    const world = await start(topologyOf(poolOf('app', [A, B], spec)))
    for (const address of [A, B]) world.verdict(address, 'up')
    world.clock.advance(1_000)
    world.verdict(A, 'down')
    world.clock.advance(1_000)
    world.verdict(A, 'up')
    world.published.length = 0
    world.clock.advance(29_999)
    expect(world.published).toEqual([])
    world.clock.advance(1)
    expect(world.published).toMatchObject([['registry.word-changed', { member: 0 }]])
  })
})

describe('overrides', () => {
  test('an order changes the words, is answered once it is on disk, and can be ended', async () => {
    const world = await start(topologyOf(poolOf('app', [A, B])))
    for (const address of [A, B]) world.verdict(address, 'up')
    expect((await world.override(A, false)).outcome).toBe('done')
    expect(disk.rows.get(keyOf('app', A))!.health.override).toMatchObject({ by: 'ann' })
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
    expect(disk.events.at(-1)).toMatchObject({ kind: 'guard-held', change: 'override' })
    expect(world.metrics.value('opengslb_guard_rail_held_total', { change: 'override' })).toBe(1)
    expect((await world.override(B, false, { force: true })).outcome).toBe('done')
    expect((await backend(world, B)).serving).toBe(false)
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
    expect(disk.events.at(-1)).toMatchObject({ kind: 'override-expired' })
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
    const world = await start(topology, { atMs })
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
    const world = await start(topology, { atMs: START_MS + 60_000 })
    expect(world.lastSnapshot().words[0]!.map(spell)).toEqual(['- unhealthy', 'L unhealthy'])
  })

  test('an override that ended while nobody ran is ended before anyone hears of it', async () => {
    const first = await start(topology)
    first.verdict(A, 'up')
    await first.override(A, false, { force: true, expiresAtMs: START_MS + 1_000 })
    const world = await start(topology, { atMs: START_MS + 60_000 })
    expect(world.said('registry.snapshot-set')).toHaveLength(1)
    expect(spell(world.lastSnapshot().words[0]![0]!)).toBe('SL healthy')
  })

  test('servers taken out of the configuration do not come back', async () => {
    const first = await start(topology)
    for (const address of [A, B]) first.verdict(address, 'up')
    first.clock.advance(30)
    await settle()
    const without = await start(topologyOf(poolOf('app', [A])), { atMs: START_MS + 1_000 })
    without.clock.advance(30)
    await settle()
    expect((await without.list()).backends.map((one) => one.address)).toEqual([A])
    const world = await start(topology, { atMs: START_MS + 2_000 })
    expect(world.lastSnapshot().words[0]!.map(spell)).toEqual(['SL healthy', '- unknown'])
  })

  test('a restarted registry speaks once the prober has said its verdicts again', async () => {
    const first = await start(topology)
    for (const address of [A, B]) first.verdict(address, 'up')
    disk = emptyDisk()
    const world = await start(topology, { incarnation: 2 })
    expect(world.said('registry.snapshot-set')).toEqual([])
    world.behaviour.onPeerStarted!('dns')
    world.verdict(A, 'up')
    expect(world.published.map(([id]) => id)).toEqual(['registry.targets-set'])
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
    const ports = memoryPorts({ rows: new Map(), events: disk.events })
    const load = async () => ({ rows: new Map(), dropped: 0, damaged: true })
    const damaged = { ...ports, store: { ...ports.store, load } }
    const { receive } = await registry.start(world.ctx, damaged, configOf(topology))
    const { backends } = await receive['api.list-backends']({})
    expect(backends.map((one) => one.cause)).toEqual(['restored', 'none'])
  })
})

test('the gauges tell what holds', async () => {
  const world = await start(topologyOf(poolOf('app', [A, B]), poolOf('two', [C])))
  world.verdict(A, 'up')
  world.verdict(C, 'down', undefined, 'two')
  await world.override(B, true)
  const value = (name: string, labels = {}) => world.metrics.value(`opengslb_${name}`, labels)
  expect({
    domains: value('configured_domains'),
    servers: value('configured_servers'),
    total: value('overwatch_backends_total'),
    healthy: value('overwatch_backends_healthy'),
    overridden: value('overwatch_overrides_active'),
    byOverride: value('overwatch_backends_by_authority', { authority: 'override' }),
    byCheck: value('overwatch_backends_by_authority', { authority: 'validation' }),
    active: value('overrides_active', { service: 'app' }),
    set: value('overrides_changes_total', { service: 'app', action: 'set' }),
    orders: value('gossip_overrides_total', { action: 'set' }),
  }).toEqual({
    ...{ domains: 2, servers: 3, total: 3, healthy: 2, overridden: 1 },
    ...{ byOverride: 1, byCheck: 2, active: 1, set: 1, orders: 1 },
  })
})

test('settled means that something is known of every pool', async () => {
  const world = await start(topologyOf(poolOf('app', [A, B]), poolOf('two', [C])))
  expect(await world.list()).toMatchObject({ settled: false, regions: ['r1'] })
  world.verdict(A, 'up')
  world.verdict(C, 'down', undefined, 'two')
  expect(await world.list()).toMatchObject({ settled: true })
})
