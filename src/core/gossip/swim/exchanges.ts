/**
 * When to begin a full exchange, and with whom: on joining, now and then with a random live member,
 * and with members that failed, in case only the network between us did.
 *
 * The number of calls to failed members is about one an interval for each of them in the whole
 * cluster, not for each node: a node calls with probability lost / alive. memberlist leaves this to
 * its user, and a partition longer than GossipToTheDeadTime would not heal without it.
 */
import { limits } from '../../base/limits.ts'
import type { Endpoint } from '../messages.ts'
import type { Cluster } from './cluster.ts'
import { following } from './node.ts'
import type { PushPullOutput } from './outputs.ts'
import { comeAroundMs, exchangeIntervalMs } from './settings.ts'

/**
 * When one in so many members came back within one interval, a partition has healed. Only one side
 * tells news of it, so gossip misses a few, and they are called for sure this many times.
 */
const HEALING_SHARE = 20
const HEALING_CALLS = 3

export class Exchanges {
  readonly #cluster: Cluster
  /** How many times more a lost member is called without leaving it to chance. */
  #surelyTimes = 0
  /** Begun and not ended, with the time after which the actor is taken to have forgotten. */
  readonly #open = new Map<number, { readonly to: Endpoint; readonly forgottenMs: number }>()
  #id: number
  #periodicMs = Number.POSITIVE_INFINITY
  #reconnectMs = Number.POSITIVE_INFINITY
  #again: { readonly to: Endpoint; readonly dueMs: number } | undefined

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.#id = 0
  }

  get nextDeadlineMs(): number {
    if (this.#cluster.leaving) return Number.POSITIVE_INFINITY
    const againMs = this.#again?.dueMs ?? Number.POSITIVE_INFINITY
    return Math.min(this.#periodicMs, this.#reconnectMs, againMs)
  }

  start(nowMs: number): void {
    const { random, settings } = this.#cluster
    if (settings.pushPullIntervalMs > 0)
      this.#periodicMs = nowMs + random.next() * settings.pushPullIntervalMs
    if (settings.reconnectIntervalMs > 0)
      this.#reconnectMs = nowMs + random.next() * settings.reconnectIntervalMs
  }

  tick(nowMs: number): void {
    if (this.#cluster.leaving) return
    if (nowMs >= this.#periodicMs) this.#withRandomPeer(nowMs)
    if (nowMs >= this.#reconnectMs) this.#withLostPeer(nowMs)
    const again = this.#again
    if (again !== undefined && nowMs >= again.dueMs) {
      this.#again = undefined
      this.begin(again.to, 'reconnect', nowMs)
    }
  }

  /** Asks for one exchange; undefined when too many are open. */
  begin(to: Endpoint, why: PushPullOutput['why'], nowMs: number): number | undefined {
    const timeoutMs = this.#cluster.settings.streamTimeoutMs
    this.#dropForgotten(nowMs)
    if (this.#open.size >= limits.swimExchanges.default) return undefined
    this.#id = following(this.#id)
    const id = this.#id
    const { addr, port } = to
    // Connecting, writing and reading may take their whole time one after another.
    this.#open.set(id, { to: { addr, port }, forgottenMs: nowMs + 4 * timeoutMs })
    const join = why === 'join'
    this.#cluster.put({ kind: 'push-pull', id, to: { addr, port }, join, why, timeoutMs })
    return id
  }

  ended(id: number): void {
    this.#open.delete(id)
  }

  /** The other side held us for gone: it is called again, when others had time to refute too. */
  contradictLater(id: number, nowMs: number): void {
    const open = this.#open.get(id)
    if (open === undefined) return
    this.#again = { to: open.to, dueMs: nowMs + comeAroundMs(this.#cluster.settings) }
  }

  #withRandomPeer(nowMs: number): void {
    const { members, settings, self } = this.#cluster
    this.#periodicMs = nowMs + exchangeIntervalMs(settings, members.size)
    const [peer] = members.pick(1, (node) => node !== self && node.state === 'alive')
    if (peer !== undefined) this.begin(peer, 'periodic', nowMs)
  }

  #withLostPeer(nowMs: number): void {
    const { lost, members, settings, random } = this.#cluster
    this.#reconnectMs = nowMs + settings.reconnectIntervalMs
    lost.forget(nowMs - settings.reconnectForMs)
    if (lost.takeFound() * HEALING_SHARE >= members.aliveCount) this.#surelyTimes = HEALING_CALLS
    if (this.#surelyTimes > 0) this.#surelyTimes--
    else if (random.next() * members.aliveCount >= lost.size) return
    const peer = lost.pick(random)
    if (peer !== undefined) this.begin(peer, 'reconnect', nowMs)
  }

  #dropForgotten(nowMs: number): void {
    for (const [id, { forgottenMs }] of this.#open) {
      if (forgottenMs > nowMs) return
      this.#open.delete(id)
    }
  }
}
