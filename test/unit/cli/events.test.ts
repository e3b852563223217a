// Goal: `events` shows what the log holds; `--follow` misses nothing when the connection breaks,
// and gets on where no WebSocket can be had.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { cli, fakeApi } from './run.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

const event = (number: number, data: object = { serving: true }) => ({
  ...{ type: 'event', number, at: '2026-01-02T03:04:05.000Z', topic: 'health' },
  ...{ kind: 'status-changed', service: 'app.example', region: 'eu', data },
})
const gap = { type: 'gap', from: 1, to: 4, reason: 'expired' }

test('a page is one line an event; filters go to the API', async () => {
  const path = '/api/v1/events?limit=100&topics=health%2Cdrain&services=app.example&from=1'
  const page = { events: [gap, event(5, { why: 'a b\u001b[2J', n: 1 })], next: 6, end: true }
  const api = await fakeApi({ [`GET ${path}`]: page })
  closing.push(api.close)
  const words = ['--topic', 'health,drain', '--service', 'app.example', '--from', '1']
  const { out, err, code } = await api.run('events', ...words)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out.split('\n')).toEqual([
    '1-4  gap  these events are missing (expired)',
    '5  2026-01-02T03:04:05.000Z  health.status-changed  app.example eu  why="a b\\u001b[2J" n=1',
  ])
  expect(JSON.parse((await api.run('--json', 'events', ...words)).out)).toEqual(page)
  expect((await api.run('events', '--from', 'x')).code).toBe(2)
  const none = await api.run('events')
  expect(none.code).toBe(1)
  expect(none.err).toMatch(/Hint: this node does not offer that/)
})

/** A feed that does to each connection, in turn, what it is told. */
async function feed(...turns: readonly ((socket: WebSocket) => void)[]) {
  const server = createServer()
  const sockets = new WebSocketServer({ server, path: '/api/v1/events' })
  const urls: string[] = []
  const protocols: string[] = []
  sockets.on('connection', (socket, request) => {
    urls.push(request.url ?? '')
    protocols.push(socket.protocol)
    turns[Math.min(urls.length, turns.length) - 1]!(socket)
  })
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle))
  closing.push(() => {
    for (const one of sockets.clients) one.terminate()
    server.closeAllConnections()
    server.close()
  })
  return { urls, protocols, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const send = (socket: WebSocket, ...messages: readonly object[]) => {
  for (const message of messages) socket.send(JSON.stringify(message))
}

describe('--follow', () => {
  test('a broken connection is opened anew from the next number; nothing is shown twice', async () => {
    const stopper = new AbortController()
    const hello = { type: 'hello', number: 4, version: '2', node_id: 'a' }
    const { url, urls, protocols } = await feed(
      (socket) => {
        send(socket, hello, event(5))
        socket.close(1013, 'too slow')
      },
      (socket) => {
        send(socket, hello, event(5), event(6))
        setTimeout(() => stopper.abort(), 50)
      },
    )
    const argv = ['--api', url, '--json', 'events', '--follow', '--topic', 'health']
    const { code, out, err } = await cli(argv, {}, { stopped: stopper.signal })
    expect(code).toBe(0)
    expect(urls).toEqual(['/api/v1/events?topics=health', '/api/v1/events?topics=health&from=6'])
    expect(protocols).toEqual(['opengslb.json', 'opengslb.json'])
    expect(out.split('\n').map((line) => JSON.parse(line).number)).toEqual([5, 6])
    expect(err).toBe('Note: too slow; connecting again')
  })

  test('before the first event the number of the greeting is resumed from', async () => {
    const stopper = new AbortController()
    const { url, urls } = await feed(
      (socket) => {
        send(socket, { type: 'hello', number: 41 })
        socket.close()
      },
      () => stopper.abort(),
    )
    await cli(['--api', url, 'events', '-f'], {}, { stopped: stopper.signal })
    expect(urls).toEqual(['/api/v1/events', '/api/v1/events?from=42'])
  })

  test('a node whose numbers began anew is followed from there', async () => {
    const stopper = new AbortController()
    const ahead = { type: 'gap', from: 10, to: 5_000, reason: 'ahead' }
    const { url, urls } = await feed(
      (socket) => {
        send(socket, { type: 'hello', number: 9 }, ahead, event(10), event(11))
        socket.close()
      },
      (socket) => {
        send(socket, event(12))
        setTimeout(() => stopper.abort(), 50)
      },
    )
    const argv = ['--api', url, '--json', 'events', '-f', '--from', '5001']
    const { out } = await cli(argv, {}, { stopped: stopper.signal })
    expect(urls.at(-1)).toBe('/api/v1/events?from=12')
    const numbers = out.split('\n').flatMap((line) => JSON.parse(line).number ?? [])
    expect(numbers).toEqual([10, 11, 12])
  })

  test('what a node that starts answers is no end', async () => {
    const stopper = new AbortController()
    const server = createServer()
    const sockets = new WebSocketServer({ noServer: true })
    let tries = 0
    server.on('upgrade', (request, socket, head) => {
      if (++tries === 2) {
        socket.end('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n')
        return
      }
      sockets.handleUpgrade(request, socket, head, (open) => {
        send(open, { type: 'hello', number: 0 }, event(tries))
        if (tries === 1) open.close()
        else setTimeout(() => stopper.abort(), 50)
      })
    })
    await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle))
    closing.push(() => {
      server.closeAllConnections()
      server.close()
    })
    const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { code, out, err } = await cli(
      ['--api', api, '--json', 'events', '-f'],
      {},
      { stopped: stopper.signal },
    )
    expect(out.split('\n').map((line) => JSON.parse(line).number)).toEqual([1, 3])
    expect([code, err]).toEqual([0, expect.stringContaining('API error (503); connecting again')])
  })

  test('an error of the feed ends it with its words', async () => {
    const refusal = { type: 'error', code: 'bad-topic', message: 'unknown topic "x"' }
    const { url } = await feed((socket) => send(socket, refusal))
    const { code, err } = await cli(['--api', url, 'events', '-f', '--topic', 'x'])
    expect({ code, err }).toEqual({
      code: 1,
      err: 'Error: the feed was refused: unknown topic "x"',
    })
  })

  test('without a WebSocket it asks for pages, from what comes next', async () => {
    const stopper = new AbortController()
    const api = await fakeApi({
      'GET /api/v1/events': { events: [event(7)], next: 8, end: true },
      'GET /api/v1/events?from=8': () => {
        stopper.abort()
        return { events: [event(8)], next: 9, end: true }
      },
    })
    closing.push(api.close)
    api.server.on('upgrade', (_request, socket) =>
      socket.end('HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\n\r\n'),
    )
    const { out, err, code } = await cli(
      ['--api', api.url, 'events', '-f'],
      {},
      { stopped: stopper.signal },
    )
    expect({ code, err }).toEqual({
      code: 0,
      err: 'Note: no WebSocket there: asking every second instead',
    })
    expect(out).toMatch(/^8 {2}/)
  })

  test('a refusal and an API that is not there have their exit codes', async () => {
    const api = await fakeApi({})
    closing.push(api.close)
    api.server.on('upgrade', (_request, socket) =>
      socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n'),
    )
    const refused = await api.run('events', '-f')
    expect(refused.code).toBe(1)
    expect(refused.err).toMatch(/API error \(401\)[\s\S]*Hint: give a token/)
    expect((await cli(['--api', 'http://127.0.0.1:1', 'events', '-f'])).code).toBe(3)
  })
})
