/**
 * Readers of the feed on uWebSockets.js: WebSocket and event streams.
 *
 * A socket or response of the library throws when it is touched after its end, so each is behind a
 * face that knows when that was. Each reader is sent to by itself, not through the publish of the
 * library: that drops what does not fit, and a reader must get everything or be cut.
 */
import { limits } from '../../core/base/limits.ts'
import type { FeedMessage } from '../../core/events/protocol.ts'
import type {
  FeedAdmission,
  FeedListener,
  FeedSocket,
  HttpLimits,
  HttpRequest,
  ListenOptions,
} from './contract.ts'
import {
  admissionOf,
  type Encoding,
  encodingOf,
  STREAM_HEADERS,
  STREAM_PING,
  STREAM_START,
  shortReason,
  streamEnd,
  streamOf,
} from './ports-feed.ts'
import { isAmbiguous } from './ports-http.ts'
import { headOf, writeHead } from './ports-uws-answer.ts'
import type { UwsBehaviour, UwsResponse, UwsSocket } from './uws-types.ts'

type Head = Omit<HttpRequest, 'body'>
type Admitted = Extract<FeedAdmission, { code: 'admitted' }>

/** What the library carries from the handshake to the socket. */
interface Seat {
  readonly seat: { readonly admitted: Admitted; listener?: FeedListener; isOpen: boolean }
}

export interface UwsFeed {
  readonly behaviour: UwsBehaviour<Seat>
  stream(response: UwsResponse, head: Head): void
  /** Connections that are event streams now; a WebSocket is none of HTTP's any more. */
  streams(): number
  stop(): void
}

/** What the library may hold for one socket: the hub cuts long before, so nothing is dropped. */
const BACKPRESSURE_BYTES = 64 * 1_048_576
/** The library pings this many seconds before it gives a silent socket up. */
const PING_MARGIN_SECONDS = 8

/** @param onUpgraded a connection is no longer one of HTTP, and its end will not be told there */
export function uwsFeed(options: ListenOptions, most: HttpLimits, onUpgraded: () => void): UwsFeed {
  const streams = new Set<() => void>()
  const sockets = new Set<UwsSocket>()
  let readers = 0
  const pings = setInterval(() => {
    for (const ping of streams) ping()
  }, most.pingMs)
  pings.unref()
  const isFull = () => readers >= most.feedConnections
  const pingSeconds = Math.max(1, Math.ceil(most.pingMs / 1_000))

  const behaviour: UwsBehaviour<Seat> = {
    maxPayloadLength: most.messageBytes,
    maxBackpressure: BACKPRESSURE_BYTES,
    closeOnBackpressureLimit: false,
    idleTimeout: Math.min(960, Math.max(8, pingSeconds + PING_MARGIN_SECONDS)),
    sendPingsAutomatically: true,
    compression: 0,
    upgrade: (response, request, context) => {
      const head = headOf('GET', response, request)
      if (isAmbiguous(head.headers)) return void response.close()
      const key = head.headers['sec-websocket-key'] ?? ''
      const extensions = head.headers['sec-websocket-extensions'] ?? ''
      whenAdmitted(response, head, 'websocket', (admitted) => {
        const seat = { admitted, isOpen: true }
        response.upgrade<Seat>({ seat }, key, admitted.protocol, extensions, context)
        onUpgraded()
      })
    },
    open: (socket) => {
      readers++
      sockets.add(socket)
      const { seat } = socket
      seat.listener = seat.admitted.open(socketOf(socket, encodingOf(seat.admitted.protocol)))
    },
    message: ({ seat }, bytes, isBinary) => {
      // Copied: the library takes its bytes back after this call.
      seat.listener?.message(Uint8Array.from(new Uint8Array(bytes)), !isBinary)
    },
    ping: (socket) => {
      // The library answers each ping, and keeps the answers of a reader that reads none.
      if (socket.seat.isOpen && socket.getBufferedAmount() > limits.feedQueueBytes.default)
        socket.close()
    },
    drain: ({ seat }) => seat.listener?.drained(),
    close: (socket) => {
      const { seat } = socket
      readers--
      sockets.delete(socket)
      seat.isOpen = false
      seat.listener?.closed()
    },
  }

  /**
   * An upgrade that comes later than its request must not be corked by its own response: where its
   * memory stays in place the library takes it for an answer with Connection: close, and ends it
   * (uWebSockets 1928, mended by its 1929). There is one cork, so while another socket holds it
   * that of the response does nothing; with no other socket there is none, and the library warns on
   * stderr.
   */
  function uncorked(response: UwsResponse, upgrade: () => void): void {
    const [other] = sockets
    if (other === undefined) upgrade()
    else other.cork(() => void response.cork(upgrade))
  }

  function whenAdmitted(
    response: UwsResponse,
    head: Head,
    transport: 'websocket' | 'sse',
    enter: (admitted: Admitted) => void,
  ): void {
    let isOver = false
    response.onAborted(() => {
      isOver = true
    })
    admissionOf(options, head, transport, isFull())
      .then((admission) => {
        if (isOver) return
        if (admission.code === 'admitted' && transport === 'websocket')
          return uncorked(response, () => enter(admission))
        response.cork(() => {
          if (admission.code === 'admitted') return enter(admission)
          writeHead(response, admission.answer)
          response.end(admission.answer.body, true)
        })
      })
      .catch(options.onFault)
  }

  function stream(response: UwsResponse, head: Head): void {
    whenAdmitted(response, head, 'sse', (admitted) => {
      readers++
      writeHead(response, { status: 200, headers: STREAM_HEADERS })
      const open = new Stream(response, (ping) => {
        readers--
        streams.delete(ping)
      })
      streams.add(open.ping)
      open.begin(admitted)
    })
  }

  return {
    behaviour,
    stream,
    streams: () => streams.size,
    stop: () => clearInterval(pings),
  }
}

function socketOf(socket: UwsSocket & Seat, encoding: Encoding): FeedSocket {
  const { seat } = socket
  const isBinary = encoding === 'msgpack'
  const waitingBytes = () => (seat.isOpen ? socket.getBufferedAmount() : 0)
  return {
    waitingBytes,
    send: (messages: readonly FeedMessage[]) => {
      if (!seat.isOpen) return 0
      let isDropped = false
      socket.cork(() => {
        for (const message of messages)
          if (socket.send(message[encoding], isBinary) === DROPPED) isDropped = true
      })
      return isDropped ? Number.MAX_SAFE_INTEGER : waitingBytes()
    },
    close: (code, reason) => {
      if (!seat.isOpen) return
      socket.end(code, shortReason(reason))
      setTimeout(() => {
        if (seat.isOpen) socket.close()
      }, limits.feedCloseMs.default).unref()
    },
  }
}

const DROPPED = 2

/** An event stream. The library does not tell how much it holds, so the rest waits here. */
class Stream implements FeedSocket {
  readonly ping: () => void
  readonly #response: UwsResponse
  readonly #onEnd: (ping: () => void) => void
  #listener: FeedListener | undefined
  #isOpen = true
  /** The library holds this much and has not called back yet. */
  #heldBytes = 0
  #queue: Uint8Array[] = []
  #queuedBytes = 0

  constructor(response: UwsResponse, onEnd: (ping: () => void) => void) {
    this.#response = response
    this.#onEnd = onEnd
    this.ping = () => this.#write(Buffer.from(STREAM_PING))
    response.onAborted(() => this.#over())
    response.onWritable(() => this.#writable())
  }

  begin(admitted: Admitted): void {
    this.#write(Buffer.from(STREAM_START))
    this.#listener = admitted.open(this)
  }

  send(messages: readonly FeedMessage[]): number {
    this.#write(streamOf(messages))
    return this.waitingBytes()
  }

  waitingBytes(): number {
    return this.#heldBytes + this.#queuedBytes
  }

  close(code: number, reason: string): void {
    if (!this.#isOpen) return
    const response = this.#response
    // What waits is not worth waiting for: the reader comes again with its last number.
    if (this.#heldBytes === 0) response.cork(() => void response.end(streamEnd(code, reason), true))
    else response.close()
    this.#over()
  }

  #write(bytes: Uint8Array): void {
    if (!this.#isOpen) return
    if (this.#heldBytes > 0) {
      this.#queue.push(bytes)
      this.#queuedBytes += bytes.length
      return
    }
    this.#response.cork(() => {
      if (!this.#response.write(bytes)) this.#heldBytes = bytes.length
    })
  }

  #writable(): boolean {
    this.#heldBytes = 0
    const bytes = Buffer.concat(this.#queue)
    this.#queue = []
    this.#queuedBytes = 0
    if (bytes.length > 0) this.#write(bytes)
    if (this.#heldBytes === 0) this.#listener?.drained()
    return this.#heldBytes === 0
  }

  #over(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#queue = []
    this.#onEnd(this.ping)
    this.#listener?.closed()
  }
}
