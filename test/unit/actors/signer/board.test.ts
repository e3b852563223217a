/** Goal: nodes of a cluster end with one key set by what each lays down, whoever is gone then. */
import { describe, expect, test } from 'vitest'
import { Board } from '../../../../src/actors/signer/board.ts'
import { nodeSyncCrypto } from '../../../../src/actors/signer/ports-sync-crypto.ts'
import { KeyRing } from '../../../../src/core/dnssec/sync/ring.ts'
import { startDecision } from '../../../../src/core/dnssec/sync/start.ts'
import type { RingOutcome } from '../../../../src/core/dnssec/sync/types.ts'
import type { SharedRecord } from '../../../../src/core/gossip/peers/record.ts'
import { fakeCtx } from '../../../harness/ctx.ts'
import { crypto } from '../../../harness/dnssec.ts'
import { plainPolicy, ZONE } from '../../../harness/dnssec-roll-world.ts'

const SECRET = 'a secret of overwatches'
const TIMES = { takeoverSeconds: 60, patienceSeconds: 86_400 }

/** A store that every node reads, as etcd and its watches are one. */
class Store {
  readonly clock = fakeCtx('signer', {}).clock
  readonly records = new Map<string, SharedRecord>()
  readonly nodes = new Map<string, Node>()
  #drawn = 100
  #waiting: SharedRecord[] = []

  node(name: string, secret = SECRET): Node {
    const newLineage = () => (++this.#drawn).toString(16).padStart(32, '0')
    const ring = new KeyRing({ node: name, crypto, rsaBits: 2_048, newLineage })
    ring.setZones([{ zone: ZONE, policy: plainPolicy }])
    const made = new Node(this, name, ring, secret)
    this.nodes.set(name, made)
    return made
  }

  tell(record: SharedRecord): void {
    const known = this.records.get(record.id)
    if (known !== undefined && known.stamp >= record.stamp) throw new Error('an older one')
    this.records.set(record.id, record)
    this.#waiting.push(record)
  }

  /** Everybody hears of everything; returns how many records that took. */
  async settle(): Promise<number> {
    let count = 0
    for (; this.#waiting.length > 0 && count < 200; count++) {
      const record = this.#waiting.shift()!
      for (const node of this.nodes.values()) await node.board.learned(record)
    }
    return count
  }

  /** A beat of the cluster: all nodes are seen to be alive, and take their turn. */
  async beat(seconds = 1): Promise<void> {
    await this.clock.advanceAsync(seconds * 1_000)
    for (const node of this.nodes.values()) node.board.nodes([...this.nodes.keys()], true)
    await this.settle()
    for (const node of this.nodes.values()) node.turn()
    await this.settle()
  }
}

class Node {
  readonly board: Board
  readonly ring: KeyRing
  readonly warnings: string[] = []
  readonly refusals: string[] = []
  readonly #store: Store
  readonly #startedSeconds: number

  constructor(store: Store, name: string, ring: KeyRing, secret: string) {
    this.#store = store
    this.ring = ring
    this.#startedSeconds = this.nowSeconds()
    this.board = new Board(
      {
        ...{ clock: store.clock, ring, crypto: nodeSyncCrypto(crypto) },
        tell: (record) => store.tell(record),
        changed: async ({ refusals }: RingOutcome) => {
          this.refusals.push(...refusals.map(({ reason }) => reason))
          this.serve()
        },
        warned: (text) => this.warnings.push(`${name}: ${text}`),
      },
      secret === '' ? [] : [secret],
    )
  }

  nowSeconds(): number {
    return Math.floor(this.#store.clock.nowMs() / 1_000)
  }

  /** Reads what is there, as a node that starts does. */
  async start(): Promise<void> {
    for (const record of this.#store.records.values()) await this.board.learned(record)
    this.board.nodes([...this.#store.nodes.keys()], true)
    await this.#store.settle()
  }

  begin(): void {
    this.ring.begin(ZONE, this.nowSeconds(), { isProvisional: false })
    this.serve()
  }

  /** What the DNS threads would say at once. */
  serve(): void {
    const state = this.ring.zone(ZONE)?.bundle?.state
    if (state !== undefined) this.ring.zone(ZONE)?.served(state.lineage, state.version)
    this.board.post()
  }

  turn(): void {
    const settings = { nowSeconds: this.nowSeconds(), startedSeconds: this.#startedSeconds }
    this.ring.turn({ ...settings, ...TIMES })
    this.serve()
  }

  get tags(): readonly number[] {
    const { keys = [] } = this.ring.zone(ZONE)?.bundle?.state ?? {}
    return keys.map((key) => key.tag).sort((a, b) => a - b)
  }

  decision(): string {
    const { node } = this.ring
    return startDecision(node, this.board.startingPeers(ZONE), 1_000, 10_000)
  }
}

async function cluster(...names: readonly string[]) {
  const store = new Store()
  const nodes: Node[] = []
  for (const name of names) {
    const node = store.node(name)
    await node.start()
    if (nodes.length === 0) node.begin()
    nodes.push(node)
    await store.beat()
  }
  return { store, nodes: nodes as [Node, Node, ...Node[]] }
}

describe('what nodes lay down', () => {
  test('gives those that come later the keys of the first, and a place in its document', async () => {
    const { nodes } = await cluster('a', 'b', 'c')
    expect(nodes[0].tags).toHaveLength(1)
    for (const node of nodes) expect(node.tags).toEqual(nodes[0].tags)
    const { state } = nodes[2]!.ring.zone(ZONE)!.bundle!
    expect([...state.members].sort()).toEqual(['a', 'b', 'c'])
  })

  test('is enough for a node that starts while the one with the keys is away', async () => {
    const { store, nodes } = await cluster('a', 'b')
    store.nodes.delete('a')
    store.nodes.delete('b')
    const late = store.node('c')
    await late.start()
    expect(late.tags).toEqual(nodes[0].tags)
  })

  test('gives a node with a wiped disk its keys back', async () => {
    const { store, nodes } = await cluster('a', 'b')
    const again = store.node('a')
    await again.start()
    await store.beat()
    expect(again.tags).toEqual(nodes[1].tags)
  })

  test('says that a node serves the zone no more, and by that one nothing is held up', async () => {
    const { store, nodes } = await cluster('a', 'b')
    const [a, b] = nodes
    expect(a.ring.zone(ZONE)!.bundle!.state.members).toEqual(['a', 'b'])
    b.ring.setZones([])
    for (let beats = 0; beats < 40; beats++) await store.beat(5)
    expect(a.ring.zone(ZONE)!.bundle!.state.members).toEqual(['a'])
    b.ring.setZones([{ zone: ZONE, policy: plainPolicy }])
    for (let beats = 0; beats < 40; beats++) await store.beat(5)
    expect(a.ring.zone(ZONE)!.bundle!.state.members).toEqual(['a', 'b'])
  })

  test('takes a rollover to all, and no step is taken before all serve the one before', async () => {
    const { store, nodes } = await cluster('a', 'b', 'c')
    nodes[0].ring.command(ZONE, { isEmergency: false }, nodes[0].nowSeconds())
    await store.beat()
    expect(nodes[0].tags).toHaveLength(2)
    for (const node of nodes) expect(node.tags).toEqual(nodes[0].tags)
  })

  test('is led by another node once the leader was silent for a minute', async () => {
    const { store, nodes } = await cluster('a', 'b', 'c')
    store.nodes.delete('a')
    await store.beat(50)
    await store.beat(40)
    await store.beat()
    expect(nodes[1].ring.zone(ZONE)!.isLed).toBe(true)
    expect(nodes[2]!.ring.zone(ZONE)!.isLed).toBe(false)
  })

  test('is led by one part of a network: the other hears nobody while nothing is current', async () => {
    const { store, nodes } = await cluster('a', 'b', 'c')
    const [small, ...big] = nodes
    // What the store held of others when the link was lost never ends on the small side.
    store.nodes.delete('a')
    for (let at = 0; at < 90; at += 10) {
      small.board.nodes(['a', 'b', 'c'], false)
      await store.beat(10)
      small.turn()
    }
    expect(big[0]!.ring.zone(ZONE)!.isLed).toBe(true)
    const [before, { state }] = [small.tags, small.ring.zone(ZONE)!.bundle!]
    small.ring.command(ZONE, { isEmergency: true }, small.nowSeconds())
    small.turn()
    expect(small.tags).toEqual(before)
    expect(small.ring.zone(ZONE)!.bundle!.state.version).toBe(state.version)
    expect(small.decision()).toBe('wait')
  })

  test('comes to rest, and is said again only when it would be forgotten', async () => {
    const { store } = await cluster('a', 'b', 'c')
    for (let beat = 0; beat < 5; beat++) await store.beat()
    const stamps = () => [...store.records.values()].map(({ stamp }) => stamp).join()
    const before = stamps()
    for (let beat = 0; beat < 20; beat++) await store.beat()
    expect(stamps()).toBe(before)
    await store.beat(11 * 86_400)
    expect(stamps()).not.toBe(before)
  })

  test('is never forgotten while its node is alive, though nothing changes for months', async () => {
    const { store, nodes } = await cluster('a', 'b')
    for (let day = 0; day < 90; day++) {
      await store.clock.advanceAsync(86_400_000)
      for (const { board } of nodes) board.nodes(['a', 'b'], true)
      await store.settle()
      for (const { keepUntilMs } of store.records.values())
        expect(keepUntilMs).toBeGreaterThan(store.clock.nowMs() + 86_400_000)
    }
  })

  test('is older than what is held after a restart of all, which is no fault', async () => {
    const { store, nodes } = await cluster('a', 'b')
    for (const record of store.records.values()) await nodes[1].board.learned(record)
    expect(nodes[1].refusals).toEqual([])
  })

  test('opens for nobody with another secret, who says so, and is in the clear nowhere', async () => {
    const { store, nodes } = await cluster('a', 'b')
    const stranger = store.node('s', 'some other secret of others')
    await stranger.start()
    expect(stranger.tags).toEqual([])
    expect(stranger.warnings[0]).toContain('another secret of key sync')
    const [key] = nodes[0].ring.zone(ZONE)!.bundle!.keys
    expect(key).toBeDefined()
    const text = [...store.records.values()]
      .map(({ body }) => Buffer.from(body).toString('latin1'))
      .join()
    expect(text).not.toContain('privateKey')
    expect(text).not.toContain(ZONE)
  })

  test('is nothing without a secret', async () => {
    const store = new Store()
    const node = store.node('a', '')
    await node.start()
    node.begin()
    await store.beat()
    expect(store.records.size).toBe(0)
  })
})

describe('a node without keys', () => {
  test('begins when it is the only one, and waits for others that may have some', async () => {
    const store = new Store()
    const first = store.node('a')
    await first.start()
    expect(first.decision()).toBe('begin')
    const second = store.node('b')
    await second.start()
    expect(second.decision()).toBe('wait')
  })
})
