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
