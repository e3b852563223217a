/**
 * Keys shared through the store of a cluster: for each of its zones a node lays down one record
 * with what it holds and serves, and with the document and its keys where others need them.
 *
 * What is said and believed is decided in core/dnssec/sync, as between peers that talk to each
 * other; here nobody has to be up when somebody reads. A record is sealed by the secret of key sync
 * alone, for who will read it is not known when it is written. Without a secret nothing is laid
 * down, and every node signs with keys of its own.
 */
import { limits } from '../../core/base/limits.ts'
import { messageBytes, readMessage } from '../../core/dnssec/sync/codec.ts'
import { authorityOf, open, seal } from '../../core/dnssec/sync/envelope.ts'
import { hasKeys, type KeyRing } from '../../core/dnssec/sync/ring.ts'
import type { StartingPeer } from '../../core/dnssec/sync/start.ts'
import type { Bundle, RingOutcome, SyncCrypto, SyncMessage } from '../../core/dnssec/sync/types.ts'
import { KEYS_RECORD } from '../../core/cluster/records.ts'
import type { SharedRecord } from '../../core/gossip/peers/record.ts'
import type { Clock } from '../../kernel/clock.ts'

export interface BoardWorld {
  readonly clock: Clock
  readonly ring: KeyRing
  readonly crypto: SyncCrypto
  /** Lays a record down. */
  tell(record: SharedRecord): void
  /** What the ring took: to be stored, noted and served. */
  changed(outcome: RingOutcome, node: string): Promise<void>
  /** Something that an operator should know, in a sentence. */
  warned(text: string, node: string): void
}

/** What was laid down last for a zone. */
interface Posted {
  readonly said: string
  readonly state: Bundle['state'] | undefined
  readonly atMs: number
}

const TEXT = new TextEncoder()

export class Board {
  readonly #world: BoardWorld
  #authorities: readonly Uint8Array[] = []
  readonly #posted = new Map<string, Posted>()
  /** What the others asked for or lack, by zone. */
  readonly #wanted = new Map<string, readonly Bundle[]>()
  readonly #wants = new Set<string>()
  /** Whether nodes have keys, by node and zone. */
  readonly #marks = new Map<string, boolean>()
  #stamp = 0
  #live: readonly string[] = []
  #isCurrent = false
  /** When all zones were looked at last, of the monotonic clock. */
  #lookedMs = 0

  constructor(world: BoardWorld, secrets: readonly string[]) {
    this.#world = world
    this.configure(secrets)
  }

  configure(secrets: readonly string[]): void {
    const { crypto } = this.#world
    this.#authorities = secrets.map((secret) => authorityOf(TEXT.encode(secret), crypto))
    this.again()
  }

  /** Whether all that others laid down before was read. */
  get isCurrent(): boolean {
    return this.#isCurrent
  }

  /**
   * The nodes that are alive, told every second or so. What is told while it is not current says
   * nothing of others: the part of a network that has no quorum must not take them for heard.
   */
  nodes(live: readonly string[], isCurrent: boolean): void {
    const { ring, clock } = this.#world
    if (!isCurrent) return
    this.#live = live
    for (const node of live) ring.hear(node, this.#nowSeconds())
    const nowMs = clock.monotonicMs()
    // Where nothing changes for long nothing else would say it again before it is forgotten.
    if (this.#isCurrent && nowMs - this.#lookedMs < limits.boardLookMs.default) return
    this.#isCurrent = true
    this.#lookedMs = nowMs
    this.post()
  }

  startingPeers(zone: string): readonly StartingPeer[] {
    return this.#live.map((node): StartingPeer => {
      const has = this.#marks.get(`${node}/${zone}`)
      return has === undefined ? { node } : { node, hasKeys: has }
    })
  }

  /** A store that was told nothing yet is told everything. */
  again(): void {
    this.#posted.clear()
    if (this.#isCurrent) this.post()
  }

  /** Lays down what is news of each zone. */
  post(): void {
    if (!this.#isCurrent) return
    const { ring } = this.#world
    for (const zone of ring.names()) this.#post(zone)
    for (const zone of ring.shelved()) this.#postLeft(zone)
  }

  /** Others would wait for ever for a node that serves the zone no more. */
  #postLeft(zone: string): void {
    const { ring, clock } = this.#world
    const [authority] = this.#authorities
    if (authority === undefined || this.#posted.get(zone)?.said === '') return
    this.#posted.set(zone, { said: '', state: undefined, atMs: clock.nowMs() })
    this.#tell(zone, authority, {
      ...{ kind: 'answer', node: ring.node, formerly: ring.formerly, heard: [], after: '' },
      ...{ marks: [], bundles: [], wants: [], isCut: false },
    })
  }

  async learned(record: SharedRecord): Promise<void> {
    const { ring } = this.#world
    this.#stamp = Math.max(this.#stamp, record.stamp)
    const read = this.#open(record.body)
    if (read === undefined || read.node !== record.origin) {
      const why = 'the keys that a node laid down do not open: it knows another secret of key sync'
      if (record.body.length > 0) this.#world.warned(why, record.origin)
      return
    }
    if (read.node === ring.node) return
    const about = record.id.slice(read.node.length + 1)
    if (read.marks.length === 0) ring.told(read.node, about, false, this.#nowSeconds())
    for (const { zone } of read.marks) {
      ring.told(read.node, zone, true, this.#nowSeconds())
      const has = hasKeys(read.marks, zone)
      if (has !== undefined) this.#marks.set(`${read.node}/${zone}`, has)
    }
    const { outcome, reply } = ring.exchange(read, this.#nowSeconds(), false)
    for (const { zone } of reply.marks) {
      const own = reply.bundles.filter(({ state }) => state.zone === zone)
      if (own.length > 0) this.#wanted.set(zone, own)
      if (reply.wants.includes(zone)) this.#wants.add(zone)
      else this.#wants.delete(zone)
    }
    // What a node laid down long ago is older than what is held here: that is no fault of it.
    const refusals = outcome.refusals.filter(({ reason }) => reason !== 'old-generation')
    await this.#world.changed({ ...outcome, refusals }, read.node)
    for (const { zone } of reply.marks) this.#post(zone)
  }

  #post(zone: string): void {
    const { ring, clock } = this.#world
    const held = ring.zone(zone)
    const [authority] = this.#authorities
    if (held === undefined || authority === undefined || !this.#isCurrent) return
    const state = held.bundle?.state
    const mark = held.mark()
    const serves = mark.serves.filter(({ node }) => node === ring.node)
    const wanted = this.#wanted.get(zone)
    const wants = this.#wants.has(zone) ? [zone] : []
    const said = JSON.stringify([{ ...mark, serves }, wants, wanted?.length ?? 0])
    const last = this.#posted.get(zone)
    const isNews = last === undefined || last.said !== said || last.state !== state
    if (!isNews && clock.nowMs() - last.atMs < limits.boardRetellMs.default) return
    this.#posted.set(zone, { said, state, atMs: clock.nowMs() })
    const own = held.bundle === undefined ? [] : [held.bundle]
    const bundles = wanted === undefined ? (held.isLed ? own : []) : [...own, ...held.strays]
    this.#tell(zone, authority, {
      ...{ kind: 'answer', node: ring.node, formerly: ring.formerly, heard: [], after: '' },
      ...{ marks: [{ ...mark, serves }], bundles, wants, isCut: false },
    })
  }

  #tell(zone: string, authority: Uint8Array, message: SyncMessage): void {
    const { ring, clock, crypto } = this.#world
    const sealed = seal(messageBytes(message), authority, undefined, crypto)
    if (sealed === undefined) return
    const nowMs = Math.floor(clock.nowMs())
    if (sealed.bytes.length > limits.sharedRecordBytesMax.default) {
      this.#world.warned(`the keys of ${zone} are too large for the store`, ring.node)
      return
    }
    this.#stamp = Math.max(nowMs, this.#stamp + 1)
    this.#world.tell({
      ...{ kind: KEYS_RECORD, id: `${ring.node}/${zone}`, origin: ring.node },
      ...{ stamp: this.#stamp, seq: 0, body: sealed.bytes },
      // What a node that is gone laid down is forgotten.
      keepUntilMs: nowMs + limits.boardKeepMs.default,
    })
  }

  /** With the first secret that fits: while it is changed, nodes use the old one and the new. */
  #open(bytes: Uint8Array): SyncMessage | undefined {
    for (const authority of this.#authorities) {
      const opened = open(bytes, authority, [], this.#world.crypto)
      if (!opened.ok) continue
      const read = readMessage(opened.value.message)
      return typeof read === 'string' ? undefined : read
    }
    return undefined
  }

  #nowSeconds(): number {
    return Math.floor(this.#world.clock.nowMs() / 1_000)
  }
}
