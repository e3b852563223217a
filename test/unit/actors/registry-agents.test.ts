// Goal: what agents and other overwatches say becomes words in the same turn, loses nothing through
// a restart, and never takes a pool down on a claim alone.
import { describe, expect, test } from 'vitest'
import { type AgentsConfig, agentsDefaults } from '../../../src/actors/registry/contract.ts'
import type { SharedRecord } from '../../../src/core/gossip/peers/record.ts'
import type { AgentReport, ReportedBackend } from '../../../src/core/health/report.ts'
import { encodeBody, GONE } from '../../../src/core/health/shared-bodies.ts'
import type { MemoryDisk } from '../../../src/actors/registry/ports-memory.ts'
import { keyOf, poolOf, spell, topologyOf } from '../core/health/sample.ts'
import { A, B, C, backend, START_MS, start } from './registry-world.ts'

const agentsOf = (chorus: Partial<AgentsConfig['chorus']> = {}): AgentsConfig => ({
  ...agentsDefaults,
  chorus: {
    ...agentsDefaults.chorus,
    roll: { domains: ['app'], zones: ['test'], staleMs: 10_000, removeAfterMs: 60_000 },
    ...chorus,
  },
})

const backendAt = (address: string, more: Partial<ReportedBackend> = {}): ReportedBackend => ({
  ...{ service: 'app', address, port: 80, weight: 100, healthy: true, reason: '' },
  ...more,
})

async function worldOf(
  addresses: readonly string[] = [],
  chorus: Partial<AgentsConfig['chorus']> = {},
  more: { disk?: MemoryDisk; atMs?: number; incarnation?: number; bleedFloor?: number } = {},
) {
  const { bleedFloor = 0.5, ...options } = more
  const topology = topologyOf(poolOf('app', addresses, { bleedFloor }))
  const world = await start(topology, { agents: agentsOf(chorus), ...options })
  const { receive } = world.behaviour
  let seq = 0
  const report = (
    agentId: string,
    backends: readonly ReportedBackend[],
    fields: Partial<AgentReport> = {},
    hearsay = false,
  ) => {
    const atMs = world.clock.nowMs()
    const content = { agentId, region: 'r1', boot: START_MS, seq: ++seq, atMs, backends }
    receive['gossip.agent-reported']({ agentId, report: { ...content, ...fields }, hearsay, atMs })
  }
  const words = () => {
    const snapshot = world.lastSnapshot()
    const rows = snapshot.words.map((row) => [...row])
    for (const [, change] of world.said('registry.word-changed')) {
      const { epoch, pool, member, word } = change as Record<string, number>
      if (epoch === snapshot.epoch) rows[pool!]![member!] = word!
    }
    return Object.fromEntries(
      snapshot.pools[0]!.members.map((member, index) => [member.address, rows[0]![index]!]),
    )
  }
  const spelt = () =>
    Object.fromEntries(Object.entries(words()).map(([address, word]) => [address, spell(word)]))
  return {
    ...world,
    receive,
    report,
    words,
    spelt,
    shares: () =>
      Object.fromEntries(
        Object.entries(words()).map(([address, word]) => [address, (word >> 16) & 1023]),
      ),
    seen: (agentId: string) => receive['gossip.agent-seen']({ agentId, atMs: world.clock.nowMs() }),
    left: (agentId: string, boot = START_MS) =>
      receive['gossip.agent-left']({ agentId, boot, atMs: 0, reason: 'deregistered' }),
    learned: (record: Partial<SharedRecord>) =>
      receive['gossip.record-learned']({
        ...{ kind: 'verdict', id: '', origin: 'peer', stamp: world.clock.nowMs(), seq: 0 },
        ...{ keepUntilMs: 0, body: GONE },
        ...record,
      }),
    live: (...names: string[]) =>
      receive['gossip.members-set']({ members: [], liveOverwatches: names }),
    wanted: () => world.said('registry.check-wanted').map(([, one]) => one),
    told: (kind: string) =>
      world
        .said('registry.record-told')
        .map(([, one]) => one as SharedRecord)
        .filter((record) => record.kind === kind),
    drain: async (more: object = {}) => {
      const order = { reason: 'work', by: 'ann', force: false, ...more }
      const reply = receive['api.set-drain'](order)
      await world.clock.advanceAsync(30)
      return reply
    },
    lift: async (id: string) => {
      const reply = receive['api.lift-drain']({ id, by: 'ann' })
      await world.clock.advanceAsync(30)
      return reply
    },
    drains: async () => (await receive['api.list-drains']({})).drains,
  }
}

const KEY = keyOf('app', A)

describe('what agents declare', () => {
  test('joins the pool of its name at once, and is served by its claim', async () => {
    const world = await worldOf()
    world.report('a1', [backendAt(A)])
    expect(world.spelt()).toEqual({ [A]: 'SL healthy' })
    expect(await backend(world, A)).toMatchObject({ source: 'agent', cause: 'agent' })
    const targets = world.said('registry.targets-set').at(-1)![1]
    expect(targets).toMatchObject({ targets: [{ member: { address: A } }] })
  })

  test('of many that start together only the first compiles at once', async () => {
    const world = await worldOf()
    const before = world.said('registry.snapshot-set').length
    for (let n = 1; n <= 200; n++) world.report(`a${n}`, [backendAt(`10.1.0.${n}`)])
    expect(world.said('registry.snapshot-set').length - before).toBe(1)
    await world.clock.advanceAsync(60)
    expect(world.said('registry.snapshot-set').length - before).toBe(2)
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

const drainOf = (more: object = {}) => ({
  ...{ id: 'd1', reason: 'work', by: 'file' as const, sinceMs: START_MS },
  ...more,
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
    await world.clock.advanceAsync(10_000)
    expect((await backend(world, A)).hearing!.agent!.silent).toBe(true)
  })
})
