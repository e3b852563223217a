/**
 * Readers of the feed on node:http: WebSocket with `ws` for the handshake and what readers send,
 * and event streams. What they are sent is framed by us, once for all of a group, and written to
 * their sockets whole, between the frames that `ws` writes itself.
 */
import { type IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { limits } from '../../core/base/limits.ts'
import type {
  FeedListener,
  FeedSocket,
  HttpAnswer,
  HttpLimits,
  HttpRequest,
  ListenOptions,
} from './contract.ts'
import {
  admissionOf,
  encodingOf,
  framesOf,
  STREAM_HEADERS,
  STREAM_PING,
  STREAM_START,
  shortReason,
  streamEnd,
  streamOf,
} from './ports-feed.ts'
import { answerOf, isAmbiguous, ownAnswers } from './ports-http.ts'
import { requestOf, send } from './ports-node-answer.ts'

type Head = Omit<HttpRequest, 'body'>

export interface NodeFeed {
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void
  stream(incoming: IncomingMessage, response: ServerResponse, head: Head): void
  stop(): void
}

/** Something that is pinged; ends itself when the ping before had no answer. */
interface Pinged {
  ping(): void
}

const NO_BODY = new Uint8Array(0)

/** Loaded where it is used: few starts have a feed by this front, and each would pay for it. */
const library = () => createRequire(import.meta.url)('ws') as typeof import('ws')

/** Those who listen, and who wants to know how many. */
class Readers extends Set<Pinged> {
  onSize: (size: number) => void = () => {}

  override add(reader: Pinged): this {
    super.add(reader)
    this.onSize(this.size)
    return this
  }

  override delete(reader: Pinged): boolean {
    const isGone = super.delete(reader)
    this.onSize(this.size)
    return isGone
  }
}

/** @param onSize told how many connections are readers, whenever that changes */
export function nodeFeed(
  options: ListenOptions,
  most: HttpLimits,
  onSize: (size: number) => void,
): NodeFeed {
  const readers = new Readers()
  readers.onSize = onSize
  const protocols = new WeakMap<IncomingMessage, string>()
  const { WebSocketServer } = library()
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: most.messageBytes,
    perMessageDeflate: false,
    handleProtocols: (_, incoming) => protocols.get(incoming) || false,
  })
  const pings = setInterval(() => {
    for (const reader of readers) reader.ping()
  }, most.pingMs)
  pings.unref()
  const isFull = () => readers.size >= most.feedConnections

  async function upgrade(incoming: IncomingMessage, socket: Duplex, rest: Buffer): Promise<void> {
    const { body: _, ...head } = requestOf(incoming, NO_BODY)
    if (isAmbiguous(head.headers)) return answer(incoming, socket, ownAnswers.ambiguous())
    const isFeed =
      head.path === options.feed!.path && head.headers['upgrade']?.toLowerCase() === 'websocket'
    // RFC 9110 section 7.8: a server may go on as if no upgrade had been asked for.
    if (!isFeed) return answer(incoming, socket, await plainAnswer(options, incoming))
    const admission = await admissionOf(options, head, 'websocket', isFull())
    if (socket.destroyed) return
    if (admission.code === 'refused') return answer(incoming, socket, admission.answer)
    protocols.set(incoming, admission.protocol)
    server.handleUpgrade(incoming, socket, rest, (connection) => {
      const encoding = encodingOf(admission.protocol)
      const feedSocket = socketOf(connection, socket, framesOf[encoding])
      listen(connection, socket, admission.open(feedSocket), readers)
    })
  }

  async function stream(
    incoming: IncomingMessage,
    response: ServerResponse,
    head: Head,
  ): Promise<void> {
    response.on('error', () => {})
    incoming.resume()
    const admission = await admissionOf(options, head, 'sse', isFull())
    if (response.destroyed) return
    if (admission.code === 'refused')
      return send(incoming, response, admission.answer, true, most.requestMs)
    response.writeHead(200, STREAM_HEADERS)
    response.write(STREAM_START)
    const listener = admission.open(streamSocket(response))
    const reader = { ping: () => void response.write(STREAM_PING) }
    readers.add(reader)
    response.on('drain', () => listener.drained())
    response.once('close', () => {
      readers.delete(reader)
      listener.closed()
    })
  }

  return {
    upgrade: (incoming, socket, rest) => {
      // Heard until `ws` takes over, and where it does not.
      socket.on('error', () => {})
      upgrade(incoming, socket, rest).catch((error: unknown) => {
        options.onFault(error)
        socket.destroy()
      })
    },
    stream: (incoming, response, head) => {
      stream(incoming, response, head).catch((error: unknown) => {
        options.onFault(error)
        response.destroy()
      })
    },
    stop: () => clearInterval(pings),
  }
}

/** The answer without the upgrade; the body of such a request cannot be read any more. */
function plainAnswer(options: ListenOptions, incoming: IncomingMessage): Promise<HttpAnswer> {
  const { headers } = incoming
  const hasBody = Number(headers['content-length'] ?? 0) > 0 || 'transfer-encoding' in headers
  if (hasBody) return Promise.resolve(ownAnswers.noUpgrade())
  return answerOf(options, requestOf(incoming, NO_BODY))
}

/** Answers on a socket that was asked to be upgraded, and ends it. */
function answer(incoming: IncomingMessage, socket: Duplex, { ...given }: HttpAnswer): void {
  if (socket.destroyed) return
  const response = new ServerResponse(incoming)
  response.on('error', () => {})
  // What node:http hands over with an upgrade is the socket of the connection.
  response.assignSocket(socket as Parameters<ServerResponse['assignSocket']>[0])
  // Nobody reads this socket any more: unread, it would never be seen to end, and stay for ever.
  socket.resume()
  response.on('finish', () => {
    socket.end()
    setTimeout(() => socket.destroy(), limits.feedCloseMs.default).unref()
  })
  send(incoming, response, given, true, limits.feedCloseMs.default)
}

type Framing = (typeof framesOf)['json']

function socketOf(connection: WebSocket, socket: Duplex, frames: Framing): FeedSocket {
  const isOpen = () => connection.readyState === connection.OPEN
  return {
    send: (messages) => {
      if (isOpen()) socket.write(frames(messages))
      return socket.writableLength
    },
    waitingBytes: () => socket.writableLength,
    close: (code, reason) => {
      if (!isOpen()) return
      connection.close(code, shortReason(reason))
      setTimeout(() => connection.terminate(), limits.feedCloseMs.default).unref()
    },
  }
}

function listen(
  connection: WebSocket,
  socket: Duplex,
  listener: FeedListener,
  readers: Readers,
): void {
  let isAlive = true
  const reader = {
    ping: () => {
      if (!isAlive) return connection.terminate()
      isAlive = false
      connection.ping()
    },
  }
  readers.add(reader)
  connection.on('pong', () => {
    isAlive = true
  })
  connection.on('message', (data: Buffer, isBinary: boolean) => listener.message(data, !isBinary))
  // A fault of the reader's frames; `ws` closes the connection by itself.
  connection.on('error', () => {})
  socket.on('drain', () => listener.drained())
  connection.once('close', () => {
    readers.delete(reader)
    listener.closed()
  })
}

function streamSocket(response: ServerResponse): FeedSocket {
  let isOpen = true
  return {
    send: (messages) => {
      if (isOpen) response.write(streamOf(messages))
      return response.writableLength
    },
    waitingBytes: () => response.writableLength,
    close: (code, reason) => {
      if (!isOpen) return
      isOpen = false
      response.end(streamEnd(code, reason))
      setTimeout(() => response.destroy(), limits.feedCloseMs.default).unref()
    },
  }
}
