/**
 * The talk with the other overwatches: who is asked when, and what became of it.
 *
 * What is said and believed is decided in core/dnssec/sync; here messages are sealed, sent and
 * opened. A peer that fails costs nothing but its own answer: this node goes on signing with what
 * it has, and says so.
 */
import { limits } from '../../core/base/limits.ts'
import { type Result, fail, ok } from '../../core/base/result.ts'
import { messageBytes, readMessage } from '../../core/dnssec/sync/codec.ts'
import {
  type Agreement,
  type Opened,
  authorityOf,
  open,
  seal,
} from '../../core/dnssec/sync/envelope.ts'
import { hasKeys, type KeyRing } from '../../core/dnssec/sync/ring.ts'
import type { StartingPeer } from '../../core/dnssec/sync/start.ts'
import type {
  RingOutcome,
  SyncCrypto,
  SyncFault,
  SyncMessage,
} from '../../core/dnssec/sync/types.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { SyncView } from '../../messages/signer-views.ts'
import type { Board } from './board.ts'
import type { KeySyncConfig } from './contract.ts'
import { Strangers } from './strangers.ts'

export interface SyncWorld {
  readonly clock: Clock
  readonly ring: KeyRing
  readonly crypto: SyncCrypto
  /** Where nodes of a cluster lay their keys down; undefined outside of one. */
  readonly board?: Board
  post(peer: string, message: Uint8Array, timeoutMs: number): Promise<Result<Uint8Array, string>>
  /** What the ring took: to be stored, noted and served. */
  changed(outcome: RingOutcome, peer: string): Promise<void>
  /** A look at the peer is over; without a fault when it went well. `isNews`: unlike the last. */
  looked(peer: string, fault: string | undefined, isNews: boolean): void
  /** A message that was refused, in a sentence. */
  refused(text: string): void
}

interface Peer {
  node?: string
  marks: ReadonlyMap<string, boolean>
  lastTriedMs: number
  lastSuccessMs: number
  lastError: string
}

const WORDS: Readonly<Record<SyncFault, string>> = {
  'not-authentic': 'it does not know the secret of key sync, or another one',
  'too-large': 'its message is too large',
  malformed: 'its message is not of this protocol',
  'stale-session': 'it was started again meanwhile',
  'other-version': 'it speaks another version of key sync',
  'too-many': 'it refuses messages for a minute, after many that it could not open',
}

/** Nodes of one name would take each other for themselves, and sign with keys of their own. */
const TWIN =
  'another process answers there under the name of this node: an old one that is about to end, ' +
  'or a node that needs an overwatch.identity.node_id of its own'

const TEXT = new TextEncoder()

export class Syncer {
  readonly #world: SyncWorld
  #config: KeySyncConfig
  #authorities: readonly Uint8Array[] = []
  readonly #peers = new Map<string, Peer>()
  readonly #sessions: Agreement[] = []
  readonly #strangers = new Strangers()
  #polling: Promise<void> | undefined
  #cancel: () => void = () => {}
  #nextMs = 0
  #isClosed = false

  constructor(world: SyncWorld, config: KeySyncConfig) {
    this.#world = world
    this.#config = config
    this.configure(config)
  }

  configure(config: KeySyncConfig): void {
    this.#config = config
    const { crypto, board } = this.#world
    board?.configure(config.secrets)
    this.#authorities = config.secrets.map((secret) => authorityOf(TEXT.encode(secret), crypto))
    for (const peer of this.#peers.keys()) if (!config.peers.includes(peer)) this.#drop(peer)
    for (const peer of config.peers)
      if (!this.#peers.has(peer))
        this.#peers.set(peer, {
          marks: new Map(),
          lastTriedMs: 0,
          lastSuccessMs: 0,
          lastError: '',
        })
  }

  /** A peer that was taken out of the configuration is no longer waited for. */
  #drop(peer: string): void {
    const node = this.#peers.get(peer)?.node
    this.#peers.delete(peer)
    if (node !== undefined)
      void this.#world.changed(this.#world.ring.forget(node, this.#nowSeconds()), node)
  }

  get isEnabled(): boolean {
    return this.#authorities.length > 0
  }

  /** Whether there is anybody to ask. */
  get hasPeers(): boolean {
    return this.isEnabled && (this.#peers.size > 0 || this.board !== undefined)
  }

  /** Whether there is anybody to ask before what is on disk is used. */
  get asks(): boolean {
    return this.isEnabled && this.#peers.size > 0
  }

  /** Configured peers that have not answered since this process was started. */
  get unheard(): readonly string[] {
    if (!this.isEnabled) return []
    return [...this.#peers].filter(([, { lastSuccessMs }]) => lastSuccessMs === 0).map(([at]) => at)
  }

  get board(): Board | undefined {
    return this.#world.board
  }

  /** Nothing was heard yet of the others, who may have keys. */
  get isBlind(): boolean {
    return this.isEnabled && this.board?.isCurrent === false
  }

  startingPeers(zone: string): readonly StartingPeer[] {
    const onBoard = this.board?.startingPeers(zone) ?? []
    const asked = [...this.#peers.values()].map(({ node, marks }): StartingPeer => {
      const has = marks.get(zone)
      return {
        ...(node === undefined ? {} : { node }),
        ...(has === undefined ? {} : { hasKeys: has }),
      }
    })
    return [...onBoard, ...asked]
  }

  /** Looks at all peers, or joins a look that is on its way. */
  poll(): Promise<void> {
    if (this.#isClosed || !this.hasPeers) return Promise.resolve()
    if (!this.asks) return Promise.resolve()
    this.#polling ??= this.#visitAll().finally(() => {
      this.#polling = undefined
      this.#schedule()
    })
    return this.#polling
  }

  /** Something changed that peers wait for: they are looked at soon. */
  nudge(): void {
    if (this.#isClosed || !this.hasPeers) return
    this.board?.post()
    if (this.#peers.size === 0) return
    const soonMs = this.#world.clock.nowMs() + limits.syncRetryMs.default
    if (this.#nextMs > soonMs || this.#nextMs === 0) this.#scheduleIn(limits.syncRetryMs.default)
  }

  get #hasTwin(): boolean {
    return [...this.#peers.values()].some(({ lastError }) => lastError === TWIN)
  }

  #schedule(): void {
    const { ring } = this.#world
    const { retryMs, pollMs } = this.#config
    const rollingMs = Math.min(pollMs, limits.syncRollingMs.default)
    if (ring.bare().length > 0) this.#scheduleIn(Math.min(retryMs, pollMs))
    else this.#scheduleIn(ring.isRolling() || this.#hasTwin ? rollingMs : pollMs)
  }

  #scheduleIn(delayMs: number): void {
    this.#cancel()
    if (this.#isClosed || this.#peers.size === 0) return
    this.#nextMs = this.#world.clock.nowMs() + delayMs
    this.#cancel = this.#world.clock.after(delayMs, () => void this.poll())
  }

  async #visitAll(): Promise<void> {
    const looks = await Promise.all(
      [...this.#peers].map(async ([name, peer]) => {
        peer.lastTriedMs = this.#world.clock.nowMs()
        const fault = await this.#visit(name, peer)
        const isNews = peer.lastError !== (fault ?? '')
        peer.lastError = fault ?? ''
        if (fault === undefined) peer.lastSuccessMs = this.#world.clock.nowMs()
        return { name, fault, isNews }
      }),
    )
    // Those that went well last: one dead node is no failure of the whole.
    const failed = looks.filter((look) => look.fault !== undefined)
    const good = looks.filter((look) => look.fault === undefined)
    for (const { name, fault, isNews } of [...failed, ...good])
      this.#world.looked(name, fault, isNews)
  }

  /** The fault, or undefined when both have said all there was to say. */
  async #visit(name: string, peer: Peer): Promise<string | undefined> {
    const { ring } = this.#world
    let message = ring.request('', this.#nowSeconds())
    let receiver: Uint8Array | undefined
    let lastWants = ''
    for (let round = 0; round < limits.syncRounds.default; round++) {
      const answer = await this.#send(name, message, receiver)
      if (!answer.ok) return answer.error
      const { read, opened } = answer.value
      const { outcome, reply, isDone, isTwin } = ring.exchange(read, this.#nowSeconds())
      if (isTwin) {
        delete peer.node
        return TWIN
      }
      peer.node = read.node
      peer.marks = new Map([...peer.marks, ...this.#hadKeys(read)])
      await this.#world.changed(outcome, read.node)
      receiver = opened.sender
      const wants = reply.wants.join(' ')
      // A peer that says nothing new to the same wish has nothing more.
      const isIdle = isDone || (reply.bundles.length === 0 && !read.isCut && wants === lastWants)
      lastWants = wants
      if (!isIdle) message = reply
      else if (message.upTo === undefined) return undefined
      else message = ring.request(message.upTo, this.#nowSeconds())
    }
    return 'it never comes to an end'
  }

  #hadKeys(read: SyncMessage): [string, boolean][] {
    const zones = this.#world.ring.bare()
    return zones.flatMap((zone): [string, boolean][] => {
      const has = hasKeys(read.marks, zone)
      return has === undefined ? [] : [[zone, has]]
    })
  }

  async #send(
    name: string,
    message: SyncMessage,
    receiver: Uint8Array | undefined,
  ): Promise<Result<{ readonly read: SyncMessage; readonly opened: Opened }, string>> {
    const { crypto } = this.#world
    const [authority] = this.#authorities
    if (authority === undefined) return fail('there is no secret to share keys under')
    const envelope = seal(messageBytes(message), authority, receiver, crypto)
    if (envelope === undefined) return fail(WORDS['not-authentic'])
    const posted = await this.#world.post(name, envelope.bytes, this.#config.timeoutMs)
    if (!posted.ok) return posted
    const opened = this.#open(posted.value, [envelope.own])
    if (!opened.ok) return fail(WORDS[opened.error])
    if (!opened.value.isSealed) return fail(WORDS.malformed)
    const read = readMessage(opened.value.message)
    if (typeof read === 'string') return fail(WORDS[read])
    if (read.kind !== 'answer') return fail(WORDS.malformed)
    return ok({ read, opened: opened.value })
  }

  /** With the first secret that fits: while it is changed, nodes use the old one and the new. */
  #open(
    bytes: Uint8Array,
    pairs: readonly Agreement[],
  ): Result<Opened & { readonly authority: Uint8Array }, SyncFault> {
    let fault: SyncFault = 'not-authentic'
    for (const authority of this.#authorities) {
      const opened = open(bytes, authority, pairs, this.#world.crypto)
      if (opened.ok) return ok({ ...opened.value, authority })
      fault = opened.error
      if (fault !== 'not-authentic') break
    }
    return fail(fault)
  }

  /** @param client address of whoever sent it; the answer to it */
  async answer(bytes: Uint8Array, client: string): Promise<Result<Uint8Array, SyncFault>> {
    if (!this.isEnabled) return fail('not-authentic')
    const { ring, crypto, clock } = this.#world
    if (this.#strangers.isFlooding(client, clock.monotonicMs())) return fail('too-many')
    const opened = this.#open(bytes, this.#sessions)
    if (!opened.ok) return this.#refuse(opened.error, client)
    this.#strangers.opened(client)
    const read = readMessage(opened.value.message)
    if (typeof read === 'string') return this.#refuse(read, client)
    // A first message is readable to all who know the secret, so no key may be in it.
    const isOpen = !opened.value.isSealed && read.bundles.length > 0
    if (read.kind !== 'request' || isOpen) return this.#refuse('malformed', client)
    const { outcome, reply } = ring.exchange(read, this.#nowSeconds())
    await this.#world.changed(outcome, read.node)
    const { authority, sender } = opened.value
    const envelope = seal(messageBytes(reply), authority, sender, crypto)
    if (envelope === undefined) return this.#refuse('not-authentic', client)
    this.#sessions.push(envelope.own)
    if (this.#sessions.length > limits.syncSessions.default) this.#sessions.shift()
    return ok(envelope.bytes)
  }

  #refuse(fault: SyncFault, client: string): Result<Uint8Array, SyncFault> {
    // A peer that asks on after a restart of this node is no stranger.
    if (fault !== 'stale-session') {
      this.#strangers.refused(client, this.#world.clock.monotonicMs())
      this.#world.refused(`A message of key sync is refused: ${WORDS[fault]}.`)
    }
    return fail(fault)
  }

  view(): SyncView {
    const peers = [...this.#peers].map(([peer, { lastTriedMs, lastSuccessMs, lastError }]) => ({
      ...{ peer, lastTriedMs, lastSuccessMs, lastError },
    }))
    const failed = peers.find(({ lastError }) => lastError !== '')
    return {
      enabled: this.isEnabled && (this.#config.isEnabled || peers.length > 0),
      pollMs: this.#config.pollMs,
      lastSyncMs: peers.reduce((last, peer) => Math.max(last, peer.lastSuccessMs), 0),
      lastError: failed === undefined ? '' : `${failed.peer}: ${failed.lastError}`,
      nextSyncMs: this.hasPeers ? this.#nextMs : 0,
      peers,
    }
  }

  #nowSeconds(): number {
    return Math.floor(this.#world.clock.nowMs() / 1_000)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancel()
    await this.#polling
  }
}

export const faultWords = (fault: SyncFault): string => WORDS[fault]
