/**
 * What the audit log gets of what happens, and its endpoints.
 */
import { describe, expect, test } from 'vitest'
import { actionOf } from '../../../../src/actors/api/audit-names.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import { apiWorld } from './world.ts'

const OVERRIDE = '/api/v1/overwatch/backends/app.example.com/10.0.0.1/80/override'
const TOKEN = { authorization: 'Bearer correct-horse-battery' }
const LIST = '/api/v1/audit-logs'

async function entriesOf(world: Awaited<ReturnType<typeof apiWorld>>, query = '') {
  const answer = await world.call('GET', `${LIST}?sort_order=asc${query}`)
  expect(answer.status, answer.text).toBe(200)
  return answer.json.entries as Record<string, unknown>[]
}

describe('what is recorded', () => {
  test('a start, and each change with who, what, from where and how it ended', async () => {
    const world = await apiWorld()
    const body = { healthy: false, reason: 'kernel' }
    const headers = { ...TOKEN, 'x-user': 'jo', 'x-request-id': 'req-1' }
    const answer = await world.call('POST', OVERRIDE, { headers, body })
    expect(answer.headers['x-request-id']).toBe('req-1')
    const [start, change] = await entriesOf(world)
    expect(start).toMatchObject({
      id: '1',
      action: 'start',
      actor: 'opengslb',
      actor_type: 'system',
    })
    expect(change).toMatchObject({
      id: '2',
      action: 'create',
      resource: 'override',
      resource_id: 'app.example.com/10.0.0.1/80',
      actor: 'ops',
      actor_type: 'token',
      actor_ip: '127.0.0.1',
      status: 'success',
      request_id: 'req-1',
      after: { healthy: false, reason: 'kernel' },
      details: { method: 'POST', path: OVERRIDE, http_status: 200, user: 'jo' },
    })
    expect(JSON.stringify(await entriesOf(world))).not.toContain('correct-horse')
  })

  test('a change that failed is one too, with its error', async () => {
    const world = await apiWorld()
    await world.call('POST', OVERRIDE, { body: '{', headers: { 'x-user': 'jo' } })
    const [, change] = await entriesOf(world)
    expect(change).toMatchObject({ actor: 'jo', actor_type: 'network', status: 'failure' })
    expect(change!['details']).toMatchObject({ http_status: 400, error: expect.any(String) })
  })

  test('a secret that came in the body of a change is not, whatever became of it', async () => {
    const world = await apiWorld()
    const body = { healthy: false, reason: 'kernel', api_key: 'correct-horse' }
    expect((await world.call('POST', OVERRIDE, { body })).status).toBe(400)
    const [, change] = await entriesOf(world)
    expect(change).toMatchObject({ status: 'failure', after: { api_key: '****' } })
    expect(JSON.stringify(change)).not.toContain('correct-horse')
  })

  test('what a known caller may not do is recorded as denied', async () => {
    const hash = '0'.repeat(64)
    const world = await apiWorld({ tokens: [{ name: 'x', hash, role: 'read' }] })
    const certificates = [{ name: 'looker', role: 'read', subject: { CN: 'a' } } as const]
    world.behaviour.onReconfigured?.({ ...(await configOf()), certificates })
    const certificate = { subject: 'CN=a', fingerprint: hash }
    await world.call('DELETE', OVERRIDE, { certificate })
    const entries = await entriesOf(world, '&status=denied')
    expect(entries).toMatchObject([
      { action: 'delete', actor: 'looker', actor_type: 'certificate', status: 'denied' },
    ])
  })

  test('looking is not recorded, nor a question that changes nothing', async () => {
    const world = await apiWorld()
    await world.call('GET', '/api/v1/overrides')
    await world.call('POST', '/api/v1/routing/test', { body: { domain: 'app.example.com' } })
    expect(await entriesOf(world)).toHaveLength(1)
  })

  test('who is turned away unknown is told once a minute, however often', async () => {
    const world = await apiWorld({ authRequired: true })
    for (let at = 0; at < 50; at++) {
      await world.call('DELETE', OVERRIDE, { headers: { authorization: `Bearer guess-${at}` } })
      await world.call('DELETE', OVERRIDE, { from: '192.0.2.7' })
    }
    const list = () => world.call('GET', `${LIST}?actions=refused`, { headers: TOKEN })
    expect((await list()).json.total).toBe(0)
    world.clock.advance(limits.accessSummaryMs.default)
    const { entries } = (await list()).json
    expect(entries).toHaveLength(1)
    expect(entries[0].details.total).toBe(100)
    expect(entries[0].details.clients).toEqual(
      expect.arrayContaining([
        { address: '127.0.0.1', reason: 'token', count: 50 },
        { address: '192.0.2.7', reason: 'network', count: 50 },
      ]),
    )
    expect(JSON.stringify(entries)).not.toContain('guess-')
  })

  test('the addresses of such a summary are bounded', async () => {
    const world = await apiWorld()
    for (let at = 0; at < 1_200; at++)
      await world.call('GET', '/api/v1/overrides', { from: `192.${at >> 8}.${at & 255}.1` })
    world.behaviour.onStop?.()
    const [entry] = (await world.call('GET', `${LIST}?actions=refused`)).json.entries
    expect(entry.details.total).toBe(1_200)
    expect(entry.details.clients).toHaveLength(limits.accessFailuresTold.default)
  })

  test('a reload is, and a change waits for its record to be on disk', async () => {
    const world = await apiWorld()
    world.behaviour.onReconfigured?.(await configOf())
    expect((await entriesOf(world))[1]).toMatchObject({
      action: 'reload',
      resource: 'configuration',
    })
    let release = () => {}
    world.ports.audit!.append = () =>
      new Promise((settle) => {
        release = () => settle('committed')
      })
    let answered = false
    const change = world.call('DELETE', OVERRIDE).then(() => {
      answered = true
    })
    for (let at = 0; at < 20; at++) await Promise.resolve()
    expect(answered).toBe(false)
    release()
    await change
    expect(answered).toBe(true)
  })

  test('a record that cannot be written costs a log line, not the answer', async () => {
    const world = await apiWorld()
    world.ports.audit!.append = async () => 'failed'
    expect((await world.call('DELETE', OVERRIDE)).status).toBe(200)
    expect(world.logs.at(-1)).toMatchObject({
      level: 'error',
      message: 'audit record not on disk yet',
    })
  })

  for (const [method, pattern, action, resource] of [
    ['POST', '/api/v1/drains', 'create', 'drain'],
    ['DELETE', '/api/v1/overwatch/agents/{id}', 'delete', 'agent'],
    ['POST', '/api/v1/overwatch/agents/{id}/revoke', 'revoke', 'agent'],
    ['POST', '/api/v1/overwatch/validate', 'validate', 'backend'],
    ['PUT', '/api/v1/config/dns', 'update', 'config/dns'],
    ['POST', '/api/v1/dnssec/sync', 'sync', 'dnssec'],
    ['PATCH', '/api/v1/geo/mappings/{cidr}', 'update', 'mapping'],
    ['POST', '/api/v1/policies', 'create', 'policy'],
  ] as const)
    test(`${method} ${pattern} is ${action} of ${resource}`, () => {
      expect(actionOf({ method, pattern })).toEqual({ action, resource })
    })
})

const configOf = async () => (await import('./world.ts')).CONFIG

describe('its endpoints', () => {
  async function filled() {
    const world = await apiWorld()
    for (const reason of ['one', 'two', '=cmd()'])
      await world.call('POST', OVERRIDE, { body: { healthy: false, reason }, headers: TOKEN })
    await world.call('DELETE', OVERRIDE)
    return world
  }

  test('a list has the newest first, a page of it, and the total', async () => {
    const { call } = await filled()
    const { json } = await call('GET', `${LIST}?limit=2&offset=1`)
    expect(json).toMatchObject({ total: 5, limit: 2, offset: 1 })
    expect(json.entries.map((one: { id: string }) => one.id)).toEqual(['4', '3'])
    expect((await call('GET', LIST)).json).toMatchObject({ limit: 100, offset: 0 })
  })

  for (const query of ['limit=-1', 'limit=x', 'offset=1e9', 'sort_by=x', 'start_time=x'])
    test(`${query} is a bad request`, async () => {
      const { call } = await filled()
      expect((await call('GET', `${LIST}?${query}`)).status).toBe(400)
    })

  test('one record by its id; one that is not there is 404 as in the original', async () => {
    const { call } = await filled()
    expect((await call('GET', `${LIST}/3`)).json.entry).toMatchObject({
      id: '3',
      after: { reason: 'two' },
    })
    const missing = await call('GET', `${LIST}/99`)
    expect(missing.status).toBe(404)
    expect(missing.json).toMatchObject({ error: 'audit entry not found: not found', code: 404 })
  })

  test('figures count by action, resource, status and kind of actor', async () => {
    const { call } = await filled()
    const { stats } = (await call('GET', `${LIST}/stats`)).json
    expect(stats).toMatchObject({
      total_entries: 5,
      entries_last_24h: 5,
      by_action: { start: 1, create: 3, delete: 1 },
      by_status: { success: 5 },
      by_actor_type: { system: 1, token: 3, network: 1 },
      chain: { state: 'intact', head_id: '5', lost: 0 },
    })
    expect(stats.top_actors[0]).toEqual({ actor: 'ops', count: 3 })
    expect(stats.chain.head_hash).toMatch(/^[0-9a-f]{64}$/)
  })

  test('an export is a file, as JSON or as CSV without formulas', async () => {
    const { call } = await filled()
    const asJson = await call('GET', `${LIST}/export?actions=create`)
    expect(asJson.json).toHaveLength(3)
    expect(asJson.headers['content-disposition']).toMatch(
      /^attachment; filename="audit-logs-.*json"/,
    )
    const csv = await call('GET', `${LIST}/export?format=csv`)
    expect(csv.headers['content-type']).toMatch(/^text\/csv/)
    expect(csv.text.split('\r\n')).toHaveLength(7)
    expect(csv.text).not.toMatch(/(^|,)"?[=+@-]/m)
    expect((await call('GET', `${LIST}/export?format=xml`)).status).toBe(400)
  })

  test('without an audit log the shapes are those of an empty one', async () => {
    const world = await apiWorld({}, { audit: false })
    expect((await world.call('GET', LIST)).json).toMatchObject({
      entries: [],
      total: 0,
      limit: 100,
    })
    expect((await world.call('GET', `${LIST}/export`)).json).toEqual([])
  })

  test('too many readers at once are told to come again', async () => {
    const world = await apiWorld()
    world.ports.audit!.read = async () => 'busy'
    const answer = await world.call('GET', LIST)
    expect(answer.status).toBe(503)
    expect(answer.headers['retry-after']).toBe('1')
  })
})
