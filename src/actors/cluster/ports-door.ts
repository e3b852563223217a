/**
 * The way in for nodes that join: a small HTTP server, with TLS where the members use it, and the
 * client of it.
 */
import * as http from 'node:http'
import * as https from 'node:https'
import { limits } from '../../core/base/limits.ts'
import type { TlsFiles } from '../../core/cluster/engine.ts'
import type { DoorOutcome, DoorRequest, Knocked, PulseEars } from './contract.ts'
import { listenPulse, PULSE_PATH, sendPulse } from './ports-pulse.ts'
import { renewing, tlsOf } from './ports-tls.ts'

export const DOOR_PATH = '/opengslb/join'

/** The body as text; undefined when it is longer than the bound, or was cut off. */
function bodyOf(message: http.IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  return new Promise((resolve) => {
    message.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > limits.clusterDoorBytes.default) {
        resolve(undefined)
        message.destroy()
      } else chunks.push(chunk)
    })
    message.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    message.on('error', () => resolve(undefined))
    message.on('close', () => resolve(undefined))
  })
}

export function listen(door: string, ears: PulseEars, tls?: TlsFiles): () => void {
  try {
    return listenPulse(door, ears, tls === undefined ? undefined : tlsOf(tls))
  } catch {
    // Files that cannot be read, or a door that is no URL: as if nobody were there.
    queueMicrotask(ears.ended)
    return () => {}
  }
}

function securedServer(tls: TlsFiles, serve: http.RequestListener): https.Server {
  const server = https.createServer({ ...tlsOf(tls), requestCert: true }, serve)
  const renew = renewing(tls, (parts) => server.setSecureContext(parts))
  // Before the server's own listener, which begins the handshake.
  server.prependListener('connection', renew)
  return server
}

export function openDoor({ host, port, tls, handle, heard }: DoorRequest): Promise<DoorOutcome> {
  let running = 0
  let listeners = 0
  const serve: http.RequestListener = async (request, response) => {
    const answer = (status: number, text: string) => {
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
      response.end(text)
    }
    if (request.method === 'GET' && request.url === PULSE_PATH) {
      if (listeners >= limits.clusterListeners.default) return answer(503, '{"error":"busy"}')
      listeners++
      response.on('close', () => listeners--)
      return sendPulse(response, heard)
    }
    if (request.method !== 'POST' || request.url !== DOOR_PATH) return answer(404, '{}')
    if (running >= limits.clusterDoorRequests.default) return answer(503, '{"error":"busy"}')
    running++
    const text = await bodyOf(request)
    const { status, text: said } =
      text === undefined ? { status: 413, text: '{}' } : await handle(text)
    running--
    answer(status, said)
  }
  return new Promise((resolve) => {
    const failed = (error: Error) => resolve({ code: 'failed', message: error.message })
    try {
      const server = tls === undefined ? http.createServer(serve) : securedServer(tls, serve)
      server.requestTimeout = limits.clusterCallMs.default * 5
      server.maxConnections =
        limits.clusterDoorRequests.default * 2 + limits.clusterListeners.default
      server.once('error', failed)
      server.listen(port, host === '' ? undefined : host, () => {
        server.off('error', failed)
        server.on('error', () => {})
        const close = () =>
          new Promise<void>((closed) => {
            server.close(() => closed())
            server.closeAllConnections()
          })
        resolve({ code: 'open', close })
      })
    } catch (error) {
      failed(error as Error)
    }
  })
}

/** What says that nobody is there: no way to the host, or nobody who listens. */
const ABSENT =
  /^(ECONNREFUSED|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|ETIMEDOUT|ENOTFOUND|EAI_.*)$/

export function knock(
  url: string,
  body: string | undefined,
  timeoutMs: number,
  tls?: TlsFiles,
): Promise<Knocked> {
  return new Promise((resolve) => {
    const failed = ({ code = '', message }: NodeJS.ErrnoException) =>
      resolve({
        code: ABSENT.test(code) ? 'unreachable' : 'failed',
        message: message === '' ? code : message,
      })
    try {
      const options = {
        method: body === undefined ? 'GET' : 'POST',
        headers: { 'content-type': 'application/json' },
        agent: false as const,
        ...(tls === undefined ? {} : tlsOf(tls)),
      }
      const heard = async (response: http.IncomingMessage) => {
        const text = await bodyOf(response)
        clearTimeout(timer)
        const { statusCode: status = 0, headers } = response
        const clusterId = headers['x-etcd-cluster-id']
        const of = typeof clusterId === 'string' ? { clusterId } : {}
        if (text === undefined) resolve({ code: 'failed', message: 'the answer is too long' })
        else resolve({ code: 'answered', status, text, ...of })
      }
      const request = (url.startsWith('https:') ? https : http).request(url, options, heard)
      const timer = setTimeout(() => {
        resolve({ code: 'timed-out', message: `no answer within ${timeoutMs} ms` })
        request.destroy()
      }, timeoutMs)
      request.on('error', (error) => {
        clearTimeout(timer)
        failed(error)
      })
      request.end(body)
    } catch (error) {
      failed(error as Error)
    }
  })
}
