// Goal: overwatches end up holding the same, whatever the network loses, repeats or delays, and
// spend almost nothing when nothing changes.
// Method: nodes joined by a scripted link on a counted clock; every frame is really encoded.
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../../src/core/base/random.ts'
import { Exchange } from '../../../../../src/core/gossip/peers/exchange.ts'
import {
  decodeFrame,
  encodeFrame,
  type Mac,
  type PeerBody,
} from '../../../../../src/core/gossip/peers/frames.ts'
import { BUCKETS, Ledger } from '../../../../../src/core/gossip/peers/ledger.ts'
import { compareVersions, type SharedRecord } from '../../../../../src/core/gossip/peers/record.ts'

const mac: Mac = (bytes) => {
  let sum = 7
  for (const octet of bytes) sum = (Math.imul(sum, 31) + octet) | 0
  return Uint8Array.from({ length: 16 }, (_, at) => (sum >>> (at % 4)) & 255)
}

const record = (id: string, stamp = 1, over: Partial<SharedRecord> = {}): SharedRecord => ({
  kind: 'verdict',
  id,
  origin: 'ow-a',
  stamp,
  seq: 0,
  keepUntilMs: 0,
  body: new Uint8Array([1, 2, 3]),
  ...over,
})

/** Nodes that talk over a link which loses, repeats and delays frames. */
class Net {
  readonly nodes = new Map<string, Exchange>()
  readonly #wire: { atMs: number; from: string; to: string; bytes: Uint8Array }[] = []
  readonly #random
  nowMs = 1_000
  sentBytes = 0
  loss = 0
  cut = new Set<string>()

  constructor(names: readonly string[], seed: number) {
    this.#random = seededRandom(seed)
    for (const name of names) this.nodes.set(name, new Exchange(seededRandom(seed + name.length)))
    this.meet()
  }

  meet(): void {
    for (const [name, node] of this.nodes) {
      node.setPeers(
        [...this.nodes.keys()].filter((other) => other !== name),
        this.nowMs,
      )
    }
  }

  #post(from: string, to: string, body: PeerBody): void {
    const bytes = encodeFrame({ sender: from, boot: 1, body }, mac)
    this.sentBytes += bytes.length
    if (this.cut.has(from) || this.cut.has(to)) return
    for (let copy = this.#random.next() < 0.1 ? 2 : 1; copy > 0; copy--) {
      if (this.#random.next() < this.loss) continue
      this.#wire.push({ atMs: this.nowMs + this.#random.below(200), from, to, bytes })
    }
  }

  flush(): void {
    for (const [name, node] of this.nodes) {
      for (const { to, body } of node.takeOutgoing()) this.#post(name, to, body)
      node.takeLearned()
    }
  }

  run(ms: number): void {
    const end = this.nowMs + ms
    for (; this.nowMs < end; this.nowMs += 20) {
      for (const node of this.nodes.values()) node.tick(this.nowMs)
      this.flush()
      for (const frame of this.#wire.filter(({ atMs }) => atMs <= this.nowMs)) {
        this.#wire.splice(this.#wire.indexOf(frame), 1)
        const read = decodeFrame(frame.bytes, mac)
        expect(read.ok).toBe(true)
        if (read.ok) this.nodes.get(frame.to)?.receive(frame.from, read.value.body, this.nowMs)
      }
      this.flush()
    }
  }

  same(): boolean {
    const [first, ...others] = [...this.nodes.values()].map((node) => contents(node.ledger))
    return others.every((other) => other === first)
  }
}

const contents = (ledger: Ledger) =>
  JSON.stringify(
    [...ledger.records()]
      .map((one) => [one.kind, one.id, one.stamp, one.seq, one.origin, [...one.body]])
      .sort(),
  )

describe('a ledger', () => {
  test('holds the later version in whatever order two arrive', () => {
    const versions = [
      record('a', 1),
      record('a', 2),
      record('a', 2, { seq: 1 }),
      record('a', 2, { seq: 1, origin: 'ow-b' }),
      record('a', 2, { seq: 1, origin: 'ow-b', body: new Uint8Array([9]) }),
    ]
    for (const [i, x] of versions.entries()) {
      for (const [j, y] of versions.entries()) {
        expect(Math.sign(compareVersions(x, y))).toBe(Math.sign(i - j))
        const ledger = new Ledger()
        ledger.put(x, 0)
        ledger.put(y, 0)
        expect(ledger.get('verdict', 'a')).toBe(i >= j ? x : y)
      }
    }
  })

  test('has the digest of its contents, not of its history', () => {
    const [one, two] = [new Ledger(), new Ledger()]
    for (let id = 0; id < 100; id++) one.put(record(`s${id}`, 5), 0)
    for (let id = 99; id >= 0; id--) {
      two.put(record(`s${id}`, 3), 0)
      two.put(record(`s${id}`, 5), 0)
    }
    expect(two.root()).toEqual(one.root())
    two.put(record('s7', 6), 0)
    expect(two.root()).not.toEqual(one.root())
    expect(two.buckets().filter((hash, at) => hash.lo !== one.buckets()[at]!.lo)).toHaveLength(1)
  })

  test('forgets what has an end, and a deletion after a day', () => {
    const ledger = new Ledger()
    ledger.put(record('brief', 1_000, { keepUntilMs: 5_000 }), 1_000)
    ledger.put(record('gone', 1_000, { body: new Uint8Array(0) }), 1_000)
    ledger.put(record('stays', 1_000), 1_000)
    expect(ledger.prune(4_999)).toEqual([])
    expect(ledger.prune(5_000).map(({ id }) => id)).toEqual(['brief'])
    expect(ledger.put(record('brief', 1_001, { keepUntilMs: 5_000 }), 6_000)).toBe('expired')
    expect(ledger.prune(1_000 + 86_400_000).map(({ id }) => id)).toEqual(['gone'])
    expect(ledger.size).toBe(1)
  })

  test('refuses one key more than it has room for, and still updates those it holds', () => {
    const ledger = new Ledger(2)
    expect(ledger.put(record('a'), 0)).toBe('newer')
    expect(ledger.put(record('b'), 0)).toBe('newer')
    expect(ledger.put(record('c'), 0)).toBe('full')
    expect(ledger.put(record('a', 2), 0)).toBe('newer')
  })
})

describe('an exchange', () => {
  test('carries news to every peer in one message', () => {
    const net = new Net(['a', 'b', 'c'], 1)
    net.run(3_000)
    net.nodes.get('a')!.tell(record('x'), net.nowMs)
    net.run(300)
    expect(net.same()).toBe(true)
    expect(net.nodes.get('c')!.ledger.size).toBe(1)
  })

  for (let seed = 1; seed <= 20; seed++) {
    test(`ends with the same everywhere after a lossy partition (seed ${seed})`, () => {
      const net = new Net(['a', 'b', 'c', 'd'], seed)
      net.loss = 0.3
      net.cut.add('d')
      const random = seededRandom(seed)
      for (let step = 0; step < 300; step++) {
        const name = ['a', 'b', 'c', 'd'][random.below(4)]!
        const body = random.below(5) === 0 ? new Uint8Array(0) : new Uint8Array([random.below(256)])
        const origin = `ow-${name}`
        const stamp = net.nowMs - random.below(50)
        net.nodes
          .get(name)!
          .tell(record(`s${random.below(80)}`, stamp, { origin, body }), net.nowMs)
        if (step % 30 === 0) net.run(200)
      }
      expect(net.same()).toBe(false)
      net.cut.clear()
      net.run(20_000)
      expect(net.same()).toBe(true)
    })
  }

  test('warms a new node with 10,000 records within 2 seconds', () => {
    const net = new Net(['a', 'b'], 3)
    const a = net.nodes.get('a')!
    for (let id = 0; id < 10_000; id++)
      a.ledger.put(record(`web:10.0.${id >> 8}.${id & 255}:80`), 0)
    net.run(2_000)
    expect(net.nodes.get('b')!.ledger.size).toBe(10_000)
    expect(a.agrees()).toBe(true)
  })

  test('with 10,000 records and no change sends less than 5 KB a second for a pair', () => {
    const net = new Net(['a', 'b'], 4)
    for (const node of net.nodes.values()) {
      for (let id = 0; id < 10_000; id++) node.ledger.put(record(`s${id}`), 0)
    }
    net.sentBytes = 0
    net.run(60_000)
    const bytesASecond = net.sentBytes / 60
    expect(bytesASecond).toBeGreaterThan(10)
    expect(bytesASecond).toBeLessThan(500)
  })

  test('asks for what only the other holds, and gives what only it holds itself', () => {
    const [a, b] = [new Exchange(seededRandom(1)), new Exchange(seededRandom(2))]
    a.setPeers(['b'], 0)
    b.setPeers(['a'], 0)
    a.ledger.put(record('of-a'), 0)
    b.ledger.put(record('of-b'), 0)
    const said: string[] = []
    b.receive('a', { type: 'root', count: 1, hash: a.ledger.root() }, 0)
    for (
      let [from, to, name] = [b, a, 'b'];
      said.length < 8;
      [from, to, name] = [to, from, name === 'a' ? 'b' : 'a']
    ) {
      const frames = from.takeOutgoing()
      if (frames.length === 0) break
      for (const { body } of frames) {
        said.push(`${name}:${body.type}`)
        to.receive(name, body, 0)
      }
    }
    expect(said).toEqual(['b:buckets', 'a:index', 'b:want', 'b:records', 'a:records'])
    expect(contents(a.ledger)).toBe(contents(b.ledger))
  })

  test('ignores a node that is no peer', () => {
    const node = new Exchange(seededRandom(1))
    node.receive('stranger', { type: 'records', records: [record('x')] }, 0)
    expect(node.ledger.size).toBe(0)
  })
})

describe('a frame', () => {
  const bodies: readonly PeerBody[] = [
    { type: 'root', count: 7, hash: { hi: 1, lo: 0xffff_ffff } },
    {
      type: 'buckets',
      hashes: Array.from({ length: BUCKETS }, (_, at) => ({ hi: at, lo: at * 3 })),
    },
    {
      type: 'index',
      buckets: [0, 127],
      entries: [{ key: { hi: 1, lo: 2 }, version: { hi: 3, lo: 4 } }],
    },
    { type: 'want', keys: [{ hi: 5, lo: 6 }] },
    {
      type: 'records',
      records: [record('ä:[2001:db8::1]:443'), record('b', 9, { keepUntilMs: 12 })],
    },
  ]

  test('reads back as it was written', () => {
    for (const body of bodies) {
      const frame = { sender: 'ow-1', boot: 1_700_000_000_000, body }
      expect(decodeFrame(encodeFrame(frame, mac), mac)).toEqual({ ok: true, value: frame })
    }
  })

  test('with a wrong MAC is refused', () => {
    const bytes = encodeFrame({ sender: 'a', boot: 1, body: bodies[0]! }, mac)
    bytes[bytes.length - 1]! ^= 1
    expect(decodeFrame(bytes, mac)).toEqual({ ok: false, error: 'bad-mac' })
  })

  test('with any octets changed under a right MAC never throws and stays within its bounds', () => {
    const random = seededRandom(99)
    const full = process.env['OPENGSLB_FULL'] === '1'
    let read = 0
    for (let turn = 0; turn < (full ? 1_000_000 : 20_000); turn++) {
      const whole = encodeFrame(
        { sender: 'ow-1', boot: 1, body: bodies[turn % bodies.length]! },
        mac,
      )
      let inner = whole.slice(0, whole.length - 16)
      for (let edits = 1 + random.below(4); edits > 0; edits--) {
        inner[4 + random.below(inner.length - 4)] = random.below(256)
      }
      if (random.below(4) === 0) inner = inner.slice(0, 5 + random.below(inner.length - 5))
      const bytes = new Uint8Array(inner.length + 16)
      bytes.set(inner)
      bytes.set(mac(inner), inner.length)
      const outcome = decodeFrame(bytes, mac)
      if (outcome.ok) read++
    }
    expect(read).toBeGreaterThan(0)
  })
})
