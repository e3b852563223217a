import { describe, expect, test } from 'vitest'
import { apiWorld, START_MS } from './world.ts'

/** Whoever sends it means an end, and would get none. */
const ENDLESS = { healthy: true, source: 'ops', ttl: '30m' }

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

describe('overrides', () => {
  const OWN = '/api/v1/overwatch/backends/App.example.com/2001:DB8:0::1/80/override'

  test('POST on a backend passes everything on, canonical, with the caller', async () => {
    const { call, asked } = await apiWorld()
    const answer = await call('POST', OWN, {
      body: { healthy: false, reason: 'maint', expires_in_seconds: 60, force: true },
      headers: { 'x-user': 'jo' },
    })
    expect(answer.json).toEqual({ success: true, message: expect.stringMatching(/unhealthy/) })
    expect(asked).toEqual([
      [
        'api.set-override',
        {
          service: 'app.example.com',
          address: '2001:db8::1',
          port: 80,
          healthy: false,
          reason: 'maint',
          by: 'jo',
          force: true,
          expiresAtMs: START_MS + 120_000,
        },
      ],
    ])
  })

  test('DELETE on a backend clears', async () => {
    const { call, asked } = await apiWorld()
    const answer = await call('DELETE', OWN)
    expect(answer.json).toEqual({ success: true, message: 'Override cleared' })
    expect(asked[0]).toEqual([
      'api.clear-override',
      { service: 'app.example.com', address: '2001:db8::1', port: 80, by: 'api' },
    ])
  })

  for (const [outcome, status] of [
    ['not-found', 404],
    ['held-by-guard-rail', 409],
  ] as const) {
    test(`the outcome ${outcome} is ${status}`, async () => {
      const { call, answers } = await apiWorld()
      answers['api.set-override'] = () => ({ outcome, message: 'it would empty the pool' })
      const answer = await call('POST', OWN, { body: { healthy: false } })
      expect(answer.status).toBe(status)
      if (status === 409) expect(answer.json.error).toBe('it would empty the pool')
    })
  }

  for (const [address, expected] of [
    ['10.0.0.1', { address: '10.0.0.1' }],
    ['10.0.0.1:81', { address: '10.0.0.1', port: 81 }],
    ['2001:db8::1', { address: '2001:db8::1' }],
    ['%5B2001:db8::1%5D:81', { address: '2001:db8::1', port: 81 }],
  ] as const) {
    test(`PUT on ${address} names the right server`, async () => {
      const { call, asked } = await apiWorld()
      const answer = await call('PUT', `/api/v1/overrides/app.example.com/${address}`, {
        body: { healthy: false, reason: 'maint', source: 'ops' },
      })
      expect(answer.json).toEqual({
        service: 'app.example.com',
        ...expected,
        healthy: false,
        reason: 'maint',
        source: 'ops',
        owner: 'ops',
        created_at: expect.stringMatching(ISO),
        authority: 'external_tool',
      })
      expect(asked[0]![1]).toMatchObject({ ...expected, by: 'ops' })
    })
  }

  for (const [end, expected] of [
    [{ expires_in: '30m' }, START_MS + 60_000 + 1_800_000],
    [{ expires_in: 90 }, START_MS + 60_000 + 90_000],
    [{ expires_at: new Date(START_MS + 600_000).toISOString() }, START_MS + 600_000],
    [{ expires_at: '2025-06-15T17:30:00+02:00' }, Date.parse('2025-06-15T15:30:00Z')],
  ] as const) {
    test(`an override ends by itself by ${JSON.stringify(end)}`, async () => {
      const { call, asked } = await apiWorld()
      const body = { healthy: false, source: 'ops', owner: 'jo', ...end }
      const answer = await call('PUT', '/api/v1/overrides/app.example.com/10.0.0.1', { body })
      expect(asked[0]![1]).toMatchObject({ by: 'jo', source: 'ops', expiresAtMs: expected })
      expect(answer.json).toMatchObject({
        ...{ owner: 'jo', source: 'ops', authority: 'external_tool' },
        expires_at: new Date(expected).toISOString(),
      })
    })
  }

  for (const end of [
    { expires_in: '0s' },
    { expires_in: 'soon' },
    { expires_in: '400d' },
    { expires_at: '2020-01-01T00:00:00Z' },
    { expires_at: 'tomorrow' },
    { expires_in: '5m', expires_in_seconds: 5 },
  ]) {
    test(`an end by ${JSON.stringify(end)} is refused`, async () => {
      const { call, asked } = await apiWorld()
      const answer = await call('PUT', '/api/v1/overrides/app.example.com/10.0.0.1', {
        body: { healthy: false, source: 'ops', ...end },
      })
      expect([answer.status, answer.json.error]).toEqual([400, expect.stringMatching(/expires_/)])
      expect(asked).toEqual([])
    })
  }

  test('GET lists and finds, DELETE gives 204', async () => {
    const { call, asked } = await apiWorld()
    const { overrides } = (await call('GET', '/api/v1/overrides')).json
    expect(overrides).toEqual([
      {
        service: 'api.example.com',
        address: '10.0.1.1',
        port: 8080,
        healthy: true,
        reason: 'test',
        source: 'ops',
        created_at: '2025-06-15T15:06:40.000Z',
        owner: 'ops',
        authority: 'operator',
      },
    ])
    const one = '/api/v1/overrides/api.example.com/10.0.1.1'
    expect((await call('GET', one)).json).toEqual(overrides[0])
    expect((await call('GET', `${one}:8080`)).json).toEqual(overrides[0])
    expect((await call('GET', `${one}:8081`)).status).toBe(404)
    expect(await call('DELETE', one)).toMatchObject({ status: 204, text: '' })
    await call('DELETE', one, { headers: { 'x-user': 'jo' } })
    const cleared = asked.filter(([id]) => id === 'api.clear-override')
    expect(cleared.map(([, order]) => (order as { by: string }).by)).toEqual(['api', 'jo'])
  })

  test('an override that was shown may be sent back with one field changed', async () => {
    const { call, asked } = await apiWorld()
    const path = '/api/v1/overrides/api.example.com/10.0.1.1'
    const { json: shown } = await call('GET', path)
    const answer = await call('PUT', path, { body: { ...shown, reason: 'again' } })
    expect(answer.json).toMatchObject({ reason: 'again', source: 'ops' })
    expect(asked.at(-1)![1]).toMatchObject({ healthy: true, reason: 'again' })
  })

  for (const [title, method, path, body, error] of [
    ['a missing healthy', 'POST', OWN, { reason: 'x' }, /healthy is required/],
    ['a healthy that is a string', 'POST', OWN, { healthy: 'no' }, /healthy must be true or false/],
    ['a long reason', 'POST', OWN, { healthy: true, reason: 'x'.repeat(2_000) }, /reason must be/],
    ['a past expiry', 'POST', OWN, { healthy: true, expires_in_seconds: -1 }, /expires_in_seconds/],
    ['no body', 'POST', OWN, '', /empty/],
    ['an array', 'POST', OWN, [], /not a JSON object/],
    ['broken JSON', 'POST', OWN, '{\n "healthy": tru }', /line 2, column \d+/],
    ['cut JSON', 'POST', OWN, '{"healthy"', /unexpected end of the text at line 1, column 11/],
    ['no source', 'PUT', '/api/v1/overrides/a/10.0.0.1', { healthy: true }, /source is required/],
    ['no address', 'PUT', '/api/v1/overrides/a/b', { healthy: true }, /not an IP address/],
    ['port 0', 'PUT', '/api/v1/overrides/a/10.0.0.1:0', { healthy: true }, /invalid address/],
    ['no port', 'DELETE', '/api/v1/overwatch/backends/a/10.0.0.1/x/override', '', /invalid port/],
    ['an unknown end', 'PUT', '/api/v1/overrides/a/10.0.0.1', ENDLESS, /^ttl: is not known here/],
    ['an unknown field', 'POST', OWN, { healthy: true, note: 'x' }, /^note: is not known here/],
    ['__proto__', 'POST', OWN, '{"__proto__": {"healthy": true}}', /healthy is required/],
  ] as const) {
    test(`${title} gives 400 and a reason, and changes nothing`, async () => {
      const { call, asked } = await apiWorld()
      const answer = await call(method, path, { body })
      expect(answer.status).toBe(400)
      expect(answer.json.error).toMatch(error)
      expect(asked).toEqual([])
    })
  }
})

test('a service name longer than any name is not found, whatever else is asked', async () => {
  const { call, asked } = await apiWorld()
  const path = `/api/v1/overrides/${'a'.repeat(300)}/10.0.0.1`
  expect((await call('DELETE', path)).status).toBe(404)
  expect(asked).toEqual([])
})
