// Goal: the API tells every event once, fills nothing and hides nothing: who asks for what it does
// not hold gets it from the registry, and what nobody holds is told as a gap.
import { describe, expect, test } from 'vitest'
import { Feed } from '../../../../src/actors/api/feed/feed.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import type { FeedEvent } from '../../../../src/core/events/event.ts'
import { EVERYTHING } from '../../../../src/core/events/filter.ts'
import type { ToldEvent } from '../../../../src/core/events/protocol.ts'
import { fakeCtx } from '../../../harness/ctx.ts'
import { apiWorld, START_MS } from './world.ts'

const eventOf = (number: number, topic: FeedEvent['topic'] = 'health'): FeedEvent => ({
  ...{ number, topic, kind: 'test', atMs: START_MS, service: 'app', data: {} },
})
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)
const eventsOf = (from: number, to: number) => range(from, to).map((number) => eventOf(number))

/** The registry holds `first` to `next - 1`, but for the numbers left out. */
function world(first: number, next: number, out: readonly number[] = []) {
  const ctx = fakeCtx('api', { startUnixMs: START_MS })
  const held = eventsOf(first, next - 1).filter(({ number }) => !out.includes(number))
  ctx.answers['api.read-events'] = ({ from, limit }) => ({
    events: held.filter(({ number }) => number >= from).slice(0, limit),
    ...{ first, next },
  })
  const feed = new Feed(ctx.ctx)
  const told = () =>
    ctx.published
      .filter(([id]) => id === 'api.events-told')
      .flatMap(([, message]) => (message as { events: ToldEvent[] }).events)
  const read = async (from: number, limit?: number) => {
    const page = await feed.read(from, EVERYTHING, limit)
    if (!page.ok) throw new Error(page.error)
    return page.value
  }
  return { ...ctx, feed, told, read }
}

const shown = (events: readonly ToldEvent[]) =>
  events.map(({ topic, number, json }) =>
    topic === 'gap' ? (JSON.parse(new TextDecoder().decode(json)) as object) : number,
  )

describe('telling', () => {
  test('each event is told once, though the registry says one again', () => {
    const { feed, told } = world(1, 1)
    feed.recorded({ events: eventsOf(5, 7) })
    feed.recorded({ events: eventsOf(7, 8) })
    expect(shown(told())).toEqual([5, 6, 7, 8])
  })

  test('volatile events carry a serial and no number, and cannot be resumed', async () => {
    const { feed, told, read } = world(1, 1)
    feed.volatile('rate', 'second', { queries: 7, rcodes: { NOERROR: 7 } })
    feed.volatile('decision', 'sampled', { name: 'a' }, { service: 'app' })
    const texts = told().map(({ json }) => JSON.parse(new TextDecoder().decode(json)) as object)
    expect(texts).toMatchObject([
      { live: true, serial: 1, topic: 'rate', data: { queries: 7 } },
      { live: true, serial: 2, topic: 'decision', service: 'app' },
    ])
    expect(texts[0]).not.toHaveProperty('number')
    expect((await read(1)).events).toEqual([])
  })

  test('what the disk refused is told live', () => {
    const { feed, told } = world(1, 1)
    feed.recorded({ events: [eventOf(0)] })
    expect(shown(told())).toEqual([0])
  })
})

describe('resuming', () => {
  test('what is held is read here, the rest from the registry, page by page', async () => {
    const { feed, read, asked } = world(1, 21)
    feed.recorded({ events: eventsOf(11, 20) })
    const older = await read(3, 5)
    expect([shown(older.events), older.next, older.isEnd]).toEqual([range(3, 7), 8, false])
    expect(asked).toHaveLength(1)
    const newer = await read(12)
    expect([shown(newer.events), newer.next, newer.isEnd]).toEqual([range(12, 20), 21, true])
    expect(asked).toHaveLength(1)
  })

  test('numbers that nobody holds are told as gaps, with why', async () => {
    const { read } = world(10, 21, [14, 15])
    const { events, next } = await read(2)
    expect(shown(events)).toEqual([
      { type: 'gap', from: 2, to: 9, reason: 'expired' },
      ...range(10, 13),
      { type: 'gap', from: 14, to: 15, reason: 'missing' },
      ...range(16, 20),
    ])
    expect(next).toBe(21)
  })

  test('a reader that is ahead of the log is told so, and goes on where the log is', async () => {
    const { feed, read } = world(1, 4)
    for (let round = 0; round < 2; round++) {
      const { events, next, isEnd } = await read(100)
      expect([shown(events), next, isEnd]).toEqual([
        [{ type: 'gap', from: 4, to: 99, reason: 'ahead' }],
        4,
        true,
      ])
      feed.recorded({ events: [eventOf(3)] })
    }
  })

  test('a log whose end is gone tells what is missing instead of waiting for it', async () => {
    const { read } = world(1, 9, [6, 7, 8])
    expect(shown((await read(6)).events)).toEqual([
      { type: 'gap', from: 6, to: 8, reason: 'missing' },
    ])
  })

  test('it is no end while more was told meanwhile', async () => {
    const { feed, answers } = world(1, 1)
    feed.recorded({ events: eventsOf(5, 5) })
    answers['api.read-events'] = () => {
      // In the same batch as the reply, and handled before who asked goes on.
      feed.recorded({ events: eventsOf(6, 7) })
      return { events: eventsOf(1, 5), first: 1, next: 6 }
    }
    const page = await feed.read(1, EVERYTHING)
    expect(page).toMatchObject({ ok: true, value: { next: 6, isEnd: false } })
  })

  test('a jump of the numbers leaves no hole in what is held', async () => {
    const { feed, read, asked } = world(1, 31)
    feed.recorded({ events: eventsOf(1, 10) })
    feed.recorded({ events: eventsOf(21, 30) })
    expect(shown((await read(8)).events)).toEqual(range(8, 30))
    expect(asked).toHaveLength(1)
  })

  test('what is held is bounded', async () => {
    const { feed, read, asked } = world(1, 40_001)
    for (let at = 1; at <= 40_000; at += 1_000) feed.recorded({ events: eventsOf(at, at + 999) })
    const most = limits.feedMemoryEvents.default
    expect(shown((await read(40_001 - most, 2)).events)).toEqual([40_001 - most, 40_002 - most])
    expect(asked).toHaveLength(0)
    await read(40_000 - most, 2)
    expect(asked).toHaveLength(1)
  })

  test('a registry that does not answer is a fault, not an empty page', async () => {
    const { feed, answers } = world(1, 1)
    delete answers['api.read-events']
    expect(await feed.read(1, EVERYTHING)).toEqual({ ok: false, error: 'not-answered' })
    expect(await feed.next()).toEqual({ ok: false, error: 'not-answered' })
  })
})

describe('who may listen', () => {
  const open = async (
    headers: Record<string, string>,
    config: Parameters<typeof apiWorld>[0] = {},
    more: { query?: string; from?: string; transport?: 'sse' | 'websocket' } = {},
  ) => {
    const api = await apiWorld(config)
    api.answers['api.read-events'] = () => ({ events: [], first: 1, next: 1 })
    return await api.behaviour.receive['shell.open-feed']({
      ...{ transport: more.transport ?? 'websocket', method: 'GET', path: '/api/v1/events' },
      ...{ query: more.query ?? '', remoteAddress: more.from ?? '127.0.0.1' },
      headers: { host: 'localhost:8080', ...headers },
    })
  }
  const TOKEN = 'correct-horse-battery'
  const offered = (name: string) => ({ 'sec-websocket-protocol': name })

  for (const [title, headers, config, status, protocol] of [
    ['a script on this machine', {}, {}, 200, ''],
    ['a page of our own', { origin: 'http://localhost:8080' }, {}, 200, ''],
    ['a page of another site', { origin: 'https://evil.example' }, {}, 403, ''],
    ['a sandboxed page', { origin: 'null' }, {}, 403, ''],
    ['another port of this host', { origin: 'http://localhost:3000' }, {}, 403, ''],
    ['a cross-site stream', { 'sec-fetch-site': 'cross-site' }, {}, 403, ''],
    ['a name that was rebound', { origin: 'http://e.example', host: 'e.example' }, {}, 403, ''],
    [
      'a page of another site with a token',
      { origin: 'https://evil.example', ...offered(`opengslb.json, bearer.${TOKEN}`) },
      {},
      200,
      'opengslb.json',
    ],
    ['a wrong token', offered('opengslb.json, bearer.wrong'), {}, 401, ''],
    ['nobody, where a token is required', {}, { authRequired: true }, 401, ''],
    [
      'a token in base64url, where one is required',
      offered('bearer64.Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5, opengslb.msgpack'),
      { authRequired: true },
      200,
      'opengslb.msgpack',
    ],
    ['an unknown subprotocol', offered('chat'), {}, 400, ''],
    ['a token without a subprotocol', offered(`bearer.${TOKEN}`), {}, 400, ''],
  ] as const)
    test(`${title}: ${status}`, async () => {
      const reply = await open(headers, config)
      expect([reply.status, reply.protocol]).toEqual([status, protocol])
    })

  test('strangers are turned away, and an agent has no feed', async () => {
    expect((await open({}, {}, { from: '192.0.2.1' })).status).toBe(403)
    expect((await open({}, { mode: 'agent' })).status).toBe(404)
  })

  test('Last-Event-ID resumes an event stream, and only that', async () => {
    const last = { 'last-event-id': '41' }
    expect((await open(last, {}, { transport: 'sse' })).from).toBe(42)
    expect((await open(last, {}, { transport: 'sse', query: 'from=7' })).from).toBe(42)
    expect((await open(last)).from).toBe(-1)
    expect((await open({ 'last-event-id': 'x' }, {}, { transport: 'sse' })).from).toBe(-1)
  })
})
