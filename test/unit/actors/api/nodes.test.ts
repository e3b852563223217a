// Goal: nodes, gossip, preferences and settings tell what is, and change what they say they change.
import { describe, expect, test } from 'vitest'
import type { AgentView, MemberView } from '../../../../src/messages/agent-views.ts'
import { apiWorld, CONFIG, START_MS } from './world.ts'

const member = (fields: Partial<MemberView>): MemberView => ({
  ...{ name: 'ow-2', role: 'overwatch', region: 'eu', address: '10.0.0.9', port: 7946 },
  ...{ state: 'alive', sinceMs: START_MS, boot: START_MS, self: false },
  ...fields,
})

const agent: AgentView = {
  ...{ agentId: 'eu-1', region: 'eu', fingerprint: 'ab', alg: 'p256', services: ['app'] },
  ...{ firstSeenMs: START_MS, lastSeenMs: START_MS, notAfterMs: START_MS + 9e9, revoked: false },
  ...{ revokedAtMs: 0, revokedReason: '', connected: true, boot: START_MS, backends: 1 },
}

async function world() {
  const made = await apiWorld()
  made.answers['api.list-agents'] = () => ({ agents: [agent] })
  made.behaviour.receive['gossip.members-set']({
    members: [
      member({ name: 'node-1', self: true, address: '10.0.0.1' }),
      member({}),
      member({ name: 'ow-3', state: 'dead' }),
      member({ name: 'eu-1', role: 'agent' }),
    ],
    turn: 1,
  })
  return made
}

describe('overwatches', () => {
  test('are this node and those that gossip knows; counts of others are theirs to tell', async () => {
    const { call } = await world()
    const { nodes, total } = (await call('GET', '/api/v1/nodes/overwatch')).json
    expect(total).toBe(3)
    expect(nodes[0]).toMatchObject({
      ...{ id: 'node-1', status: 'active', address: '10.0.0.1', port: 7946, version: '2.0.0' },
      ...{ self: true, queries_total: 0, uptime_seconds: 60 },
    })
    expect(nodes[1]).toMatchObject({ id: 'ow-2', status: 'active', queries_total: null })
    expect(nodes[2]).toMatchObject({ id: 'ow-3', status: 'dead', uptime_seconds: 0 })
    const dead = (await call('GET', '/api/v1/nodes/overwatch?status=dead')).json
    expect(dead.nodes.map(({ id }: { id: string }) => id)).toEqual(['ow-3'])
    expect((await call('GET', '/api/v1/nodes/overwatch/ow-2')).json.node.region).toBe('eu')
    expect((await call('GET', '/api/v1/nodes/overwatch/x')).status).toBe(404)
  })
})

describe('agents', () => {
  const PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
  const CERTIFICATE = '/api/v1/nodes/agent/eu-1/certificate'

  test('a certificate is shown, replaced and refused', async () => {
    const { call, answers, asked } = await world()
    answers['api.pin-agent'] = () => ({ outcome: 'done', message: 'believed' })
    answers['api.revoke-agent'] = () => ({ outcome: 'done', message: 'refused' })
    expect((await call('GET', CERTIFICATE)).json.certificate).toMatchObject({
      ...{ agent_id: 'eu-1', fingerprint: 'ab', algorithm: 'p256', revoked: false },
    })
    expect((await call('GET', '/api/v1/nodes/agent/x/certificate')).status).toBe(404)
    const pinned = await call('POST', CERTIFICATE, { body: { certificate: PEM } })
    expect([pinned.status, pinned.json.message]).toEqual([200, 'believed'])
    const order = { agentId: 'eu-1', region: 'eu', certificatePem: PEM, by: 'api' }
    expect(asked).toContainEqual(['api.pin-agent', order])
    expect((await call('DELETE', CERTIFICATE)).json).toEqual({ success: true, message: 'refused' })
  })

  test('one to come is pinned by its certificate, and not without', async () => {
    const { call, answers } = await world()
    answers['api.pin-agent'] = ({ agentId }) =>
      agentId === 'bad'
        ? { outcome: 'malformed', message: 'certificate is not PEM' }
        : { outcome: agentId === 'old' ? 'refused' : 'done', message: 'm' }
    const post = (id: string, more: object = { certificate: PEM }) =>
      call('POST', '/api/v1/nodes/agent', { body: { id, region: 'eu', ...more } })
    expect((await post('new')).status).toBe(201)
    expect((await post('bad')).status).toBe(400)
    expect((await post('old')).status).toBe(409)
    const without = await post('new', {})
    expect([without.status, without.json.error]).toEqual([409, expect.stringMatching(/gossip/)])
  })
})

describe('gossip', () => {
  test('a change of its settings is refused with the key to edit, never said to be made', async () => {
    const { call } = await world()
    const body = { probe_interval: '2s', bind_port: 1 }
    const { status, json } = await call('PUT', '/api/v1/gossip/config', { body })
    expect(status).toBe(409)
    expect(json.error).toContain('overwatch.gossip.probe_interval')
    expect(json.error).toContain('overwatch.gossip.bind_address')
    expect((await call('PUT', '/api/v1/gossip/config', { body: { x: 1 } })).status).toBe(400)
  })

  test('a key is 32 octets of the good random source', async () => {
    const { call } = await world()
    const { json } = await call('POST', '/api/v1/gossip/generate-key')
    expect(json).toMatchObject({ algorithm: 'AES-256-GCM', bits: 256 })
    expect([...Buffer.from(json.key, 'base64')]).toEqual(Array(32).fill(7))
  })
})

describe('preferences', () => {
  const PATH = '/api/v1/preferences'

  test('what is changed is kept on disk and read again after a restart', async () => {
    const { call, documents } = await world()
    expect((await call('GET', PATH)).json.preferences).toMatchObject({
      ...{ theme: 'auto', language: 'en', refresh_interval_seconds: 30 },
    })
    const body = { theme: 'dark', custom_settings: { columns: ['a'] } }
    const put = await call('PUT', PATH, { body })
    expect(put.json.preferences).toMatchObject({ theme: 'dark', language: 'en' })
    const later = await apiWorld()
    later.documents.set('preferences.json', documents.get('preferences.json')!)
    expect((await later.call('GET', PATH)).json.preferences).toMatchObject({ theme: 'dark' })
  })

  test('changes at the same time are all kept, and If-Match holds off a stale one', async () => {
    const { call } = await world()
    const { etag } = (await call('GET', PATH)).headers
    const put = (body: object, headers = {}) => call('PUT', PATH, { body, headers })
    await Promise.all([put({ theme: 'dark' }), put({ language: 'de' }), put({ timezone: 'UTC' })])
    const held = (await call('GET', PATH)).json.preferences
    expect(held).toMatchObject({ theme: 'dark', language: 'de', timezone: 'UTC' })
    expect((await put({ theme: 'light' }, { 'if-match': etag! })).status).toBe(412)
  })

  test('a disk that is full is told, and nothing is said to be changed', async () => {
    const { call, documents } = await world()
    documents.set('disk', 'full')
    expect((await call('PUT', PATH, { body: { theme: 'dark' } })).status).toBe(503)
    expect((await call('GET', PATH)).json.preferences.theme).toBe('auto')
  })

  test('a damaged file, and one too large to keep, change nothing', async () => {
    const { call, documents, logs } = await world()
    documents.set('preferences.json', '{"theme":7')
    expect((await call('GET', PATH)).json.preferences.theme).toBe('auto')
    expect(logs.map(({ message }) => message)).toContain(
      'preferences on disk are damaged, the defaults hold',
    )
    const large = { custom_settings: { x: 'x'.repeat(70_000) } }
    expect((await call('PUT', PATH, { body: large })).status).toBe(413)
  })
})

describe('settings', () => {
  test('are told where there are any, and 404 on a node that answers no DNS', async () => {
    const dns = {
      ...{ listen_address: ':53', listen_port: 53, enable_tcp: true, enable_udp: true },
      ...{ enable_dot: false, enable_doh: false, max_udp_size: 1_232, default_ttl: 60 },
      ...{ min_ttl: 0, max_ttl: 1, negative_ttl: 60, cache_enabled: false, cache_size: 0 },
      ...{ recursion_enabled: false, rate_limit_enabled: true, rate_limit_qps: 200 },
    }
    const logging = {
      ...{ level: 'info', format: 'json', output: 'stdout' },
    }
    const audit = { folder: '', retentionMs: 90 * 86_400_000, maxBytes: 1e6 }
    const { call } = await apiWorld({
      audit,
      settings: { dnssec: false, features: ['dns'], logging, dns },
    })
    expect((await call('GET', '/api/v1/config/dns')).json.config).toEqual(dns)
    expect((await call('GET', '/api/v1/config/logging')).json.config).toEqual({
      ...{ ...logging, enable_audit: true, audit_retention_days: 90 },
    })
    expect((await call('GET', '/api/v1/config/health-check')).status).toBe(404)
    // What is shown may be sent back; what is settled elsewhere may not be changed.
    const back = await call('PUT', '/api/v1/config/dns', { body: { ...dns, listen_port: 54 } })
    expect([back.status, back.json.error]).toEqual([
      409,
      'listen_port: is set in the file, under `dns`',
    ])
    const own = (await call('GET', '/api/v1/config/system')).json.config
    expect((await call('GET', '/api/v1/config')).json).toMatchObject({ config: own })
    expect(own).toMatchObject({
      ...{ version: CONFIG.version, mode: 'overwatch', node_id: 'node-1', features: ['dns'] },
    })
  })
})
