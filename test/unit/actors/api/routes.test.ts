import { describe, expect, test } from 'vitest'
import { apiWorld, BACKENDS, backend, CONFIG } from './world.ts'

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

describe('shapes of the original are kept', () => {
  for (const [path, keys] of [
    ['/api', ['versions', 'generated_at']],
    ['/api/v1', ['endpoints', 'generated_at']],
    ['/api/v1/health', ['endpoints', 'generated_at']],
    ['/api/v1/overwatch', ['endpoints', 'generated_at']],
    ['/api/v1/geo', ['endpoints', 'generated_at']],
    ['/api/v1/cluster', ['endpoints', 'generated_at']],
    ['/api/v1/version', ['version', 'go_version', 'platform', 'generated_at']],
    ['/api/health', ['status', 'version', 'uptime_seconds', 'timestamp']],
    ['/api/v1/health/servers', ['servers', 'generated_at']],
    ['/api/v1/health/regions', ['regions', 'generated_at']],
    ['/api/v1/overwatch/backends', ['backends', 'generated_at']],
    ['/api/v1/overrides', ['overrides']],
    ['/api/v1/routing/algorithms', ['algorithms', 'total', 'generated_at']],
  ] as const) {
    test(`GET ${path} has ${keys.join(', ')}`, async () => {
      const { call } = await apiWorld()
      const answer = await call('GET', path)
      expect(answer.status).toBe(200)
      for (const key of keys) expect(answer.json).toHaveProperty(key)
      if (answer.json.generated_at !== undefined) expect(answer.json.generated_at).toMatch(ISO)
    })
  }

  test('the index lists every endpoint that exists, with its methods', async () => {
    const { call } = await apiWorld()
    const { endpoints } = (await call('GET', '/api/v1')).json
    expect(endpoints).toContainEqual({
      path: '/api/v1/overrides/{service}/{address}',
      description: expect.any(String),
      methods: ['PUT', 'GET', 'DELETE'],
    })
  })
})

describe('what is not there', () => {
  for (const [method, path, status, allow] of [
    ['GET', '/nope', 404, undefined],
    ['GET', '/api/v1/health/servers/more', 404, undefined],
    ['GET', '/api//v1', 404, undefined],
    ['GET', '/api/v1/overrides//10.0.0.1', 404, undefined],
    ['GET', '/%zz', 400, undefined],
    ['DELETE', '/api/v1/version', 405, 'GET, HEAD'],
    ['OPTIONS', '/api/v1/health/servers', 405, 'GET, HEAD'],
    ['TRACE', '/api/v1/overrides/a/10.0.0.1', 405, 'PUT, GET, HEAD, DELETE'],
    ['GET', '/api/v1/routing/algorithms/nope', 404, undefined],
    ['GET', '/api/v1/routing/algorithms/constructor', 404, undefined],
  ] as const) {
    test(`${method} ${path} gives ${status}`, async () => {
      const { call } = await apiWorld()
      const answer = await call(method, path)
      expect(answer.status).toBe(status)
      expect(answer.json).toMatchObject({ error: expect.any(String), code: status, status })
      expect(answer.headers['allow']).toBe(allow)
    })
  }

  test('unknown paths have the error of the original', async () => {
    const { call } = await apiWorld()
    expect((await call('GET', '/nope')).json).toMatchObject({ error: 'not found', code: 404 })
  })

  test('a slash at the end changes nothing, and HEAD goes wherever GET does', async () => {
    const { call } = await apiWorld()
    expect((await call('GET', '/api/v1/live/')).json).toEqual({ alive: true })
    expect((await call('HEAD', '/api/v1/live')).status).toBe(200)
  })
})

describe('health', () => {
  test('servers joins the state of the registry with the checks of the prober', async () => {
    const { call } = await apiWorld()
    const { servers } = (await call('GET', '/api/v1/health/servers')).json
    expect(servers).toHaveLength(3)
    expect(servers[0]).toMatchObject({
      address: '10.0.0.1',
      port: 80,
      region: 'us-east',
      healthy: true,
      status: 'healthy',
      last_check: '2025-06-15T15:06:45.000Z',
      last_healthy: '2025-06-15T15:06:45.000Z',
      consecutive_failures: 0,
      consecutive_successes: 7,
      latency_ms: 1.5,
    })
    expect(servers[0]).not.toHaveProperty('last_error')
    expect(servers[1]).toMatchObject({
      address: '2001:db8::1',
      healthy: false,
      status: 'unhealthy',
      consecutive_failures: 4,
      last_error: 'connection refused',
    })
    expect(servers[2]).toMatchObject({ service: 'api.example.com', source: 'agent', healthy: true })
  })

  test('servers still answers while the prober is down', async () => {
    const { call, answers } = await apiWorld()
    delete answers['api.list-checks']
    const answer = await call('GET', '/api/v1/health/servers')
    expect(answer.status).toBe(200)
    expect(answer.json.servers[0].status).toBe('healthy')
  })

  test('an absent registry is a 503 that names it and asks to come again', async () => {
    const { call, answers } = await apiWorld()
    delete answers['api.list-backends']
    const answer = await call('GET', '/api/v1/health/servers')
    expect(answer.status).toBe(503)
    expect(answer.json.error).toMatch(/registry/)
    expect(answer.headers['retry-after']).toBe('1')
  })

  test('regions: the configured ones in order, then those of agents, with percentages', async () => {
    const { call } = await apiWorld()
    expect((await call('GET', '/api/v1/health/regions')).json.regions).toEqual([
      {
        name: 'us-east',
        total_servers: 2,
        healthy_count: 1,
        unhealthy_count: 1,
        health_percent: 50,
      },
      {
        name: 'ap-south',
        total_servers: 0,
        healthy_count: 0,
        unhealthy_count: 0,
        health_percent: 0,
      },
      {
        name: 'eu-west',
        total_servers: 1,
        healthy_count: 1,
        unhealthy_count: 0,
        health_percent: 100,
      },
    ])
  })

  test('lists can be read in pages', async () => {
    const { call } = await apiWorld()
    const page = (await call('GET', '/api/v1/health/servers?limit=1&offset=1')).json
    expect(page.servers.map((one: { address: string }) => one.address)).toEqual(['2001:db8::1'])
    expect(page.total).toBe(3)
    for (const bad of ['limit=-1', 'limit=x', 'offset=1e9', 'limit=99999999999'])
      expect((await call('GET', `/api/v1/health/servers?${bad}`)).status).toBe(400)
  })
})

describe('overwatch', () => {
  test('backends carry what every source says of them', async () => {
    const { call } = await apiWorld()
    const { backends } = (await call('GET', '/api/v1/overwatch/backends')).json
    expect(backends[1]).toMatchObject({
      service: 'app.example.com',
      address: '2001:db8::1',
      effective_status: 'unhealthy',
      agent_id: '',
      agent_last_seen: '0001-01-01T00:00:00Z',
      validation_healthy: false,
      validation_error: 'connection refused',
    })
    expect(backends[1]).not.toHaveProperty('override_status')
    expect(backends[2]).toMatchObject({
      override_status: true,
      override_reason: 'test',
      override_by: 'ops',
      override_at: '2025-06-15T15:06:40.000Z',
    })
  })

  for (const [query, addresses] of [
    ['service=api.example.com', ['10.0.1.1']],
    ['region=us-east', ['10.0.0.1', '2001:db8::1']],
    ['status=unhealthy', ['2001:db8::1']],
    ['region=us-east&status=healthy', ['10.0.0.1']],
    ['service=none', []],
  ] as const) {
    test(`backends?${query} filters`, async () => {
      const { call } = await apiWorld()
      const { backends } = (await call('GET', `/api/v1/overwatch/backends?${query}`)).json
      expect(backends.map((one: { address: string }) => one.address)).toEqual(addresses)
    })
  }

  test('a status that does not exist is refused with those that do', async () => {
    const { call } = await apiWorld()
    const answer = await call('GET', '/api/v1/overwatch/backends?status=sick')
    expect(answer.status).toBe(400)
    expect(answer.json.error).toMatch(/healthy, unhealthy/)
  })

  test('stats counts, and static servers are no agents', async () => {
    const { call } = await apiWorld()
    expect((await call('GET', '/api/v1/overwatch/stats')).json).toMatchObject({
      total_backends: 3,
      healthy_backends: 2,
      unhealthy_backends: 1,
      stale_backends: 0,
      active_overrides: 1,
      validated_backends: 3,
      active_agents: 0,
      unique_services: 2,
      backends_by_service: { 'api.example.com': 1, 'app.example.com': 2 },
      backends_by_region: { 'eu-west': 1, 'us-east': 2 },
    })
  })
})

describe('readiness', () => {
  for (const [title, outcome, settled, status, body] of [
    [
      'an answer and settled health',
      { code: 'answered', rcode: 0, authoritative: true },
      true,
      200,
      { ready: true, dns_ready: true, health_ready: true },
    ],
    [
      'an authoritative SERVFAIL is an answer',
      { code: 'answered', rcode: 2, authoritative: true },
      true,
      200,
      { ready: true, dns_ready: true, health_ready: true },
    ],
    [
      'REFUSED is none',
      { code: 'answered', rcode: 5, authoritative: false },
      true,
      503,
      { ready: false, message: 'DNS server not ready', dns_ready: false, health_ready: true },
    ],
    [
      'silence is none',
      { code: 'timed-out' },
      true,
      503,
      { ready: false, message: 'DNS server not ready', dns_ready: false, health_ready: true },
    ],
    [
      'pools without a verdict',
      { code: 'answered', rcode: 0, authoritative: true },
      false,
      503,
      { ready: false, message: 'health checks not ready', dns_ready: true, health_ready: false },
    ],
  ] as const) {
    test(`${title} gives ${status}`, async () => {
      const { call, dns, answers } = await apiWorld()
      dns.outcome = outcome
      answers['api.list-backends'] = () => ({ backends: [], settled, regions: [], holds: [] })
      const answer = await call('GET', '/api/v1/ready', { from: '192.0.2.1' })
      expect(answer.status).toBe(status)
      expect(answer.json).toEqual(body)
    })
  }

  test('it stays ready while the guard-rail holds, and tells how many names that concerns', async () => {
    const { call, answers } = await apiWorld()
    const keys = ['app:10.0.0.1:80']
    const hold = { domain: 'app', family: 4, reason: 'down', keys, sinceMs: 5_000 } as const
    const holds = [hold, { ...hold, family: 6 } as const]
    answers['api.list-backends'] = () => ({ backends: [], settled: true, regions: [], holds })
    const ready = await call('GET', '/api/v1/ready')
    expect([ready.status, ready.json.guard_rail_domains]).toEqual([200, 1])
    expect((await call('GET', '/api/v1/overwatch/guard-rail')).json).toMatchObject({
      held: [
        {
          ...{ domain: 'app', family: 'IPv4', reason: 'down', servers: keys },
          since: '1970-01-01T00:00:05.000Z',
        },
        { family: 'IPv6' },
      ],
      total: 2,
    })
  })

  test('a name without a server that serves is told, and leaves the node ready', async () => {
    const { call, answers } = await apiWorld()
    const of = (service: string, serving: boolean) => ({ ...BACKENDS[0]!, service, serving })
    const told = [of('a', false), of('a', true), of('b', false), of('b', false)]
    answers['api.list-backends'] = () => ({
      ...{ backends: told, settled: true, regions: [], holds: [] },
    })
    const ready = await call('GET', '/api/v1/ready')
    expect([ready.status, ready.json]).toEqual([
      200,
      { ready: true, dns_ready: true, health_ready: true, down_domains: 1 },
    ])
  })

  test('checks that are late are told, leave the node ready, and make its health degraded', async () => {
    const { call, answers, clock } = await apiWorld()
    const counts = { passed: 40, failed: 2, inconclusive: 0 }
    const told = async () => {
      await clock.advanceAsync(5_000)
      const [ready, health] = [await call('GET', '/ready'), await call('GET', '/api/health')]
      return [ready.status, ready.json.late_checks, health.json.status]
    }
    expect(await told()).toEqual([200, undefined, 'healthy'])
    answers['api.count-checks'] = () => ({ ...counts, late: 37 })
    expect(await told()).toEqual([200, 37, 'degraded'])
    answers['api.count-checks'] = () => ({ ...counts, late: 0 })
    expect(await told()).toEqual([200, undefined, 'healthy'])
  })

  test('many callers in one second cost one DNS question, to our own address and name', async () => {
    const { call, dns, clock } = await apiWorld()
    await Promise.all(Array.from({ length: 10 }, () => call('GET', '/api/v1/ready')))
    await call('GET', '/api/v1/ready')
    expect(dns.asked).toEqual([['127.0.0.1:53', 'app.example.com']])
    clock.advance(1_001)
    dns.outcome = { code: 'timed-out' }
    expect((await call('GET', '/api/v1/ready')).status).toBe(503)
    expect(dns.asked).toHaveLength(2)
  })
})

describe('metrics', () => {
  test('say what runs, and count requests by pattern, never by path', async () => {
    const { call, metrics } = await apiWorld()
    await call('GET', '/api/v1/live')
    await call('GET', '/api/v1/overrides/x/10.0.0.9')
    await call('GET', '/random/1')
    await call('BREW', '/random/2')
    expect(metrics.value('opengslb_app_info', { version: '2.0.0' })).toBe(1)
    expect(metrics.value('opengslb_runtime_mode')).toBe(1)
    const info = { mode: 'overwatch', node_id: 'node-1', region: 'us-east' }
    expect(metrics.value('opengslb_runtime_mode_info', info)).toBe(1)
    for (const [route, method, status] of [
      ['/api/v1/live', 'GET', '200'],
      ['/api/v1/overrides/{service}/{address}', 'GET', '404'],
      ['unknown', 'GET', '404'],
      ['unknown', 'other', '404'],
    ] as const)
      expect(metrics.value('opengslb_api_requests_total', { route, method, status })).toBe(1)
  })
})

test('10,000 backends are listed whole', async () => {
  const { call, answers } = await apiWorld()
  const backends = Array.from({ length: 10_000 }, (_, at) =>
    backend({ key: `k${at}`, port: at + 1 }),
  )
  answers['api.list-backends'] = () => ({ backends, settled: true, regions: [], holds: [] })
  const answer = await call('GET', '/api/v1/health/servers')
  expect(answer.json.servers).toHaveLength(10_000)
})

test('reconfiguring changes rights and readiness without a restart', async () => {
  const { call, behaviour, dns } = await apiWorld()
  behaviour.onReconfigured?.({
    ...CONFIG,
    allowedNetworks: ['192.0.2.0/24'],
    probeName: 'b.example',
  })
  expect((await call('GET', '/api/v1/overrides', { from: '10.0.0.1' })).status).toBe(403)
  expect((await call('GET', '/api/v1/overrides', { from: '192.0.2.9' })).status).toBe(200)
  await call('GET', '/api/v1/ready')
  expect(dns.asked).toEqual([['127.0.0.1:53', 'b.example']])
  expect(BACKENDS).toHaveLength(3)
})
