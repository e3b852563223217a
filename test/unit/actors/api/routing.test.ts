import { describe, expect, test } from 'vitest'
import { DOWN, UP } from '../../../harness/pools.ts'
import { apiWorld, POOL } from './world.ts'

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

describe('routing/test', () => {
  const ask = { domain: 'App.Example.com.', client_ip: '10.50.1.1' }

  test('tells the answer and for each candidate why or why not', async () => {
    const { call } = await apiWorld()
    const { result } = (await call('POST', '/api/v1/routing/test', { body: ask })).json
    expect(result).toMatchObject({
      domain: 'app.example.com',
      client_ip: '10.50.1.1',
      algorithm: 'round-robin',
      decision: 'selected',
      answers: ['10.0.0.1'],
      ttl: 20,
      selected_backend: { address: '10.0.0.1', port: 80, region: 'us-east', healthy: true },
    })
    expect(result.candidates).toHaveLength(3)
    expect(result.candidates[1]).toMatchObject({ chosen: false, status: 'unhealthy' })
    expect(result.candidates[1].reason).toMatch(/unhealthy/)
    expect(result.candidates[2].reason).toMatch(/IPv6/)
    expect(result.timestamp).toMatch(ISO)
  })

  test('AAAA asks for the other family', async () => {
    const { call } = await apiWorld()
    const body = { ...ask, query_type: 'aaaa' }
    const { result } = (await call('POST', '/api/v1/routing/test', { body })).json
    expect(result.answers).toEqual(['2001:db8::1'])
  })

  test('follows each word as it changes, and drops stale ones', async () => {
    const { call, behaviour } = await apiWorld()
    const change = (version: number, member: number, word: number, epoch = 1) =>
      behaviour.receive['registry.word-changed']({ epoch, version, pool: 0, member, word })
    const answers = async (turn = 0) =>
      (await call('POST', '/api/v1/routing/test', { body: { ...ask, turn } })).json.result.answers
    change(9, 0, DOWN)
    change(11, 0, DOWN, 2)
    change(12, 99, DOWN)
    expect(await answers()).toEqual(['10.0.0.1'])
    change(13, 1, UP)
    change(14, 0, DOWN)
    change(12, 0, UP)
    expect(await answers()).toEqual(['10.0.0.2'])
    change(15, 1, DOWN)
    change(16, 2, DOWN)
    const { result } = (await call('POST', '/api/v1/routing/test', { body: ask })).json
    expect(result).toMatchObject({
      decision: 'no_healthy_backend',
      when_all_down: 'servfail',
      answers: [],
    })
    expect(result).not.toHaveProperty('selected_backend')
  })

  test('an older snapshot changes nothing; a later one keeps words that are newer still', async () => {
    const { call, behaviour } = await apiWorld()
    const snapshot = (version: number, words: readonly number[], pools = [POOL]) =>
      behaviour.receive['registry.snapshot-set']({
        epoch: 1,
        version,
        pools,
        words: [words],
      })
    const answers = async () =>
      (await call('POST', '/api/v1/routing/test', { body: ask })).json.result.answers
    snapshot(9, [DOWN, UP, UP])
    expect(await answers()).toEqual(['10.0.0.1'])
    behaviour.receive['registry.word-changed']({
      epoch: 1,
      version: 20,
      pool: 0,
      member: 0,
      word: DOWN,
    })
    snapshot(15, [UP, UP, UP])
    expect(await answers()).toEqual(['10.0.0.2'])
    snapshot(25, [UP, DOWN, UP])
    expect(await answers()).toEqual(['10.0.0.1'])
  })

  test('finds the wildcard that covers a name', async () => {
    const { call } = await apiWorld()
    const body = { domain: 'a.b.wild.example.com' }
    expect((await call('POST', '/api/v1/routing/test', { body })).status).toBe(200)
  })

  for (const [title, body, status] of [
    ['an unknown name', { domain: 'other.example.com' }, 404],
    ['no domain', {}, 400],
    ['a bad client', { ...ask, client_ip: 'here' }, 400],
    ['a client that is a network', { ...ask, client_ip: '10.0.0.0/8' }, 400],
    ['a bad subnet', { ...ask, edns: { client_subnet: '10.0.0.0/99' } }, 400],
    ['a type that is not steered', { ...ask, query_type: 'MX' }, 400],
    ['edns that is no object', { ...ask, edns: 'x' }, 400],
    ['a turn past 32 bits', { ...ask, turn: 2 ** 32 }, 400],
  ] as const) {
    test(`${title} gives ${status}`, async () => {
      const { call } = await apiWorld()
      expect((await call('POST', '/api/v1/routing/test', { body })).status).toBe(status)
    })
  }
})
