/**
 * Roles, services, certificates, rates, and who may listen: what a credential allows and no more.
 */
import { describe, expect, test } from 'vitest'
import { Gate } from '../../../../src/actors/api/access.ts'
import type { TokenGrant } from '../../../../src/core/access/credentials.ts'
import type { ApiConfig } from '../../../../src/actors/api/contract.ts'
import { sha256, tokenHashOf } from '../../../../src/actors/api/ports-access.ts'
import type { HttpRequest } from '../../../../src/actors/api/http.ts'
import { type CallOptions, apiWorld, CONFIG } from './world.ts'

const grant = (name: string, more: Partial<TokenGrant> & Pick<TokenGrant, 'role'>) => ({
  name,
  hash: tokenHashOf(name),
  ...more,
})
const TOKENS = [
  grant('reader-token', { role: 'read' }),
  grant('operator-token', { role: 'operate' }),
  grant('admin-token', { role: 'admin' }),
  grant('app-operator-token', { role: 'operate', services: ['app.example.com'] }),
  grant('old-token', { role: 'admin', expiresAtMs: 1 }),
]

const as = (token: string) => ({ authorization: `Bearer ${token}` })
const STRICT = { tokens: TOKENS, authRequired: true }

const OVERRIDE = '/api/v1/overwatch/backends/app.example.com/10.0.0.1/80/override'
const OTHERS = '/api/v1/overwatch/backends/api.example.com/10.0.1.1/8080/override'
const SET = { healthy: false, reason: 'test' }
const PINNED = {
  ...{ id: 'eu-1', region: 'eu' },
  certificate: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
}
const CERTIFICATE = { subject: 'O=Example,CN=ops', fingerprint: 'ab'.repeat(32) }

type Row = readonly [
  title: string,
  call: readonly [method: string, path: string, body?: unknown],
  options: CallOptions,
  status: number,
  config?: Partial<ApiConfig>,
]

const rows: Row[] = [
  ['a reader may look', ['GET', '/api/v1/overrides'], { headers: as('reader-token') }, 200],
  ['a reader may not change', ['POST', OVERRIDE, SET], { headers: as('reader-token') }, 403],
  ['a reader may not drain', ['POST', '/api/v1/drains', {}], { headers: as('reader-token') }, 403],
  [
    'a reader may not check',
    ['POST', '/api/v1/overwatch/validate'],
    { headers: as('reader-token') },
    403,
  ],
  [
    'a reader may not see the audit log',
    ['GET', '/api/v1/audit-logs'],
    { headers: as('reader-token') },
    403,
  ],
  [
    'a wrong method is told to a reader as such',
    ['POST', '/api/v1/version'],
    { headers: as('reader-token') },
    405,
  ],
  ['an operator may override', ['POST', OVERRIDE, SET], { headers: as('operator-token') }, 200],
  [
    'an operator may see the audit log',
    ['GET', '/api/v1/audit-logs'],
    { headers: as('operator-token') },
    200,
  ],
  [
    'an operator may not revoke an agent',
    ['POST', '/api/v1/overwatch/agents/x/revoke', { reason: 'x' }],
    { headers: as('operator-token') },
    403,
  ],
  [
    'an admin may, as far as rights go',
    ['POST', '/api/v1/overwatch/agents/x/revoke', { reason: 'x' }],
    { headers: as('admin-token') },
    503,
  ],
  [
    'a token of a service may change it',
    ['POST', OVERRIDE, SET],
    { headers: as('app-operator-token') },
    200,
  ],
  ['and no other', ['POST', OTHERS, SET], { headers: as('app-operator-token') }, 403],
  [
    'whatever the case of the name',
    ['POST', OVERRIDE.replace('app', 'APP'), SET],
    { headers: as('app-operator-token') },
    200,
  ],
  [
    'nor drain by address, which may reach any',
    ['POST', '/api/v1/drains', { address: '10.0.0.1', reason: 'x' }],
    { headers: as('app-operator-token') },
    403,
  ],
  [
    'nor check all',
    ['POST', '/api/v1/overwatch/validate'],
    { headers: as('app-operator-token') },
    403,
  ],
  [
    'nor check another by way of a second parameter',
    ['POST', '/api/v1/overwatch/validate?service=api.example.com&service=app.example.com'],
    { headers: as('app-operator-token') },
    403,
  ],
  ['it reads everything', ['GET', '/api/v1/overrides'], { headers: as('app-operator-token') }, 200],
  ['an expired token is refused', ['GET', '/api/v1/overrides'], { headers: as('old-token') }, 401],
  [
    'the hash of a token is no token',
    ['GET', '/api/v1/overrides'],
    { headers: as(tokenHashOf('admin-token')) },
    401,
  ],
  [
    'two tokens in one request are none',
    ['GET', '/api/v1/overrides'],
    { headers: { authorization: 'Bearer nonsense, Bearer admin-token' } },
    401,
  ],
  [
    'a token beyond any length is refused',
    ['GET', '/api/v1/overrides'],
    { headers: as('a'.repeat(7_000)) },
    401,
  ],

  [
    'a listed certificate is enough',
    ['GET', '/api/v1/overrides'],
    { certificate: CERTIFICATE },
    200,
    { certificates: [{ name: 'ops', role: 'read', subject: { CN: 'ops' } }] },
  ],
  [
    'within its role',
    ['POST', OVERRIDE, SET],
    { certificate: CERTIFICATE },
    403,
    { certificates: [{ name: 'ops', role: 'read', subject: { CN: 'ops' } }] },
  ],
  [
    'one that is not listed says nothing',
    ['GET', '/api/v1/overrides'],
    { certificate: CERTIFICATE },
    401,
    { certificates: [{ name: 'ops', role: 'read', subject: { CN: 'other' } }] },
  ],
  [
    'one in a browser changes nothing, for any page can make the browser show it',
    ['POST', OVERRIDE, SET],
    { certificate: CERTIFICATE, headers: { origin: 'https://evil.example' } },
    401,
    { certificates: [{ name: 'ops', role: 'admin', subject: { CN: 'ops' } }] },
  ],
  [
    'and not under a rebound name',
    ['GET', '/api/v1/overrides'],
    { certificate: CERTIFICATE, headers: { host: 'evil.example', 'user-agent': 'Mozilla/5.0' } },
    403,
    { certificates: [{ name: 'ops', role: 'admin', subject: { CN: 'ops' } }] },
  ],

  [
    'a list of proxies does not include loopback by itself',
    ['GET', '/api/v1/overrides'],
    { headers: { ...as('reader-token'), 'x-forwarded-for': '192.0.2.1' } },
    200,
    { trustedProxies: ['10.9.9.9'] },
  ],
  [
    'the first element of X-Forwarded-For, which the client writes, opens nothing',
    ['GET', '/api/v1/overrides'],
    {
      from: '10.9.9.9',
      headers: { ...as('admin-token'), 'x-forwarded-for': '127.0.0.1, 192.0.2.1' },
    },
    403,
    { trustedProxies: ['10.9.9.9'] },
  ],
  [
    'a form that a page can post without asking changes nothing',
    ['POST', OVERRIDE, '{"healthy":false,"reason":"csrf"}'],
    { headers: { origin: 'http://evil.example', 'content-type': 'text/plain' } },
    401,
    { authRequired: false },
  ],
]

describe('rights', () => {
  for (const [title, [method, path, body], options, status, config] of rows)
    test(`${title}: ${status}`, async () => {
      const { call, asked } = await apiWorld({ ...STRICT, ...config })
      const answer = await call(method, path, body === undefined ? options : { ...options, body })
      expect(answer.status, answer.text).toBe(status)
      if (status === 401 || status === 403) expect(asked).toEqual([])
    })

  test('403 says which role is held and which is needed, 401 does not say more than it must', async () => {
    const { call } = await apiWorld(STRICT)
    const refused = await call('POST', OVERRIDE, { headers: as('reader-token'), body: SET })
    expect(refused.json.error).toBe('reader-token has the role read, and this needs operate')
    expect((await call('GET', '/api/v1/overrides')).json.error).toBe('a token is required')
  })

  test('a drain is lifted by a token of its service, and by no other', async () => {
    const world = await apiWorld(STRICT)
    world.answers['api.list-drains'] = () =>
      ({ drains: ['app', 'api'].map((name) => drainOf(`${name}.example.com`)) }) as never
    world.answers['api.lift-drain'] = () => ({ outcome: 'done', message: '' }) as never
    const lift = (id: string) =>
      world.call('DELETE', `/api/v1/drains/${id}`, { headers: as('app-operator-token') })
    expect((await lift('d-api.example.com')).status).toBe(403)
    expect((await lift('d-none')).status).toBe(403)
    expect((await lift('d-app.example.com')).status).toBe(204)
  })

  test.each([
    ['api.set-override', 'POST', OVERRIDE, SET],
    [
      'api.set-override',
      'PUT',
      '/api/v1/overrides/app.example.com/10.0.0.1',
      { ...SET, source: 's' },
    ],
    ['api.edit-object', 'POST', '/api/v1/regions', { name: 'somewhere' }],
    ['api.pin-agent', 'POST', '/api/v1/nodes/agent', PINNED],
    ['api.sync-keys', 'POST', '/api/v1/dnssec/sync', undefined],
  ])('what is ordered with a token bears its name: %s by %s %s', async (id, method, path, body) => {
    const { call, asked } = await apiWorld(STRICT)
    const headers = { ...as('admin-token'), 'x-user': 'eve' }
    await call(method, path, { headers, ...(body === undefined ? {} : { body }) })
    expect(asked.find(([order]) => order === id)?.[1]).toMatchObject({ by: 'admin-token' })
  })
})

const drainOf = (service: string) => ({
  drain: { id: `d-${service}`, reason: 'x', by: 'x', sinceMs: 0 },
  safe: { safe: 'no', why: '', waitingFor: [] },
  service,
})

const RATE = {
  requestsPerSecond: 1,
  burst: 3,
  authFailuresPerMinute: 2,
  exemptNetworks: ['127.0.0.0/8'],
}

describe('how often', () => {
  test('one address is turned away past its burst, with the time to wait; others are not', async () => {
    const world = await apiWorld({ rateLimit: RATE })
    const ask = (from: string) => world.call('GET', '/api/v1/version', { from })
    const statuses = []
    for (let at = 0; at < 5; at++) statuses.push((await ask('10.0.0.9')).status)
    expect(statuses).toEqual([200, 200, 200, 429, 429])
    expect((await ask('10.0.0.9')).headers['retry-after']).toBe('1')
    expect((await ask('10.0.0.8')).status).toBe(200)
    world.clock.advance(1_000)
    expect((await ask('10.0.0.9')).status).toBe(200)
  })

  test('an exempt network is not', async () => {
    const { call } = await apiWorld({ rateLimit: RATE })
    for (let at = 0; at < 20; at++) expect((await call('GET', '/api/v1/version')).status).toBe(200)
  })

  test('the addresses of one IPv6 /64 are one client', async () => {
    const { call } = await apiWorld({ rateLimit: RATE, allowedNetworks: ['2001:db8::/32'] })
    const statuses = []
    for (let at = 1; at < 5; at++)
      statuses.push((await call('GET', '/api/v1/overrides', { from: `2001:db8::${at}` })).status)
    expect(statuses).toEqual([200, 200, 200, 429])
    expect((await call('GET', '/api/v1/overrides', { from: '2001:db8:0:1::1' })).status).toBe(200)
  })

  test('one token is turned away past its burst, wherever it comes from', async () => {
    const { call } = await apiWorld({ ...STRICT, rateLimit: RATE })
    const statuses = []
    for (let at = 1; at < 6; at++) {
      const options = { from: `10.0.0.${at}`, headers: as('admin-token') }
      statuses.push((await call('GET', '/api/v1/overrides', options)).status)
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429])
  })

  test('past a few wrong tokens none from there is looked at for a while, not even a right one', async () => {
    const world = await apiWorld({ ...STRICT, rateLimit: { ...RATE, burst: 100 } })
    const ask = (token: string, from = '10.0.0.9') =>
      world.call('GET', '/api/v1/overrides', { from, headers: as(token) })
    const statuses = []
    for (const token of ['x', 'y', 'z', 'admin-token']) statuses.push((await ask(token)).status)
    expect(statuses).toEqual([401, 401, 429, 429])
    expect((await ask('admin-token', '10.0.0.8')).status).toBe(200)
    world.clock.advance(30_000)
    expect((await ask('admin-token')).status).toBe(200)
  })

  test('a reload that leaves the rates as they are forgives nothing', async () => {
    const { call, behaviour } = await apiWorld({ rateLimit: RATE })
    const ask = () => call('GET', '/api/v1/version', { from: '10.0.0.9' })
    for (let at = 0; at < 4; at++) await ask()
    behaviour.onReconfigured?.({ ...CONFIG, rateLimit: { ...RATE } })
    expect((await ask()).status).toBe(429)
    behaviour.onReconfigured?.({ ...CONFIG, rateLimit: { ...RATE, burst: 5 } })
    expect((await ask()).status).toBe(200)
  })
})

describe('who may listen on a WebSocket', () => {
  const world = { sha256, nowMs: () => 1_000, monotonicMs: () => 0 }
  const coded = Buffer.from('reader-token').toString('base64url')
  const upgrade = (headers: Record<string, string>, from = '127.0.0.1'): HttpRequest => ({
    method: 'GET',
    path: '/api/v1/events',
    query: '',
    headers: { host: 'localhost:8080', ...headers },
    body: new Uint8Array(0),
    remoteAddress: from,
  })
  const rows: [string, Record<string, string>, number | undefined, Partial<ApiConfig>?, string?][] =
    [
      ['a tool in the network', {}, undefined],
      ['nobody outside it', {}, 403, {}, '192.0.2.1'],
      ['a page of our own', { origin: 'http://localhost:8080' }, undefined],
      ['not a page of another site', { origin: 'http://evil.example' }, 403],
      ['not one of another port', { origin: 'http://localhost:9999' }, 403],
      ['not a page without an origin', { origin: 'null' }, 403],
      ['not one the browser calls cross-site', { 'sec-fetch-site': 'cross-site' }, 403],
      ['not a rebound name', { host: 'evil.example', origin: 'http://evil.example' }, 403],
      [
        'a page of another site with a token',
        { ...as('reader-token'), origin: 'http://evil.example' },
        undefined,
      ],
      [
        'one with its token as a subprotocol',
        { origin: 'http://evil.example', 'sec-websocket-protocol': `json, bearer.${coded}` },
        undefined,
      ],
      ['not one with a wrong token so', { 'sec-websocket-protocol': 'bearer.AAAA' }, 401],
      [
        'not one with nonsense so',
        { 'sec-websocket-protocol': 'bearer._w' },
        401,
        { authRequired: true },
      ],
      ['nobody without a token where one is required', {}, 401, { authRequired: true }],
    ]
  test.each(rows)('%s', (_title, headers, status, config = {}, from = '127.0.0.1') => {
    const gate = new Gate({ ...CONFIG, tokens: TOKENS, ...config }, world)
    expect(gate.refusalOfUpgrade(upgrade(headers, from))?.status).toBe(status)
  })
})
