/**
 * Answering news that contradicts what we hold, where gossip alone would leave it standing.
 *
 * An epidemic misses a few members. One that missed a refutation would hold a live member for dead
 * until a full exchange tells it better. Two ordinary messages, sent directly, end that within a
 * round: whoever accuses in an old incarnation is told the newer one; and a member that we hold for
 * dead, and others for alive in the same incarnation, is told to its face, and refutes if it lives.
 * memberlist sends neither, and understands both.
 */
import { limits } from '../../base/limits.ts'
import type { Endpoint } from '../messages.ts'
import type { Cluster } from './cluster.ts'
import { aliveOf, isOlder, type NodeRecord } from './node.ts'

export class Corrections {
  readonly #cluster: Cluster
  #sinceMs = Number.NEGATIVE_INFINITY
  #sent = 0
  readonly #challenged = new Set<string>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Tells who accused a live member what that member said since. */
  answer(accused: string, incarnation: number, accuser: Endpoint, nowMs: number): void {
    const node = this.#cluster.members.get(accused)
    if (node?.state !== 'alive' || !isOlder(incarnation, node.incarnation)) return
    if (this.#mayI(nowMs)) this.#cluster.send(accuser, [aliveOf(node)], 0)
  }

  /** Tells a member that it is dead to us; once in a gossip interval. */
  challenge(node: NodeRecord, nowMs: number): void {
    const { name, incarnation } = node
    if (this.#challenged.has(name) || !this.#mayI(nowMs)) return
    this.#challenged.add(name)
    const from = this.#cluster.self.name
    this.#cluster.send(node, [{ type: 'dead', incarnation, node: name, from }], node.vsn[1])
  }

  /** At most `limits.swimCorrections` in a gossip interval, so that none can be made to flood. */
  #mayI(nowMs: number): boolean {
    if (this.#cluster.leaving) return false
    if (nowMs - this.#sinceMs >= this.#cluster.settings.gossipIntervalMs) {
      this.#sinceMs = nowMs
      this.#sent = 0
      this.#challenged.clear()
    }
    return this.#sent++ < limits.swimCorrections.default
  }
}
