/**
 * Asks over a real socket and hears all that comes back: behind each message goes a fence, a plain
 * question of its own, and whatever arrives before the answer to it is the reply to the message.
 */
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { buildQuery } from './dns-query.ts'

export type Transport = 'udp' | 'tcp'

export interface Asker {
  /** What came back, in order; rejects when the fence's answer did not within five seconds. */
  ask(query: Uint8Array): Promise<Uint8Array[]>
  close(): void
}

const LABEL = 'fence'
const LABEL_BYTES = Buffer.from([LABEL.length, ...Buffer.from(LABEL)])
const PATIENCE_MS = 5_000

/** A mutant that asks the fence's own question cannot be told from the fence. */
export const isFence = (message: Uint8Array): boolean =>
  LABEL_BYTES.equals(message.subarray(12, 12 + LABEL_BYTES.length))

/** @param zone where a name is asked for that nobody has */
export function openAsker(
  transport: Transport,
  host: string,
  port: number,
  zone: string,
): Promise<Asker> {
  const fence = buildQuery({ name: `${LABEL}.${zone}`, type: 'TXT', id: 0xfe5c })
  return transport === 'udp' ? overUdp(host, port, fence) : overTcp(host, port, fence)
}

/** Collects what comes until the fence; one message is asked at a time. */
class Exchange {
  #replies: Uint8Array[] = []
  #resolve: (replies: Uint8Array[]) => void = () => {}
  #reject: (error: Error) => void = () => {}
  #timer: NodeJS.Timeout | undefined

  begin(query: Uint8Array): Promise<Uint8Array[]> {
    this.#replies = []
    const what = Buffer.from(query).toString('hex')
    this.#timer = setTimeout(() => this.fail(new Error(`no fence after ${what}`)), PATIENCE_MS)
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  hear(reply: Uint8Array): void {
    if (!isFence(reply)) {
      this.#replies.push(reply)
      return
    }
    clearTimeout(this.#timer)
    this.#resolve(this.#replies)
  }

  fail(error: Error): void {
    clearTimeout(this.#timer)
    this.#reject(error)
  }
}

async function overUdp(host: string, port: number, fence: Uint8Array): Promise<Asker> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  const exchange = new Exchange()
  socket.on('message', (reply: Uint8Array) => exchange.hear(reply))
  socket.on('error', (error) => exchange.fail(error))
  await new Promise<void>((resolve) => socket.connect(port, host, resolve))
  const ask = (query: Uint8Array) => {
    const replies = exchange.begin(query)
    socket.send(query)
    socket.send(fence)
    return replies
  }
  return { ask, close: () => socket.close() }
}

const framed = (message: Uint8Array) =>
  Buffer.concat([Uint8Array.of(message.length >> 8, message.length & 255), message])

async function overTcp(host: string, port: number, fence: Uint8Array): Promise<Asker> {
  const socket = connect(port, host)
  const exchange = new Exchange()
  let held = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk])
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      const reply = held.subarray(2, 2 + held.readUInt16BE(0))
      held = held.subarray(2 + reply.length)
      exchange.hear(reply)
    }
  })
  socket.on('error', (error) => exchange.fail(error))
  socket.on('close', () => exchange.fail(new Error('closed without a word')))
  const ask = (query: Uint8Array) => {
    const replies = exchange.begin(query)
    socket.write(Buffer.concat([framed(query), framed(fence)]))
    return replies
  }
  return { ask, close: () => socket.destroy() }
}
