/**
 * Goal: on an overwatch, what agents tell is merged under the names that are served, survives a
 * restart as a prior, is handed to the registry, and reaches other overwatches. Method: the actor
 * on a virtual clock, with a file in memory.
 */
import { describe, expect, test } from 'vitest'
import { latency } from '../../../../src/actors/latency/actor.ts'
import type { LatencyPorts, OverwatchLatency } from '../../../../src/actors/latency/contract.ts'
import { ownMemory } from '../../../../src/core/base/memory.ts'
import { placeClients } from '../../../../src/core/geo/source.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import { decodeCatchments } from '../../../../src/core/latency/kept-catchments.ts'
import { fail } from '../../../../src/core/base/result.ts'
import type { ProductCatalogue } from '../../../../src/messages/catalogue.ts'
import type { MessageOf } from '../../../../src/messages/entry.ts'
import { fakeCtx } from '../../../harness/ctx.ts'

const region = (name: string) => ({ name, countries: [], continents: [] })

const config: OverwatchLatency = {
  mode: 'overwatch',
  node: 'ow1',
  path: '/data/latency.rows',
  catchmentsPath: '/data/latency.catchments',
  share: true,
  catchments: true,
  exploration: 100,
  domains: ['app.test'],
  zones: ['gslb.test'],
}

async function start(files = new Map<string, Uint8Array>(), first = config) {
  const world = fakeCtx('latency')
  const ports: LatencyPorts = {
    openTcp: () => fail('not here'),
    load: async (path) => files.get(path) ?? 'absent',
    save: async (path, octets) => {
      files.set(path, octets)
      return true
    },
    setAside: async (path) => {
      files.set(`${path}.damaged`, files.get(path)!)
      files.delete(path)
      return `${path}.damaged`
    },
  }
  const actor = await latency.start(world.ctx, ports, first)
  const list = async (more: { service?: string; subnet?: string } = {}) =>
    actor.receive['api.list-latency']({ offset: 0, count: 100, ...more })
  const tell = (agentId: string, rttMs: number, samples = 10, services = ['web']) =>
    actor.receive['gossip.latency-reported']({
      ...{ agentId, region: 'eu', services },
      rows: [{ subnet: '10.1.2.0/24', rttMs, samples, lastSeenMs: world.clock.nowMs() }],
    })
  const said = <Id extends keyof ProductCatalogue>(wanted: Id) =>
    world.published
      .filter(([id]) => id === wanted)
      .map(([, message]) => message as MessageOf<ProductCatalogue, Id>)
  return { ...world, actor, files, list, tell, said }
}

test('rows stand under the names that are served: a label under each zone, a domain as it is', async () => {
  const { tell, list, metrics } = await start()
  tell('a1', 10, 30)
  tell('a2', 20, 10)
  tell('a1', 5, 10, ['app.test'])
  tell('a1', 5, 10, ['elsewhere.example'])
  const { entries, total, subnets } = await list()
  expect(entries.map(({ service, rttMs }) => [service, rttMs])).toEqual([
    ['app.test', 5],
    ['web.gslb.test', expect.closeTo(12.5, 0)],
  ])
  expect({ total, subnets }).toEqual({ total: 2, subnets: 1 })
  expect((await list({ service: 'app.test' })).total).toBe(1)
  expect(metrics.value('opengslb_overwatch_latency_reports_received_total')).toBe(4)
  expect(metrics.value('opengslb_overwatch_latency_table_entries_total')).toBe(2)
})

test('after a restart kept rows are priors until their agent speaks', async () => {
  const before = await start()
  before.tell('a1', 10)
  await before.actor.onStop?.()
  const after = await start(before.files)
  expect((await after.list()).entries[0]).toMatchObject({
    rttMs: 10,
    weight: expect.closeTo(2.5, 1),
  })
  after.clock.advance(1_000)
  after.tell('a1', 10)
  const [entry] = (await after.list()).entries
  expect(entry!.weight).toBeGreaterThan(9)
})

test('without a path nothing is kept, and a damaged file is no reason not to start', async () => {
  const before = await start(new Map(), { ...config, path: '' })
  before.tell('a1', 10)
  await before.actor.onStop?.()
  expect(before.files.size).toBe(0)
  const damaged = Uint8Array.of(1, 2, 3)
  const after = await start(new Map([[config.path, damaged]]))
  expect((await after.list()).total).toBe(0)
  const kept = `${config.path}.damaged`
  const said = after.logs.find(({ message }) => message === 'kept latency rows are lost')
  expect(said?.fields).toMatchObject({ kept })
  after.tell('a1', 10)
  await after.actor.onStop?.()
  expect([...after.files.keys()].sort()).toEqual([config.path, kept])
  expect(after.files.get(kept)).toBe(damaged)
})

describe('rows that answers are made from', () => {
  const geo = placeClients(
    { regions: [region('eu'), region('us')], custom: [], defaultRegion: '' },
    {},
    ownMemory,
  )
  const service = { name: 'web.gslb.test', regions: ['eu', 'us'], maxLatencyMs: 500, minSamples: 5 }
  const ground = (version: number, regions = service.regions) => ({
    ...{ version, geo },
    services: [{ ...service, regions }],
  })
  const settleMs = limits.latencyPublishMs.default + limits.latencyCompileMs.default + 1_000

  test('are said when they changed, and again when the registry starts', async () => {
    const { clock, tell, said, actor } = await start()
    tell('a1', 10)
    clock.advance(settleMs)
    // Nobody said yet what is steered by them.
    expect(said('latency.rows-set')).toHaveLength(0)
    actor.receive['registry.ground-set'](ground(1))
    expect(said('latency.rows-set')).toHaveLength(1)
    const [first] = said('latency.rows-set')
    expect(first!.parts).toMatchObject({
      services: [{ name: service.name, regions: ['eu', 'us'] }],
    })
    expect([...first!.parts.services[0]!.ranking.subarray(0, 1)]).toEqual([0])
    // The same again is no other row.
    tell('a1', 10)
    clock.advance(settleMs)
    expect(said('latency.rows-set')).toHaveLength(1)
    tell('a1', 10, 10, ['elsewhere.example'])
    clock.advance(settleMs)
    expect(said('latency.rows-set')).toHaveLength(1)
    actor.onPeerStarted?.('registry')
    expect(said('latency.rows-set')).toHaveLength(2)
  })

  test('other regions of a name make other rows of what was heard before', async () => {
    const { clock, tell, said, actor } = await start()
    actor.receive['registry.ground-set'](ground(1))
    tell('a1', 10)
    clock.advance(settleMs)
    actor.receive['registry.ground-set'](ground(2, ['us', 'eu']))
    const parts = said('latency.rows-set').at(-1)!.parts
    expect(parts.services[0]!.regions).toEqual(['us', 'eu'])
    expect(parts.services[0]!.ranking[0]).toBe(1)
    actor.receive['registry.ground-set']({ version: 3, geo, services: [] })
    expect(said('latency.rows-set').at(-1)!.parts.services).toEqual([])
  })

  test('too few samples are not believed, and what is known of a client can be asked for', async () => {
    const { clock, tell, said, actor } = await start()
    actor.receive['registry.ground-set'](ground(1))
    tell('a1', 10, 4)
    clock.advance(settleMs)
    expect(said('latency.rows-set')).toHaveLength(0)
    tell('a1', 10, 5)
    clock.advance(settleMs)
    expect(said('latency.rows-set')).toHaveLength(1)
    const ask = { service: service.name, client: '10.1.2.9' }
    const { view } = await actor.receive['api.explain-latency'](ask)
    expect(view).toMatchObject({
      ...{ source: 'network', network: '10.1.2.0/24' },
      regions: [{ region: 'eu', measuredMs: expect.closeTo(10, 1) }, { region: 'us' }],
    })
    expect(await actor.receive['api.explain-latency']({ ...ask, client: '10.9.9.9' })).toEqual({})
    expect(await actor.receive['api.explain-latency']({ ...ask, client: 'x' })).toEqual({})
  })
})

describe('resolvers that send no client subnet', () => {
  const regions = [region('eu'), region('us')]
  const custom = [{ cidr: '20.0.0.0/8', region: 'us', comment: '' }]
  const geo = placeClients({ regions, custom, defaultRegion: '' }, {}, ownMemory)
  const services = [
    { name: 'web.gslb.test', regions: ['eu', 'us'], maxLatencyMs: 500, minSamples: 5 },
  ]
  const client = '20.1.1.1'

  /** A resolver asks for half an hour, while clients arrive where it was told. */
  async function run(catchments: boolean) {
    const world = await start(new Map(), { ...config, catchments })
    const { actor, clock } = world
    actor.receive['registry.ground-set']({ version: 1, geo, services })
    for (let minute = 1; minute <= 30; minute++) {
      world.tell('a1', 10, 10 * minute)
      const rows = [
        ['web.gslb.test', '20.1.1.0', 'eu', 40],
        ['elsewhere.test', '20.1.1.0', 'eu', 40],
        ['web.gslb.test', 'no address', 'eu', 40],
      ] as const
      actor.receive['dns.askers-counted']({ rows })
      clock.advance(60_000)
    }
    return { ...world, ...(await seen(world)) }
  }

  async function seen({ actor, metrics }: Awaited<ReturnType<typeof start>>) {
    const { view } = await actor.receive['api.explain-latency']({
      ...{ service: 'web.gslb.test', client },
    })
    return { view, resolvers: metrics.value('opengslb_overwatch_latency_resolvers') }
  }

  test('get a row by the networks behind them, and a metric counts them', async () => {
    const { view, resolvers } = await run(true)
    expect(view).toMatchObject({ source: 'catchment' })
    expect(view!.networksBehind).toBeGreaterThan(0.1)
    expect(resolvers).toBe(1)
  })

  test('are left to geography where the setting says so', async () => {
    const { view, resolvers, files, actor } = await run(false)
    expect({ view, resolvers }).toEqual({ view: undefined, resolvers: 0 })
    await actor.onStop?.()
    expect([...files.keys()]).toEqual(['/data/latency.rows'])
  })

  test('are known after a restart, and where databases change, before anybody asks', async () => {
    const before = await run(true)
    await before.actor.onStop?.()
    const after = await start(before.files)
    const stand = after.actor.receive['registry.ground-set']
    stand({ version: 2, geo, services })
    const { view, resolvers } = await seen(after)
    expect(view).toMatchObject({ source: 'catchment' })
    expect(view!.networksBehind).toBeGreaterThan(0.1)
    expect(resolvers).toBe(1)
    stand({ version: 3, geo: { ...geo }, services })
    expect((await seen(after)).view).toMatchObject({ networksBehind: view!.networksBehind })
  })

  test('are not forgotten while the name is not steered, or nothing of it is measured', async () => {
    const before = await run(true)
    await before.actor.onStop?.()
    const kept = before.files.get(config.catchmentsPath)!
    const names = (octets: Uint8Array) => {
      const read = decodeCatchments(octets)
      return read.ok
        ? read.value.map(({ resolvers, networks }) => [resolvers, networks.length])
        : []
    }
    for (const steered of [[], services]) {
      const files = new Map([[config.catchmentsPath, kept]])
      const { actor, clock } = await start(files)
      actor.receive['registry.ground-set']({ version: 2, geo, services: steered })
      clock.advance(2 * limits.latencyCatchmentMs.default)
      await actor.onStop?.()
      expect(files.get(config.catchmentsPath)).not.toBe(kept)
      expect(names(files.get(config.catchmentsPath)!)).toEqual(names(kept))
    }
  })

  test('are found anew, with a warning, where the file is no such file', async () => {
    const damaged = new Map([[config.catchmentsPath, new Uint8Array(64)]])
    const { actor, logs } = await start(damaged)
    actor.receive['registry.ground-set']({ version: 1, geo, services })
    const why = 'not who is behind resolvers'
    const fields = expect.objectContaining({ path: config.catchmentsPath, why })
    expect(logs).toContainEqual(expect.objectContaining({ level: 'warn', fields }))
  })
})

describe('networks are sent to a region that could be better', () => {
  const regions = [region('eu'), region('us')]
  const geo = placeClients({ regions, custom: [], defaultRegion: '' }, {}, ownMemory)
  const service = {
    ...{ name: 'web.gslb.test', regions: ['eu', 'us'], maxLatencyMs: 500, minSamples: 5 },
  }
  const NETWORKS = 60

  /** In how many of so many slots some network explores; `us` was never measured. */
  async function run(sticky: boolean, exploration?: number) {
    const first = exploration === undefined ? config : { ...config, exploration }
    const world = await start(new Map(), first)
    const { actor, clock, said } = world
    const rows = Array.from({ length: NETWORKS }, (_, at) => ({
      ...{ subnet: `10.1.${at}.0/24`, rttMs: 90, samples: 50, lastSeenMs: clock.nowMs() },
    }))
    const told = { agentId: 'a1', region: 'eu', services: ['web'], rows }
    const services = [sticky ? { ...service, sticky } : service]
    actor.receive['registry.ground-set']({ version: 1, geo, services })
    actor.receive['gossip.latency-reported'](told)
    clock.advance(limits.latencySlotMs.default)
    const slots = (count: number) =>
      Array.from({ length: count }, () => {
        clock.advance(limits.latencySlotMs.default)
        // What was said last is in force until it is other rows.
        return said('latency.rows-set').at(-1)!.parts.services[0]!.exploring.includes(1)
      }).filter(Boolean).length
    return { ...world, slots }
  }

  test('in the share of the minutes that the setting says, which may change', async () => {
    const { slots, actor } = await run(false)
    const most = slots(100)
    // 1 - 0.99^60 of the slots have one.
    expect(most).toBeGreaterThan(20)
    expect(most).toBeLessThan(75)
    actor.onReconfigured?.({ ...config, exploration: 0 })
    expect(slots(100)).toBe(0)
    actor.onReconfigured?.({ ...config, exploration: 10_000 })
    expect(slots(10)).toBe(10)
  })

  test('and never where clients stick to their server', async () => {
    const { slots } = await run(true, 10_000)
    expect(slots(20)).toBe(0)
  })
})

test('rows heard here reach another overwatch, which does not pass them on', async () => {
  const [one, two] = [await start(), await start(new Map(), { ...config, node: 'ow2' })]
  one.tell('a1', 10)
  one.clock.advance(limits.latencyShareMs.default)
  const records = one.said('latency.record-told') as Parameters<
    (typeof two.actor.receive)['gossip.latency-record-learned']
  >[0][]
  expect(records.map(({ kind, id }) => `${kind}/${id}`)).toEqual(['latency/ow1/0'])
  for (const record of records) {
    two.actor.receive['gossip.latency-record-learned'](record)
    // One's own, come back, and one that is damaged.
    one.actor.receive['gossip.latency-record-learned'](record)
    const cut = { ...record, body: record.body.subarray(1) }
    two.actor.receive['gossip.latency-record-learned'](cut)
  }
  expect((await two.list()).entries).toMatchObject([{ service: 'web.gslb.test', rttMs: 10 }])
  two.clock.advance(2 * limits.latencyShareMs.default)
  expect(two.said('latency.record-told')).toEqual([])
  one.clock.advance(2 * limits.latencyShareMs.default)
  expect(one.said('latency.record-told')).toHaveLength(1)
})

test('an operator may set a row, within bounds', async () => {
  const { actor, list } = await start()
  const order = { service: 'app.test', region: 'us', rttMs: 80, samples: 5, by: 'ann' }
  const add = actor.receive['api.add-latency']
  expect(await add({ ...order, subnet: '10.9.8.7/24' })).toMatchObject({ outcome: 'done' })
  expect(await add({ ...order, subnet: '10.0.0.0/4' })).toMatchObject({ outcome: 'refused' })
  expect(await add({ ...order, subnet: 'x' })).toMatchObject({ outcome: 'refused' })
  expect((await list()).entries).toMatchObject([{ subnet: '10.9.8.0/24', sources: ['api'] }])
})
