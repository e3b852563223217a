/**
 * One suite for both HTTP fronts: what a client sees must not depend on the library that serves.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type {
  HttpAnswer,
  HttpFront,
  HttpRequest,
  Listen,
  ListenOptions,
} from '../../src/actors/shell/contract.ts'
import { listenNode } from '../../src/actors/shell/ports-node.ts'
import { listenUws } from '../../src/actors/shell/ports-uws.ts'
import { loadUws } from '../../src/actors/shell/ports-uws-load.ts'

const uws = loadUws({
  ...(await import('../../src/actors/shell/ports-uws-load.ts')).realOrigin(),
  forced: undefined,
})

/** The library has binaries for some platforms only; elsewhere node:http is all there is. */
const fronts: [string, Listen][] = [['node', listenNode]]
if (uws.ok) fronts.push(['uws', (options) => listenUws(uws.value, options)])

const open: HttpFront[] = []
afterEach(async () => {
  for (const front of open.splice(0)) await front.close()
})

interface World {
  readonly front: HttpFront
  readonly seen: HttpRequest[]
  readonly faults: unknown[]
}

async function serve(listen: Listen, options: Partial<ListenOptions> = {}): Promise<World> {
  const seen: HttpRequest[] = []
  const faults: unknown[] = []
  const echo = async (request: HttpRequest): Promise<HttpAnswer> => ({
    status: 200,
    headers: { 'content-type': 'text/plain', 'x-path': request.path },
    body: `${request.method} ${request.path} ${request.body.length}`,
  })
  const front = await listen({
    address: '127.0.0.1:0',
    onFault: (error) => faults.push(error),
    ...options,
    onRequest: async (request) => {
      seen.push(request)
      return await (options.onRequest ?? echo)(request)
    },
  })
  if (!front.ok) throw new Error(front.error.message)
  open.push(front.value)
  return { front: front.value, seen, faults }
}

const dial = (port: number): Promise<Socket> =>
  new Promise((settle, reject) => {
    const socket = connect(port, '127.0.0.1', () => settle(socket))
    socket.once('error', reject)
  })

/** Sends raw bytes and returns everything that came back until the server (or `until`) ends it. */
async function raw(
  port: number,
  bytes: string,
  until?: RegExp,
  halfClose = false,
): Promise<string> {
  const socket = await dial(port)
  return await new Promise((settle) => {
    let text = ''
    const finish = () => {
      socket.destroy()
      settle(text)
    }
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (until?.test(text)) finish()
    })
    socket.on('close', finish)
    socket.on('error', finish)
    if (halfClose) socket.end(bytes)
    else socket.write(bytes)
  })
}

const freePort = (): Promise<number> =>
  new Promise((settle) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => settle(port))
    })
  })

const HOST = 'Host: localhost\r\n'
const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\n${HOST}${more}\r\n`
const post = (body: string, more = '') =>
  `POST /p HTTP/1.1\r\n${HOST}Content-Length: ${Buffer.byteLength(body)}\r\n${more}\r\n${body}`
const until = (condition: () => boolean): Promise<void> =>
  new Promise((settle) => {
    const look = () => (condition() ? settle() : void setImmediate(look))
    look()
  })

describe.each(fronts)('http front on %s', (_name, listen) => {
  test('hands over method, path, query, folded headers, body and peer', async () => {
    const { front, seen } = await serve(listen)
    const text = await raw(
      front.port,
      'PUT /a%2Fb/C?x=1&y=%20 HTTP/1.1\r\nHost: localhost\r\nX-One: a\r\nx-one: b\r\n' +
        'Content-Length: 3\r\n\r\nabc',
      /PUT .* 3$/,
    )
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(text).toMatch(/content-length: 1\d\r\n/i)
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({
      method: 'PUT',
      path: '/a%2Fb/C',
      query: 'x=1&y=%20',
      remoteAddress: '127.0.0.1',
    })
    expect(seen[0]!.headers['x-one']).toBe('a, b')
    expect(Buffer.from(seen[0]!.body).toString()).toBe('abc')
  })

  test('reads a chunked body and one that comes in small pieces', async () => {
    const { front, seen } = await serve(listen)
    const socket = await dial(front.port)
    const answered = new Promise((settle) => socket.once('data', settle))
    const head = `POST /p HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`
    for (const piece of [head, '3\r\nab', 'c\r\n', '2\r\nde\r\n', '0\r\n', '\r\n']) {
      socket.write(piece)
      await new Promise((settle) => setTimeout(settle, 5))
    }
    await answered
    socket.destroy()
    expect(Buffer.from(seen[0]!.body).toString()).toBe('abcde')
  })

  test('answers HEAD with the length of the body and without the body', async () => {
    const { front } = await serve(listen)
    const text = await raw(front.port, `HEAD /x HTTP/1.1\r\n${HOST}\r\n`, /\r\n\r\n/)
    expect(text).toMatch(/content-length: 9\r\n/i)
    expect(text.endsWith('\r\n\r\n')).toBe(true)
  })

  test('a connection serves the request after a HEAD and after a 204', async () => {
    const { front } = await serve(listen, {
      onRequest: async ({ path }) => ({ status: path === '/n' ? 204 : 200, headers: {}, body: '' }),
    })
    const socket = await dial(front.port)
    const statuses: string[] = []
    for (const head of [`HEAD /x`, 'DELETE /n', 'GET /y']) {
      const answer = new Promise<Buffer>((settle) => socket.once('data', settle))
      socket.write(`${head} HTTP/1.1\r\n${HOST}\r\n`)
      statuses.push(String(await answer).slice(9, 12))
    }
    socket.destroy()
    expect(statuses).toEqual(['200', '204', '200'])
  })

  test('204 carries neither body nor length', async () => {
    const { front } = await serve(listen, {
      onRequest: async () => ({ status: 204, headers: {}, body: 'never shown' }),
    })
    const text = await raw(front.port, get('/x'), /\r\n\r\n/)
    expect(text).toMatch(/^HTTP\/1\.1 204 No Content/)
    expect(text).not.toMatch(/content-length|never shown/i)
  })

  test('304 carries its fields and neither body nor length, and the connection goes on', async () => {
    const { front } = await serve(listen, {
      onRequest: async ({ path }): Promise<HttpAnswer> =>
        path === '/x'
          ? { status: 304, headers: { etag: '"a"' }, body: 'never shown' }
          : { status: 200, headers: {}, body: 'after' },
    })
    const text = await raw(front.port, get('/x') + get('/y'), /after/)
    expect(text).toMatch(/^HTTP\/1\.1 304 Not Modified\r\n/)
    const [head] = text.split('\r\n\r\n')
    expect(head).toMatch(/etag: "a"/i)
    expect(head).not.toMatch(/content-length/i)
    expect(text).not.toMatch(/never shown/)
  })

  test('a body over the limit gets 413 and is not handed over', async () => {
    const { front, seen } = await serve(listen, { limits: { bodyBytes: 1_024 } })
    const text = await raw(front.port, post('x'.repeat(2_000)))
    expect(text).toMatch(/^HTTP\/1\.1 413 /)
    expect(text).toMatch(/"code":413/)
    expect(seen).toHaveLength(0)
    expect(await raw(front.port, post('x'.repeat(1_024)), / 1024$/)).toMatch(/ 200 OK/)
  })

  test('an endless chunked body ends with 413 and a closed connection', async () => {
    const { front, seen } = await serve(listen, { limits: { bodyBytes: 1_024 } })
    const chunk = `400\r\n${'x'.repeat(1_024)}\r\n`
    const text = await raw(
      front.port,
      `POST /p HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(9)}`,
    )
    expect(text).toMatch(/^HTTP\/1\.1 413 /)
    expect(seen).toHaveLength(0)
  })

  test('a body that does not arrive in time gets 408 and a closed connection', async () => {
    const { front, seen } = await serve(listen, { limits: { requestMs: 200 } })
    const text = await raw(front.port, `POST /p HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\nabc`)
    expect(text).toMatch(/^HTTP\/1\.1 408 /)
    expect(seen).toHaveLength(0)
  })

  test('a client that goes away before the answer harms nobody', async () => {
    let release: (answer: HttpAnswer) => void = () => {}
    const waiting = new Promise<HttpAnswer>((settle) => {
      release = settle
    })
    const { front, seen, faults } = await serve(listen, {
      onRequest: async ({ path }) =>
        path === '/slow' ? await waiting : { status: 200, headers: {}, body: 'alive' },
    })
    for (let round = 0; round < 20; round++) {
      const socket = await dial(front.port)
      socket.write(round % 2 === 0 ? get('/slow') : post('half').slice(0, -2))
      await until(() => seen.length > Math.floor(round / 2))
      socket.resetAndDestroy()
    }
    // The server must have seen the resets before the late answers come.
    for (let round = 0; round < 5; round++) await raw(front.port, get('/'), /alive$/)
    release({ status: 200, headers: {}, body: 'late' })
    for (let round = 0; round < 5; round++)
      expect(await raw(front.port, get('/'), /alive$/)).toMatch(/ 200 OK/)
    expect(faults).toEqual([])
  })

  test('pipelined requests are answered in order or refused, never mixed', async () => {
    const { front } = await serve(listen, {
      onRequest: async ({ path }) => {
        // The first takes longer than the second, so a front that mixes them is caught.
        await new Promise((settle) => setTimeout(settle, path === '/1' ? 20 : 0))
        return { status: 200, headers: {}, body: `<${path}>` }
      },
    })
    const text = await raw(front.port, get('/1') + get('/2', 'Connection: close\r\n'), /<\/2>/)
    const bodies = [...text.matchAll(/<\/(\d)>/g)].map((match) => match[1])
    expect(['1,2', '1', '']).toContain(bodies.join(','))
  })

  test('a header block over the limit gets 431', async () => {
    const { front, seen } = await serve(listen)
    const text = await raw(front.port, get('/x', `X-Big: ${'x'.repeat(20_000)}\r\n`))
    expect(text).toMatch(/^HTTP\/1\.1 431 /)
    expect(seen).toHaveLength(0)
    expect(await raw(front.port, get('/x', `X-Big: ${'x'.repeat(6_000)}\r\n`), / 0$/)).toMatch(
      / 200 /,
    )
  })

  test('garbage gets 400 or a closed connection, and the next client is served', async () => {
    const { front, seen } = await serve(listen)
    for (const junk of [
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
      'GET\r\n\r\n',
      'GET /x HTTP/1.1\r\n\r\n',
      `POST /p HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\n`,
      `POST /p HTTP/1.1\r\n${HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `GET /x HTTP/9.9\r\n${HOST}\r\n`,
    ]) {
      const text = await raw(front.port, junk, /\r\n\r\n/, true)
      expect(text).toMatch(/^$|^HTTP\/1\.1 (400|505)/)
    }
    expect(seen).toHaveLength(0)
    expect(await raw(front.port, get('/x'), / 0$/)).toMatch(/ 200 OK/)
  })

  test('a handler that rejects gives 500 and reports the reason', async () => {
    const { front, faults } = await serve(listen, {
      onRequest: async () => {
        throw new Error('broken on purpose')
      },
    })
    expect(await raw(front.port, get('/x'), /500\}$/)).toMatch(/^HTTP\/1\.1 500 /)
    expect(faults).toHaveLength(1)
  })

  test('an answer cannot smuggle a header line', async () => {
    const { front } = await serve(listen, {
      onRequest: async () => ({
        status: 200,
        headers: { 'x-a': 'b\r\nx-evil: 1', 'bad name': 'v' },
        body: 'ok',
      }),
    })
    const text = await raw(front.port, get('/x'), /ok$/)
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
    expect(text).not.toMatch(/^x-evil/m)
  })

  test('past the limit of requests in flight it answers 503 with Retry-After', async () => {
    let release: () => void = () => {}
    const gate = new Promise<void>((settle) => {
      release = settle
    })
    const { front, seen } = await serve(listen, {
      limits: { inFlight: 2 },
      onRequest: async () => {
        await gate
        return { status: 200, headers: {}, body: 'done' }
      },
    })
    const held = [raw(front.port, get('/1'), /done$/), raw(front.port, get('/2'), /done$/)]
    await until(() => seen.length === 2)
    const text = await raw(front.port, get('/3'), /503\}$/)
    expect(text).toMatch(/^HTTP\/1\.1 503 /)
    expect(text).toMatch(/retry-after: 1/i)
    release()
    for (const answer of await Promise.all(held)) expect(answer).toMatch(/ 200 OK/)
    expect(await raw(front.port, get('/4'), /done$/)).toMatch(/ 200 OK/)
  })

  test('past the limit of connections a new one is closed and the old ones are served', async () => {
    const { front } = await serve(listen, { limits: { connections: 3 } })
    const held = [await dial(front.port), await dial(front.port), await dial(front.port)]
    expect(await raw(front.port, get('/x'))).toBe('')
    const answer = new Promise<Buffer>((settle) => held[0]!.once('data', settle))
    held[0]!.write(get('/y'))
    expect(String(await answer)).toMatch(/ 200 OK/)
    for (const socket of held) socket.destroy()
  })

  test('serves IPv6, with the canonical address of the peer', async () => {
    const { front, seen } = await serve(listen, { address: '[::1]:0' })
    await new Promise<void>((settle) => {
      const socket = connect(front.port, '::1', () => socket.write(get('/six')))
      socket.once('data', () => {
        socket.destroy()
        settle()
      })
    })
    expect(seen[0]!.remoteAddress).toBe('::1')
  })

  test('an IPv4 client of a listener on every address keeps its IPv4 address', async () => {
    const { front, seen } = await serve(listen, { address: ':0' })
    await raw(front.port, get('/x'), / 0$/)
    expect(seen[0]!.remoteAddress).toBe('127.0.0.1')
  })

  test('names what is wrong with an address it cannot listen on', async () => {
    const { front } = await serve(listen)
    const options = {
      onRequest: async () => ({ status: 200, headers: {}, body: '' }),
      onFault: () => {},
    }
    const faultOf = async (address: string) => {
      const result = await listen({ ...options, address })
      if (result.ok) open.push(result.value)
      return result.ok ? 'none' : result.error.code
    }
    expect(await faultOf(`127.0.0.1:${front.port}`)).toBe('address-in-use')
    expect(await faultOf('192.0.2.1:0')).toBe('address-not-available')
    expect(await faultOf('nonsense')).toBe('bad-address')
  })

  test('close ends connections and frees the address at once', async () => {
    // A port given by number: the libraries set other socket options on port 0.
    const address = `127.0.0.1:${await freePort()}`
    const { front } = await serve(listen, { address })
    const socket = await dial(front.port)
    const closed = new Promise((settle) => socket.once('close', settle))
    socket.on('error', () => {})
    expect(await raw(front.port, get('/x'), / 0$/)).toMatch(/ 200 OK/)
    await front.close()
    await front.close()
    await closed
    const again = await serve(listen, { address })
    expect(await raw(again.front.port, get('/x'), / 0$/)).toMatch(/ 200 OK/)
  })
})

test('HTTP/1.0 is served by node:http and refused with 505 by uWebSockets.js', async () => {
  for (const [name, listen] of fronts) {
    const { front } = await serve(listen)
    const text = await raw(front.port, `GET /x HTTP/1.0\r\n${HOST}\r\n`)
    expect(text).toMatch(name === 'uws' ? /^HTTP\/1\.1 505 / : /^HTTP\/1\.1 200 /)
  }
})
