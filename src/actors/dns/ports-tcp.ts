/**
 * TCP by node:net (RFC 7766): accepts within the caps, closes the idle, hands each connection to
 * `TcpSession`.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { loadNative } from '../../native/index.ts'
import type { Answer, TcpSettings } from './contract.ts'
import { clientBytes } from './ports-client.ts'
import { TcpSession } from './ports-session.ts'

export interface TcpFront {
  readonly port: number
  connections(): number
  shed(): number
  /** Takes connections from a lent socket; a socket of its own takes them already. */
  serve(): void
  reconfigure(settings: TcpSettings): void
  close(): Promise<void>
}

/** Octets of IPv6 that one client has the rest of (RFC 6177): a site gets no less. */
const CLIENT_BYTES_6 = 8

/** What connections of one client have in common. */
export const keyOf = (bytes: Uint8Array): string =>
  (bytes.length === 16 ? bytes.subarray(0, CLIENT_BYTES_6) : bytes).join('.')

class TcpSessions {
  settings: TcpSettings
  shed = 0
  readonly #answer: Answer
  readonly #onShed: () => void
  /** In order of last use: the first is the one idle longest. */
  readonly #sessions = new Set<TcpSession>()
  readonly #perClient = new Map<string, number>()

  constructor(settings: TcpSettings, answer: Answer, onShed: () => void) {
    this.settings = settings
    this.#onShed = onShed
    this.#answer = answer
  }

  get size(): number {
    return this.#sessions.size
  }

  accept(socket: Socket): void {
    const bytes = clientBytes(socket.remoteAddress ?? '')
    const key = keyOf(bytes)
    const held = this.#perClient.get(key) ?? 0
    // RFC 7766 section 6.2.2: a limit per client is the server's to set.
    if (socket.remoteAddress === undefined || held >= this.settings.maxConnectionsPerClient) {
      this.#shedOne()
      socket.destroy()
      return
    }
    // RFC 7766 section 6.2.3: under load the connections idle longest are closed first.
    if (this.#sessions.size >= this.settings.maxConnections) this.#closeOldest()
    this.#perClient.set(key, held + 1)
    const session = new TcpSession(socket, bytes, this.#answer, () => this.settings.maxPipelined)
    session.onQuery = () => {
      this.#sessions.delete(session)
      this.#sessions.add(session)
    }
    this.#sessions.add(session)
    socket.on('close', () => {
      this.#sessions.delete(session)
      const left = (this.#perClient.get(key) ?? 1) - 1
      if (left > 0) this.#perClient.set(key, left)
      else this.#perClient.delete(key)
    })
  }

  closeIdle(nowMs: number): void {
    for (const session of this.#sessions) {
      if (nowMs - session.usedMs < this.settings.idleTimeoutMs) return
      session.end()
    }
  }

  /** Asks all to end: what came is answered, what comes is not. */
  endAll(): void {
    for (const session of this.#sessions) session.end()
  }

  destroyAll(): void {
    for (const session of this.#sessions) session.destroy()
  }

  #shedOne(): void {
    this.shed++
    this.#onShed()
  }

  #closeOldest(): void {
    this.#shedOne()
    const [oldest] = this.#sessions
    if (oldest === undefined) return
    this.#sessions.delete(oldest)
    oldest.destroy()
  }
}

/** How often a closing front looks whether its last connection has ended. */
const LINGER_LOOK_MS = 20
/** What a connection that was asked to end may take for it. */
const END_MS = 100

/**
 * Gives connections time to end by themselves. RFC 7766 section 6.2.4 lets clients meet a close at
 * any time; most end within milliseconds, and their next query finds whoever took over.
 */
async function linger(sessions: TcpSessions): Promise<void> {
  const { lingerMs = 0 } = sessions.settings
  const deadlineMs = performance.now() + lingerMs
  const until = async (ms: number) => {
    while (sessions.size > 0 && performance.now() < ms)
      await new Promise((resolve) => setTimeout(resolve, LINGER_LOOK_MS))
  }
  if (lingerMs === 0) return
  await until(deadlineMs)
  sessions.endAll()
  await until(deadlineMs + END_MS)
}

/** Where a front listens: an address, or a listening socket that the main thread has lent. */
export interface TcpPlace {
  readonly host: string
  readonly port: number
  readonly listener?: number
}

/**
 * Listens; rejects with the system's error. On a lent socket it takes connections from `serve` on:
 * until then they wait in its queue, or for the process that served it before.
 */
export async function openTcp(
  place: TcpPlace,
  settings: TcpSettings,
  answer: Answer,
  onFault: (message: string) => void,
  onShed: () => void = () => {},
): Promise<TcpFront> {
  const sessions = new TcpSessions(settings, answer, onShed)
  // A client that has no more to ask still wants its answers: RFC 9293 section 3.6.
  const options = { noDelay: true, allowHalfOpen: true }
  const server = createServer(options, (socket) => sessions.accept(socket))
  const isLent = place.listener !== undefined
  if (!isLent) await listen(server, place)
  let isServing = !isLent
  const onError = (error: Error) => onFault(error.message)
  server.on('error', onError)
  const bound = server.address()
  // Four looks per timeout close an idle connection at most a quarter of it late.
  const sweep = () => sessions.closeIdle(performance.now())
  const every = () => setInterval(sweep, Math.max(25, sessions.settings.idleTimeoutMs / 4))
  let timer = every()
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : place.port,
    connections: () => sessions.size,
    shed: () => sessions.shed,
    serve: () => {
      if (isServing) return
      isServing = true
      // A fault is told by the server's own event.
      listen(server, place).catch(() => {})
    },
    reconfigure: (next) => {
      sessions.settings = next
      clearInterval(timer)
      timer = every()
    },
    close: async () => {
      clearInterval(timer)
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
      await linger(sessions)
      sessions.destroyAll()
      await closed
    },
  }
}

const BACKLOG = 1_024

/** A lent socket is listened on through a descriptor of our own, since a server closes its own. */
function lentDescriptor(listener: number | undefined): number | undefined {
  if (listener === undefined) return undefined
  const native = loadNative()
  const fd = native.ok ? native.value.duplicate(listener) : -1
  return fd < 0 ? undefined : fd
}

function listen(server: Server, { host, port, listener }: TcpPlace): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const ipv6Only = host.includes(':') && host !== '::'
    const fd = lentDescriptor(listener)
    const where = fd === undefined ? { host, port, ipv6Only, exclusive: true } : { fd }
    server.listen({ ...where, backlog: BACKLOG }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
