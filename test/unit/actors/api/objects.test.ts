// Goal: domains, servers, regions and settings of the API have the shapes and codes that clients of
// the original know, take effect, and say what is wrong where they do not.
// Method: the api actor with a real registry behind it; what that serves is read off its snapshot.
import { describe, expect, test } from 'vitest'
import * as shapes from '../../../../src/actors/api/schemas/objects.ts'
import { FILE, objectsWorld } from './objects-world.ts'

type World = Awaited<ReturnType<typeof objectsWorld>>

const served = (world: World, name: string) =>
  world
    .lastPools()
    .find((pool) => pool.name === name)
    ?.members.map(({ address }) => address)

describe('domains', () => {
  test('POST makes one, with its place and its tag; a second one is 409', async () => {
    const world = await objectsWorld()
    const body = { name: 'New.example.com.', ttl: 15, routing_policy: 'rr', enabled: true }
    const made = await world.call('POST', '/domains', body)
    expect([made.status, made.headers['location']]).toEqual([
      201,
      '/api/v1/domains/new.example.com',
    ])
    expect(made.headers['etag']).toMatch(/^"r1-[0-9a-f]{8}"$/)
    expect(shapes.domain.parse(made.json.domain)).toMatchObject({
      ...{ id: 'new.example.com', name: 'new.example.com', ttl: 15 },
      ...{ routing_policy: 'round-robin', dnssec_enabled: false, enabled: true },
      ...{ source: 'api', backend_count: 0, healthy_backends: 0 },
    })
    expect(served(world, 'new.example.com')).toEqual([])
    expect((await world.call('POST', '/domains', body)).status).toBe(409)
  })

  for (const [body, status, error] of [
    ['{bad json', 400, /^invalid request body/],
    [{}, 400, 'name is required'],
    [{ name: 'a b.example.com' }, 400, /^name: has a label that is not a host name/],
    [{ name: 'x.other.test' }, 400, /^name: .*lies in none of dns.zones/],
    [{ name: 'x.example.com', routing_policy: 'best' }, 400, /^routing_policy: is not known; got/],
    [{ name: 'x.example.com', ttl: -5 }, 400, /^ttl: is below the least allowed 0; got -5/],
    [{ name: 'x.example.com', dnssec_enabled: true }, 400, /^dnssec_enabled: signing is set for/],
    [{ name: 'x.example.com', settings: {} }, 400, /^settings: is not known here/],
    [{ name: 'x.example.com', tags: [{}] }, 400, /^tags(?:: |\.0 )must be/],
    [{ name: 'x.example.com', description: 'x'.repeat(9_000) }, 400, /^description:? must be/],
    [{ name: 'x.example.com', __proto__x: 1 }, 400, /is not known here/],
  ] as const) {
    test(`POST ${JSON.stringify(body).slice(0, 70)} is ${status}`, async () => {
      const { call } = await objectsWorld()
      const answer = await call('POST', '/domains', body)
      expect([answer.status, answer.json.code]).toEqual([status, status])
      expect(answer.json.error).toMatch(error)
    })
  }

  test('GET lists those of the file too; PUT and PATCH change some keys of one', async () => {
    const world = await objectsWorld()
    const all = (await world.call('GET', '/domains')).json
    expect(shapes.listOf('domains', shapes.domain).parse(all).total).toBe(3)
    // A name that is served and that nobody declares is a service of agents.
    expect(all.domains.at(-1)).toMatchObject({ id: '*.wild.example.com', source: 'service' })
    expect(all.domains[0]).toMatchObject({
      ...{ id: 'app.example.com', ttl: 20, source: 'config', revision: 0, backend_count: 3 },
      created_at: '0001-01-01T00:00:00Z',
    })
    const put = await world.call('PUT', '/domains/app.example.com', { ttl: 25 })
    expect(put.json.domain).toMatchObject({ ttl: 25, edited: true, routing_policy: 'round-robin' })
    const back = await world.call('PATCH', '/domains/app.example.com', { ttl: null })
    expect(back.json.domain).toMatchObject({ ttl: 20 })
    expect(back.json.domain.edited).toBeUndefined()
    const one = (await world.call('GET', '/domains?limit=1&offset=1')).json
    expect([one.domains.length, one.domains[0].id]).toEqual([1, 'web.example.com'])
    const renamed = await world.call('PUT', '/domains/app.example.com', { name: 'b.example.com' })
    expect(renamed.status).toBe(409)
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const none = await world.call(method, '/domains/nope.test', method === 'PUT' ? {} : undefined)
      expect([none.status, none.json.error]).toEqual([404, 'domain not found: not found'])
    }
  })

  test('If-Match holds: a tag that is out of date is 412, the last one and * pass', async () => {
    const { call } = await objectsWorld()
    const path = '/domains/app.example.com'
    const first = (await call('GET', path)).headers['etag']!
    const change = (ttl: number, tag: string) =>
      call('PATCH', path, { ttl }, { headers: { 'if-match': tag } })
    const second = await change(21, first)
    expect(second.status).toBe(200)
    expect((await change(22, first)).status).toBe(412)
    expect((await change(22, second.headers['etag']!)).status).toBe(200)
    expect((await change(23, `"r2", *`)).status).toBe(200)
    const deleted = await call('DELETE', path, undefined, { headers: { 'if-match': first } })
    expect(deleted.status).toBe(412)
  })

  test('its servers are listed, made and taken away below it', async () => {
    const world = await objectsWorld()
    await world.call('POST', '/domains', { name: 'new.example.com' })
    const path = '/domains/new.example.com/backends'
    const body = { address: '2001:db8::9', port: 8080, weight: 50, region: 'us' }
    const made = await world.call('POST', path, body)
    expect([made.status, shapes.domainBackend.parse(made.json.backend)]).toMatchObject([
      201,
      { id: 'new.example.com:[2001:db8::9]:8080', weight: 50, healthy: false, enabled: true },
    ])
    expect((await world.call('GET', path)).json).toMatchObject({ total: 1 })
    expect((await world.call('DELETE', `${path}/[2001:db8::9]:8080`)).status).toBe(204)
    expect((await world.call('GET', path)).json).toMatchObject({ total: 0 })
    expect((await world.call('GET', '/domains/none.example.com/backends')).status).toBe(404)
  })
})

describe('servers', () => {
  test('POST takes the service from name, service or metadata; the answer is whole', async () => {
    const world = await objectsWorld()
    const place = { address: '192.0.2.7', port: 8080, weight: 10, region: 'us' }
    const bodies = [
      { name: 'app.example.com', ...place },
      { service: 'app.example.com', ...place, port: 8081 },
      { metadata: { service: 'app.example.com' }, ...place, port: 8082 },
    ]
    for (const body of bodies) {
      const made = await world.call('POST', '/servers', body)
      expect([made.status, shapes.server.parse(made.json.server)]).toMatchObject([
        201,
        {
          ...{ id: `app.example.com:192.0.2.7:${body.port}`, name: 'app.example.com', weight: 10 },
          ...{ protocol: 'tcp', priority: 0, enabled: true, healthy: false, source: 'api' },
          metadata: { service: 'app.example.com', source: 'api', effective_status: 'unknown' },
        },
      ])
    }
    expect((await world.call('POST', '/servers', bodies[0])).status).toBe(409)
    expect(served(world, 'app.example.com')).toHaveLength(6)
  })

  for (const [body, error] of [
    [{ address: '192.0.2.7', port: 80, region: 'us' }, /^service is required/],
    [{ name: 'app.example.com', port: 80, region: 'us' }, 'address is required'],
    [{ name: 'app.example.com', address: '192.0.2.7', port: 80 }, /^region: is required/],
    [{ name: 'app.example.com', address: 'x', port: 80, region: 'us' }, /is not an IP address/],
    [{ name: 'app.example.com', address: '192.0.2.7', port: 0, region: 'us' }, /^port must be/],
    [
      { name: 'app.example.com', address: '192.0.2.7', port: 8, region: 'us', priority: 3 },
      /^priority: the order/,
    ],
    [
      {
        ...{ name: 'app.example.com', address: '192.0.2.7', port: 8, region: 'us' },
        health_check: { enabled: false },
      },
      /^health_check.enabled: every server is checked/,
    ],
  ] as const) {
    test(`POST ${JSON.stringify(body)} is 400`, async () => {
      const { call } = await objectsWorld()
      const answer = await call('POST', '/servers', body)
      expect([answer.status, answer.json.error]).toEqual([400, expect.stringMatching(error)])
    })
  }

  test('GET filters; one is found under both spellings of IPv6; an unknown one is 404', async () => {
    const { call, verdict } = await objectsWorld()
    verdict('web.example.com:192.0.2.9:80', 'up')
    const count = async (query: string) => (await call('GET', `/servers${query}`)).json.total
    expect(await count('')).toBe(4)
    expect(await count('?region=us')).toBe(3)
    expect(await count('?healthy=true')).toBe(1)
    expect(await count('?service=web.example.com&enabled=true')).toBe(1)
    await call('PATCH', '/servers/app.example.com:192.0.2.1:80', { enabled: false })
    expect(await count('?enabled=false')).toBe(1)
    for (const id of ['app.example.com:2001:db8::1:80', 'app.example.com:%5B2001:db8::1%5D:80'])
      expect((await call('GET', `/servers/${id}`)).json.server.address).toBe('2001:db8::1')
    for (const id of ['nope', 'app.example.com:192.0.2.99:80'])
      expect((await call('GET', `/servers/${id}`)).json).toMatchObject({
        ...{ error: 'server not found: server not found', code: 404 },
      })
  })

  test('weight and region of a server of the file change at once; its name does not', async () => {
    const world = await objectsWorld()
    const path = '/servers/app.example.com:192.0.2.1:80'
    const put = await world.call('PUT', path, { weight: 10, region: 'eu' })
    expect(put.json.server).toMatchObject({ weight: 10, region: 'eu', edited: true })
    expect(served(world, 'app.example.com')).toHaveLength(2)
    const same = { name: 'app.example.com', address: '192.0.2.1', port: 80, weight: 11 }
    expect((await world.call('PUT', path, same)).status).toBe(200)
    expect((await world.call('PUT', path, { ...same, port: 81 })).status).toBe(409)
  })

  test('a health check shows what is done, takes what it shows, and what is changed is in force', async () => {
    const world = await objectsWorld()
    const path = '/servers/app.example.com:192.0.2.2:80/health-check'
    const shown = (await world.call('GET', path)).json
    expect(shapes.checked.parse(shown).health_check).toMatchObject({
      ...{ enabled: true, type: 'http', path: '/health', interval: 3_000_000_000 },
      ...{ timeout: 5_000_000_000, healthy_threshold: 2, unhealthy_threshold: 3 },
    })
    expect((await world.call('PUT', path, shown.health_check)).json).toEqual(shown)
    const body = { enabled: true, type: 'tcp', interval: 5, timeout: '2s', unhealthy_threshold: 4 }
    const changed = await world.call('PUT', path, body)
    expect(changed.json.health_check).toMatchObject({
      ...{ type: 'tcp', interval: 5_000_000_000, timeout: 2_000_000_000, unhealthy_threshold: 4 },
    })
    const targets = world.registry.published.filter(([id]) => id === 'registry.targets-set')
    expect(JSON.stringify(targets.at(-1))).toContain('"intervalMs":5000,"timeoutMs":2000')
    const bad = await world.call('PUT', path, { unhealthy_threshold: 0.5 })
    expect(bad.json.error).toMatch(/^health_check.unhealthy_threshold: is not a whole number/)
  })

  test('what would empty a pool is 409, and passes by force', async () => {
    const world = await objectsWorld()
    const id = 'web.example.com:192.0.2.9:80'
    world.verdict(id, 'up')
    for (const attempt of [
      ['DELETE', undefined],
      ['PATCH', { weight: 0 }],
      ['PATCH', { enabled: false }],
    ] as const) {
      const held = await world.call(attempt[0], `/servers/${id}`, attempt[1])
      expect([held.status, held.json.error]).toEqual([
        409,
        expect.stringMatching(/force passes it/),
      ])
      expect(served(world, 'web.example.com')).toEqual(['192.0.2.9'])
    }
    const forced = await world.call('PATCH', `/servers/${id}`, { enabled: false, force: true })
    expect(forced.status).toBe(200)
    expect(served(world, 'web.example.com')).toEqual([])
  })

  test('a server that an agent declares is its own to change', async () => {
    const world = await objectsWorld()
    world.report('app.example.com', '192.0.2.50')
    const path = '/servers/app.example.com:192.0.2.50:80'
    expect((await world.call('GET', path)).json.server.source).toBe('agent')
    const patch = await world.call('PATCH', path, { weight: 1 })
    expect([patch.status, patch.json.error]).toEqual([409, expect.stringMatching(/agent-1/)])
    expect((await world.call('DELETE', path)).status).toBe(409)
  })

  test('agents cannot bring a domain back that is switched off', async () => {
    const world = await objectsWorld()
    await world.call('PATCH', '/domains/app.example.com', { enabled: false })
    world.report('app.example.com', '192.0.2.50')
    expect(served(world, 'app.example.com')).toBeUndefined()
  })
})

describe('regions', () => {
  test('POST, PUT and DELETE with the fields of the original', async () => {
    const { call } = await objectsWorld()
    const body = { name: 'sa-east', code: 'sa-east', countries: ['BR'], continents: ['SA'] }
    const made = await call('POST', '/regions', { ...body, latitude: -23.5, description: 'x' })
    expect([made.status, shapes.region.parse(made.json.region)]).toMatchObject([
      201,
      { id: 'sa-east', continent: 'SA', countries: ['BR'], latitude: -23.5, enabled: true },
    ])
    const put = await call('PUT', '/regions/sa-east', { countries: ['br', 'ar'] })
    expect(put.json.region.countries).toEqual(['BR', 'AR'])
    expect(
      (await call('GET', '/regions')).json.regions.map((one: { id: string }) => one.id),
    ).toEqual(['us', 'eu', 'sa-east'])
    expect((await call('GET', '/regions?continent=sa')).json.total).toBe(1)
    expect((await call('DELETE', '/regions/sa-east')).status).toBe(204)
    expect((await call('GET', '/regions/sa-east')).json).toMatchObject({
      ...{ error: 'region not found: not found', code: 404 },
    })
    expect((await call('DELETE', '/regions/us')).status).toBe(409)
    expect((await call('POST', '/regions', {})).json.error).toBe('name is required')
  })
})

describe('settings', () => {
  test('defaults change what says nothing of its own; a field that is settled is refused', async () => {
    const { call } = await objectsWorld()
    const put = await call('PUT', '/config/dns', { default_ttl: 99, cache_enabled: false })
    expect(put.json.config).toMatchObject({ default_ttl: 99 })
    expect((await call('GET', '/domains/web.example.com')).json.domain.ttl).toBe(99)
    expect((await call('PUT', '/config/dns', { max_udp_size: 9 })).status).toBe(409)
    expect((await call('PUT', '/config/dns', { default_ttl: 'x' })).status).toBe(400)
    const checks = await call('PUT', '/config/health-check', {
      ...{ default_interval_seconds: 7, default_protocol: 'tcp' },
    })
    expect(checks.json.config).toMatchObject({
      ...{ default_interval_seconds: 7, default_timeout_seconds: 5, default_protocol: 'tcp' },
    })
    expect((await call('DELETE', '/config/dns')).status).toBe(204)
    expect((await call('GET', '/domains/web.example.com')).json.domain.ttl).toBe(60)
  })

  test('the level of the log goes to those who write it', async () => {
    const { call, registry } = await objectsWorld()
    expect((await call('PUT', '/config/logging', { level: 'debug' })).status).toBe(200)
    expect(registry.published.at(-1)).toBeDefined()
    const said = registry.published.filter(([id]) => id === 'registry.log-level-set')
    expect(said.at(-1)).toEqual(['registry.log-level-set', { level: 'debug' }])
    await call('DELETE', '/config/logging')
    const later = registry.published.filter(([id]) => id === 'registry.log-level-set')
    expect(later.at(-1)).toEqual(['registry.log-level-set', { level: 'info' }])
  })

  test('the differences are listed, and gone once the file says otherwise', async () => {
    const world = await objectsWorld()
    await world.call(
      'PATCH',
      '/domains/app.example.com',
      { ttl: 5 },
      { headers: { 'x-user': 'jo' } },
    )
    const diff = (await world.call('GET', '/config/diff')).json
    expect(shapes.difference.parse(diff.differences[0])).toMatchObject({
      ...{ kind: 'domain', id: 'app.example.com', change: 'edited', by: 'jo' },
      fields: [{ name: 'ttl', file: 20, api: 5 }],
    })
    await world.reload(FILE.replace('ttl: 20', 'ttl: 21'))
    expect((await world.call('GET', '/config/diff')).json.total).toBe(0)
    expect((await world.call('GET', '/domains/app.example.com')).json.domain.ttl).toBe(21)
    expect(world.registry.logs.map(({ message }) => message)).toContain(
      'the file takes the place of an edit',
    )
  })
})

test('what was acknowledged is there after a restart, and serves', async () => {
  const first = await objectsWorld()
  await first.call('POST', '/domains', { name: 'new.example.com', ttl: 9, description: 'mine' })
  const place = { address: '192.0.2.7', port: 80, region: 'us' }
  await first.call('POST', '/servers', { name: 'new.example.com', ...place })
  const next = await objectsWorld(FILE, first.disk)
  expect(served(next, 'new.example.com')).toEqual(['192.0.2.7'])
  expect((await next.call('GET', '/domains/new.example.com')).json.domain).toMatchObject({
    ...{ ttl: 9, description: 'mine', revision: 1, source: 'api' },
  })
})

test('an object that is too large for a message or the disk is refused in every way in', async () => {
  const { call } = await objectsWorld()
  const long = Array.from({ length: 1_000 }, () => 'é'.repeat(400))
  const path = '/servers/app.example.com:192.0.2.1:80'
  for (const [method, at, body] of [
    ['POST', '/domains', { name: 'new.example.com', tags: long }],
    ['PATCH', '/domains/app.example.com', { tags: long }],
    ['PUT', `${path}/health-check`, { expected_status: long }],
    ['PATCH', path, { health_check: { expected_status: long } }],
    ['PATCH', path, { tags: Array.from({ length: 20 }, () => 'é'.repeat(800)) }],
  ] as const)
    expect((await call(method, at, body)).json).toMatchObject({
      error: 'the object is too large',
      code: 400,
    })
})

test('overrides of both families are in one list, each with its source, owner and authority', async () => {
  const world = await objectsWorld()
  for (const address of ['192.0.2.1', '192.0.2.2'])
    world.verdict(`app.example.com:${address}:80`, 'up')
  const body = { healthy: false, reason: 'work', expires_in: '1h' }
  const own = '/overwatch/backends/app.example.com/192.0.2.1/80/override'
  const tool = '/overrides/app.example.com/192.0.2.2'
  const jo = { headers: { 'x-user': 'jo' } }
  expect((await world.call('POST', own, body, jo)).status).toBe(200)
  const put = await world.call('PUT', tool, { ...body, source: 'ops', force: true }, jo)
  expect(put.status).toBe(200)
  for (const path of ['/overrides', '/overwatch/overrides']) {
    const { overrides } = (await world.call('GET', path)).json
    expect(overrides.map((one: unknown) => shapes.override.parse(one))).toMatchObject([
      { address: '192.0.2.1', source: 'jo', owner: 'jo', authority: 'operator', port: 80 },
      { address: '192.0.2.2', source: 'ops', owner: 'jo', authority: 'external_tool', port: 80 },
    ])
  }
  expect((await world.call('GET', own)).json).toMatchObject({ healthy: false, reason: 'work' })
  expect((await world.call('GET', tool)).json.expires_at).toMatch(/Z$/)
  const next = await objectsWorld(FILE, world.disk)
  expect((await next.call('GET', '/overrides')).json.overrides[1]).toMatchObject({ source: 'ops' })
  expect((await world.call('DELETE', tool)).status).toBe(204)
  expect((await world.call('DELETE', own)).status).toBe(200)
  expect((await world.call('GET', '/overrides')).json.total).toBe(0)
})
