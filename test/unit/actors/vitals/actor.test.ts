/**
 * Goal: the actor turns readings, files, signals and requests into the messages it promises, and
 * says them again to a reader that starts anew. Method: scripted ports on a virtual clock, with
 * the catalogue that holds the messages between vitals and gossip.
 */
import { describe, expect, test } from 'vitest'
import { vitals } from '../../../../src/actors/vitals/actor.ts'
import type {
  DrainFileSeen,
  ErrorCounts,
  MachineReading,
  VitalsConfig,
  VitalsPorts,
} from '../../../../src/actors/vitals/contract.ts'
import type { Reading } from '../../../../src/core/health/clients-table.ts'
import { TCP_ROW_BYTES, TcpRows, tcpStates } from '../../../../src/core/health/clients-rows.ts'
import { catalogue } from '../../../../src/messages/catalogue.ts'
import { codecOf } from '../../../../src/messages/codec.ts'
import { catalogueFaults } from '../../../../src/messages/edges.ts'
import { fakeCtx } from '../../../harness/ctx.ts'

const a = 'web:192.0.2.1:80'
const b = 'web:192.0.2.1:81'
const SECOND = 1_000

const config: VitalsConfig = {
  agentId: 'eu-1',
  backends: [
    { key: a, addresses: ['192.0.2.1'], port: 80 },
    { key: b, addresses: ['192.0.2.1'], port: 81 },
  ],
  drainFile: '/run/drain',
  drainStatePath: '/var/drains',
  countClients: true,
}

const predictive = {
  cpu: { threshold: 80, windowMs: 3 * SECOND, bleedMs: 4 * SECOND },
  memory: { threshold: 85, windowMs: 3 * SECOND, bleedMs: 4 * SECOND },
  errors: { threshold: 5, windowMs: 60 * SECOND, bleedMs: 4 * SECOND },
  hysteresisShare: 0.1,
  intervalMs: SECOND,
}

/** A table with a listener on both ports and `clients` connections to the first. */
function tableOf(clients: number, from: readonly number[] = [198, 51, 100, 1]): Reading {
  const bytes = new Uint8Array((clients + 2) * TCP_ROW_BYTES)
  const put = (row: number, port: number, state: number, remotePort: number) => {
    const view = new DataView(bytes.buffer, row * TCP_ROW_BYTES)
    view.setUint8(0, 4)
    view.setUint8(1, state)
    view.setUint16(2, port, true)
    view.setUint16(4, remotePort, true)
    bytes.set([192, 0, 2, 1], row * TCP_ROW_BYTES + 8)
    if (remotePort > 0) bytes.set(from, row * TCP_ROW_BYTES + 24)
  }
  put(0, 80, tcpStates.listen, 0)
  put(1, 81, tcpStates.listen, 0)
  for (let client = 0; client < clients; client++)
    put(client + 2, 80, tcpStates.established, client + 1)
  const none = new TcpRows(new Uint8Array(0), 0)
  const rows = new TcpRows(bytes, clients + 2)
  return { rows, ended: none, missed: false, endsHeard: true, complete: true }
}

interface Script {
  config?: Partial<VitalsConfig>
  saved?: string
  incarnation?: number
  where?: 'here' | 'elsewhere'
}

async function worldOf(script: Script = {}) {
  const world = fakeCtx('vitals')
  const state = {
    machine: {} as MachineReading,
    errors: undefined as ErrorCounts | undefined,
    clients: 0,
    from: undefined as readonly number[] | undefined,
    ...{ tables: 0, saved: script.saved },
    file: (_file: DrainFileSeen): void => {},
  }
  const ports: VitalsPorts = {
    readMachine: async () => state.machine,
    readErrors: async () => state.errors,
    watchDrainFile: (_path, seen) => {
      state.file = seen
      seen({ present: false })
      return () => {}
    },
    loadDrains: async () => (state.saved === undefined ? 'absent' : { text: state.saved }),
    setAside: async () => undefined,
    saveDrains: async (_path, text) => {
      state.saved = text
      return true
    },
    openTcpTable: () => {
      state.tables++
      return {
        read: () => tableOf(state.clients, state.from),
        ownAddresses: () => ['192.0.2.1'],
        close: () => void state.tables--,
      }
    },
    whereabouts: async () => script.where ?? 'here',
  }
  const actor = await vitals.start(world.ctx, ports, { ...config, ...script.config })
  const codec = codecOf(catalogue)
  /** What was said since the last call, by message; each fits its entry of the catalogue. */
  const said = () => {
    const facts = world.published.splice(0)
    for (const [id, fact] of facts) codec.fact(id, fact)
    return facts
  }
  const drains = () =>
    said().flatMap(([id, fact]) =>
      id === 'vitals.drain-changed' ? [[fact.backend, fact.drain?.by, fact.drain?.reason]] : [],
    )
  return { ...world, actor, state, said, drains }
}

test('the messages make a sound catalogue together with the others', () => {
  expect(catalogueFaults(catalogue)).toEqual([])
})

describe('drains', () => {
  test('a file drains every backend until it is gone', async () => {
    const world = await worldOf()
    await world.clock.advanceAsync(SECOND)
    expect(world.drains()).toEqual([
      [a, undefined, undefined],
      [b, undefined, undefined],
    ])
    world.state.file({ present: true, text: 'deploy' })
    expect(world.drains()).toEqual([
      [a, 'file', 'deploy'],
      [b, 'file', 'deploy'],
    ])
    world.state.file({ present: false })
    expect(world.drains().map(([key, by]) => [key, by])).toEqual([
      [a, undefined],
      [b, undefined],
    ])
  })

  test('signals toggle by their count, and the end of the process is a drain of its own', async () => {
    const world = await worldOf()
    await world.clock.advanceAsync(SECOND)
    world.said()
    const signal = (signals: number, stopping = false) => {
      world.actor.receive['shell.drain-signalled']({ signals, stopping, atMs: 5 })
      return world.drains().map(([, by]) => by)
    }
    expect(signal(1)).toEqual(['signal', 'signal'])
    expect(signal(1)).toEqual([])
    expect(signal(2)).toEqual([undefined, undefined])
    expect(signal(2, true)).toEqual(['shutdown', 'shutdown'])
  })

  test('the API declares with an expiry and lifts, and hears what still holds', async () => {
    const world = await worldOf()
    await world.clock.advanceAsync(SECOND)
    world.said()
    const { receive } = world.actor
    const untilMs = world.clock.nowMs() + 5 * SECOND
    const set = await receive['api.set-local-drain']({ backends: [a], reason: 'disk', untilMs })
    expect(set).toMatchObject({ outcome: 'done' })
    expect(set.drains.map(({ drain }) => drain?.reason)).toEqual(['disk', undefined])
    expect(world.drains()).toEqual([[a, 'api', 'disk']])
    await world.clock.advanceAsync(5 * SECOND)
    expect(world.drains()).toEqual([[a, undefined, undefined]])
    const past = await receive['api.set-local-drain']({ reason: '', untilMs: 1 })
    expect(past.outcome).toBe('already-over')
    const unknown = await receive['api.set-local-drain']({ backends: ['x'], reason: '' })
    expect(unknown.outcome).toBe('unknown-backend')
    await receive['api.set-local-drain']({ reason: 'all of them' })
    world.state.file({ present: true, text: '' })
    const lifted = await receive['api.lift-local-drain']({ backends: [a] })
    expect(lifted.lifted).toBe(1)
    expect(lifted.drains.map(({ drain }) => drain?.by)).toEqual(['file', 'api'])
  })

  test('an API drain and the id of a file’s outlive a restart without a word between', async () => {
    const before = await worldOf()
    await before.actor.receive['api.set-local-drain']({ backends: [a], reason: 'kept' })
    before.state.file({ present: true, text: 'f' })
    await before.clock.advanceAsync(SECOND)
    const ids = (await before.actor.receive['api.list-local-drains']({})).drains.map(
      (d) => d.drain?.id,
    )
    await before.actor.onStop?.()
    const after = await worldOf({ saved: before.state.saved! })
    expect(after.drains()).toEqual([[a, 'api', 'kept']])
    after.state.file({ present: true, text: 'f' })
    await after.clock.advanceAsync(SECOND)
    const views = (await after.actor.receive['api.list-local-drains']({})).drains
    expect(views.map(({ drain }) => drain?.id)).toEqual(ids)
    // Whoever held a drain that is over is told so, once all was looked at.
    const lapsed = await worldOf({ saved: before.state.saved! })
    lapsed.said()
    await lapsed.clock.advanceAsync(SECOND)
    expect(lapsed.drains()).toEqual([
      [a, 'api', 'kept'],
      [b, undefined, undefined],
    ])
  })

  test('orders of overwatches hold until they are left out', async () => {
    const world = await worldOf()
    await world.clock.advanceAsync(SECOND)
    world.said()
    const drain = { id: 'x', reason: 'maintenance', by: 'overwatch', sinceMs: 1 } as const
    world.actor.receive['gossip.drains-wanted']({ drains: [{ backend: b, drain }] })
    expect(world.drains()).toEqual([[b, 'overwatch', 'maintenance']])
    world.actor.receive['gossip.drains-wanted']({ drains: [] })
    expect(world.drains()).toEqual([[b, undefined, undefined]])
    // One that comes before its backend is configured holds from then on.
    world.actor.onReconfigured?.({ ...config, backends: config.backends.slice(0, 1) })
    world.actor.receive['gossip.drains-wanted']({ drains: [{ backend: b, drain }] })
    world.said()
    world.actor.onReconfigured?.(config)
    expect(world.drains()).toEqual([[b, 'overwatch', 'maintenance']])
  })
})

describe('clients', () => {
  test('are counted while a backend drains, and the table is closed after', async () => {
    const world = await worldOf()
    world.state.clients = 3
    await world.clock.advanceAsync(SECOND)
    world.said()
    expect(world.state.tables).toBe(0)
    await world.actor.receive['api.set-local-drain']({ backends: [a], reason: 'x' })
    await world.clock.advanceAsync(500)
    world.state.clients = 4
    await world.clock.advanceAsync(500)
    const counts = world
      .said()
      .flatMap(([id, fact]) =>
        id === 'vitals.clients-counted'
          ? [[fact.connections?.remaining, fact.connections?.arrived]]
          : [],
      )
    expect(counts[0]).toEqual([3, 0])
    expect(counts.at(-1)).toEqual([4, 1])
    expect(counts.length).toBeLessThanOrEqual(5)
    expect(world.state.tables).toBe(1)
    await world.actor.receive['api.lift-local-drain']({})
    expect(world.state.tables).toBe(0)
    // On request they are counted once, draining or not.
    const { drains } = await world.actor.receive['api.list-local-drains']({})
    expect(drains.map(({ connections }) => connections?.remaining)).toEqual([4, 0])
    expect(world.state.tables).toBe(0)
  })

  test.each([
    ['127.20.0.10', 0, 'left out'],
    ['127.0.0.1', 2, 'counted, for anybody may come from there'],
    ['192.0.2.1', 2, 'counted, for anybody may come from there'],
  ])(
    'from an overwatch at %s on this machine, %i of two remain: %s',
    async (address, remaining) => {
      const world = await worldOf()
      world.state.clients = 2
      world.state.from = address.split('.').map(Number)
      world.actor.receive['gossip.overwatches-set']({ live: ['ow'], addresses: [address] })
      await world.actor.receive['api.set-local-drain']({ backends: [a], reason: 'x' })
      await world.clock.advanceAsync(2 * SECOND)
      const { drains } = await world.actor.receive['api.list-local-drains']({})
      expect(drains[0]?.connections?.remaining).toBe(remaining)
    },
  )

  test('nothing is said of a backend whose connections are forwarded elsewhere', async () => {
    const world = await worldOf({ where: 'elsewhere' })
    world.state.file({ present: true, text: '' })
    await world.clock.advanceAsync(2 * SECOND)
    const counts = world
      .said()
      .flatMap(([id, fact]) => (id === 'vitals.clients-counted' ? [fact.connections] : []))
    expect(counts.length).toBeGreaterThan(0)
    expect(counts.every((seen) => seen === undefined)).toBe(true)
    expect(world.logs.some(({ message }) => message.includes('forwarded elsewhere'))).toBe(true)
  })
})

describe('readings', () => {
  test('a busy processor bleeds, drains, recovers, in few messages', async () => {
    const world = await worldOf({ config: { predictive } })
    let busy = 0
    let whole = 0
    const spend = async (seconds: number, percent: number) => {
      for (let second = 0; second < seconds; second++) {
        busy += percent
        whole += 100
        world.state.machine = { cpu: { busy, whole }, memoryPercent: 20 }
        await world.clock.advanceAsync(SECOND)
      }
    }
    await spend(5, 10)
    await spend(20, 100)
    await spend(20, 10)
    const readings = world
      .said()
      .flatMap(([id, fact]) => (id === 'vitals.reading-changed' ? [fact.vitals] : []))
    const signals = readings.map(({ signal }) => signal)
    const order = signals.filter((signal, index) => signal !== signals[index - 1])
    expect(order).toEqual(['none', 'bleed', 'drain', 'recovered', 'none'])
    expect(readings.some(({ share }) => share === 0)).toBe(true)
    expect(readings.at(-1)).toMatchObject({ share: 1_000, cpuPercent: 10, memoryPercent: 20 })
    expect(readings.length).toBeLessThan(60)
    expect(world.metrics.value('opengslb_predictive_share_thousandths')).toBe(1_000)
  })

  test('failed checks and an application’s own errors are one rate', async () => {
    const errorSource = { kind: 'metrics', url: 'http://x/', errors: 'e', total: 't' } as const
    const world = await worldOf({ config: { predictive, errorSource } })
    world.state.errors = { errors: 1_000, total: 9_000 }
    await world.clock.advanceAsync(100)
    world.actor.receive['prober.checks-counted']({
      counts: [{ backend: a, passed: 99, failed: 1, fromMs: world.clock.nowMs() }],
      atMs: 0,
    })
    world.state.errors = { errors: 1_020, total: 9_100 }
    await world.clock.advanceAsync(SECOND)
    const { vitals: reading } = await world.actor.receive['api.list-local-drains']({})
    expect(reading).toMatchObject({ errorPercent: 20, signal: 'bleed' })
    // The application started anew: its counters begin from zero, which is no negative rate.
    world.state.errors = { errors: 0, total: 50 }
    await world.clock.advanceAsync(SECOND)
    const next = await world.actor.receive['api.list-local-drains']({})
    expect(next.vitals?.errorPercent).toBe(20)
  })

  test('failed checks of a backend that drains, or did when they were made, do not count', async () => {
    const world = await worldOf({ config: { predictive } })
    await world.clock.advanceAsync(SECOND)
    const checked = (fromMs: number, failed: number, backend = a) =>
      world.actor.receive['prober.checks-counted']({
        counts: [{ backend, passed: 10, failed, fromMs }],
        atMs: fromMs,
      })
    const rate = async () => {
      await world.clock.advanceAsync(SECOND)
      return (await world.actor.receive['api.list-local-drains']({})).vitals?.errorPercent
    }
    await world.actor.receive['api.set-local-drain']({ backends: [a], reason: 'deploy' })
    const drainedMs = world.clock.nowMs()
    checked(drainedMs, 10)
    expect(await rate()).toBeUndefined()
    checked(drainedMs, 0, b)
    expect(await rate()).toBe(0)
    await world.actor.receive['api.lift-local-drain']({ backends: [a] })
    checked(drainedMs, 10)
    expect(await rate()).toBe(0)
    checked(world.clock.nowMs(), 10)
    expect(await rate()).toBeGreaterThan(30)
  })

  test('switched off, nothing is read or said', async () => {
    const world = await worldOf()
    await world.clock.advanceAsync(120 * SECOND)
    expect(world.said().map(([id]) => id)).not.toContain('vitals.reading-changed')
  })
})

test('a gossip that starts anew hears everything that holds', async () => {
  const world = await worldOf({ config: { predictive } })
  world.state.file({ present: true, text: 'x' })
  await world.clock.advanceAsync(3 * SECOND)
  world.said()
  world.actor.onPeerStarted?.('gossip')
  expect(
    world
      .said()
      .map(([id]) => id)
      .sort(),
  ).toEqual([
    'vitals.clients-counted',
    'vitals.clients-counted',
    'vitals.drain-changed',
    'vitals.drain-changed',
    'vitals.reading-changed',
  ])
})

test('a reload takes backends away and starts the readings anew only where they changed', async () => {
  const world = await worldOf({ config: { predictive } })
  world.state.file({ present: true, text: 'x' })
  await world.clock.advanceAsync(SECOND)
  world.said()
  const pending = world.clock.pending()
  world.actor.onReconfigured?.({ ...config, predictive, backends: config.backends.slice(0, 1) })
  expect(world.drains()).toEqual([[b, undefined, undefined]])
  expect(world.clock.pending()).toBe(pending)
  world.actor.onReconfigured?.({ ...config, drainFile: '' })
  expect(world.drains()).toEqual([[a, undefined, undefined]])
  await world.actor.onStop?.()
  expect(world.clock.pending()).toBe(0)
})
