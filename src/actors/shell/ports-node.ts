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
import { fail, ok, type Result } from '../../core/base/result.ts'
import { parseEndpoint } from '../../core/net/address.ts'
import type {
  HttpAnswer,
  HttpFront,
  HttpLimits,
  ListenFault,
  ListenOptions,
  TlsFiles,
} from './contract.ts'
import { isStreamOrder } from './ports-feed.ts'
import { type NodeFeed, nodeFeed } from './ports-feed-node.ts'
import {
  answerOf,
  BodyCollector,
  isAmbiguous,
  limitsOf,
  listenFault,
  ownAnswers,
} from './ports-http.ts'
import { serveBoth } from './ports-node-both.ts'
import { requestOf, send } from './ports-node-answer.ts'
import { Places } from './ports-node-places.ts'
import { readTls, sameTls, type TlsMaterial } from './ports-tls.ts'

const NO_BODY = new Uint8Array(0)

/** How often node looks for requests past their time; a tenth of the time keeps it honest. */
const checkEvery = (requestMs: number) => Math.max(50, Math.floor(requestMs / 10))

export async function listenNode(options: ListenOptions): Promise<Result<HttpFront, ListenFault>> {
  const endpoint = parseEndpoint(options.address)
  if (!endpoint.ok) return fail({ code: 'bad-address', message: endpoint.error })
  const most = limitsOf(options)
  const tls = options.tls && readTls(options.tls)
  if (tls?.ok === false) return tls
  const onReaders = (count: number) => {
    server.maxConnections = most.connections + count
  }
  const feed = options.feed === undefined ? undefined : nodeFeed(options, most, onReaders)
  const server = serverOf(options, most, tls?.value, feed)
  const sockets = socketsOf(server)
  server.maxConnections = most.connections
  if (feed !== undefined) server.on('upgrade', feed.upgrade)
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
        feed?.stop()
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

function serverOf(
  options: ListenOptions,
  most: HttpLimits,
  tls: TlsMaterial | undefined,
  feed: NodeFeed | undefined,
): Server {
  const places = new Places()
  const bounds = {
    maxHeaderSize: most.headerBytes,
    requestTimeout: most.requestMs,
    headersTimeout: most.requestMs,
    keepAliveTimeout: most.idleMs,
    connectionsCheckingInterval: checkEvery(most.requestMs),
  }
  const say = (incoming: IncomingMessage, response: ServerResponse, answer: HttpAnswer) =>
    send(incoming, response, answer, true, most.requestMs)
  const handle = (incoming: IncomingMessage, response: ServerResponse) => {
    const { body: _, ...head } = requestOf(incoming, NO_BODY)
    if (isAmbiguous(head.headers)) return say(incoming, response, ownAnswers.ambiguous())
    if (feed !== undefined && isStreamOrder(options, head))
      return feed.stream(incoming, response, head)
    if (places.taken >= most.inFlight) return say(incoming, response, ownAnswers.busy())
    // The place of a connection that has ended already would never be given back.
    if (incoming.socket.destroyed) return
    places.take(incoming, response)
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
    if (!asks || !(socket instanceof TLSSocket) || socket.authorized) return
    if (socket.getPeerX509Certificate() !== undefined) socket.destroy()
  })
  if (options.tls?.plain !== undefined) serveBoth(server, options.tls.plain, most.requestMs)
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
    send(incoming, response, ownAnswers.tooLarge(most.bodyBytes), true, most.requestMs)
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
      .then((answer) => send(incoming, response, answer, false, most.requestMs))
      .catch(options.onFault)
  })
}
