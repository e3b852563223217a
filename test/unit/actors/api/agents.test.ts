// Goal: agents, drains, the cluster and every voice on a backend are told in the shapes of the API.
import { describe, expect, test } from 'vitest'
import type { AgentView, DrainView, Hearing } from '../../../../src/messages/agent-views.ts'
import { tokenHashOf } from '../../../../src/actors/api/ports-access.ts'
import { apiWorld, BACKENDS, backend, START_MS } from './world.ts'

const DAY_MS = 86_400_000

const agent = (fields: Partial<AgentView> = {}): AgentView => ({
  ...{ agentId: 'eu-1', region: 'eu-west', fingerprint: 'ab', alg: 'ed25519' },
  ...{ services: ['app'], firstSeenMs: START_MS, lastSeenMs: START_MS + 50_000 },
  ...{ notAfterMs: START_MS + 10 * DAY_MS, revoked: false, revokedAtMs: 0, revokedReason: '' },
  ...{ connected: true, boot: START_MS, backends: 1 },
  ...fields,
})

const HEARING: Hearing = {
  agent: {
    ...{ agentId: 'eu-1', healthy: false, reason: 'refused', silent: false },
    lastSeenMs: START_MS + 50_000,
    vitals: {
      ...{ atMs: START_MS, cpuPercent: 93, memoryPercent: 40, errorPercent: 2 },
      ...{ signal: 'bleed', reason: 'cpu_threshold_exceeded', sinceMs: START_MS, share: 300 },
    },
  },
  peers: { up: 1, down: 0 },
  doubted: false,
  share: 300,
  layers: [
    { layer: 'override', cause: 'override', because: 'no override' },
    { layer: 'validation', cause: 'validation', status: 'healthy', because: 'checks pass' },
    { layer: 'agent', cause: 'agent', status: 'unhealthy', because: 'its agent says so' },
  ],
}

const heard = backend({ source: 'agent', hearing: HEARING })

async function worldOf(agents: readonly AgentView[] = [agent()], config = {}) {
  const world = await apiWorld(config)
  world.answers['api.list-agents'] = () => ({ agents })
  world.answers['api.list-backends'] = () => ({
    ...{ backends: [heard, BACKENDS[1]!], settled: true, regions: ['us-east'], holds: [] },
  })
  return world
}

describe('agents', () => {
  const agents = [
    agent({ agentId: 'us-2', notAfterMs: START_MS + 300 * DAY_MS }),
    agent(),
    agent({ agentId: 'old', revoked: true, revokedAtMs: START_MS, revokedReason: 'lost' }),
  ]

  test('are listed with how many are revoked and end soon', async () => {
    const { call } = await worldOf(agents)
    const { status, json } = await call('GET', '/api/v1/overwatch/agents')
    expect(status).toBe(200)
    expect(json).toMatchObject({ total: 3, revoked: 1, expiring: 1 })
    expect(json.agents[0]).toMatchObject({
      ...{ agent_id: 'eu-1', fingerprint: 'ab', region: 'eu-west', revoked: false },
      ...{ first_seen: '2025-06-15T15:06:40.000Z', expires_in_hours: 239 },
    })
  })

  test('whose certificate ends within a span are listed apart', async () => {
    const { call } = await worldOf(agents)
    const soon = await call('GET', '/api/v1/overwatch/agents/expiring?threshold_days=5')
    expect(soon.json).toMatchObject({ expiring: [], count: 0, threshold_days: 5 })
    const later = await call('GET', '/api/v1/overwatch/agents/expiring?threshold_days=400')
    expect(later.json).toMatchObject({ count: 2 })
    const bad = await call('GET', '/api/v1/overwatch/agents/expiring?threshold_days=x')
    expect(bad.status).toBe(400)
  })

  test('are shown, revoked and forgotten one by one', async () => {
    const world = await worldOf()
    world.answers['api.revoke-agent'] = ({ agentId }) =>
      agentId === 'eu-1'
        ? { outcome: 'done', message: 'revoked' }
        : { outcome: 'not-found', message: 'no' }
    world.answers['api.forget-agent'] = () => ({ outcome: 'done', message: 'forgotten' })
    const one = '/api/v1/overwatch/agents/eu-1'
    expect((await world.call('GET', one)).json).toMatchObject({ agent_id: 'eu-1' })
    expect((await world.call('GET', '/api/v1/overwatch/agents/x')).status).toBe(404)
    expect((await world.call('POST', `${one}/revoke`, { body: {} })).status).toBe(400)
    const revoked = await world.call('POST', `${one}/revoke`, { body: { reason: 'lost' } })
    expect(revoked.json).toEqual({ success: true, message: 'revoked' })
    const unknown = await world.call('POST', '/api/v1/overwatch/agents/x/revoke', {
      body: { reason: 'lost' },
    })
    expect(unknown.status).toBe(404)
    expect((await world.call('DELETE', one)).json.success).toBe(true)
    expect(world.asked).toContainEqual(['api.forget-agent', { agentId: 'eu-1', by: 'api' }])
  })

  test('make another key on request; the answer waits until it is believed', async () => {
    const world = await worldOf()
    const { fingerprint } = (await world.call('GET', '/api/v1/overwatch/agents/eu-1')).json
    let outcome: 'done' | 'not-found' | 'refused' = 'done'
    world.answers['api.rotate-agent'] = () => ({ outcome, message: 'asked', fingerprint })
    const path = '/api/v1/overwatch/agents/eu-1/rotate'
    const waiting = world.call('POST', path, { body: {} })
    await world.clock.advanceAsync(5_000)
    const late = await waiting
    expect(late).toMatchObject({ status: 202, json: { success: true, fingerprint } })
    world.answers['api.rotate-agent'] = () => ({ outcome, message: 'asked', fingerprint: 'old' })
    const known = world.call('POST', path, { body: {} })
    await world.clock.advanceAsync(1_000)
    expect(await known).toMatchObject({ status: 200, json: { success: true, fingerprint } })
    outcome = 'refused'
    expect((await world.call('POST', path, { body: {} })).status).toBe(409)
    outcome = 'not-found'
    expect((await world.call('POST', path, { body: {} })).status).toBe(404)
  })

  test('cannot be told while the gossip actor is away', async () => {
    const { call } = await apiWorld()
    expect((await call('GET', '/api/v1/overwatch/agents')).status).toBe(503)
  })
})

describe('backends', () => {
  test('show what their agent says and measures, and which layer decided', async () => {
    const world = await worldOf()
    const { json } = await world.call('GET', '/api/v1/overwatch/backends')
    expect(json.backends[0]).toMatchObject({
      ...{ agent_id: 'eu-1', agent_healthy: false, validation_healthy: true },
      ...{ cpu_percent: 93, mem_percent: 40, error_rate: 2, share: 0.3, source: 'agent' },
      layers: [
        { layer: 'override', decided: false },
        { layer: 'validation', says: 'healthy', decided: true },
        { layer: 'agent', says: 'unhealthy', decided: false },
      ],
    })
    expect(world.asked).toContainEqual(['api.list-backends', { layers: true }])
  })

  test('count agents and disagreements', async () => {
    const { call } = await worldOf()
    const { json } = await call('GET', '/api/v1/overwatch/stats')
    expect(json).toMatchObject({ active_agents: 1, disagreement_count: 1 })
  })

  test('are checked on demand', async () => {
    const world = await worldOf()
    world.answers['api.validate-now'] = ({ service }) => ({
      count: service === 'none' ? 0 : 2,
      message: 'checked',
    })
    const all = await world.call('POST', '/api/v1/overwatch/validate')
    expect(all.json).toEqual({ success: true, message: 'checked', count: 2 })
    const none = await world.call('POST', '/api/v1/overwatch/validate?service=none')
    expect(none.status).toBe(404)
    const bad = await world.call('POST', '/api/v1/overwatch/validate?port=x')
    expect(bad.status).toBe(400)
  })
})

describe('the cluster', () => {
  const members = [
    {
      ...{ name: 'node-1', role: 'overwatch' as const, region: 'us', address: '10.0.0.9' },
      ...{ port: 7946, state: 'alive' as const, boot: START_MS, sinceMs: START_MS, self: true },
    },
    {
      ...{ name: 'eu-1', role: 'agent' as const, region: 'eu-west', address: '10.0.0.1' },
      ...{ port: 7946, state: 'dead' as const, sinceMs: START_MS, self: false },
    },
  ]

  test('status tells agents, members and backends', async () => {
    const world = await worldOf()
    world.behaviour.receive['gossip.members-set']({ members, turn: 1 })
    const { json } = await world.call('GET', '/api/v1/cluster/status?expected_agents=2')
    expect(json).toMatchObject({
      ...{ cluster_healthy: false, expected_agents: 2, healthy_agents: 1, gossip_members: 1 },
      overwatch: { node_id: 'node-1', uptime_seconds: 60 },
      agents: [{ agent_id: 'eu-1', status: 'healthy', backend_count: 1 }],
      backend_summary: { total: 2, healthy: 1, unhealthy: 1 },
    })
    const whole = await world.call('GET', '/api/v1/cluster/status')
    expect(whole.json.cluster_healthy).toBe(true)
    expect((await world.call('GET', '/api/v1/cluster/status?expected_agents=x')).status).toBe(400)
  })

  test('members are what the list and the changes after it say, and nothing older', async () => {
    const world = await worldOf()
    const { receive } = world.behaviour
    const count = async () => (await world.call('GET', '/api/v1/gossip/nodes')).json.total
    const [first, second] = members
    receive['gossip.members-set']({ members: [first!], turn: 5 })
    receive['gossip.member-changed']({ name: 'eu-1', member: second!, turn: 4 })
    expect(await count()).toBe(1)
    receive['gossip.member-changed']({ name: 'eu-1', member: second!, turn: 6 })
    expect(await count()).toBe(2)
    receive['gossip.member-changed']({ name: 'eu-1', turn: 7 })
    expect(await count()).toBe(1)
  })

  test('goes on telling agents while the gossip actor is away', async () => {
    const world = await worldOf()
    world.answers['api.list-agents'] = () => ({ ok: false, error: { code: 'peer-down' } }) as never
    const { json } = await world.call('GET', '/api/v1/nodes/agent')
    expect(json.nodes).toMatchObject([{ id: 'eu-1', status: 'connected', target_count: 1 }])
  })

  test('nodes and gossip members are told one by one', async () => {
    const world = await worldOf()
    world.behaviour.receive['gossip.members-set']({ members, turn: 1 })
    const one = await world.call('GET', '/api/v1/nodes/agent/eu-1')
    expect(one.json.node).toMatchObject({ id: 'eu-1', address: '10.0.0.1', port: 7946 })
    expect((await world.call('GET', '/api/v1/nodes/agent/x')).status).toBe(404)
    const nodes = await world.call('GET', '/api/v1/gossip/nodes')
    expect(nodes.json).toMatchObject({ total: 2, healthy: 1 })
    const node = await world.call('GET', '/api/v1/gossip/nodes/eu-1')
    expect(node.json.node).toMatchObject({ id: 'eu-1', status: 'dead', region: 'eu-west' })
    expect((await world.call('GET', '/api/v1/gossip/nodes/x')).status).toBe(404)
    const config = await world.call('GET', '/api/v1/gossip/config')
    expect(config.json).toEqual({ config: { enabled: false } })
  })
})

const DRAIN: DrainView = {
  ...{ id: 'd1', backend: 'app:10.0.0.1:80', service: 'app', address: '10.0.0.1', port: 80 },
  ...{ agentId: 'eu-1', author: 'ann' },
  drain: { id: 'd1', reason: 'work', by: 'overwatch', sinceMs: START_MS },
  connections: {
    ...{ atMs: START_MS, remaining: 2, arrived: 1, quietSinceMs: START_MS },
    networks: [{ network: '198.51.100.0/24', connections: 2 }],
  },
  safe: {
    ...{ safe: 'no', why: '2 connections remain' },
    waitingFor: [{ what: 'connections', detail: '2 connections remain' }],
  },
}

describe('drains on an overwatch', () => {
  test('are declared for what is named, with who asked', async () => {
    const world = await worldOf()
    world.answers['api.set-drain'] = ({ force }) =>
      force
        ? { outcome: 'done', message: 'drained', ids: ['d1'] }
        : { outcome: 'held-by-guard-rail', message: 'nobody would be left', ids: [] }
    const path = '/api/v1/drains'
    const body = { service: 'app', address: '10.0.0.1', port: 80, reason: 'work' }
    expect((await world.call('POST', path, { body })).status).toBe(409)
    const done = await world.call('POST', path, {
      body: { ...body, force: true, expires_in_seconds: 60 },
      headers: { 'x-user': 'ann' },
    })
    expect(done).toMatchObject({ status: 201, json: { success: true, ids: ['d1'] } })
    expect(world.asked.at(-1)![1]).toMatchObject({ by: 'ann', untilMs: START_MS + 120_000 })
    for (const wrong of [{ reason: 'r' }, { service: 'app' }, { ...body, address: 'x' }])
      expect((await world.call('POST', path, { body: wrong })).status).toBe(400)
    // By that name it would have had no end.
    const misnamed = await world.call('POST', path, { body: { ...body, expires_in: 60 } })
    expect(misnamed).toMatchObject({
      status: 400,
      json: { error: 'expires_in: is not known here' },
    })
  })

  test('say whether the server may be stopped, and who still comes', async () => {
    const world = await worldOf()
    world.answers['api.list-drains'] = () => ({ drains: [DRAIN] })
    const { json } = await world.call('GET', '/api/v1/drains/d1')
    expect(json.drain).toMatchObject({
      ...{ id: 'd1', safe: false, why: '2 connections remain', declared_by: 'ann' },
      waiting_for: [{ what: 'connections' }],
      connections: { remaining: 2, networks: [{ network: '198.51.100.0/24' }] },
    })
    expect((await world.call('GET', '/api/v1/drains')).json.total).toBe(1)
    expect((await world.call('GET', '/api/v1/drains/x')).status).toBe(404)
  })

  test('end when lifted', async () => {
    const world = await worldOf()
    world.answers['api.lift-drain'] = ({ id }) =>
      id === 'd1'
        ? { outcome: 'done', message: 'done' }
        : { outcome: 'not-found', message: `there is no drain ${id}` }
    expect((await world.call('DELETE', '/api/v1/drains/d1')).status).toBe(204)
    const none = await world.call('DELETE', '/api/v1/drains/x')
    expect(none).toMatchObject({ status: 404, json: { error: 'there is no drain x' } })
  })
})

describe('drains on an agent', () => {
  test('are those of its own backends', async () => {
    const world = await worldOf([], { mode: 'agent' })
    const drains = [
      { backend: 'app:10.0.0.1:80', drain: DRAIN.drain },
      { backend: 'b:10.0.0.2:80' },
    ]
    world.answers['api.list-local-drains'] = () => ({ drains })
    world.answers['api.set-local-drain'] = () => ({ outcome: 'done', drains })
    world.answers['api.lift-local-drain'] = () => ({ lifted: 1, drains: [] })
    const listed = await world.call('GET', '/api/v1/drains')
    expect(listed.json).toMatchObject({ drains: [{ id: 'd1' }], total: 1 })
    const set = await world.call('POST', '/api/v1/drains', { body: { reason: 'work' } })
    expect(set).toMatchObject({ status: 201, json: { ids: ['d1'] } })
    expect((await world.call('DELETE', '/api/v1/drains/d1')).status).toBe(204)
    expect(world.asked.at(-1)).toEqual(['api.lift-local-drain', { backends: ['app:10.0.0.1:80'] }])
  })
  const OWN = ['app:10.0.0.1:80', 'app:10.0.0.1:81', 'db:[2001:db8::1]:5432']

  async function agentWorld(config = {}) {
    const world = await worldOf([], { mode: 'agent', ...config })
    const drains = OWN.map((key) => ({ backend: key }))
    world.answers['api.list-local-drains'] = () => ({ drains })
    world.answers['api.set-local-drain'] = () => ({ outcome: 'done', drains })
    const sent = () => world.asked.filter(([id]) => id === 'api.set-local-drain').map(([, m]) => m)
    const start = (body: object, options = {}) =>
      world.call('POST', '/api/v1/drains', { body: { reason: 'work', ...body }, ...options })
    return { start, sent }
  }

  test.each([
    [{}, undefined],
    [{ agent_id: 'node-1' }, undefined],
    [{ service: 'APP.' }, OWN.slice(0, 2)],
    [{ service: 'app', port: 81 }, [OWN[1]]],
    [{ address: '2001:db8:0::1' }, [OWN[2]]],
    [{ service: 'app', backends: [OWN[0], OWN[2]] }, [OWN[0]]],
  ])('named by %j drain so many: %j', async (body, backends) => {
    const { start, sent } = await agentWorld()
    expect((await start(body)).status).toBe(201)
    expect(sent()).toEqual([{ reason: 'work', ...(backends && { backends }) }])
  })

  test.each([
    [{ service: 'web' }, 404],
    [{ service: 'app', address: '10.0.0.9' }, 404],
    [{ agent_id: 'another' }, 400],
  ])('named by %j drain none: %i', async (body, status) => {
    const { start, sent } = await agentWorld()
    expect((await start(body)).status).toBe(status)
    expect(sent()).toEqual([])
  })

  test.each([
    [{ service: 'app' }, 201],
    [{ backends: OWN.slice(0, 2) }, 201],
    [{ backends: OWN }, 403],
    [{ backends: 'all' }, 403],
    [{ service: 'db' }, 403],
    [{}, 403],
  ])('by who may change one service only, %j gives %i', async (body, status) => {
    const token = 'app-operator-of-agents'
    const grant = {
      name: 'app',
      hash: tokenHashOf(token),
      role: 'operate',
      services: ['app'],
    } as const
    const { start, sent } = await agentWorld({ authRequired: true, tokens: [grant] })
    const answer = await start(body, { headers: { authorization: `Bearer ${token}` } })
    expect(answer.status).toBe(status)
    expect(sent().length).toBe(status === 201 ? 1 : 0)
  })
})

test('an overwatch drains no backends by the keys of an agent', async () => {
  const { call } = await worldOf()
  const body = { reason: 'work', service: 'app', backends: ['app:10.0.0.1:80'] }
  expect((await call('POST', '/api/v1/drains', { body })).status).toBe(400)
})
