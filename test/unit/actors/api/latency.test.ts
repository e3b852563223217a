/** Goal: learned latency is told in both spellings, filtered and paged; setting it has bounds. */
import { describe, expect, test } from 'vitest'
import type { LearnedEntry } from '../../../../src/core/latency/table.ts'
import { apiWorld, START_MS } from './world.ts'

const PATH = '/api/v1/overwatch/latency'

const entry: LearnedEntry = {
  subnet: '10.1.2.0/24',
  service: 'app.demo.local',
  region: 'eu-west',
  rttMs: 85.12345,
  deviationMs: 2.5,
  minMs: 80,
  samples: 150,
  weight: 149.987,
  observedMs: START_MS,
  sources: ['eu-west-1', 'eu-west-2'],
}

describe('GET', () => {
  test('tells each entry in the words of the program and of its documents', async () => {
    const { call, answers } = await apiWorld()
    answers['api.list-latency'] = () => ({ entries: [entry], total: 7, subnets: 3 })
    const { status, json } = await call('GET', PATH)
    expect(status).toBe(200)
    expect(json).toMatchObject({ count: 1, total: 7, subnet_count: 3 })
    expect(json.entries).toEqual([
      {
        subnet: '10.1.2.0/24',
        backend: 'app.demo.local',
        domain: 'app.demo.local',
        region: 'eu-west',
        ewma_ms: 85.123,
        rtt_ms: 85.123,
        deviation_ms: 2.5,
        min_ms: 80,
        sample_count: 150,
        samples: 150,
        weight: 149.99,
        last_updated: expect.stringMatching(/^2025-06-15T/),
        source: 'eu-west-1',
        sources: ['eu-west-1', 'eu-west-2'],
      },
    ])
  })

  test('passes filters and the page on', async () => {
    const { call, asked, answers } = await apiWorld()
    answers['api.list-latency'] = () => ({ entries: [], total: 0, subnets: 0 })
    await call(
      'GET',
      `${PATH}?backend=App.Demo.local.&region=eu&subnet=10.1.2.9/24&limit=5&offset=2`,
    )
    const subnet = '10.1.2.0/24'
    expect(asked).toEqual([
      [
        'api.list-latency',
        { service: 'app.demo.local', region: 'eu', subnet, offset: 2, count: 5 },
      ],
    ])
  })

  test.each(['limit=x', 'offset=-1', 'subnet=nowhere'])('%s is 400', async (query) => {
    const { call } = await apiWorld()
    expect((await call('GET', `${PATH}?${query}`)).status).toBe(400)
  })

  test('is 503 while nobody knows', async () => {
    const { call } = await apiWorld()
    expect((await call('GET', PATH)).status).toBe(503)
  })
})

describe('POST', () => {
  const body = { subnet: '10.9.8.0/24', backend: 'app.demo.local', region: 'eu', latency_ms: 40 }

  test('sets a row in the name of the caller', async () => {
    const { call, asked, answers } = await apiWorld()
    answers['api.add-latency'] = () => ({ outcome: 'done', message: 'it is set' })
    const answer = await call('POST', PATH, { body, headers: { 'x-user': 'jo' } })
    expect(answer.status).toBe(201)
    const { backend: service, latency_ms: rttMs, ...rest } = body
    expect(asked.at(-1)).toEqual([
      'api.add-latency',
      { ...rest, service, rttMs, samples: 1, by: 'jo' },
    ])
  })

  test('what the table refuses is 400, with its reason', async () => {
    const { call, answers } = await apiWorld()
    answers['api.add-latency'] = () => ({ outcome: 'refused', message: 'too wide' })
    const answer = await call('POST', PATH, { body })
    expect([answer.status, answer.json.error]).toEqual([400, 'too wide'])
  })

  test.each([
    { ...body, subnet: undefined },
    { ...body, backend: undefined },
    { ...body, latency_ms: undefined },
    { ...body, latency_ms: -1 },
    { ...body, samples: 0 },
    { ...body, samples: 1_000_000 },
  ])('%o is 400', async (wrong) => {
    const { call } = await apiWorld()
    expect((await call('POST', PATH, { body: wrong })).status).toBe(400)
  })
})
