/**
 * Who may ask what. Each row is a request and the status it gets; 200 means it was let in.
 */
import { describe, expect, test } from 'vitest'
import type { ApiConfig } from '../../../../src/actors/api/contract.ts'
import { apiWorld } from './world.ts'

const TOKEN = { authorization: 'Bearer correct-horse-battery' }
const BAD_TOKEN = { authorization: 'Bearer correct-horse-batterx' }
const LIST = ['GET', '/api/v1/overrides'] as const
const CLEAR = ['DELETE', '/api/v1/overwatch/backends/a/10.0.0.1/80/override'] as const
const TEST = ['POST', '/api/v1/routing/test'] as const
const PAGE = { origin: 'http://evil.example', 'user-agent': 'Mozilla/5.0' }

type Row = readonly [
  title: string,
  call: readonly [string, string],
  options: { headers?: Record<string, string>; from?: string },
  status: number,
  config?: Partial<ApiConfig>,
]

const rows: Row[] = [
  ['loopback is let in though not listed', LIST, {}, 200, { allowedNetworks: ['192.0.2.0/24'] }],
  ['a listed network is let in', LIST, { from: '10.1.1.1' }, 200],
  ['a listed network may change things', CLEAR, { from: '10.1.1.1' }, 200],
  ['anybody else is not', LIST, { from: '192.0.2.1' }, 403],
  ['a token does not open the network', LIST, { from: '192.0.2.1', headers: TOKEN }, 403],
  ['liveness is open to all', ['GET', '/api/v1/live'], { from: '192.0.2.1' }, 200],
  ['the index is open to all', ['GET', '/api/v1'], { from: '192.0.2.1' }, 200],
  ['a wrong method outside the network is 403', ['POST', LIST[1]], { from: '192.0.2.1' }, 403],

  [
    'a header from a stranger is not believed',
    LIST,
    { from: '192.0.2.1', headers: { 'x-forwarded-for': '127.0.0.1' } },
    403,
    { trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] },
  ],
  [
    'the first hop is not believed',
    LIST,
    { headers: { 'x-forwarded-for': '127.0.0.1, 192.0.2.1' } },
    403,
    { trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] },
  ],
  [
    'the last hop is',
    LIST,
    { headers: { 'x-forwarded-for': '192.0.2.1, 10.0.0.1' } },
    403,
    { trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] },
  ],
  [
    'a proxied client in the network is let in',
    LIST,
    { headers: { 'x-forwarded-for': '10.0.0.1' } },
    200,
    { trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] },
  ],
  [
    'an unreadable hop is refused',
    LIST,
    { headers: { 'x-forwarded-for': '10.0.0.1, junk' } },
    403,
    { trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] },
  ],
  [
    'the header means nothing unless asked for',
    LIST,
    { headers: { 'x-forwarded-for': '192.0.2.1' } },
    200,
  ],

  ['a token is needed when required', LIST, {}, 401, { authRequired: true }],
  ['and a right one is enough', LIST, { headers: TOKEN }, 200, { authRequired: true }],
  [
    'the scheme may be in any case',
    LIST,
    { headers: { authorization: 'bearer correct-horse-battery' } },
    200,
    { authRequired: true },
  ],
  ['a wrong token is refused even where none is needed', LIST, { headers: BAD_TOKEN }, 401],
  ['a part of a token is wrong', LIST, { headers: { authorization: 'Bearer correct' } }, 401],
  ['another scheme is wrong', LIST, { headers: { authorization: 'Basic Y29ycmVjdA==' } }, 401],
  [
    'an empty token never matches',
    LIST,
    { headers: { authorization: 'Bearer ' } },
    401,
    { tokens: [{ name: 'empty', hash: '', role: 'admin' }] },
  ],
  ['liveness needs no token', ['GET', '/api/v1/live'], {}, 200, { authRequired: true }],

  ['a page may not change anything', CLEAR, { headers: PAGE }, 401],
  ['nor one of our own origin', CLEAR, { headers: { origin: 'http://localhost:8080' } }, 401],
  ['nor one without Origin', CLEAR, { headers: { 'sec-fetch-site': 'same-origin' } }, 401],
  ['a page with a token may', CLEAR, { headers: { ...PAGE, ...TOKEN } }, 200],
  ['a page may read', LIST, { headers: PAGE }, 200],
  ['a question that changes nothing is reading', TEST, { headers: PAGE }, 400],

  ['a rebound name is refused', LIST, { headers: { ...PAGE, host: 'evil.example:8080' } }, 403],
  [
    'also without Origin',
    LIST,
    { headers: { host: 'evil.example', 'user-agent': 'Mozilla/5.0' } },
    403,
  ],
  [
    'also with another user agent',
    LIST,
    { headers: { host: 'evil.example', 'accept-language': 'en' } },
    403,
  ],
  [
    'also for liveness',
    ['GET', '/api/v1/live'],
    { headers: { ...PAGE, host: 'evil.example' } },
    403,
  ],
  ['also with no host', LIST, { headers: { ...PAGE, host: '' } }, 403],
  ['also with two hosts', LIST, { headers: { ...PAGE, host: 'localhost, evil.example' } }, 403],
  ['an address is our own', LIST, { headers: { ...PAGE, host: '10.0.0.1:8080' } }, 200],
  ['an IPv6 address too', LIST, { headers: { ...PAGE, host: '[2001:db8::1]:8080' } }, 200],
  ['a name without a dot too', LIST, { headers: { ...PAGE, host: 'overwatch-1:8080' } }, 200],
  [
    'a configured name too',
    LIST,
    { headers: { ...PAGE, host: 'gslb.example:8080' } },
    200,
    { hostNames: ['GSLB.example'] },
  ],
  [
    'a tool may use any name',
    LIST,
    { headers: { host: 'gslb.example', 'user-agent': 'curl/8' } },
    200,
  ],
]

describe('access', () => {
  for (const [title, [method, path], options, status, config] of rows) {
    test(`${title}: ${status}`, async () => {
      const { call, asked } = await apiWorld(config)
      const answer = await call(method, path, options)
      expect(answer.status).toBe(status)
      // A request that is turned away must not have reached anybody.
      if (status !== 200) expect(asked).toEqual([])
    })
  }

  test('outside the network the answer is the plain text of the original', async () => {
    const { call } = await apiWorld()
    const answer = await call('GET', '/api/v1/overrides', { from: '192.0.2.1' })
    expect(answer.text).toBe('Forbidden')
    expect(answer.headers['content-type']).toMatch(/text\/plain/)
  })

  test('401 names the scheme', async () => {
    const { call } = await apiWorld({ authRequired: true })
    const answer = await call('GET', '/api/v1/overrides')
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/)
  })

  test('an entry that is no network is logged, and allows nobody', async () => {
    const { logs, call } = await apiWorld({ allowedNetworks: ['10.0.0.0/8x'] })
    expect(logs[0]).toMatchObject({ level: 'error', fields: { network: '10.0.0.0/8x' } })
    expect((await call('GET', '/api/v1/overrides', { from: '10.0.0.1' })).status).toBe(403)
  })
})
