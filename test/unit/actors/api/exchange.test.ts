// Goal: what holds for all requests alike: ids, problem details, tags, keys that make a change
// once, and requests that do not fit.
import { describe, expect, test } from 'vitest'
import { limits } from '../../../../src/core/base/limits.ts'
import { apiWorld } from './world.ts'

describe('request ids', () => {
  test.each(['abc-1', '4bf92f35-77b3:4d', 'A/b+c=='])('%s is given back', async (id) => {
    const { call } = await apiWorld()
    const answer = await call('GET', '/api/v1/live', { headers: { 'x-request-id': id } })
    expect(answer.headers['x-request-id']).toBe(id)
  })

  test.each(['', 'a b', 'x'.repeat(200), '<script>'])('"%s" is replaced', async (id) => {
    const { call } = await apiWorld()
    const answer = await call('GET', '/nope', { headers: { 'x-request-id': id } })
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f]{16}$/)
    expect(answer.json.request_id).toBe(answer.headers['x-request-id'])
  })

  test('each request without one gets another, also where it is turned away', async () => {
    const { call } = await apiWorld()
    const one = await call('GET', '/api/v1/overrides', { from: '192.0.2.1' })
    const two = await call('GET', '/api/v1/overrides', { from: '192.0.2.1' })
    expect(one.status).toBe(403)
    expect(one.headers['x-request-id']).not.toBe(two.headers['x-request-id'])
  })
})

describe('problem details', () => {
  test('stand beside the error of the original', async () => {
    const { call } = await apiWorld()
    expect((await call('GET', '/nope')).json).toEqual({
      ...{ error: 'not found', code: 404, type: 'about:blank', title: 'Not Found', status: 404 },
      ...{ detail: 'not found', instance: '/nope', request_id: expect.any(String) },
    })
  })

  test.each([
    [undefined, 'application/json'],
    ['*/*', 'application/json'],
    ['application/json', 'application/json'],
    ['application/problem+json', 'application/problem+json'],
    ['text/html, application/problem+json;q=0.5', 'application/problem+json'],
    ['application/problem+json;q=0', 'application/json'],
    ['application/problem+jsonx', 'application/json'],
  ])('accept: %s gets %s', async (accept, type) => {
    const { call } = await apiWorld()
    const headers: Record<string, string> = accept === undefined ? {} : { accept }
    expect((await call('GET', '/nope', { headers })).headers['content-type']).toBe(type)
  })

  test('a state that is told with 503 is no problem', async () => {
    const { call, dns } = await apiWorld()
    dns.outcome = { code: 'timed-out' }
    const answer = await call('GET', '/api/v1/ready')
    expect(answer.status).toBe(503)
    expect(answer.json).not.toHaveProperty('title')
  })
})

describe('tags', () => {
  const PATH = '/api/v1/routing/algorithms'

  test('a tag that still holds gives 304 without a body, whatever the time', async () => {
    const { call, clock } = await apiWorld()
    const { etag } = (await call('GET', PATH)).headers
    expect(etag).toMatch(/^W\/"[0-9a-f]{16}"$/)
    clock.advance(5_000)
    for (const held of [etag!, `"x", ${etag}`, etag!.slice(2), '*']) {
      const again = await call('GET', PATH, { headers: { 'if-none-match': held } })
      expect([again.status, again.text, again.headers['etag']]).toEqual([304, '', etag])
      expect(again.headers).not.toHaveProperty('content-type')
    }
    const head = await call('HEAD', PATH, { headers: { 'if-none-match': etag! } })
    expect(head.status).toBe(304)
    const other = await call('GET', PATH, { headers: { 'if-none-match': '"x"' } })
    expect(other.status).toBe(200)
  })

  test('another content has another tag, and an error has none', async () => {
    const { call } = await apiWorld()
    const [one, two] = [await call('GET', PATH), await call('GET', `${PATH}?limit=1`)]
    expect(one.headers['etag']).not.toBe(two.headers['etag'])
    expect((await call('GET', `${PATH}/nope`)).headers).not.toHaveProperty('etag')
  })

  test('what changes by itself is not tagged and not stored', async () => {
    const { call } = await apiWorld()
    const { headers } = await call('GET', '/api/v1/health/servers')
    expect(headers).not.toHaveProperty('etag')
    expect(headers['cache-control']).toBe('no-store')
  })
})

describe('idempotency keys', () => {
  const PATH = '/api/v1/overwatch/backends/app.example.com/10.0.0.1/80/override'
  const body = { healthy: false, reason: 'maint' }
  const withKey = (key: string, more: object = {}) => ({
    headers: { 'idempotency-key': key },
    body,
    ...more,
  })
  const changes = ({ asked }: { asked: [string, unknown][] }) =>
    asked.filter(([id]) => id === 'api.set-override').length

  test('the same request with the same key is made once and answered twice', async () => {
    const world = await apiWorld()
    const first = await world.call('POST', PATH, withKey('k1'))
    const again = await world.call('POST', PATH, withKey('k1'))
    expect([first.status, again.status]).toEqual([200, 200])
    expect(again.json).toEqual(first.json)
    expect(first.headers).not.toHaveProperty('idempotency-replayed')
    expect(again.headers['idempotency-replayed']).toBe('true')
    expect(changes(world)).toBe(1)
    await world.call('POST', PATH, withKey('k2'))
    expect(changes(world)).toBe(2)
  })

  test('two at the same time are one change', async () => {
    const world = await apiWorld()
    const both = [world.call('POST', PATH, withKey('k')), world.call('POST', PATH, withKey('k'))]
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual([200, 200])
    expect(changes(world)).toBe(1)
  })

  test('the same key with another request is 422, and of another caller a key of its own', async () => {
    const world = await apiWorld()
    await world.call('POST', PATH, withKey('k'))
    const other = await world.call('POST', PATH, withKey('k', { body: { healthy: true } }))
    expect(other.status).toBe(422)
    expect((await world.call('POST', PATH, withKey('k', { from: '10.0.0.9' }))).status).toBe(200)
    expect(changes(world)).toBe(2)
  })

  test('who may not ask gets no kept answer', async () => {
    const world = await apiWorld()
    await world.call('POST', PATH, withKey('k', { from: '10.0.0.9' }))
    const { behaviour } = world
    behaviour.onReconfigured?.({ ...(await import('./world.ts')).CONFIG, allowedNetworks: [] })
    expect((await world.call('POST', PATH, withKey('k', { from: '10.0.0.9' }))).status).toBe(403)
  })

  test('what failed on our side is tried again', async () => {
    const world = await apiWorld()
    const { answers } = world
    const set = answers['api.set-override']!
    delete answers['api.set-override']
    expect((await world.call('POST', PATH, withKey('k'))).status).toBe(503)
    answers['api.set-override'] = set
    expect((await world.call('POST', PATH, withKey('k'))).status).toBe(200)
  })

  test('a key is forgotten after its time, and too long a key is refused', async () => {
    const world = await apiWorld()
    await world.call('POST', PATH, withKey('k'))
    world.clock.advance(limits.idempotencyMs.default + 1)
    await world.call('POST', PATH, withKey('k'))
    expect(changes(world)).toBe(2)
    expect((await world.call('POST', PATH, withKey('x'.repeat(300)))).status).toBe(400)
  })

  test('past the bound the oldest key is forgotten, not the newest', async () => {
    const world = await apiWorld()
    const most = limits.idempotencyKeys.default
    for (let at = 0; at <= most; at++) await world.call('POST', PATH, withKey(`k${at}`))
    expect(changes(world)).toBe(most + 1)
    await world.call('POST', PATH, withKey(`k${most}`))
    expect(changes(world)).toBe(most + 1)
    await world.call('POST', PATH, withKey('k0'))
    expect(changes(world)).toBe(most + 2)
  })
})

describe('requests that do not fit', () => {
  const drain = '/api/v1/drains'
  test.each([
    ['POST', drain, {}, 'reason is required', 'body'],
    ['POST', drain, { reason: 7 }, 'reason must be a string, not 7', 'body'],
    ['POST', drain, { reason: '' }, 'reason must be at least 1 characters long, not ""', 'body'],
    ['POST', drain, { reason: 'r', port: 0 }, 'port must be at least 1, not 0', 'body'],
    [
      'POST',
      drain,
      { reason: 'r', force: 'yes' },
      'force must be true or false, not "yes"',
      'body',
    ],
    ['GET', `${drain}?limit=-1`, undefined, 'limit must be at least 0, not "-1"', 'query'],
    [
      'GET',
      '/api/v1/overwatch/backends?status=sick',
      undefined,
      'status must be one of unknown, healthy, unhealthy, stale, draining, not "sick"',
      'query',
    ],
    [
      'PUT',
      '/api/v1/preferences',
      { theme: 'pink', refresh_interval_seconds: 1.5 },
      'theme must be one of auto, light, dark, not "pink"',
      'body',
    ],
  ])('%s %s %j: %s', async (method, path, body, error, place) => {
    const { call, asked } = await apiWorld()
    const answer = await call(method, path, body === undefined ? {} : { body })
    expect(answer.status).toBe(400)
    expect(answer.json).toMatchObject({ error, detail: error, code: 400 })
    expect(answer.json.errors[0].in).toBe(place)
    expect(asked).toEqual([])
  })

  test('every fault is told, and a long value is cut', async () => {
    const { call } = await apiWorld()
    const body = { theme: 'x'.repeat(1_000), notifications_enabled: 1 }
    const { errors } = (await call('PUT', '/api/v1/preferences', { body })).json
    expect(errors.map(({ field }: { field: string }) => field)).toEqual([
      'theme',
      'notifications_enabled',
    ])
    expect(errors[0].value.length).toBeLessThan(200)
  })

  test('null is absent, and an unknown field is passed over', async () => {
    const { call } = await apiWorld()
    const body = { theme: null, something: 1 }
    expect((await call('PUT', '/api/v1/preferences', { body })).status).toBe(200)
  })
})
