/**
 * One TCP connection: messages behind a length of two octets (RFC 1035 section 4.2.2), any number
 * of them, answered in the order they came.
 *
 * At most one unfinished message is held. A client that does not read its replies is not read from
 * either, until the kernel has taken what waits; one that stays so is closed as idle.
 */
import type { Socket } from 'node:net'
import { limits } from '../../core/base/limits.ts'
import type { Client } from '../../core/dns/exchange.ts'
import type { Answer } from './contract.ts'

const LENGTH_BYTES = 2

/** Every session writes its replies here first; what is sent is a copy. */
const out = new Uint8Array(LENGTH_BYTES + limits.tcpMessageBytes.max)

export class TcpSession {
  /** When the last whole query came, on the monotonic clock. */
  usedMs = performance.now()
  onQuery: () => void = () => {}
  readonly #socket: Socket
  readonly #client: Client
  readonly #answer: Answer
  readonly #maxPipelined: () => number
  /** Octets received and not yet answered. */
  #pending: Uint8Array = new Uint8Array(0)
  #unsent = 0
  #ending = false
  /** The client sends no more; what it sent is still answered. */
  #isHeard = false

  constructor(socket: Socket, bytes: Uint8Array, answer: Answer, maxPipelined: () => number) {
    this.#socket = socket
    this.#client = { bytes, transport: 'tcp' }
    this.#answer = answer
    this.#maxPipelined = maxPipelined
    socket.on('data', (chunk: Uint8Array) => this.#take(chunk))
    socket.on('end', () => {
      this.#isHeard = true
      this.#answerPending()
    })
    // A reset connection is the client's affair; 'close' follows.
    socket.on('error', () => socket.destroy())
  }

  /** Sends what waits, then closes. */
  end(): void {
    // Whoever does not read what was sent is not waited for a second time.
    if (this.#ending || this.#unsent > 0) this.#socket.destroy()
    else this.#socket.end()
    this.#ending = true
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #take(chunk: Uint8Array): void {
    if (this.#ending) return
    this.#pending = this.#pending.length === 0 ? chunk : joined(this.#pending, chunk)
    this.#answerPending()
  }

  #answerPending(): void {
    const bytes = this.#pending
    let at = 0
    let isLeft = false
    this.#socket.cork()
    while (at + LENGTH_BYTES <= bytes.length) {
      const length = (bytes[at]! << 8) | bytes[at + 1]!
      const end = at + LENGTH_BYTES + length
      if (end > bytes.length) break
      isLeft = this.#full()
      if (isLeft) break
      this.usedMs = performance.now()
      this.onQuery()
      this.#answerOne(bytes, at + LENGTH_BYTES, length)
      at = end
    }
    this.#socket.uncork()
    // A copy lets go of the large chunk that a few octets would keep alive.
    if (at > 0) this.#pending = bytes.slice(at)
    // The kernel may have taken all by now; what is left waits for the next write to be done.
    if (isLeft || this.#full()) this.#socket.pause()
    else if (this.#isHeard) this.#socket.end()
  }

  #answerOne(bytes: Uint8Array, start: number, length: number): void {
    const written = this.#answer(bytes, start, length, out, LENGTH_BYTES, this.#client)
    if (written === 0) return
    out[0] = written >> 8
    out[1] = written & 0xff
    this.#unsent++
    this.#socket.write(Buffer.from(out.subarray(0, LENGTH_BYTES + written)), () => {
      this.#unsent--
      if (!this.#socket.isPaused() || this.#full() || this.#socket.destroyed) return
      this.#socket.resume()
      this.#answerPending()
    })
  }

  #full(): boolean {
    return (
      this.#unsent >= this.#maxPipelined() ||
      this.#socket.writableLength > limits.tcpUnsentBytes.default
    )
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length)
  whole.set(first)
  whole.set(second, first.length)
  return whole
}
