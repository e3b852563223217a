/**
 * The fan-out: at every interval a few random members get a packet of news each.
 *
 * It keeps its cadence while there is nothing to say, but asks for no tick then.
 */
import type { Cluster } from './cluster.ts'
import type { NodeRecord } from './node.ts'

export class Gossip {
  readonly #cluster: Cluster
  #dueMs = Number.POSITIVE_INFINITY

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** The next time of the cadence at or after `nowMs` when something waits to be told. */
  nextDeadlineMs(nowMs: number): number {
    const { news, userNews, members } = this.#cluster
    if ((news.size === 0 && userNews.size === 0) || members.size < 2)
      return Number.POSITIVE_INFINITY
    return this.#dueMs >= nowMs ? this.#dueMs : this.#following(nowMs)
  }

  start(nowMs: number): void {
    this.#dueMs = nowMs + this.#cluster.random.next() * this.#cluster.settings.gossipIntervalMs
  }

  /** What must be told at once does not wait for the cadence. */
  hasten(nowMs: number): void {
    this.#dueMs = nowMs
  }

  tick(nowMs: number): void {
    if (nowMs < this.#dueMs) return
    const { news, userNews, members, settings, self } = this.#cluster
    this.#dueMs = this.#following(nowMs)
    if (news.size === 0 && userNews.size === 0) return
    const listens = (node: NodeRecord) =>
      node !== self &&
      (node.state === 'alive' ||
        node.state === 'suspect' ||
        // A member that was declared dead may live, and must hear of it to refute.
        (node.state === 'dead' && nowMs - node.sinceMs <= settings.gossipToTheDeadMs))
    for (const peer of members.pick(settings.gossipNodes, listens)) {
      // Each peer gets its own selection; when nothing is left for one, there is none for others.
      if (!this.#cluster.sendNews(peer, peer.vsn[1])) return
    }
  }

  /** The first time of the cadence after `nowMs`. */
  #following(nowMs: number): number {
    const { gossipIntervalMs } = this.#cluster.settings
    const missed = Math.max(0, Math.floor((nowMs - this.#dueMs) / gossipIntervalMs))
    return this.#dueMs + (missed + 1) * gossipIntervalMs
  }
}
