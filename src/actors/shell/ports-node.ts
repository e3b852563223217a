/**
 * The HTTP front on node:http: for TLS, and for machines where uWebSockets.js does not load.
 *
 * TLS is served here alone because a listener must take a renewed certificate without being closed,
 * and because clients may show certificates of their own.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { randomBytes } from 'node:crypto'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { type Server as TlsServer, TLSSocket } from 'node:tls'
import type { ClientCertificate } from '../../core/access/credentials.ts'
import { fail, ok, type Result } from '../../core/base/result.ts'
import { parseAddress, parseEndpoint } from '../../core/net/address.ts'
import type {
  HttpAnswer,
  HttpFront,
  HttpLimits,
  HttpRequest,
  ListenFault,
  ListenOptions,
  TlsFiles,
} from './contract.ts'
import {
  answerOf,
  BodyCollector,
  fieldsOf,
  foldHeaders,
  isAmbiguous,
  limitsOf,
  listenFault,
  ownAnswers,
  reasonPhrase,
  splitTarget,
} from './ports-http.ts'
import { readTls, sameTls, type TlsMaterial } from './ports-tls.ts'

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
    ...(tls === undefined
      ? {}
      : {
          certificateEnds: tls.value.endsAt,
          renewTls: renewalOf(server as unknown as TlsServer, options.tls!, tls.value),
        }),
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
  const asks = tls.clientCa !== undefined
  const server = createTlsServer(
    {
      ...bounds,
      ...contextOf(tls),
      handshakeTimeout: most.requestMs,
      requestCert: asks,
      rejectUnauthorized: asks && options.tls?.clientMust === true,
    },
    handle,
  )
  // A client may come without a certificate where it is only asked, but not with a wrong one.
  server.on('secureConnection', (socket) => {
    if (asks && !socket.authorized && socket.getPeerX509Certificate() !== undefined)
      socket.destroy()
  })
  return server
}

const contextOf = ({ certificate: cert, key, clientCa }: TlsMaterial) => ({
  cert,
  key,
  minVersion: 'TLSv1.2' as const,
  ...(clientCa === undefined ? {} : { ca: clientCa }),
})

/** Reads the files again; connections to come get what they hold now. */
function renewalOf(
  server: TlsServer,
  files: TlsFiles,
  first: TlsMaterial,
): NonNullable<HttpFront['renewTls']> {
  let used = first
  return () => {
    const read = readTls(files)
    if (!read.ok) return read
    const changed = !sameTls(used, read.value)
    used = read.value
    if (changed) {
      server.setSecureContext(contextOf(used))
      // A session of before must not bring back a client that the new authorities do not know.
      server.setTicketKeys(randomBytes(48))
    }
    return ok({ changed, certificateEnds: used.endsAt })
  }
}

const certificates = new WeakMap<Socket, ClientCertificate>()

/** What the client of this connection showed and TLS verified. */
function certificateOf(socket: Socket): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  const known = certificates.get(socket)
  if (known !== undefined) return known
  const shown = socket.getPeerX509Certificate()
  if (shown === undefined) return undefined
  const certificate = {
    // One attribute a line, with commas inside values escaped already.
    subject: shown.subject.split('\n').join(','),
    fingerprint: shown.fingerprint256.replaceAll(':', '').toLowerCase(),
  }
  certificates.set(socket, certificate)
  return certificate
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
  if (isAmbiguous(foldHeaders(rawPairs(incoming.rawHeaders)))) {
    send(incoming, response, ownAnswers.ambiguous(), true)
    return
  }
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
  const certificate = certificateOf(incoming.socket)
  return {
    ...(certificate === undefined ? {} : { certificate }),
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
