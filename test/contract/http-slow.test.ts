/**
 * Clients that never finish what they began: each is cut off, and none keeps others from being
 * served.
 */
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { HttpFront, Listen } from '../../src/actors/shell/contract.ts'
import { listenNode } from '../../src/actors/shell/ports-node.ts'
import { listenUws } from '../../src/actors/shell/ports-uws.ts'
import { loadUws, realOrigin } from '../../src/actors/shell/ports-uws-load.ts'

const uws = loadUws({ ...realOrigin(), forced: undefined })
/** uWebSockets.js gives a header ten seconds, whatever we ask for. */
const fronts: [string, Listen, number][] = [['node', listenNode, 3_000]]
if (uws.ok) fronts.push(['uws', (options) => listenUws(uws.value, options), 15_000])

const open: HttpFront[] = []
afterEach(async () => {
  for (const front of open.splice(0)) await front.close()
})

/** Sends `head`, then a byte now and then until the server has had enough. */
function drip(port: number, head: string): { socket: Socket; ended: Promise<number> } {
  const startMs = performance.now()
  const socket = connect(port, '127.0.0.1', () => socket.write(head))
  const timer = setInterval(() => socket.write('X'), 100)
  socket.on('error', () => {})
  socket.resume()
  const ended = new Promise<number>((settle) =>
    socket.on('close', () => {
      clearInterval(timer)
      settle(performance.now() - startMs)
    }),
  )
  return { socket, ended }
}

describe.each(fronts)('slow clients on %s', (_name, listen, withinMs) => {
  test('a header or a body sent byte by byte is cut off, and others are served meanwhile', async () => {
    const front = await listen({
      address: '127.0.0.1:0',
      onFault: () => {},
      limits: { requestMs: 500 },
      onRequest: async () => ({ status: 200, headers: {}, body: 'ok' }),
    })
    if (!front.ok) throw new Error(front.error.message)
    open.push(front.value)
    const { port } = front.value
    const heads = Array.from({ length: 20 }, () => drip(port, 'GET / HTTP/1.1\r\nHost: a\r\n'))
    const bodies = Array.from({ length: 20 }, () =>
      drip(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n'),
    )
    const answer = await fetch(`http://127.0.0.1:${port}/`)
    expect(await answer.text()).toBe('ok')
    for (const { ended } of [...heads, ...bodies]) expect(await ended).toBeLessThan(withinMs)
  }, 30_000)
})

describe.each(fronts)('clients that do not read, on %s', (name, listen, withinMs) => {
  const BODY = 'x'.repeat(16_777_216)
  async function serve(limits: { requestMs: number; inFlight: number }) {
    const front = await listen({
      ...{ address: '127.0.0.1:0', onFault: () => {}, limits },
      onRequest: async ({ path }) => {
        if (path === '/late') await new Promise((go) => setTimeout(go, 200))
        return { status: 200, headers: {}, body: path === '/large' ? BODY : 'ok' }
      },
    })
    if (!front.ok) throw new Error(front.error.message)
    open.push(front.value)
    return front.value.port
  }
  const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
  const statusOf = async (port: number, path = '/') =>
    (await fetch(`http://127.0.0.1:${port}${path}`)).status

  test('are cut off, and give their places back, also the last of several requests', async () => {
    const port = await serve({ requestMs: 500, inFlight: 2 })
    const sockets: Socket[] = []
    for (const text of [ask('/') + ask('/large'), ask('/large')]) {
      const socket = connect(port, '127.0.0.1', () => socket.write(text)).pause()
      sockets.push(socket.on('error', () => {}))
      await new Promise((go) => setTimeout(go, 150))
    }
    const sinceMs = performance.now()
    const looks = [await statusOf(port)]
    while (looks.at(-1) === 503 && performance.now() - sinceMs < withinMs) {
      await new Promise((go) => setTimeout(go, 200))
      looks.push(await statusOf(port))
    }
    expect(looks.at(-1)).toBe(200)
    // The other front lends no place to an answer that is on its way.
    if (name === 'node') expect(looks[0]).toBe(503)
    for (const socket of sockets) socket.destroy()
  }, 30_000)

  test('but slowly are given all of it', async () => {
    const port = await serve({ requestMs: 500, inFlight: 4 })
    const socket = connect(port, '127.0.0.1', () => socket.write(ask('/large')))
    let size = 0
    socket.on('data', (chunk: Buffer) => {
      size += chunk.length
      socket.pause()
      setTimeout(() => socket.resume(), 8)
    })
    const sinceMs = performance.now()
    while (size < BODY.length) await new Promise((go) => setTimeout(go, 50))
    expect(performance.now() - sinceMs).toBeGreaterThan(1_000)
    socket.destroy()
  }, 30_000)

  test('because they go give their places back, with all that they asked in one go', async () => {
    const port = await serve({ requestMs: 5_000, inFlight: 4 })
    const socket = connect(port, '127.0.0.1', () => socket.write(ask('/late').repeat(4)))
    await new Promise((go) => setTimeout(go, 100))
    socket.destroy()
    await new Promise((go) => setTimeout(go, 500))
    const all = await Promise.all([1, 2, 3, 4].map(() => statusOf(port, '/late')))
    expect(all).toEqual([200, 200, 200, 200])
  })
})
