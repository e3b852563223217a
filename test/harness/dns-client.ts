/** One socket that asks one server many questions at once, over UDP and, where cut, over TCP. */
import { createSocket, type Socket } from 'node:dgram'
import { connect } from 'node:net'
import { decodeReply, type Reply } from './dns-decode.ts'
import { buildQuery } from './dns-query.ts'

/** A machine that runs much else answers late; what is asked here must be answered all the same. */
const ATTEMPTS = 8
const WAIT_MS = 1_500
/** Questions one socket has open: more would only wait in the server. */
const OPEN_MAX = 16

export interface Asking {
  readonly dnssecOk: boolean
  /** RD, by default set. */
  readonly isRecursive?: boolean
  /** Network of IPv4 that the question is for (RFC 7871): its first three octets. */
  readonly subnet?: readonly [number, number, number]
}

function overTcp(address: string, port: number, query: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, address)
    let held = Buffer.alloc(0)
    socket.setTimeout(5_000, () => socket.destroy(new Error('no reply over TCP')))
    socket.on('error', reject)
    // One that closes without a word has too many connections; whoever asks sees a silence.
    socket.on('close', () => reject(new Error('closed without a reply')))
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk])
      if (held.length < 2 || held.length < 2 + held.readUInt16BE(0)) return
      resolve(new Uint8Array(held.subarray(2, 2 + held.readUInt16BE(0))))
      socket.destroy()
    })
    socket.write(Buffer.concat([Buffer.from([query.length >> 8, query.length & 255]), query]))
  })
}

export class DnsClient {
  readonly #address: string
  readonly #port: number
  readonly #waiting = new Map<number, (bytes: Uint8Array) => void>()
  readonly #socket: Socket = createSocket('udp4')
  readonly #queue: (() => void)[] = []
  #open = 0
  #next = 1

  constructor(address: string, port: number) {
    this.#address = address
    this.#port = port
    this.#socket.on('message', (bytes) =>
      this.#waiting.get(bytes.readUInt16BE(0))?.(new Uint8Array(bytes)),
    )
    // A server that is being started again refuses; the question is asked again.
    this.#socket.on('error', () => undefined)
  }

  /** The reply's octets; undefined when there is none. */
  async bytes(name: string, type: string, asking: Asking): Promise<Uint8Array | undefined> {
    if (this.#open >= OPEN_MAX) await new Promise<void>((go) => this.#queue.push(go))
    this.#open += 1
    try {
      return await this.#exchange(name, type, asking)
    } finally {
      this.#open -= 1
      this.#queue.shift()?.()
    }
  }

  async #exchange(name: string, type: string, asking: Asking): Promise<Uint8Array | undefined> {
    const id = this.#next
    this.#next = (this.#next % 0xffff) + 1
    const flags = asking.isRecursive === false ? 0 : 0x0100
    const { dnssecOk, subnet } = asking
    const options = subnet === undefined ? [] : [[8, [0, 1, 24, 0, ...subnet]] as const]
    const edns = { dnssecOk, payload: 1232, options }
    const query = buildQuery({ name, type, id, flags, edns })
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const bytes = await new Promise<Uint8Array | undefined>((resolve) => {
        const timer = setTimeout(() => resolve(undefined), WAIT_MS)
        this.#waiting.set(id, (got) => {
          clearTimeout(timer)
          resolve(got)
        })
        this.#socket.send(query, this.#port, this.#address)
      })
      if (bytes === undefined) continue
      this.#waiting.delete(id)
      const isCut = (bytes[2]! & 0x02) !== 0
      if (!isCut) return bytes
      const whole = await overTcp(this.#address, this.#port, query).catch(() => undefined)
      if (whole !== undefined) return whole
    }
    this.#waiting.delete(id)
    return undefined
  }

  async ask(name: string, type: string, asking: Asking): Promise<Reply | undefined> {
    const bytes = await this.bytes(name, type, asking)
    return bytes === undefined ? undefined : decodeReply(bytes)
  }

  close(): void {
    this.#socket.close()
  }
}
