/**
 * A network in memory that gossip actors run on: the same ports as the real ones, on a virtual
 * clock, with loss, delay, partitions and machines that are switched off.
 */
import { randomBytes } from 'node:crypto'
import type {
  AgentIdentity,
  Datagram,
  DialOutcome,
  GossipPorts,
  GossipSocket,
  Heard,
  SocketEars,
  StreamEars,
} from '../../src/actors/gossip/contract.ts'
import { nodeAesGcm, nonceSource } from '../../src/actors/gossip/ports-crypto.ts'
import { nodeTrustCrypto } from '../../src/actors/gossip/ports-signatures.ts'
import { type Random, seededRandom } from '../../src/core/base/random.ts'
import { fail, ok } from '../../src/core/base/result.ts'
import { agentIdOf } from '../../src/core/gossip/app/certificate.ts'
import type { AgentKey } from '../../src/core/gossip/app/crypto.ts'
import type { Endpoint } from '../../src/core/gossip/messages.ts'
import { addressOf, parseAddress, parseEndpoint } from '../../src/core/net/address.ts'
import type { Clock } from '../../src/kernel/clock.ts'

interface Host {
  readonly address: string
  readonly ears: SocketEars
  readonly endpoint: Endpoint
  closed: boolean
}

const placeOf = ({ addr, port }: Endpoint) => `${addressOf(addr).text}:${port}`

export class GossipNetwork {
  readonly random: Random
  /** Share of datagrams that are lost. */
  loss = 0
  delayMs: readonly [number, number] = [0.2, 2]
  datagrams = 0
  /** Octets sent from one address to another so far, streams too, by `from to`. */
  readonly octets = new Map<string, number>()
  /** Says of each datagram whether it arrives; for a test that loses a certain one. */
  passes: (from: string, to: string, octets: Uint8Array) => boolean = () => true
  readonly names = new Map<string, string>()
  readonly #clock: Clock
  readonly #bridges = new Set<string>()
  readonly #hosts = new Map<string, Host>()
  #side: (address: string) => number = () => 0
  #port = 40_000

  constructor(clock: Clock, seed = 1) {
    this.#clock = clock
    this.random = seededRandom(seed)
  }

  /** Only addresses of the same side reach each other. */
  partition(sideOf: (address: string) => number): void {
    this.#side = sideOf
  }

  heal(): void {
    this.#side = () => 0
    this.#bridges.clear()
  }

  /** Two addresses reach each other whatever is parted. */
  bridge(one: string, other: string): void {
    this.#bridges.add(`${one} ${other}`)
    this.#bridges.add(`${other} ${one}`)
  }

  #parted(one: string, other: string): boolean {
    return this.#side(one) !== this.#side(other) && !this.#bridges.has(`${one} ${other}`)
  }

  /** Switches a machine off, as `kill -9` does: it says nothing more and hears nothing. */
  kill(address: string): void {
    for (const host of this.#hosts.values()) if (host.address === address) host.closed = true
  }

  /** The ports of a machine with this address; `key` is the identity of an agent on it. */
  ports(address: string, key?: AgentKey): GossipPorts {
    const parsed = parseAddress(address)
    if (!parsed.ok) throw new Error(parsed.error)
    const addr = parsed.value.bytes
    return {
      crypto: nodeTrustCrypto(),
      aesGcm: nodeAesGcm,
      nonce: nonceSource(),
      secret: (bytes) => randomBytes(bytes),
      open: async (bind, ears) => {
        const wanted = parseEndpoint(bind)
        if (!wanted.ok) return fail({ code: 'malformed', message: wanted.error })
        const endpoint = { addr, port: wanted.value.port || this.#port++ }
        if (this.#hosts.get(placeOf(endpoint))?.closed === false)
          return fail({
            code: 'in-use',
            message: `${placeOf(endpoint)} cannot be bound: EADDRINUSE`,
          })
        return ok(this.#socket({ address, ears, endpoint, closed: false }))
      },
      resolve: async (hostPort) => {
        const place = parseEndpoint(hostPort)
        if (!place.ok) return []
        const host = parseAddress(this.names.get(place.value.host) ?? place.value.host)
        return host.ok ? [{ addr: host.value.bytes, port: place.value.port }] : []
      },
      addressTowards: async () => addr,
      identity: (files) =>
        key === undefined
          ? fail('agent.identity.key_path: no key on this machine')
          : ok(identityOf(files.region, key)),
      renew: () => fail('agent.identity.key_path: no key is made on this machine'),
    }
  }

  #reached(from: string, to: Endpoint): Host | undefined {
    const host = this.#hosts.get(placeOf(to))
    if (host === undefined || host.closed) return undefined
    return this.#parted(host.address, from) ? undefined : host
  }

  #count(from: string, to: string, octets: number): void {
    const way = `${from} ${to}`
    this.octets.set(way, (this.octets.get(way) ?? 0) + octets)
  }

  #delay(): number {
    const [least, most] = this.delayMs
    return least + this.random.next() * (most - least)
  }

  #later(run: () => void): void {
    this.#clock.after(this.#delay(), run)
  }

  #socket(host: Host): GossipSocket {
    this.#hosts.set(placeOf(host.endpoint), host)
    return {
      endpoint: host.endpoint,
      send: (octets, to) => {
        if (octets.length > 65_507 || host.closed) return false
        const datagram: Datagram = { octets: octets.slice(), from: host.endpoint }
        this.datagrams++
        this.#count(host.address, addressOf(to.addr).text, octets.length)
        const peer = this.#reached(host.address, to)
        const lost = this.random.next() < this.loss
        const place = placeOf(to)
        if (peer === undefined || lost || !this.passes(placeOf(host.endpoint), place, octets))
          return true
        this.#later(() => {
          if (!peer.closed) peer.ears.datagrams([datagram])
        })
        return true
      },
      dial: (to, octets, timeoutMs, ears) =>
        host.closed ? Promise.resolve('closed') : this.#dial(host, to, octets, timeoutMs, ears),
      counts: () => ({ streams: 0, refused: 0, dropped: 0 }),
      close: async () => {
        host.closed = true
      },
    }
  }

  #dial(
    from: Host,
    to: Endpoint,
    octets: Uint8Array,
    timeoutMs: number,
    ears: StreamEars | undefined,
  ): Promise<DialOutcome> {
    return new Promise((resolve) => {
      const end = (outcome: DialOutcome) => {
        cancel()
        resolve(outcome)
      }
      const cancel = this.#clock.after(timeoutMs, () => resolve('timed-out'))
      const split = this.#parted(from.address, addressOf(to.addr).text)
      const peer = this.#reached(from.address, to)
      if (peer === undefined) {
        if (!split) this.#later(() => end('refused'))
        return
      }
      this.#later(() => {
        const theirs = peer.ears.accept({ addr: from.endpoint.addr, port: 50_000 })
        if (theirs === undefined || peer.closed) return end('closed')
        this.#count(from.address, peer.address, octets.length)
        // Only a dialler that wants no answer closes its end after what it says.
        const said = sayTo(theirs, octets, ears === undefined)
        if (ears !== undefined && said === 'more') return
        this.#later(() => {
          const answer = said instanceof Uint8Array ? said : nothing
          this.#count(peer.address, from.address, answer.length)
          if (ears !== undefined) sayTo(ears, answer, true)
          end('done')
        })
      })
    })
  }
}

const nothing = new Uint8Array(0)

/** In pieces, as a stream comes. */
function sayTo(ears: StreamEars, octets: Uint8Array, ends: boolean): Heard {
  for (let at = 0; at < octets.length; at += 1_000) {
    const heard = ears.feed(octets.slice(at, at + 1_000))
    if (heard !== 'more') return heard
  }
  return ends ? ears.end() : 'more'
}

const identityOf = (region: string, key: AgentKey): AgentIdentity => ({
  agentId: agentIdOf(region, key.fingerprint),
  region,
  key,
  previousKey: undefined,
  notAfterMs: 4_000_000_000_000,
})
