/**
 * What two processes say to each other while one takes the place of the other, on a stream socket
 * of the Unix domain.
 *
 * The one that runs speaks first: a header in JSON with the descriptors of its sockets beside it.
 * Then one word a line, each way in turn. What does not fit this is not answered, and changes
 * nothing. Who may speak at all is decided by the user of the other end, see ports-handover.ts.
 */
import type { Socket } from 'node:net'
import { limits } from '../../core/base/limits.ts'
import { fail, ok, type Result } from '../../core/base/result.ts'

/** Of the header and the words; another one is refused. */
const VERSION = 1

export interface GivenSocket {
  readonly host: string
  readonly port: number
  readonly wildcard: boolean
  /** A sender of its own follows the receiver among the descriptors. */
  readonly apart: boolean
  /** What the kernel said so far to have dropped. */
  readonly drops: number
}

export interface Header {
  readonly threads: readonly (readonly GivenSocket[])[]
  /** The last descriptor listens for TCP. */
  readonly listener: boolean
  /** Of DNS cookies, in hexadecimal: clients keep theirs through a replacement. */
  readonly cookieSecret: string
}

export const encodeHeader = (header: Header): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ version: VERSION, ...header }))

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isWord = (value: unknown, most: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most

function readSocket(value: unknown): GivenSocket | undefined {
  if (!isObject(value)) return undefined
  const { host, port, wildcard, apart, drops } = value
  const known =
    typeof host === 'string' &&
    isWord(port, 0xffff) &&
    typeof wildcard === 'boolean' &&
    typeof apart === 'boolean' &&
    isWord(drops, 0xffff_ffff)
  return known ? { host, port, wildcard, apart, drops } : undefined
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

/** Never throws; the error is a sentence. */
export function decodeHeader(bytes: Uint8Array): Result<Header, string> {
  const value = parsed(bytes)
  if (!isObject(value)) return fail('what it sent is no header')
  if (value['version'] !== VERSION) return fail('it hands over in another way than this version')
  const { threads, listener, cookieSecret } = value
  if (!Array.isArray(threads) || threads.length === 0) return fail('it has no sockets to give')
  const read = threads.map((one) => (Array.isArray(one) ? one.map(readSocket) : [undefined]))
  const sockets = read.flat()
  const known =
    sockets.length > 0 &&
    sockets.every((socket) => socket !== undefined) &&
    typeof listener === 'boolean' &&
    typeof cookieSecret === 'string' &&
    /^(?:[0-9a-f]{2}){1,64}$/.test(cookieSecret)
  if (!known) return fail('what it sent is no header')
  return ok({ threads: read as GivenSocket[][], listener, cookieSecret })
}

/** How many descriptors belong to a header. */
export const descriptorsOf = ({ threads, listener }: Header): number =>
  threads.flat().reduce((sum, { apart }) => sum + (apart ? 2 : 1), listener ? 1 : 0)

/** The words of a conversation, one a line. */
export class Words {
  readonly #socket: Socket
  readonly #heard: string[] = []
  #text = ''
  #closed = false
  readonly #waiting = new Set<() => void>()

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => this.#take(chunk))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#closed = true
      this.#wake()
    })
  }

  /** The other end has hung up. */
  get isClosed(): boolean {
    return this.#closed
  }

  say(word: string): void {
    if (!this.#closed) this.#socket.write(`${word}\n`)
  }

  /** The next word; undefined when the other end is gone, or silent for too long. */
  async next(timeoutMs: number): Promise<string | undefined> {
    const deadlineMs = performance.now() + timeoutMs
    for (;;) {
      const word = this.#heard.shift()
      const leftMs = deadlineMs - performance.now()
      if (word !== undefined || this.#closed || leftMs <= 0) return word
      await this.#stir(leftMs)
    }
  }

  /** Resolves when the other end has hung up; false when it has not in time. */
  async gone(timeoutMs: number): Promise<boolean> {
    const deadlineMs = performance.now() + timeoutMs
    while (!this.#closed && performance.now() < deadlineMs)
      await this.#stir(deadlineMs - performance.now())
    return this.#closed
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(chunk: string): void {
    const lines = (this.#text + chunk).split('\n')
    this.#text = lines.pop() ?? ''
    this.#heard.push(...lines)
    // Nobody who speaks this language says so much.
    const isTooMuch = this.#text.length > limits.handoverWordChars.default || lines.length > 8
    if (isTooMuch) this.#socket.destroy()
    this.#wake()
  }

  #wake(): void {
    for (const go of this.#waiting) go()
  }

  #stir(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        clearTimeout(timer)
        this.#waiting.delete(go)
        resolve()
      }
      const timer = setTimeout(go, timeoutMs)
      this.#waiting.add(go)
    })
  }
}
