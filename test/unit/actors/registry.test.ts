// Goal: what the registry publishes, answers, logs and counts, turn by turn.
import { describe, expect, test } from 'vitest'
import { A, A6, B, backend, C, START_MS, start } from './registry-world.ts'
import { keyOf, memberOf, poolOf, spell, topologyOf } from '../core/health/sample.ts'

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
    expect(world.toReaders()).toMatchObject([
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
    for (const [peer, ...ids] of [
      ['dns', 'registry.serving-set'],
      ['api', 'registry.serving-set', 'registry.snapshot-set'],
      ['prober', 'registry.targets-set'],
    ] as const) {
      world.published.length = 0
      world.behaviour.onPeerStarted!(peer)
      expect(world.published.map(([name]) => name)).toEqual(ids)
      if (peer === 'dns') {
        const { words } = world.lastServing()
        expect(spell(new Uint32Array(words.slice().buffer)[0]!)).toBe('SL healthy')
      }
      if (peer === 'api') expect(spell(world.lastSnapshot().words[0]![0]!)).toBe('SL healthy')
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
    const atMs = START_MS - 3_600_000
    const later = await start(topologyOf(poolOf('app', [A])), { atMs, disk: world.disk })
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
    await world.clock.advanceAsync(10)
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
    await world.clock.advanceAsync(10)
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
    await world.clock.advanceAsync(30)
    expect(world.toReaders().map(([id]) => id)).toEqual([
      'registry.word-changed',
      'registry.serving-set',
      'registry.targets-set',
      'registry.snapshot-set',
    ])
    expect(world.lastSnapshot().words[0]!.map(spell)).toEqual(['SL healthy'])
    expect(world.disk.events.map(({ kind }) => kind)).toEqual([
      ...['verdict-changed', 'guard-held', 'verdict-changed', 'guard-released'],
    ])
    expect([...world.disk.rows.keys()]).toEqual([keyOf('app', B)])
  })

  test('servers that are all taken away stay, and the API, a gauge and the log say why', async () => {
    const world = await start(topologyOf(poolOf('app', [A, B])))
    for (const address of [A, B]) world.verdict(address, 'up')
    world.clock.advance(500)
    world.reload(topologyOf(poolOf('app', [])))
    const reason = 'the configuration gives it no IPv4 server any more'
    const told = world.logs.find(({ message }) => message === 'guard-rail held a change')
    expect(told).toMatchObject({ level: 'warn', fields: { domain: 'app', reason } })
    expect((await world.list()).holds).toEqual([
      {
        ...{ domain: 'app', family: 4, reason: 'no-servers', sinceMs: START_MS + 500 },
        keys: [keyOf('app', A), keyOf('app', B)],
      },
    ])
    const gauge = () => world.metrics.value('opengslb_guard_rail_guests', { domain: 'app' })
    expect(gauge()).toBe(2)
    // The last server of a pool needs force, a guest too; then it is gone for good.
    expect((await world.override(A, false)).outcome).toBe('done')
    expect((await world.override(B, false)).outcome).toBe('held-by-guard-rail')
    expect((await world.override(B, false, { force: true })).outcome).toBe('done')
    expect(await world.list()).toMatchObject({ backends: [], holds: [] })
    const emptied = world.logs.find(({ message }) => message.startsWith('no server of the domain'))
    expect(emptied).toMatchObject({ fields: { domain: 'app', when_all_down: 'servfail' } })
    expect([...world.disk.rows.keys()]).toEqual([])
  })

  test('a weight of 0 that is not obeyed yet is shown as the weight it has', async () => {
    const weighing = (weight: number) => ({
      ...poolOf('app', []),
      members: [{ ...memberOf('app', A), weight }],
    })
    const world = await start(topologyOf(weighing(30)))
    world.verdict(A, 'up')
    world.reload(topologyOf(weighing(0)))
    const shown = { weight: 30, cause: 'guard-rail', serving: true }
    expect(await backend(world, A)).toMatchObject(shown)
    expect(world.lastSnapshot().pools[0]!.members).toMatchObject([{ address: A, weight: 30 }])
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
    expect(world.toReaders()).toEqual([])
    world.clock.advance(1)
    expect(world.toReaders()).toMatchObject([['registry.word-changed', { member: 0 }]])
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
