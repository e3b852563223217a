/**
 * The separate port of overwatches (`overwatch.peering.enabled`): the same frames and keys, and no
 * membership.
 *
 * Bootstrap peers are greeted until they answer; whoever sends a frame with the right code is a
 * peer until it was silent for a while. Each overwatch that is to take part is named by one other.
 *
 * Peers tell each other where they are members of the cluster and join there: whose verdicts count
 * and whom a drain waits for is known by membership, and agents learn of every overwatch by it.
 */
import { limits } from '../../core/base/limits.ts'
import { ok, type Result } from '../../core/base/result.ts'
import type { Endpoint } from '../../core/gossip/messages.ts'
import type { Cancel } from '../../kernel/clock.ts'
import type { BindFault, Datagram, GossipPorts, PeeringConfig, Ticking } from './contract.ts'
import { Inbox } from './inbox.ts'
import { placeOf } from './members.ts'
import { memberRecord } from './records.ts'
import type { Sharing } from './sharing.ts'
import { Transport } from './transport.ts'

/** This overwatch as a member. */
interface Own {
  readonly name: string
  readonly place: string
}

interface Peer {
  endpoint: Endpoint
  heardMs: number
}

export class PeerPort {
  readonly #here: Ticking
  readonly #ports: GossipPorts
  readonly #sharing: Sharing
  readonly #transport: Transport
  readonly #inbox: Inbox
  readonly #peers = new Map<string, Peer>()
  readonly #own: Own
  #bootstrap: readonly string[]
  #toldMs = Number.NEGATIVE_INFINITY
  #cancel: Cancel = () => {}

  private constructor(
    here: Ticking,
    ports: GossipPorts,
    sharing: Sharing,
    transport: Transport,
    bootstrap: readonly string[],
    own: Own,
  ) {
    this.#here = here
    this.#ports = ports
    this.#sharing = sharing
    this.#transport = transport
    this.#bootstrap = bootstrap
    this.#own = own
    this.#inbox = new Inbox(here.clock, ({ payload, from, via }) => this.#hear(payload, from, via))
  }

  static async open(
    here: Ticking,
    ports: GossipPorts,
    config: PeeringConfig,
    keys: readonly string[],
    sharing: Sharing,
    own: Own,
  ): Promise<Result<PeerPort, BindFault>> {
    let port: PeerPort | undefined
    const opened = await ports.open(config.bindAddress, {
      datagrams: (batch) => port?.datagrams(batch),
      accept: (from) => port?.accept(from),
    })
    if (!opened.ok) return opened
    const transport = new Transport(opened.value, ports, keys)
    port = new PeerPort(here, ports, sharing, transport, config.bootstrapPeers, own)
    port.#start()
    return ok(port)
  }

  #start(): void {
    const everyMs = limits.gossipPeerHelloMs.default
    this.#cancel = this.#here.clock.every(everyMs, 0, () => void this.#greet())
  }

  configure(keys: readonly string[], bootstrap: readonly string[]): void {
    this.#transport.configure(keys)
    this.#bootstrap = bootstrap
  }

  async close(): Promise<void> {
    this.#cancel()
    this.#inbox.close()
    await this.#transport.socket.close()
  }

  send(name: string, octets: Uint8Array, via: 'packet' | 'stream'): void {
    const peer = this.#peers.get(name)
    if (peer === undefined) return
    const message = { type: 'user', payload: octets } as const
    if (via === 'packet') this.#transport.send(peer.endpoint, [message], 0)
    else void this.#transport.dial(peer.endpoint, message, limits.gossipStreamMs.default)
  }

  datagrams(batch: readonly Datagram[]): void {
    for (const { message, from } of this.#transport.open(batch))
      if (message.type === 'user')
        this.#inbox.put({ payload: message.payload, from, via: 'packet' })
  }

  accept(from: Endpoint): ReturnType<Transport['accept']> {
    return this.#transport.accept((message) => {
      if (message.type === 'user')
        this.#inbox.put({ payload: message.payload, from, via: 'stream' })
      return undefined
    })
  }

  #hear(octets: Uint8Array, from: Endpoint, via: 'packet' | 'stream'): void {
    const sender = this.#sharing.hear(octets)
    if (sender === undefined) return
    const heardMs = this.#here.clock.monotonicMs()
    const known = this.#peers.get(sender)
    // The far port of a stream is nobody's address.
    if (known !== undefined)
      Object.assign(known, via === 'packet' ? { endpoint: from, heardMs } : { heardMs })
    else if (via === 'packet') {
      this.#peers.set(sender, { endpoint: from, heardMs })
      this.#here.log.info('peer found', { peer: sender, address: placeOf(from) })
      this.#sharing.setPeers([...this.#peers.keys()])
    }
  }

  /** Said again well before others forget it. */
  #tellPlace(): void {
    const nowMs = this.#here.clock.nowMs()
    if (nowMs - this.#toldMs < limits.gossipRememberMs.default / 4) return
    this.#toldMs = nowMs
    const { name, place } = this.#own
    this.#sharing.tell(memberRecord(name, place, name, nowMs))
  }

  async #greet(): Promise<void> {
    this.#tellPlace()
    const nowMs = this.#here.clock.monotonicMs()
    for (const [name, { heardMs }] of this.#peers) {
      if (nowMs - heardMs <= limits.gossipPeerSilenceMs.default) continue
      this.#peers.delete(name)
      this.#here.log.warn('peer silent', { peer: name })
      this.#sharing.setPeers([...this.#peers.keys()])
    }
    const places = new Set([...this.#peers.values()].map(({ endpoint }) => placeOf(endpoint)))
    const seeds = this.#bootstrap.slice(0, limits.gossipSeeds.default)
    const found = await Promise.all(seeds.map((seed) => this.#ports.resolve(seed)))
    const payload = this.#sharing.greeting()
    for (const endpoint of found.flat())
      if (!places.has(placeOf(endpoint)))
        this.#transport.send(endpoint, [{ type: 'user', payload }], 0)
  }
}
