/**
 * A cluster of memberships in one thread: a virtual clock, and a network with seeded faults.
 *
 * Packets are lost, delayed and reordered; streams are delayed and fail at a partition. A node may
 * crash, or stand still as a stopped event loop does: then its timers fire first when it goes on,
 * and the packets that waited in its socket buffer are read after them.
 */
import { type Random, seededRandom } from '../../src/core/base/random.ts'
import type { Endpoint, PacketMessage, PushPull } from '../../src/core/gossip/messages.ts'
import { Membership } from '../../src/core/gossip/swim/membership.ts'
import type { MembershipEvent, Output } from '../../src/core/gossip/swim/outputs.ts'
import { profiles, type SwimSettings } from '../../src/core/gossip/swim/settings.ts'

export interface GossipWorldOptions {
  readonly seed: number
  readonly settings?: SwimSettings
  /** The share of packets that is lost. */
  readonly loss?: number
  /** The shortest and the longest time a packet takes. */
  readonly delayMs?: readonly [number, number]
}

export interface SimulatedNode {
  readonly index: number
  readonly name: string
  readonly endpoint: Endpoint
  membership: Membership
  down: boolean
  /** Events of this node that the network holds until it goes on. */
  stalled: (() => void)[] | undefined
  armedMs: number
}

interface Planned {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

type Watcher = (node: SimulatedNode, event: MembershipEvent, atMs: number) => void

export class GossipWorld {
  nowMs = 0
  readonly nodes: SimulatedNode[] = []
  readonly random: Random
  packets = 0
  messages = 0
  exchanges = 0
  /** Octets of packets, framing left out. */
  octets = 0
  watch: Watcher = () => {}
  loss: number
  delayMs: readonly [number, number]
  readonly #settings: SwimSettings
  readonly #byAddress = new Map<number, SimulatedNode>()
  readonly #planned: Planned[] = []
  #order = 0
  #sideOf: (index: number) => number = () => 0

  constructor({ seed, settings = profiles.lan, loss = 0, delayMs = [0.2, 2] }: GossipWorldOptions) {
    this.random = seededRandom(seed)
    this.loss = loss
    this.#settings = settings
    this.delayMs = delayMs
  }

  /** Adds a node at the next address and starts it. */
  add(): SimulatedNode {
    const index = this.nodes.length
    const addr = Uint8Array.of(10, index >> 16, (index >> 8) & 255, index & 255)
    const endpoint = { addr, port: 7946 }
    const name = `node-${index}`
    const node = { index, name, endpoint, down: false, stalled: undefined, armedMs: Infinity }
    const simulated: SimulatedNode = { ...node, membership: this.#membership(name, endpoint) }
    this.nodes.push(simulated)
    this.#byAddress.set(keyOf(endpoint), simulated)
    this.#start(simulated)
    return simulated
  }

  /** A node asks a seed for its view, and tells its own. */
  join(node: SimulatedNode, seed: SimulatedNode): void {
    this.act(node, () => node.membership.join([seed.endpoint], this.nowMs))
  }

  /** Calls something of a membership and carries out what comes of it. */
  act(node: SimulatedNode, call: () => void): void {
    this.#enter(node, call)
  }

  crash(node: SimulatedNode): void {
    node.down = true
  }

  /** A new process of the same name and address, which remembers nothing. */
  restart(node: SimulatedNode): void {
    node.down = false
    node.stalled = undefined
    node.membership = this.#membership(node.name, node.endpoint)
    this.#start(node)
  }

  stall(node: SimulatedNode, forMs: number): void {
    if (node.stalled !== undefined) return
    node.stalled = []
    this.after(forMs, () => {
      const waiting = node.stalled ?? []
      node.stalled = undefined
      this.#enter(node, () => node.membership.tick(this.nowMs))
      for (const one of waiting) this.#enter(node, one)
    })
  }

  /** Only nodes of the same side hear each other. */
  partition(sideOf: (index: number) => number): void {
    this.#sideOf = sideOf
  }

  heal(): void {
    this.#sideOf = () => 0
  }

  after(ms: number, run: () => void): void {
    push(this.#planned, { atMs: this.nowMs + ms, order: this.#order++, run })
  }

  runFor(ms: number): void {
    const endMs = this.nowMs + ms
    for (;;) {
      const next = this.#planned[0]
      if (next === undefined || next.atMs > endMs) break
      pop(this.#planned)
      this.nowMs = next.atMs
      next.run()
    }
    this.nowMs = endMs
  }

  /** Runs until something holds, looked at every `stepMs`; false when it did not in time. */
  runUntil(holds: () => boolean, limitMs: number, stepMs = 50): boolean {
    const endMs = this.nowMs + limitMs
    while (this.nowMs < endMs) {
      if (holds()) return true
      this.runFor(stepMs)
    }
    return holds()
  }

  /** Whether every running node sees as many alive as run, and suspects nobody. */
  agreed(): boolean {
    const running = this.nodes.filter(({ down }) => !down)
    return running.every(({ membership }) => {
      const { alive, suspect } = membership.counts
      return alive === running.length && suspect === 0
    })
  }

  #membership(name: string, endpoint: Endpoint): Membership {
    const self = { name, ...endpoint, meta: noMeta, vsn: [1, 5, 2, 0, 0, 0] as const }
    const random = seededRandom(this.random.below(0x7fff_ffff))
    return new Membership(this.#settings, self, { random, sizeOf })
  }

  #start(node: SimulatedNode): void {
    node.membership.start(this.nowMs)
    this.#carryOut(node)
  }

  #enter(node: SimulatedNode, call: () => void): void {
    if (node.down) return
    if (node.stalled !== undefined) {
      node.stalled.push(call)
      return
    }
    call()
    this.#carryOut(node)
  }

  #carryOut(node: SimulatedNode): void {
    for (const output of node.membership.drain()) this.#carryOne(node, output)
    const dueMs = Math.max(node.membership.nextDeadlineMs(), this.nowMs)
    if (dueMs >= node.armedMs || dueMs === Infinity) return
    node.armedMs = dueMs
    const { membership } = node
    this.after(dueMs - this.nowMs, () => {
      if (node.armedMs !== dueMs || node.membership !== membership) return
      node.armedMs = Infinity
      // A stopped loop fires its timer once when it goes on; the world does that in `stall`.
      if (node.stalled === undefined) this.#enter(node, () => membership.tick(this.nowMs))
    })
  }

  #carryOne(node: SimulatedNode, output: Output): void {
    switch (output.kind) {
      case 'packet':
        this.#sendPacket(node, output.to, output.messages)
        break
      case 'stream-ping': {
        const { to, id, node: name, seqNo } = output
        const { addr, port } = node.endpoint
        const source = { sourceAddr: addr, sourcePort: port, sourceNode: node.name }
        this.#toStream(node, to, (peer) => {
          const ack = peer.membership.ackFor({ type: 'ping', seqNo, node: name, ...source })
          if (ack === undefined) return
          this.#toStream(peer, node.endpoint, () =>
            node.membership.streamOutcome('stream-ping', id, 'acked'),
          )
        })
        break
      }
      case 'push-pull':
        this.#exchange(node, output.to, output.id, output.join, output.timeoutMs)
        break
      case 'event':
        this.watch(node, output.event, this.nowMs)
        break
      case 'user':
        break
    }
  }

  #sendPacket(node: SimulatedNode, to: Endpoint, messages: readonly PacketMessage[]): void {
    this.packets++
    this.messages += messages.length
    for (const message of messages) this.octets += sizeOf(message) + 2
    const peer = this.#reached(node, to)
    if (peer === undefined || this.random.next() < this.loss) return
    this.after(this.#delay(), () =>
      this.#enter(peer, () => {
        for (const message of messages)
          peer.membership.receive(message, node.endpoint, this.nowMs, 'packet')
      }),
    )
  }

  #exchange(node: SimulatedNode, to: Endpoint, id: number, join: boolean, limitMs: number): void {
    this.exchanges++
    let open = true
    const sent = node.membership.localState(join)
    const { membership } = node
    this.after(limitMs, () => {
      if (open) this.#enter(node, () => membership.streamOutcome('push-pull', id, 'failed'))
      open = false
    })
    this.#toStream(node, to, (peer) => {
      const reply: PushPull = peer.membership.localState(join)
      peer.membership.mergeRemote(sent, this.nowMs)
      this.#toStream(peer, node.endpoint, () => {
        if (open && node.membership === membership) membership.mergeRemote(reply, this.nowMs, id)
        open = false
      })
    })
  }

  #toStream(node: SimulatedNode, to: Endpoint, run: (peer: SimulatedNode) => void): void {
    const peer = this.#reached(node, to)
    if (peer !== undefined) this.after(this.#delay(), () => this.#enter(peer, () => run(peer)))
  }

  #reached(node: SimulatedNode, to: Endpoint): SimulatedNode | undefined {
    const peer = this.#byAddress.get(keyOf(to))
    return peer !== undefined && this.#sideOf(peer.index) === this.#sideOf(node.index)
      ? peer
      : undefined
  }

  #delay(): number {
    const [shortest, longest] = this.delayMs
    return shortest + this.random.next() * (longest - shortest)
  }
}

const noMeta = new Uint8Array()

const keyOf = ({ addr, port }: Endpoint): number =>
  ((addr[1]! << 16) | (addr[2]! << 8) | addr[3]!) * 65_536 + port

/** What a message takes on the wire, to within a few octets: names of fields, then values. */
export function sizeOf(message: PacketMessage): number {
  switch (message.type) {
    case 'alive':
      return 60 + message.node.length + message.addr.length + message.meta.length
    case 'suspect':
    case 'dead':
      return 32 + message.node.length + message.from.length
    case 'ping':
      return 64 + message.node.length + message.sourceNode.length
    case 'indirect-ping':
      return 88 + message.node.length + message.sourceNode.length
    case 'ack':
      return 24 + message.payload.length
    case 'nack':
      return 14
    case 'user':
      return 1 + message.payload.length
  }
}

const before = (a: Planned, b: Planned) =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

function push(heap: Planned[], item: Planned): void {
  let at = heap.length
  heap.push(item)
  while (at > 0) {
    const above = (at - 1) >> 1
    const parent = heap[above]!
    if (before(parent, item)) break
    heap[at] = parent
    at = above
  }
  heap[at] = item
}

function pop(heap: Planned[]): void {
  const last = heap.pop()!
  if (heap.length === 0) return
  let at = 0
  for (;;) {
    let below = at * 2 + 1
    if (below >= heap.length) break
    if (below + 1 < heap.length && before(heap[below + 1]!, heap[below]!)) below++
    if (before(last, heap[below]!)) break
    heap[at] = heap[below]!
    at = below
  }
  heap[at] = last
}
