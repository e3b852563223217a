/**
 * One suite for both fronts: how the feed travels must not depend on the library that serves it.
 *
 * The hub is the real one, with a script in place of the API: it holds numbered events, tells new
 * ones and answers reads of old ones.
 */
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { Listen } from '../../src/actors/shell/contract.ts'
import { listenNode } from '../../src/actors/shell/ports-node.ts'
import { listenUws } from '../../src/actors/shell/ports-uws.ts'
import { loadUws, realOrigin } from '../../src/actors/shell/ports-uws-load.ts'
import { makeCertificates } from '../harness/certificates.ts'
import { closeAll, FeedWorld, numbersOf, open, upTo } from '../harness/feed-world.ts'
import { until } from '../harness/program.ts'
import { frameOf } from '../harness/ws-mutator.ts'
import { has } from '../harness/tools.ts'
import { connectStream, connectWs } from './feed-client.ts'

const uws = loadUws({ ...realOrigin(), forced: undefined })
const fronts: [string, Listen][] = [['node', listenNode]]
if (uws.ok) fronts.push(['uws', (options) => listenUws(uws.value, options)])

afterEach(closeAll)

describe.each(fronts)('the feed on %s', (_name, listen) => {
  test('a WebSocket gets a hello and then each event once, in order', async () => {
    const world = await new FeedWorld().serve(listen)
    const client = await connectWs(world.port)
    open.push(client.end)
    await until('hello', () => client.heard.length > 0)
    expect(client.heard[0]).toMatchObject({ type: 'hello', number: 0, node_id: 'websocket' })
    for (let at = 0; at < 50; at++) world.tell(3)
    await until('all', () => client.heard.length > 150)
    expect(numbersOf(client.heard)).toEqual(upTo(150))
    expect(client.heard[1]).toEqual({
      ...{ type: 'event', number: 1, at: '2025-06-15T15:06:40.000Z', topic: 'health' },
      ...{ kind: 'test', service: 'app', data: { text: 'x' } },
    })
    expect(world.faults).toEqual([])
  })

  test('msgpack comes in binary frames to those who chose it, and says the same', async () => {
    const world = await new FeedWorld().serve(listen)
    const client = await connectWs(world.port, '', { protocols: ['opengslb.msgpack'] })
    const plain = await connectWs(world.port, '', { protocols: ['opengslb.json'] })
    open.push(client.end, plain.end)
    expect([client.protocol(), plain.protocol()]).toEqual(['opengslb.msgpack', 'opengslb.json'])
    world.tell(2, 'ü'.repeat(400))
    await until('both', () => client.heard.length === 3 && plain.heard.length === 3)
    expect(client.heard).toEqual(plain.heard)
  })

  test('frames of every length class arrive whole', async () => {
    const world = await new FeedWorld().serve(listen)
    const client = await connectWs(world.port)
    open.push(client.end)
    for (const length of [1, 20, 200, 65_000, 66_000, 300_000]) world.tell(1, 'y'.repeat(length))
    await until('all', () => client.heard.length === 7)
    const lengths = client.heard.slice(1).map(({ data }) => (data as { text: string }).text.length)
    expect(lengths).toEqual([1, 20, 200, 65_000, 66_000, 300_000])
  })

  test('an event stream has a type, ids, one line of data for each event', async () => {
    const world = await new FeedWorld().serve(listen)
    const client = await connectStream(world.port)
    open.push(client.end)
    expect([client.status, client.type]).toEqual([200, 'text/event-stream'])
    world.tell(5, 'a\nb')
    await until('all', () => client.heard.length === 6)
    expect(client.ids).toEqual(['1', '2', '3', '4', '5'])
    expect(client.raw()).toMatch(/^retry: 1000\n\n/)
    expect(client.heard[0]).toMatchObject({ type: 'hello', node_id: 'sse' })
  })

  test('who resumes gets the old events, then the new ones, without a hole or a double', async () => {
    const world = await new FeedWorld().serve(listen)
    world.tell(100)
    const clients = [
      await connectWs(world.port, '?from=41'),
      await connectStream(world.port, '?from=41'),
    ]
    for (const client of clients) open.push(client.end)
    world.tell(50)
    for (const client of clients) {
      await until('all', () => numbersOf(client.heard).length >= 110)
      expect(numbersOf(client.heard)).toEqual(upTo(150, 41))
    }
  })

  test('a subscription changes what is heard, is answered, and may resume', async () => {
    const world = await new FeedWorld().serve(listen)
    const client = await connectWs(world.port, '?topics=none')
    open.push(client.end)
    world.tell(1)
    client.send({ type: 'subscribe', topics: ['drain'] })
    await until('answer', () => client.heard.length === 2)
    world.tell(2)
    world.tell(1, 'x', 'drain')
    await until('the drain', () => client.heard.length === 3)
    expect(client.heard.slice(1)).toMatchObject([
      { type: 'subscribed', topics: ['drain'] },
      { type: 'event', number: 4 },
    ])
    client.send({ type: 'subscribe', topics: ['health', 'drain'], from: 1 })
    await until('the old', () => client.heard.length === 8)
    expect(numbersOf(client.heard.slice(3))).toEqual([1, 2, 3, 4])
  })

  test('a message that makes no sense gets an error, and the connection stays', async () => {
    const world = await new FeedWorld().serve(listen)
    const client = await connectWs(world.port)
    open.push(client.end)
    client.sendRaw('{')
    client.sendRaw(Uint8Array.from([0xc1]))
    client.send({ type: 'subscribe', topics: ['weather'] })
    client.send([1])
    await until('four errors', () => client.heard.length === 5)
    expect(client.heard.slice(1).map(({ code }) => code)).toEqual([
      'malformed',
      'malformed',
      'bad-subscription',
      'bad-subscription',
    ])
    expect(client.heard[3]!['message']).toMatch(/^unknown topic "weather"; the topics are health/)
    world.tell(1)
    await until('an event', () => client.heard.length === 6)
  })

  test('a message over its limit, and a flood of messages, end the connection', async () => {
    const world = await new FeedWorld().serve(listen, { limits: { messageBytes: 512 } })
    const big = await connectWs(world.port)
    big.sendRaw('x'.repeat(600))
    // 1009 where the library can still say it.
    expect([1009, 1006]).toContain((await big.closed).code)
    const flood = await connectWs(world.port)
    for (let at = 0; at < 40; at++) flood.send({ type: 'subscribe' })
    expect(await flood.closed).toEqual({ code: 1008, reason: 'too many messages' })
    await until('nobody is left', () => world.hub.size === 0)
  })

  test('who pings without reading the answers is ended before they pile up', async () => {
    const world = await new FeedWorld().serve(listen)
    const socket = connect(world.port, '127.0.0.1')
    open.push(() => void socket.destroy())
    socket.on('error', () => {})
    const ended = new Promise<void>((settle) => void socket.on('close', () => settle()))
    socket.write(
      'GET /api/v1/events HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    await until('the upgrade', () => socket.bytesRead > 0 && world.hub.size === 1)
    socket.pause()
    const pings = Buffer.concat(Array(1_000).fill(frameOf(9, 'p'.repeat(125))))
    // The kernel takes some megabytes of answers for itself; far fewer than this.
    for (let sent = 0; sent < 400 && !socket.destroyed; sent++)
      await new Promise((settle) => void socket.write(pings, settle))
    await ended
    await until('nobody is left', () => world.hub.size === 0)
    expect(world.faults).toEqual([])
  })

  test('who is turned away gets the answer as it is', async () => {
    const world = await new FeedWorld().serve(listen)
    world.admit = () => ({
      code: 'refused',
      answer: { status: 403, headers: { 'content-type': 'text/plain' }, body: 'Forbidden' },
    })
    await expect(connectWs(world.port)).rejects.toMatchObject({ status: 403, body: 'Forbidden' })
    expect((await connectStream(world.port)).status).toBe(403)
    expect(world.hub.size).toBe(0)
  })

  test('a fault of ours is a 500, and goes to who hears of faults', async () => {
    const world = await new FeedWorld().serve(listen)
    world.admit = () => {
      throw new Error('broken')
    }
    await expect(connectWs(world.port)).rejects.toMatchObject({ status: 500 })
    expect(world.faults).toHaveLength(1)
  })

  test('readers beyond the limit get a 503, and a place is free again once one has left', async () => {
    const world = await new FeedWorld().serve(listen, { limits: { feedConnections: 2 } })
    const first = await connectWs(world.port)
    const second = await connectStream(world.port)
    await expect(connectWs(world.port)).rejects.toMatchObject({ status: 503 })
    first.end()
    second.end()
    await until('both have left', () => world.hub.size === 0)
    const third = await connectWs(world.port)
    open.push(third.end)
    expect(world.hub.size).toBe(1)
  })

  test('connections that became feeds do not use up those of requests', async () => {
    const world = await new FeedWorld().serve(listen, {
      limits: { connections: 3, feedConnections: 4 },
    })
    for (let round = 0; round < 6; round++) {
      const clients = await Promise.all([1, 2, 3].map(() => connectWs(world.port)))
      for (const client of clients) client.end()
      await until('all have left', () => world.hub.size === 0)
    }
    const answer = await fetch(`http://127.0.0.1:${world.port}/x`)
    expect(await answer.text()).toBe('GET /x')
  })

  test('a plain GET of the path and upgrades elsewhere are ordinary requests', async () => {
    const world = await new FeedWorld().serve(listen)
    const plain = await fetch(`http://127.0.0.1:${world.port}/api/v1/events`)
    expect(await plain.text()).toBe('GET /api/v1/events')
    const text = await new Promise<string>((settle) => {
      let heard = ''
      const socket = connect(world.port, '127.0.0.1', () =>
        socket.write(
          'GET /other HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
        ),
      )
      socket.on('data', (chunk) => {
        heard += chunk.toString()
        if (heard.includes('/other')) socket.destroy()
      })
      socket.on('close', () => settle(heard))
    })
    expect(text).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*GET \/other$/)
  })

  test('a stuck reader is cut with a reason, and the others miss nothing', async () => {
    const world = await new FeedWorld().serve(listen)
    const stuck = await connectWs(world.port)
    const stuckStream = await connectStream(world.port)
    const good = await connectWs(world.port)
    open.push(good.end, stuckStream.end, stuck.end)
    stuck.pause()
    stuckStream.pause()
    const before = world.hub.counts.slow
    const text = 'z'.repeat(3_000)
    for (let sent = 0; world.hub.counts.slow < before + 2 && sent < 20_000; sent += 20) {
      world.tell(20, text)
      await new Promise((settle) => setTimeout(settle, 1))
    }
    expect(world.hub.counts.slow).toBe(before + 2)
    await until('the good one has all', () => numbersOf(good.heard).length === world.log.length)
    expect(numbersOf(good.heard)).toEqual(upTo(world.log.length))
    expect(world.hub.size).toBe(1)
    stuck.resume()
    const { code } = await stuck.closed
    expect([1013, 1006]).toContain(code)
    // Whatever it got until then is without a hole.
    expect(numbersOf(stuck.heard)).toEqual(upTo(numbersOf(stuck.heard).length))
  }, 60_000)

  test('a slow reader that resumes is fed at its own pace and loses nothing', async () => {
    const world = await new FeedWorld().serve(listen)
    for (let at = 0; at < 20; at++) world.tell(20, 'w'.repeat(2_000))
    const read = world.hub.world.read
    let pages = 0
    Object.assign(world.hub.world, {
      read: async (from: number, filter: never) => {
        pages++
        const page = (await read(from, filter))!
        const events = page.events.slice(0, 20)
        const next = (events.at(-1)?.number ?? page.next - 1) + 1
        return { events, next, isEnd: next >= page.next }
      },
    })
    const client = await connectWs(world.port, '?from=1')
    open.push(client.end)
    client.pause()
    await new Promise((settle) => setTimeout(settle, 100))
    client.resume()
    await until('all', () => numbersOf(client.heard).length === 400)
    expect(numbersOf(client.heard)).toEqual(upTo(400))
    expect(pages).toBeGreaterThanOrEqual(20)
  })

  test('the server says goodbye', async () => {
    const world = await new FeedWorld().serve(listen)
    const client = await connectWs(world.port)
    world.hub.close()
    expect(await client.closed).toEqual({ code: 1001, reason: 'the server is going away' })
  })

  test('an idle event stream stays open and is pinged', async () => {
    const world = await new FeedWorld().serve(listen, { limits: { pingMs: 100 } })
    const client = await connectStream(world.port)
    open.push(client.end)
    await until('pings', () => client.raw().split(': ping').length > 4)
    expect(world.hub.size).toBe(1)
  })
})

test.skipIf(!has('openssl'))(
  'over TLS, which node:http serves, a WebSocket is served as one without',
  async () => {
    const files = makeCertificates()
    open.push(() => files.remove())
    const tls = { certFile: files.certFile, keyFile: files.keyFile }
    const world = await new FeedWorld().serve(listenNode, { tls })
    const client = await connectWs(world.port, '', { secure: true })
    open.push(client.end)
    for (let at = 0; at < 30; at++) world.tell(10, 'v'.repeat(1_000))
    await until('all', () => numbersOf(client.heard).length === 300)
    expect(numbersOf(client.heard)).toEqual(upTo(300))
  },
)
