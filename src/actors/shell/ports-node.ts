/**
 * The HTTP front on node:http: for machines where uWebSockets.js does not load.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { fail, ok, type Result } from '../../core/base/result.ts'
import { parseAddress, parseEndpoint } from '../../core/net/address.ts'
import type {
  HttpAnswer,
  HttpFront,
  HttpLimits,
  HttpRequest,
  ListenFault,
  ListenOptions,
} from './contract.ts'
import {
  answerOf,
  BodyCollector,
  fieldsOf,
  foldHeaders,
  limitsOf,
  listenFault,
  ownAnswers,
  reasonPhrase,
  splitTarget,
} from './ports-http.ts'
import { readTls, type TlsMaterial } from './ports-tls.ts'

/** How often node looks for requests past their time; a tenth of the time keeps it honest. */
const checkEvery = (requestMs: number) => Math.max(50, Math.floor(requestMs / 10))

export async function listenNode(options: ListenOptions): Promise<Result<HttpFront, ListenFault>> {
  const endpoint = parseEndpoint(options.address)
  if (!endpoint.ok) return fail({ code: 'bad-address', message: endpoint.error })
  const most = limitsOf(options)
  const tls = options.tls && readTls(options.tls)
  if (tls?.ok === false) return tls
  const server = serverOf(options, most, tls?.value)
  const sockets = socketsOf(server)
  server.maxConnections = most.connections
  // A client error is answered by node itself (400, 408, 431); nothing here may throw for it.
  server.on('error', options.onFault)

  const listening = await new Promise<unknown>((settle) => {
    server.once('error', settle)
    const done = () => {
      server.off('error', settle)
      settle(undefined)
    }
    if (endpoint.value.host === '') server.listen(endpoint.value.port, done)
    else server.listen(endpoint.value.port, endpoint.value.host, done)
  })
  if (listening !== undefined) return fail(listenFault(options.address, listening))
  return ok({
    kind: 'node',
    port: (server.address() as AddressInfo).port,
    ...(tls === undefined ? {} : { certificateEnds: tls.value.endsAt }),
    close: () =>
      new Promise<void>((settle) => {
        if (!server.listening) return settle()
        server.close(() => settle())
        // Not `closeAllConnections`: that knows no client whose handshake is under way.
        for (const socket of sockets) socket.destroy()
      }),
  })
}

/** The connections that are open. */
function socketsOf(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

function serverOf(options: ListenOptions, most: HttpLimits, tls?: TlsMaterial): Server {
  let inFlight = 0
  const bounds = {
    maxHeaderSize: most.headerBytes,
    requestTimeout: most.requestMs,
    headersTimeout: most.requestMs,
    keepAliveTimeout: most.idleMs,
    connectionsCheckingInterval: checkEvery(most.requestMs),
  }
  const handle = (incoming: IncomingMessage, response: ServerResponse) => {
    if (inFlight >= most.inFlight) return send(incoming, response, ownAnswers.busy(), true)
    inFlight++
    response.once('close', () => inFlight--)
    serve(incoming, response, options, most)
  }
  if (tls === undefined) return createServer(bounds, handle)
  const { certificate: cert, key } = tls
  const minVersion = 'TLSv1.2'
  const handshakeTimeout = most.requestMs
  return createTlsServer({ ...bounds, cert, key, minVersion, handshakeTimeout }, handle)
}

function serve(
  incoming: IncomingMessage,
  response: ServerResponse,
  options: ListenOptions,
  most: HttpLimits,
): void {
  const body = new BodyCollector(most.bodyBytes)
  let over = false
  const refuse = () => {
    over = true
    send(incoming, response, ownAnswers.tooLarge(most.bodyBytes), true)
  }
  incoming.on('error', () => {})
  response.on('error', () => {})
  incoming.on('data', (chunk: Buffer) => {
    if (over) return
    body.add(chunk)
    if (body.hopeless) refuse()
  })
  incoming.on('end', () => {
    if (over) return
    if (body.tooLarge) return refuse()
    answerOf(options, requestOf(incoming, body.take()))
      .then((answer) => send(incoming, response, answer, false))
      .catch(options.onFault)
  })
}

function requestOf(incoming: IncomingMessage, body: Uint8Array): HttpRequest {
  const peer = (incoming.socket.remoteAddress ?? '').replace(/%.*$/, '')
  const address = parseAddress(peer)
  return {
    method: incoming.method ?? 'GET',
    ...splitTarget(incoming.url ?? '/'),
    headers: foldHeaders(rawPairs(incoming.rawHeaders)),
    body,
    remoteAddress: address.ok ? address.value.text : peer,
  }
}

function* rawPairs(raw: readonly string[]): Iterable<readonly [string, string]> {
  for (let at = 0; at + 1 < raw.length; at += 2) yield [raw[at]!, raw[at + 1]!]
}

function send(
  incoming: IncomingMessage,
  response: ServerResponse,
  answer: HttpAnswer,
  closing: boolean,
): void {
  if (response.destroyed || response.headersSent) return
  const body = Buffer.from(answer.body)
  for (const [name, value] of fieldsOf(answer)) response.setHeader(name, value)
  // RFC 9110 section 8.6: no Content-Length with 204; with HEAD it tells the length of the GET.
  if (answer.status !== 204) response.setHeader('content-length', body.length)
  if (closing) response.setHeader('connection', 'close')
  response.statusCode = answer.status
  response.statusMessage = reasonPhrase[answer.status] ?? 'Status'
  response.end(incoming.method === 'HEAD' || answer.status === 204 ? undefined : body)
}
