/** The CLI against a small server that answers as the API does. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { cli } from './run.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, unknown>
  readonly body: string
}

type Reply = readonly [status: number, body: unknown]

/** Serves the replies by `METHOD path`; anything else is the 404 of the API. */
async function serve(replies: Record<string, Reply>) {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      seen.push({ method, url, headers, body })
      const [status, reply] = replies[`${method} ${url}`] ?? [
        404,
        { error: 'not found', code: 404 },
      ]
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(status === 204 ? undefined : JSON.stringify(reply))
    })
  })
  servers.push(server)
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle))
  return { seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const HEALTH: Reply = [
  200,
  { status: 'healthy', version: '2.0.0', mode: 'overwatch', uptime_seconds: 93_784 },
]
const READY: Reply = [200, { ready: true, dns_ready: true, health_ready: true }]
const STATS = {
  total_backends: 3,
  healthy_backends: 3,
  active_overrides: 1,
  active_agents: 0,
  unique_services: 2,
}

describe('status', () => {
  test('shows a page that begins with the state', async () => {
    const { url } = await serve({
      'GET /api/health': HEALTH,
      'GET /api/v1/ready': READY,
      'GET /api/v1/overwatch/stats': [200, STATS],
    })
    const { code, out } = await cli(['--api', url, 'status'])
    expect(code).toBe(0)
    expect(out.split('\n')[0]).toBe('OpenGSLB Overwatch Status: Healthy')
    expect(out).toMatch(/Uptime: +1d 2h 3m/)
    expect(out).toMatch(/Backends: +3\/3 healthy/)
    expect(out).not.toMatch(/Warning/)
    expect(out).toMatch(/DNSSEC: +not signing/)
    expect((await cli(['--api', url, 'status', '--check'])).code).toBe(0)
  })

  test('keys that sign are counted', async () => {
    const { url } = await serve({
      'GET /api/health': HEALTH,
      'GET /api/v1/ready': READY,
      'GET /api/v1/overwatch/stats': [200, STATS],
      'GET /api/v1/dnssec/status': [200, { enabled: true, keys: [{ zone: 'a' }, { zone: 'b' }] }],
    })
    expect((await cli(['--api', url, 'status'])).out).toMatch(/DNSSEC: +signing 2 zones\n/)
  })

  test('a backend that is down degrades it, with a warning', async () => {
    const { url } = await serve({
      'GET /api/health': HEALTH,
      'GET /api/v1/ready': READY,
      'GET /api/v1/overwatch/stats': [200, { ...STATS, healthy_backends: 1 }],
    })
    const { code, out } = await cli(['--api', url, 'status'])
    expect(code).toBe(0)
    expect(out).toMatch(/^OpenGSLB Overwatch Status: Degraded$/m)
    expect(out).toMatch(/^Warning: 2 of 3 backends are not healthy$/m)
    const check = await cli(['--api', url, 'status', '--check'])
    expect(check).toMatchObject({ code: 4, out })
    expect(check.err).toBe('Error: the node is degraded: 2 of 3 backends are not healthy')
  })

  test('not ready is shown, and the exit code tells scripts', async () => {
    const { url } = await serve({
      'GET /api/health': [200, { ...(HEALTH[1] as object), status: 'unhealthy' }],
      'GET /api/v1/ready': [
        503,
        { ready: false, message: 'DNS server not ready', dns_ready: false },
      ],
      'GET /api/v1/overwatch/stats': [200, STATS],
    })
    const { code, out, err } = await cli(['--api', url, 'status'])
    expect(code).toBe(4)
    expect(err).toMatch(/the node is unhealthy/)
    expect(out).toMatch(/Status: Unhealthy/)
    expect(out).toMatch(/Warning: DNS server not ready/)
  })
})

describe('servers', () => {
  const backends = [
    {
      service: 'app.example.com',
      address: '10.0.0.1',
      port: 80,
      region: 'us-east',
      source: 'static',
      effective_status: 'healthy',
      latency_ms: 1.234,
      cause: 'validation',
    },
    {
      service: 'app.example.com',
      address: '2001:db8::1',
      port: 8080,
      region: 'eu-west',
      source: 'agent',
      effective_status: 'unhealthy',
      override_status: false,
    },
  ]

  test('list prints a table', async () => {
    const { url } = await serve({ 'GET /api/v1/overwatch/backends': [200, { backends }] })
    const { out } = await cli(['--api', url, 'servers', 'list'])
    expect(out.split('\n')).toEqual([
      'SERVICE          ADDRESS             REGION   STATUS     LATENCY  AUTHORITY',
      'app.example.com  10.0.0.1:80         us-east  healthy    1.2ms    validation',
      'app.example.com  [2001:db8::1]:8080  eu-west  unhealthy  -        override',
    ])
  })

  test('bare servers is the list; filters go to the API; --json is the answer itself', async () => {
    const { url, seen } = await serve({
      'GET /api/v1/overwatch/backends?region=us-east&status=healthy': [200, { backends }],
    })
    const argv = ['--api', url, '--json', 'servers', '--region', 'us-east', '--status', 'healthy']
    const { code, out } = await cli(argv)
    expect(seen).toHaveLength(1)
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({ backends })
    expect(out).toMatch(/^{\n {2}"backends"/)
  })
})

describe('overrides', () => {
  test('set sends reason, source, expiry and token', async () => {
    const path = '/api/v1/overrides/app.example.com/%5B2001%3Adb8%3A%3A1%5D%3A80'
    const { url, seen } = await serve({ [`PUT ${path}`]: [200, { healthy: false }] })
    const { code, out } = await cli(
      [
        '--api',
        url,
        '--token',
        'tok',
        'overrides',
        'set',
        'app.example.com',
        '[2001:db8::1]:80',
        '--reason',
        'maint',
        '--expires-in',
        '2h',
      ],
      { USER: 'jo' },
    )
    expect(code).toBe(0)
    expect(out).toMatch(/is unhealthy/)
    expect(JSON.parse(seen[0]!.body)).toEqual({
      healthy: false,
      reason: 'maint',
      source: 'jo',
      expires_in_seconds: 7_200,
    })
    expect(seen[0]!.headers).toMatchObject({ authorization: 'Bearer tok', 'x-user': 'jo' })
    // What makes a server take a request for a browser's must not be there.
    const names = Object.keys(seen[0]!.headers)
    expect(names.filter((name) => /^(sec-|origin|accept-language|user-agent)/.test(name))).toEqual(
      [],
    )
  })

  test('list and clear', async () => {
    const { url, seen } = await serve({
      'GET /api/v1/overrides': [
        200,
        {
          overrides: [
            {
              service: 'a.example',
              address: '10.0.0.1',
              port: 80,
              healthy: true,
              reason: 'up\u001b[2J',
              source: 'ops',
              created_at: '2026-01-01T00:00:00Z',
            },
          ],
        },
      ],
      'DELETE /api/v1/overrides/a.example/10.0.0.1': [204, undefined],
    })
    const list = await cli(['--api', url, 'overrides', 'list'])
    expect(list.out).toMatch(/a\.example +10\.0\.0\.1:80 +healthy +up\?\[2J +ops/)
    const clear = await cli(['--api', url, 'overrides', 'clear', 'a.example', '10.0.0.1'])
    expect(clear).toMatchObject({ code: 0, out: 'Override cleared: a.example 10.0.0.1.' })
    expect(seen.map((one) => one.method)).toEqual(['GET', 'DELETE'])
  })

  for (const [title, argv, error] of [
    ['a reason is needed', ['overrides', 'set', 'a', 'b'], /required option '--reason/],
    [
      'a bad expiry',
      ['overrides', 'set', 'a', 'b', '--reason', 'x', '--expires-in', 'soon'],
      /--expires-in/,
    ],
  ] as const) {
    test(`${title}: exit 2`, async () => {
      const { code, err } = await cli(argv)
      expect(code).toBe(2)
      expect(err).toMatch(error)
    })
  }
})

test('routing test shows each candidate with its reason', async () => {
  const result = {
    domain: 'app.example.com',
    query_type: 'A',
    client_ip: '10.0.0.9',
    algorithm: 'round-robin',
    decision: 'selected',
    answers: ['10.0.0.1'],
    ttl: 20,
    candidates: [
      {
        address: '10.0.0.1',
        port: 80,
        region: 'a',
        weight: 100,
        chosen: true,
        status: 'healthy',
        reason: 'its turn',
      },
      {
        address: '10.0.0.2',
        port: 80,
        region: 'b',
        weight: 100,
        chosen: false,
        status: 'unhealthy',
        reason: 'down',
      },
    ],
  }
  const { url, seen } = await serve({ 'POST /api/v1/routing/test': [200, { result }] })
  const { out } = await cli([
    '--api',
    url,
    'routing',
    'test',
    'app.example.com',
    '--client',
    '10.0.0.9',
  ])
  expect(JSON.parse(seen[0]!.body)).toEqual({
    domain: 'app.example.com',
    query_type: 'A',
    client_ip: '10.0.0.9',
  })
  expect(out).toMatch(/^app\.example\.com A for 10\.0\.0\.9: 10\.0\.0\.1$/m)
  expect(out).toMatch(/^\* +10\.0\.0\.1:80 .* its turn$/m)
  expect(out).toMatch(/^ +10\.0\.0\.2:80 .* down$/m)
})

describe('failures say what failed, what to look at, and exit with a code', () => {
  test('an error of the API', async () => {
    const { url } = await serve({
      'GET /api/v1/overrides': [401, { error: 'a token is required', code: 401 }],
    })
    const { code, err } = await cli(['overrides', 'list'], { OPENGSLB_API: url })
    const [error, hint] = err.split('\n')
    expect({ code, error }).toEqual({
      code: 1,
      error: 'Error: API error (401): a token is required',
    })
    expect(hint).toMatch(/^Hint: give a token with --token, .*OPENGSLB_TOKEN_FILE$/)
  })

  test('a plain text refusal', async () => {
    const server = createServer((_request, response) => response.writeHead(403).end('Forbidden'))
    servers.push(server)
    await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { err } = await cli(['--api', url, 'servers'])
    expect(err).toMatch(/^Error: API error \(403\): Forbidden\nHint: api\.allowed_networks /)
  })

  test('nobody listens', async () => {
    const { code, err } = await cli(['--api', 'http://127.0.0.1:1', 'status'])
    expect(code).toBe(3)
    expect(err).toMatch(
      /^Error: failed to connect to API at http:\/\/127\.0\.0\.1:1: .*ECONNREFUSED.*\nHint: is /,
    )
  })

  test('a server that never answers', async () => {
    const server = createServer(() => {})
    servers.push(server)
    await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { code, err } = await cli(['--api', url, '--timeout', '100ms', 'status'])
    expect(code).toBe(3)
    expect(err).toMatch(/no answer in 0\.1 s/)
    server.closeAllConnections()
  })

  test('a conflict and an unknown service have their hints; --json tells all in one object', async () => {
    const { url } = await serve({
      'POST /api/v1/drains': [409, { error: 'the pool would be empty', code: 409 }],
      'POST /api/v1/routing/test': [404, { error: 'domain not found', code: 404 }],
      'GET /api/v1/overwatch/backends?service=shpo.example.com': [200, { backends: [] }],
      'GET /api/v1/overwatch/stats': [
        200,
        { ...STATS, backends_by_service: { 'shop.example.com': 2 } },
      ],
    })
    const drain = ['drain', 'start', 'app', '--reason', 'x']
    expect((await cli(['--api', url, ...drain])).err).toMatch(/\nHint: .*--force/)
    const asked = ['--api', url, '--json', 'routing', 'test', 'shpo.example.com']
    expect(JSON.parse((await cli(asked)).err)).toEqual({
      error: 'API error (404): domain not found',
      exit: 'refused',
      status: 404,
      hint: 'did you mean the service "shop.example.com"?',
    })
    const listed = await cli(['--api', url, 'servers', '--service', 'shpo.example.com'])
    expect(listed).toMatchObject({ code: 0, out: 'No servers.' })
    expect(listed.err).toBe('Hint: did you mean the service "shop.example.com"?')
  })

  test('a command that is nearly one is suggested', async () => {
    const { code, err } = await cli(['staus'])
    expect(code).toBe(2)
    expect(err).toContain('(Did you mean status?)')
    expect((await cli(['servers', 'lst'])).err).toContain('(Did you mean list?)')
  })

  for (const [argv, error] of [
    [['--api', 'ftp://x', 'status'], /not an http or https URL/],
    [['--api', 'nonsense', 'status'], /not an http or https URL/],
    [['--timeout', 'x', 'status'], /--timeout/],
    [['nonsense'], /unknown command/],
    [['servers', 'lst'], /too many arguments|unknown/],
    [['completion', 'tcsh'], /Allowed choices are bash, zsh, fish, powershell/],
  ] as const) {
    test(`${argv.join(' ')}`, async () => {
      const { code, err } = await cli(argv)
      expect(code).toBe(2)
      expect(err).toMatch(error)
    })
  }
})

test('--version and --help end with 0', async () => {
  expect(await cli(['--version'])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^\d+\.\d+\.\d+$/),
  })
  expect(await cli(['-v'])).toMatchObject({ code: 0 })
  const help = await cli(['--help'])
  expect(help.code).toBe(0)
  for (const line of ['0  done', '3  the API was not reached', '4  '])
    expect(help.out).toContain(`\n  ${line}`)
  for (const command of ['status', 'servers', 'overrides', 'routing', 'config', 'completion'])
    expect(help.out).toMatch(new RegExp(`^  ${command}`, 'm'))
})
