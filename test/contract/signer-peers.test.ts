/** Goal: a message reaches a peer over http and https, and what is no answer is told in words. */
import { createServer as createHttp, type RequestListener, type Server } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { createServer as createTcp } from 'node:net'
import { readFileSync } from 'node:fs'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { PEER_PATH, postToPeer } from '../../src/actors/signer/ports-peers.ts'
import { limits } from '../../src/core/base/limits.ts'
import { makeCertificates } from '../harness/certificates.ts'

const certificates = makeCertificates()
const MESSAGE = Uint8Array.from([0, 1, 250, 255])
const ends: (() => void)[] = []

afterEach(() => {
  for (const end of ends.splice(0)) end()
})
afterAll(() => certificates.remove())

interface Listening {
  listen(port: number, host: string, done: () => void): unknown
  address(): unknown
  close(): unknown
}

async function portOf(server: Listening): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(() => server.close())
  return (server.address() as { port: number }).port
}

async function peer(scheme: 'http' | 'https', answer: RequestListener): Promise<string> {
  const { certFile, keyFile } = certificates
  const server: Server =
    scheme === 'http'
      ? createHttp(answer)
      : createHttps({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, answer)
  ends.push(() => server.closeAllConnections())
  return `${scheme}://127.0.0.1:${await portOf(server)}`
}

/** Sends back what it was sent, as the API of a peer does an answer. */
const echo: RequestListener = (request, response) => {
  let text = ''
  request.on('data', (part: Buffer) => {
    text += part.toString()
  })
  request.on('end', () => {
    const isRight = request.method === 'POST' && request.url === PEER_PATH
    response.writeHead(isRight ? 200 : 404).end(text)
  })
}

const saying =
  (status: number, text: string): RequestListener =>
  (request, response) => {
    request.resume()
    response.writeHead(status).end(text)
  }

describe('a message to a peer', { timeout: 20_000 }, () => {
  test.each(['http', 'https'] as const)('is answered over %s', async (scheme) => {
    const url = await peer(scheme, echo)
    expect(await postToPeer(url, MESSAGE, 5_000)).toEqual({ ok: true, value: MESSAGE })
    // A path in the address of a peer is none of its own.
    const below = await postToPeer(`${url}/deep/`, MESSAGE, 5_000)
    expect(below).toEqual({ ok: true, value: MESSAGE })
  })

  test.each([
    [
      'a problem document',
      403,
      '{"error":"no secret of ours"}',
      'it answered 403: no secret of ours',
    ],
    ['a status alone', 502, '<html>', 'it answered 502'],
    ['a place to look elsewhere', 307, '', 'it answered 307'],
    ['no JSON', 200, 'hello', 'it answered with something else'],
    ['JSON of another kind', 200, '["message"]', 'it answered with something else'],
    ['a message that is no base 64', 200, '{"message":"***"}', 'it answered with something else'],
  ])('to which %s comes back has failed, in words', async (_, status, text, error) => {
    for (const scheme of ['http', 'https'] as const) {
      const url = await peer(scheme, saying(status, text))
      expect(await postToPeer(url, MESSAGE, 5_000)).toEqual({ ok: false, error })
    }
  })

  test('takes no answer that is longer than a message can be', async () => {
    let isGone = false
    const url = await peer('https', (request, response) => {
      request.resume()
      response.on('close', () => {
        isGone = true
      })
      const part = ' '.repeat(1 << 16)
      const more = () => {
        while (!isGone && response.write(part));
      }
      response.writeHead(200)
      response.on('drain', more)
      more()
    })
    expect(limits.syncMessageBytes.default).toBeGreaterThan(1 << 16)
    const error = 'its answer is too long'
    expect(await postToPeer(url, MESSAGE, 15_000)).toEqual({ ok: false, error })
    await expect.poll(() => isGone).toBe(true)
  })

  test('waits no longer than it is told to', async () => {
    const silent = await portOf(createTcp((socket) => void socket.on('error', () => undefined)))
    const stuck = await peer('http', (request, response) => {
      request.resume()
      response.writeHead(200).write('{"message":"')
    })
    for (const url of [`http://127.0.0.1:${silent}`, `https://127.0.0.1:${silent}`, stuck]) {
      const began = performance.now()
      const error = 'no answer in 300 ms'
      expect(await postToPeer(url, MESSAGE, 300), url).toEqual({ ok: false, error })
      expect(performance.now() - began).toBeLessThan(5_000)
    }
  })

  test('fails where nobody listens, where TLS is not spoken, and at an address that is none', async () => {
    const plain = await peer('http', echo)
    const gone = await portOf(createTcp())
    for (const end of ends.splice(-1)) end()
    const urls = [plain.replace('http:', 'https:'), `http://127.0.0.1:${gone}`]
    for (const url of urls) expect((await postToPeer(url, MESSAGE, 5_000)).ok, url).toBe(false)
    const error = 'its address is none'
    expect(await postToPeer('nowhere', MESSAGE, 5_000)).toEqual({ ok: false, error })
  })
})
