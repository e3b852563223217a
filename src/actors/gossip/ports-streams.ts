/**
 * Gossip's connections by node:net: one message each way, within a time, and not too many.
 *
 * A connection that came in is closed at its deadline whatever it does. Octets are handed on as
 * they come; who reads them says when it is enough.
 */
import { createServer, type Server, Socket } from 'node:net'
import { limits } from '../../core/base/limits.ts'
import type { Endpoint } from '../../core/gossip/messages.ts'
import { addressOf } from '../../core/net/address.ts'
import type { DialOutcome, Heard, SocketEars, StreamEars } from './contract.ts'
import { octetsOfAddress } from './ports-address.ts'

/** Reads a socket into ears until they have enough; `answered` gets what they want to say. */
function readInto(socket: Socket, ears: StreamEars, enough: (answer?: Uint8Array) => void): void {
  let done = false
  const heard = (what: Heard) => {
    if (done || what === 'more') return
    done = true
    enough(what === 'done' ? undefined : what)
  }
  socket.on('data', (octets) => {
    if (!done) heard(ears.feed(octets))
  })
  socket.on('end', () => {
    if (done) return
    heard(ears.end())
    // It ended before its message did.
    if (!done) heard('done')
  })
}

export class StreamServer {
  readonly server: Server
  refused = 0
  readonly #ears: SocketEars
  readonly #open = new Set<Socket>()
  readonly #perPeer = new Map<string, number>()

  constructor(ears: SocketEars) {
    this.#ears = ears
    this.server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket))
    // A listener that fails later is of no more use than one that accepts nothing.
    this.server.on('error', () => {})
  }

  get size(): number {
    return this.#open.size
  }

  #accept(socket: Socket): void {
    socket.on('error', () => {})
    const { remoteAddress = '', remotePort = 0 } = socket
    const addr = octetsOfAddress(remoteAddress)
    const held = this.#perPeer.get(remoteAddress) ?? 0
    const full =
      this.#open.size >= limits.gossipStreamsIn.default ||
      held >= limits.gossipStreamsInPerPeer.default
    const ears =
      full || addr === undefined ? undefined : this.#ears.accept({ addr, port: remotePort })
    if (ears === undefined) {
      this.refused++
      socket.destroy()
      return
    }
    this.#open.add(socket)
    this.#perPeer.set(remoteAddress, held + 1)
    const deadline = setTimeout(() => socket.destroy(), limits.gossipStreamMs.default)
    socket.on('close', () => {
      clearTimeout(deadline)
      this.#open.delete(socket)
      const left = (this.#perPeer.get(remoteAddress) ?? 1) - 1
      if (left > 0) this.#perPeer.set(remoteAddress, left)
      else this.#perPeer.delete(remoteAddress)
    })
    readInto(socket, ears, (answer) => {
      // Octets that were not read would turn the close into a reset, and the answer be lost.
      if (answer === undefined) socket.end()
      else socket.end(answer)
      socket.resume()
    })
  }

  close(): Promise<void> {
    for (const socket of this.#open) socket.destroy()
    return new Promise((resolve) => {
      if (!this.server.listening) resolve()
      else this.server.close(() => resolve())
    })
  }
}

const outcomes: Readonly<Record<string, DialOutcome>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EACCES: 'unreachable',
  EPERM: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  ECONNRESET: 'closed',
  EPIPE: 'closed',
}

/** Connections this node opened; closed with it. */
export class Dialler {
  readonly #open = new Set<Socket>()

  get size(): number {
    return this.#open.size
  }

  dial(
    to: Endpoint,
    octets: Uint8Array,
    timeoutMs: number,
    ears?: StreamEars,
  ): Promise<DialOutcome> {
    return new Promise((resolve) => {
      const socket = new Socket({ allowHalfOpen: true })
      this.#open.add(socket)
      let ended = false
      let timer = setTimeout(() => end('timed-out'), timeoutMs)
      const end = (outcome: DialOutcome) => {
        if (ended) return
        ended = true
        clearTimeout(timer)
        this.#open.delete(socket)
        socket.destroy()
        resolve(outcome)
      }
      const wait = () => {
        clearTimeout(timer)
        timer = setTimeout(() => end('timed-out'), timeoutMs)
      }
      socket.on('error', (error: NodeJS.ErrnoException) =>
        end(outcomes[error.code ?? ''] ?? 'closed'),
      )
      socket.on('close', () => end('closed'))
      socket.on('connect', () => {
        wait()
        if (ears === undefined) {
          // The other side closes once it has read the message.
          socket.on('end', () => end('done'))
          socket.resume()
          socket.end(octets)
          return
        }
        readInto(socket, ears, (_answer) => end('done'))
        socket.write(octets)
        socket.on('drain', wait)
      })
      socket.connect({ host: addressOf(to.addr).text, port: to.port })
    })
  }

  close(): void {
    for (const socket of this.#open) socket.destroy()
  }
}
