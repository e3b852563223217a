/**
 * Requests that two readers could cut differently: none of them may bring a second request along.
 *
 * A proxy in front that reads a message one way and a server that reads it another way let a
 * stranger put words into the next client's request (RFC 9112 section 11.2).
 */
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { HttpFront, HttpRequest, Listen } from '../../src/actors/shell/contract.ts'
import { listenNode } from '../../src/actors/shell/ports-node.ts'
import { listenUws } from '../../src/actors/shell/ports-uws.ts'
import { loadUws, realOrigin } from '../../src/actors/shell/ports-uws-load.ts'

const uws = loadUws({ ...realOrigin(), forced: undefined })
const fronts: [string, Listen][] = [['node', listenNode]]
if (uws.ok) fronts.push(['uws', (options) => listenUws(uws.value, options)])

const open: HttpFront[] = []
afterEach(async () => {
  for (const front of open.splice(0)) await front.close()
})

async function exchange(listen: Listen, bytes: string) {
  const seen: HttpRequest[] = []
  const front = await listen({
    address: '127.0.0.1:0',
    onFault: () => {},
    limits: { requestMs: 300 },
    onRequest: async (request) => {
      seen.push(request)
      return { status: 200, headers: {}, body: 'ok' }
    },
  })
  if (!front.ok) throw new Error(front.error.message)
  open.push(front.value)
  const text = await new Promise<string>((settle) => {
    let said = ''
    const socket = connect(front.value.port, '127.0.0.1', () => socket.end(bytes, 'latin1'))
    socket.on('data', (chunk) => (said += chunk.toString('latin1')))
    socket.on('error', () => {})
    socket.on('close', () => settle(said))
  })
  return { seen, text }
}

const HEAD = 'POST /p HTTP/1.1\r\nHost: localhost\r\n'
const SECOND = 'GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n'
const CHUNKED = 'Transfer-Encoding: chunked\r\n'

const ambiguous: readonly (readonly [string, string])[] = [
  ['a length beside chunks', `${HEAD}Content-Length: 5\r\n${CHUNKED}\r\n0\r\n\r\n${SECOND}`],
  ['chunks beside a length', `${HEAD}${CHUNKED}Content-Length: 5\r\n\r\n0\r\n\r\n${SECOND}`],
  ['two lengths that differ', `${HEAD}Content-Length: 0\r\nContent-Length: 44\r\n\r\n${SECOND}`],
  ['a list of lengths', `${HEAD}Content-Length: 0, 44\r\n\r\n${SECOND}`],
  ['a length with a sign', `${HEAD}Content-Length: +0\r\n\r\n${SECOND}`],
  ['a length in hex', `${HEAD}Content-Length: 0x0\r\n\r\n${SECOND}`],
  ['a blank before the colon', `${HEAD}Content-Length : 44\r\n\r\n${SECOND}`],
  ['a coding nobody knows', `${HEAD}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${SECOND}`],
  ['chunked not last', `${HEAD}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${SECOND}`],
  ['a folded coding', `${HEAD}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n${SECOND}`],
  ['a chunk size with a sign', `${HEAD}${CHUNKED}\r\n-1\r\n\r\n${SECOND}`],
  ['a chunk size past 64 bits', `${HEAD}${CHUNKED}\r\n10000000000000000\r\n\r\n${SECOND}`],
  ['a chunk longer than its size', `${HEAD}${CHUNKED}\r\n1\r\nabc\r\n0\r\n\r\n${SECOND}`],
  ['a line break inside a header', `${HEAD}X-A: b\rContent-Length: 44\r\n\r\n${SECOND}`],
]

describe.each(fronts)('ambiguous requests on %s', (_name, listen) => {
  test.each(ambiguous)('%s is refused, and so is what follows it', async (_title, bytes) => {
    const { seen, text } = await exchange(listen, bytes)
    expect(seen.map(({ path }) => path)).not.toContain('/smuggled')
    expect(text).toMatch(/^$|^HTTP\/1\.1 (200|400|408|413|501|505)/)
  })

  test('a body that looks like a request is a body', async () => {
    const { seen } = await exchange(
      listen,
      `${HEAD}Content-Length: ${SECOND.length}\r\n\r\n${SECOND}`,
    )
    expect(seen.map(({ path }) => path)).toEqual(['/p'])
    expect(Buffer.from(seen[0]!.body).toString()).toBe(SECOND)
  })

  test('two Host fields do not pass for one', async () => {
    const request = 'GET /x HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n'
    const { seen, text } = await exchange(listen, request)
    expect(seen).toEqual([])
    expect(text).toMatch(/^$|^HTTP\/1\.1 400 /)
  })
})
