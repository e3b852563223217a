/**
 * The listeners of the product in a simulated world: DNS and HTTP without sockets.
 *
 * A question reaches the incarnation that listens now; where none does, there is no answer, as from
 * a closed port. Replies to address questions are read strictly; any octet that does not belong is
 * a fault of the server.
 */
import type { Answer, DnsPorts } from '../../src/actors/dns/contract.ts'
import type { HttpAnswer, HttpRequest, ShellPorts } from '../../src/actors/shell/contract.ts'
import { ok } from '../../src/core/base/result.ts'
import { addressOf } from '../../src/core/net/address.ts'
import { buildQuery } from './dns-query.ts'
import type { Life } from './world.ts'

export interface Heard {
  readonly rcode: number
  readonly authoritative: boolean
  /** Addresses in the order of the answer. */
  readonly addresses: readonly string[]
}

const CLIENT = { bytes: Uint8Array.of(198, 51, 100, 7), transport: 'udp' as const }
/** Owner as a pointer, type, class, TTL and length (RFC 1035 section 4.1.3). */
const RR_BYTES = 12

const u16 = (bytes: Uint8Array, at: number) => (bytes[at]! << 8) | bytes[at + 1]!

/** Reads a reply to an address question whose own answer records follow the question at once. */
function readReply(reply: Uint8Array, query: Uint8Array): Heard {
  if (u16(reply, 0) !== u16(query, 0) || (reply[2]! & 0x80) === 0) throw new Error('not the reply')
  for (let at = 12; at < query.length; at++)
    if (reply[at] !== query[at]) throw new Error('the question is not echoed')
  const addresses: string[] = []
  let at = query.length
  for (let left = u16(reply, 6); left > 0; left--) {
    const length = u16(reply, at + RR_BYTES - 2)
    addresses.push(addressOf(reply.slice(at + RR_BYTES, at + RR_BYTES + length)).text)
    at += RR_BYTES + length
  }
  if (u16(reply, 6) > 0 && at !== reply.length) throw new Error('octets behind the answer')
  return { rcode: reply[3]! & 15, authoritative: (reply[2]! & 4) !== 0, addresses }
}

export class ProductDns {
  /** Replies of the present incarnation by rcode, and the addresses in them. */
  replies = new Map<number, number>()
  addresses = 0
  readonly #queries = new Map<string, Uint8Array>()
  readonly #out = new Uint8Array(1_232)
  #answer: Answer | undefined
  #isAlive: () => boolean = () => false

  ports(life: Life): DnsPorts {
    return {
      listen: async ({ address, answer }) => {
        this.#answer = answer
        this.#isAlive = life.isAlive
        this.replies = new Map()
        this.addresses = 0
        const close = async () => {
          if (this.#answer === answer) this.#answer = undefined
        }
        const counts = () => ({
          tcpConnections: 0,
          repliesDropped: 0,
          connectionsShed: 0,
        })
        const front = { kind: 'simulated', host: address, port: 53, counts, close }
        return {
          code: 'listening',
          front: { ...front, serve: () => {}, release: () => {}, reconfigure: () => {} },
        }
      },
    }
  }

  /** Undefined when nobody listens. */
  ask(name: string, type: 'A' | 'AAAA' = 'A'): Heard | undefined {
    const answer = this.#answer
    if (answer === undefined || !this.#isAlive()) return undefined
    const key = `${name} ${type}`
    let query = this.#queries.get(key)
    if (query === undefined) {
      query = buildQuery({ name, type })
      this.#queries.set(key, query)
    }
    const written = answer(query, 0, query.length, this.#out, 0, CLIENT)
    if (written === 0) throw new Error(`${key} got no reply`)
    const heard = readReply(this.#out.subarray(0, written), query)
    this.replies.set(heard.rcode, (this.replies.get(heard.rcode) ?? 0) + 1)
    this.addresses += heard.addresses.length
    return heard
  }
}

type OnRequest = (request: HttpRequest) => Promise<HttpAnswer>

export class ProductHttp {
  readonly #listeners = new Map<string, { onRequest: OnRequest; isAlive: () => boolean }>()

  ports(life: Life): ShellPorts {
    return {
      onDrainSignal: () => () => {},
      listen: async ({ address, onRequest }) => {
        const listener = { onRequest, isAlive: life.isAlive }
        this.#listeners.set(address, listener)
        const close = async () => {
          if (this.#listeners.get(address) === listener) this.#listeners.delete(address)
        }
        return ok({ kind: 'node', port: 80, close })
      },
      fallbackReason: undefined,
      setLogLevel: () => {},
      metricsText: async () => ({ text: '', contentType: 'text/plain' }),
      counts: () => undefined,
    }
  }

  /** Undefined when nobody listens. A listener that dies meanwhile never answers. */
  request(
    address: string,
    method: string,
    path: string,
    body: unknown = undefined,
  ): Promise<{ status: number; body: unknown }> | undefined {
    const listener = this.#listeners.get(address)
    if (listener === undefined || !listener.isAlive()) return undefined
    const text = body === undefined ? '' : JSON.stringify(body)
    const request: HttpRequest = {
      method,
      path,
      query: '',
      headers: { 'content-type': 'application/json' },
      body: new TextEncoder().encode(text),
      remoteAddress: '127.0.0.1',
    }
    return listener.onRequest(request).then((answer) => {
      const { status, body: bytes } = answer
      const plain = typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes)
      return { status, body: plain === '' ? undefined : (JSON.parse(plain) as unknown) }
    })
  }
}
