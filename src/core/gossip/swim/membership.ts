/**
 * Membership of a gossip cluster: SWIM with Lifeguard, as HashiCorp memberlist speaks it.
 *
 * Sans-I/O: messages and the time go in, outputs come out of `drain()`. Whoever owns it calls
 * `receive` for each message, `tick` no later than `nextDeadlineMs()`, and does what the outputs
 * say. Times are ms of any clock that does not go back. Nothing here throws on input; the same
 * calls with the same seed give the same outputs.
 */
import { assert } from '../../base/assert.ts'
import { limits } from '../../base/limits.ts'
import { fail, ok, type Result } from '../../base/result.ts'
import type { Ack, Dead, Endpoint, PacketMessage, Ping, PushPull, Suspect } from '../messages.ts'
import { receiveAlive } from './alive.ts'
import { Cluster, type ClusterSurroundings } from './cluster.ts'
import { receiveDead } from './dead.ts'
import { Exchanges } from './exchanges.ts'
import { Gossip } from './gossip.ts'
import { leaveCluster } from './leave.ts'
import { following, type Member, type SelfDescription, viewOfNode } from './node.ts'
import type { Output, Via } from './outputs.ts'
import { Prober } from './probe.ts'
import { localState, type Merged, mergeRemote, type Unmergeable } from './push-pull.ts'
import { tellOfSelf } from './refute.ts'
import type { SwimSettings } from './settings.ts'
import { forgiveStall } from './stall.ts'
import { expireSuspicions, receiveSuspect } from './suspect.ts'

export interface UserBroadcastOptions {
  /** How often it is sent; as often as news of members when absent. */
  readonly timesMax?: number
}

/** Numbers for metrics. */
export interface MembershipCounts {
  /** All known members, the node itself, the dead and the left included. */
  readonly known: number
  /** The node itself included. */
  readonly alive: number
  readonly suspect: number
  readonly lost: number
  readonly newsWaiting: number
  readonly userNewsWaiting: number
  /** 0 is well. */
  readonly awareness: number
}

export class Membership {
  readonly #cluster: Cluster
  readonly #prober: Prober
  readonly #gossip: Gossip
  readonly #exchanges: Exchanges
  #nowMs = Number.NEGATIVE_INFINITY
  #started = false

  constructor(settings: SwimSettings, self: SelfDescription, around: ClusterSurroundings) {
    assert(self.addr.length === 4 || self.addr.length === 16, 'an address has 4 or 16 octets')
    assert(self.port > 0 && self.port <= 65_535, 'a member has a port')
    assert(self.name !== '', 'a member has a name')
    assert(self.meta.length <= limits.swimMetaBytes.default, 'metadata has at most 512 octets')
    this.#cluster = new Cluster(settings, self, around)
    this.#prober = new Prober(this.#cluster)
    this.#gossip = new Gossip(this.#cluster)
    this.#exchanges = new Exchanges(this.#cluster)
  }

  get self(): Member {
    return viewOfNode(this.#cluster.self)
  }

  get counts(): MembershipCounts {
    const { members, suspicions, lost, news, userNews, awareness } = this.#cluster
    return {
      known: members.size,
      alive: members.aliveCount,
      suspect: suspicions.size,
      lost: lost.size,
      newsWaiting: news.size,
      userNewsWaiting: userNews.size,
      awareness: awareness.score,
    }
  }

  /** One member, the node itself included; the dead and the left until they are forgotten. */
  member(name: string): Member | undefined {
    const node = this.#cluster.members.get(name)
    return node === undefined ? undefined : viewOfNode(node)
  }

  members(): Member[] {
    return this.#cluster.members.values().map(viewOfNode)
  }

  /** Begins to probe and to gossip. Called once. */
  start(nowMs: number): void {
    assert(!this.#started, 'membership starts once')
    this.#enter(nowMs)
    this.#started = true
    this.#cluster.self.sinceMs = nowMs
    this.#prober.start(nowMs)
    this.#gossip.start(nowMs)
    this.#exchanges.start(nowMs)
    tellOfSelf(this.#cluster)
  }

  /** One message, unwrapped and decoded. Pings over a stream go to `ackFor` instead. */
  receive(message: PacketMessage, from: Endpoint, nowMs: number, via: Via): void {
    this.#enter(nowMs)
    switch (message.type) {
      case 'ping':
        this.#prober.receivePing(message, from)
        break
      case 'indirect-ping':
        this.#prober.receiveIndirect(message, from, nowMs)
        break
      case 'ack':
        this.#prober.receiveAck(message.seqNo)
        break
      case 'nack':
        this.#prober.receiveNack(message.seqNo)
        break
      case 'suspect':
        receiveSuspect(this.#cluster, message, nowMs)
        this.#answer(message, from, nowMs, via)
        break
      case 'alive':
        receiveAlive(this.#cluster, message, nowMs)
        break
      case 'dead':
        receiveDead(this.#cluster, message, nowMs)
        this.#answer(message, from, nowMs, via)
        break
      case 'user':
        this.#cluster.put({ kind: 'user', payload: message.payload, from, via })
        break
    }
  }

  /** The answer to a ping that came over a stream, on the same stream; undefined: just close. */
  ackFor(ping: Ping): Ack | undefined {
    return this.#prober.ackFor(ping)
  }

  /** When `tick` is wanted next; Infinity when nothing is planned. */
  nextDeadlineMs(): number {
    return Math.min(
      this.#prober.nextDeadlineMs,
      this.#cluster.suspicions.nextDeadlineMs,
      this.#gossip.nextDeadlineMs(this.#nowMs),
      this.#exchanges.nextDeadlineMs,
    )
  }

  tick(nowMs: number): void {
    if (!this.#started) return
    this.#enter(nowMs)
    this.#prober.tick(nowMs)
    expireSuspicions(this.#cluster, nowMs)
    this.#exchanges.tick(nowMs)
    this.#gossip.tick(nowMs)
  }

  /** Asks for an exchange with each seed and returns their ids; those beyond the bound get none. */
  join(seeds: readonly Endpoint[], nowMs: number): number[] {
    this.#enter(nowMs)
    return seeds.flatMap((seed) => this.#exchanges.begin(seed, 'join', nowMs) ?? [])
  }

  /** What we send in an exchange. `userState`: octets of the application, empty for none. */
  localState(join: boolean, userState: Uint8Array = noOctets): PushPull {
    return localState(this.#cluster, join, userState)
  }

  /** Merges what the other side sent; `id` is that of the exchange when we began it. */
  mergeRemote(remote: PushPull, nowMs: number, id?: number): Result<Merged, Unmergeable> {
    this.#enter(nowMs)
    const merged = mergeRemote(this.#cluster, remote, nowMs)
    if (id !== undefined) {
      if (merged.ok && merged.value.refuted) this.#exchanges.contradictLater(id, nowMs)
      this.#exchanges.ended(id)
    }
    return merged
  }

  /** How a stream ping or an exchange ended that brought no state to merge. */
  streamOutcome(kind: 'stream-ping' | 'push-pull', id: number, outcome: 'acked' | 'failed'): void {
    if (kind === 'push-pull') this.#exchanges.ended(id)
    else if (outcome === 'acked') this.#prober.streamAcked(id)
  }

  /** Tells all members other metadata of ours; at most 512 octets. */
  setMeta(meta: Uint8Array, nowMs: number): Result<undefined, 'meta-too-long' | 'leaving'> {
    this.#enter(nowMs)
    if (meta.length > limits.swimMetaBytes.default) return fail('meta-too-long')
    if (this.#cluster.leaving) return fail('leaving')
    const { self } = this.#cluster
    self.meta = meta
    self.incarnation = following(self.incarnation)
    tellOfSelf(this.#cluster)
    return ok(undefined)
  }

  /**
   * Spreads octets of the application with the gossip. A later message of the same name takes the
   * place of one that still waits. It must fit a packet beside the framing.
   */
  queueUserBroadcast(
    name: string,
    payload: Uint8Array,
    options: UserBroadcastOptions = {},
  ): Result<undefined, 'too-long'> {
    const { packetBytes, packetOverheadBytes } = this.#cluster.settings
    // Type and count of the compound, length of the part, type of the message.
    if (payload.length + 5 > packetBytes - packetOverheadBytes) return fail('too-long')
    this.#cluster.userNews.queue(name, { type: 'user', payload }, options)
    return ok(undefined)
  }

  /** Tells all that we go. Drain, and go on ticking until `leave-told` or your own deadline. */
  leave(nowMs: number): void {
    this.#enter(nowMs)
    leaveCluster(this.#cluster, nowMs)
    this.#gossip.hasten(nowMs)
  }

  /** All that is to be done since the last call, in order. */
  drain(): readonly Output[] {
    return this.#cluster.drain()
  }

  /** An accusation older than what we hold, or than what we just refuted, is answered directly. */
  #answer(accusation: Suspect | Dead, from: Endpoint, nowMs: number, via: Via): void {
    const { node, incarnation } = accusation
    if (via === 'packet') this.#cluster.corrections.answer(node, incarnation, from, nowMs)
  }

  /** Every call with a time comes through here: a late one may be the first after a stall. */
  #enter(nowMs: number): void {
    if (nowMs <= this.#nowMs) return
    const expectedMs = Math.max(this.nextDeadlineMs(), this.#nowMs)
    this.#nowMs = nowMs
    if (this.#started) forgiveStall(this.#cluster, this.#prober, nowMs - expectedMs, nowMs)
  }
}

const noOctets = new Uint8Array()
