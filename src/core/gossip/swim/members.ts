/**
 * The table of members, and the order in which they are probed.
 *
 * Bounded by `limits.swimMembers`: a newcomer to a full table takes the place of the member that
 * has been gone longest, or is refused. The dead and the left stay for a while, as a defence
 * against old news of them.
 */
import type { Random } from '../../base/random.ts'
import type { NodeState } from '../messages.ts'
import { isGone, type NodeRecord } from './node.ts'

export class Members {
  readonly #byName = new Map<string, NodeRecord>()
  /** All records, in probe order. */
  readonly #list: NodeRecord[] = []
  readonly #random: Random
  readonly #most: number
  #probeAt = 0
  #aliveCount = 0
  /** The node itself: a member like any other, but never probed, dropped or replaced. */
  readonly self: NodeRecord

  constructor(self: NodeRecord, random: Random, most: number) {
    this.self = self
    this.#random = random
    this.#most = most
    this.add(self)
  }

  /** All known members, the node itself, the dead and the left included. */
  get size(): number {
    return this.#list.length
  }

  get aliveCount(): number {
    return this.#aliveCount
  }

  get(name: string): NodeRecord | undefined {
    return this.#byName.get(name)
  }

  values(): readonly NodeRecord[] {
    return this.#list
  }

  /** Adds a record at a random place of the probe order; false when there is no room. */
  add(node: NodeRecord): boolean {
    if (this.#list.length >= this.#most && !this.#evict()) return false
    this.#byName.set(node.name, node)
    this.#list.push(node)
    this.#swap(this.#random.below(this.#list.length), this.#list.length - 1)
    if (node.state === 'alive') this.#aliveCount++
    return true
  }

  setState(node: NodeRecord, state: NodeState, nowMs: number): void {
    if (node.state === 'alive') this.#aliveCount--
    if (state === 'alive') this.#aliveCount++
    node.state = state
    node.sinceMs = nowMs
  }

  /**
   * The next member to probe, or undefined when there is none. At the end of the list the long gone
   * are dropped and the order is drawn anew, so that each is probed once a round (SWIM, 4.3).
   */
  nextProbed(nowMs: number, goneForMs: number): NodeRecord | undefined {
    for (let looked = 0; looked <= this.#list.length; looked++) {
      if (this.#probeAt >= this.#list.length) this.#newRound(nowMs, goneForMs)
      const node = this.#list[this.#probeAt++]
      if (node !== undefined && node !== this.self && !isGone(node)) return node
    }
    return undefined
  }

  /** Up to `count` different members that pass; three tries a member at the most. */
  pick(count: number, passes: (node: NodeRecord) => boolean): NodeRecord[] {
    const picked: NodeRecord[] = []
    const tries = this.#list.length * 3
    for (let tried = 0; tried < tries && picked.length < count; tried++) {
      const node = this.#list[this.#random.below(this.#list.length)]!
      if (!picked.includes(node) && passes(node)) picked.push(node)
    }
    return picked
  }

  #newRound(nowMs: number, goneForMs: number): void {
    this.#probeAt = 0
    let kept = 0
    for (const node of this.#list) {
      const expired = isGone(node) && nowMs - node.sinceMs > goneForMs
      if (expired && node !== this.self) this.#byName.delete(node.name)
      else this.#list[kept++] = node
    }
    this.#list.length = kept
    for (let at = kept - 1; at > 0; at--) this.#swap(at, this.#random.below(at + 1))
  }

  #evict(): boolean {
    let oldest: NodeRecord | undefined
    for (const node of this.#list) {
      if (!isGone(node) || node === this.self) continue
      if (oldest === undefined || node.sinceMs < oldest.sinceMs) oldest = node
    }
    if (oldest === undefined) return false
    this.#byName.delete(oldest.name)
    this.#list.splice(this.#list.indexOf(oldest), 1)
    return true
  }

  #swap(a: number, b: number): void {
    const kept = this.#list[a]!
    this.#list[a] = this.#list[b]!
    this.#list[b] = kept
  }
}
