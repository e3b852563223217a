/**
 * TCP by node:net (RFC 7766): accepts within the caps, closes the idle, hands each connection to
 * `TcpSession`.
 */
import { createServer, type Server, type Socket } from 'node:net'
import type { Answer, TcpSettings } from './contract.ts'
import { clientBytes } from './ports-client.ts'
import { TcpSession } from './ports-session.ts'

export interface TcpFront {
  readonly port: number
  connections(): number
  shed(): number
  reconfigure(settings: TcpSettings): void
  close(): Promise<void>
}

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
    const key = bytes.join('.')
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

/** Listens; rejects with the system's error. */
export async function openTcp(
  host: string,
  port: number,
  settings: TcpSettings,
  answer: Answer,
  onFault: (message: string) => void,
  onShed: () => void = () => {},
): Promise<TcpFront> {
  const sessions = new TcpSessions(settings, answer, onShed)
  const server = createServer({ noDelay: true }, (socket) => sessions.accept(socket))
  await listen(server, host, port)
  server.on('error', (error) => onFault(error.message))
  const bound = server.address()
  // Four looks per timeout close an idle connection at most a quarter of it late.
  const sweep = () => sessions.closeIdle(performance.now())
  const every = () => setInterval(sweep, Math.max(25, sessions.settings.idleTimeoutMs / 4))
  let timer = every()
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    connections: () => sessions.size,
    shed: () => sessions.shed,
    reconfigure: (next) => {
      sessions.settings = next
      clearInterval(timer)
      timer = every()
    },
    close: () =>
      new Promise((resolve) => {
        clearInterval(timer)
        server.close(() => resolve())
        sessions.destroyAll()
      }),
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const ipv6Only = host.includes(':') && host !== '::'
    server.listen({ host, port, ipv6Only, exclusive: true, backlog: 1024 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
