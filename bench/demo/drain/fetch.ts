/**
 * One HTTP request on a raw connection: nothing is retried, so every fault is seen.
 *
 * `node:http` with a pool sends a request again when a kept connection was reset; a client that
 * hides failures would prove nothing here.
 */
import { connect, type Socket } from 'node:net'

export type Fault = 'refused' | 'reset' | 'closed' | 'timeout' | 'http-error' | 'dns'

export type Outcome = 'ok' | Fault

const TIMEOUT_MS = 5_000
const REQUEST = 'GET / HTTP/1.1\r\nhost: web.demo.test\r\n\r\n'

/** Bytes of the whole response, or 0 while it is not complete. */
function completeLength(text: string): number {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return 0
  const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
  return text.length >= end + 4 + length ? end + 4 + length : 0
}

const faultOf = (code: string | undefined): Fault =>
  code === 'ECONNREFUSED' ? 'refused' : code === 'ETIMEDOUT' ? 'timeout' : 'reset'

export class Connection {
  readonly address: string
  /** When it is to be given up, Unix milliseconds. */
  readonly untilMs: number
  readonly #socket: Socket
  #text = ''
  #settle: ((outcome: Outcome) => void) | undefined
  #isOpen = true

  constructor(address: string, port: number, untilMs: number) {
    this.address = address
    this.untilMs = untilMs
    this.#socket = connect({ host: address, port, noDelay: true })
    this.#socket.setEncoding('latin1')
    this.#socket.on('data', (chunk) => this.#take(String(chunk)))
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.#end(faultOf(error.code)))
    this.#socket.on('close', () => this.#end('closed'))
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get isIdle(): boolean {
    return this.#isOpen && this.#settle === undefined
  }

  request(): Promise<Outcome> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#end('timeout')
        this.#socket.destroy()
      }, TIMEOUT_MS)
      this.#settle = (outcome) => {
        clearTimeout(timer)
        this.#settle = undefined
        resolve(outcome)
      }
      this.#socket.write(REQUEST)
    })
  }

  /** The client ends it, so that what remains of it in the kernel is on the client's side. */
  end(): void {
    this.#isOpen = false
    this.#socket.end()
  }

  #take(chunk: string): void {
    this.#text += chunk
    const length = completeLength(this.#text)
    if (length === 0) return
    const isGood = this.#text.startsWith('HTTP/1.1 200 ') && this.#text.includes('\r\n\r\nok ')
    this.#text = this.#text.slice(length)
    this.#settle?.(isGood ? 'ok' : 'http-error')
  }

  #end(fault: Fault): void {
    this.#isOpen = false
    this.#settle?.(fault)
  }
}
