/** DNS lookups of the demo: A records with their TTL, and a cache that obeys it, or does not. */
import { createSocket, type Socket } from 'node:dgram'
import { decode, encode } from 'dns-packet'

export interface Found {
  readonly addresses: readonly string[]
  readonly ttlSeconds: number
  readonly rcode: string
}

const TRY_MS = 1_000
const TRIES = 3

interface Waiter {
  readonly take: (found: Found | undefined) => void
}

/** One socket connected to one server, with many questions under way. */
export class Lookup {
  readonly #socket: Socket
  readonly #ready: Promise<void>
  readonly #waiting = new Map<number, Waiter>()
  #id = 0

  constructor(host: string, port: number) {
    this.#socket = createSocket('udp4')
    this.#socket.on('message', (message) => this.#take(message))
    this.#socket.on('error', () => {})
    this.#ready = new Promise((resolve) => this.#socket.connect(port, host, () => resolve()))
  }

  /** Undefined when no answer came in three tries of a second. */
  async ask(name: string): Promise<Found | undefined> {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const found = await this.once(name, TRY_MS)
      if (found !== undefined) return found
    }
    return undefined
  }

  async once(name: string, timeoutMs: number): Promise<Found | undefined> {
    await this.#ready
    this.#id = (this.#id + 1) & 0xffff
    const id = this.#id
    const query = encode({ type: 'query', id, flags: 256, questions: [{ type: 'A', name }] })
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#waiting.get(id)?.take(undefined), timeoutMs)
      const take = (found: Found | undefined) => {
        clearTimeout(timer)
        this.#waiting.delete(id)
        resolve(found)
      }
      this.#waiting.set(id, { take })
      this.#socket.send(query)
    })
  }

  close(): void {
    this.#socket.close()
  }

  #take(message: Buffer): void {
    const { id, answers, rcode } = decode(message) as ReturnType<typeof decode> & { rcode: string }
    const records = (answers ?? []).flatMap((answer) => (answer.type === 'A' ? [answer] : []))
    this.#waiting.get(id ?? -1)?.take({
      addresses: records.map(({ data }) => data),
      ttlSeconds: Math.min(...records.map(({ ttl }) => ttl ?? 0)),
      rcode,
    })
  }
}

/** One client's cache. `holdMs` above zero keeps an answer for that long whatever its TTL. */
export class Resolver {
  readonly #lookup: Lookup
  readonly #name: string
  readonly #holdMs: number
  #known: readonly string[] = []
  #untilMs = 0
  #asking: Promise<void> | undefined

  constructor(lookup: Lookup, name: string, holdMs: number) {
    this.#lookup = lookup
    this.#name = name
    this.#holdMs = holdMs
  }

  async address(): Promise<string | undefined> {
    if (Date.now() >= this.#untilMs) {
      this.#asking ??= this.#ask()
      await this.#asking
      this.#asking = undefined
    }
    return this.#known[Math.floor(Math.random() * this.#known.length)]
  }

  async #ask(): Promise<void> {
    const askedMs = Date.now()
    const found = await this.#lookup.ask(this.#name)
    this.#known = found?.addresses ?? []
    const ttlMs = (found?.addresses.length ? found.ttlSeconds : 0) * 1_000
    this.#untilMs = (this.#holdMs > 0 && ttlMs > 0 ? this.#holdMs : ttlMs) + askedMs
  }
}
