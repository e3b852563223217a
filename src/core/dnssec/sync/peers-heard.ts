/**
 * Which nodes were heard of, and when: of their own or by others, so that nodes that do not talk to
 * each other know that the other one lives.
 */
import { limits } from '../../base/limits.ts'
import type { Hearsay } from './types.ts'

export class PeersHeard {
  readonly #node: string
  readonly #seconds = new Map<string, number>()
  readonly #forgotten = new Map<string, number>()

  constructor(node: string) {
    this.#node = node
  }

  hear(node: string, atSeconds: number): void {
    if (node === this.#node || atSeconds <= (this.#forgotten.get(node) ?? -1)) return
    this.#forgotten.delete(node)
    const known = this.#seconds.get(node)
    if (known === undefined && this.#seconds.size >= limits.syncPeers.default) this.#forgetOldest()
    this.#seconds.set(node, Math.max(atSeconds, known ?? atSeconds))
  }

  take(sender: string, heard: readonly Hearsay[], nowSeconds: number): void {
    this.hear(sender, nowSeconds)
    for (const { node, agoSeconds } of heard) this.hear(node, nowSeconds - agoSeconds)
  }

  lastHeard(node: string): number | undefined {
    return this.#seconds.get(node)
  }

  /** What others heard of it before is no news. */
  forget(node: string, nowSeconds: number): void {
    this.#seconds.delete(node)
    if (this.#forgotten.size >= limits.syncPeers.default) this.#forgotten.clear()
    this.#forgotten.set(node, nowSeconds)
  }

  told(nowSeconds: number): readonly Hearsay[] {
    return [...this.#seconds].map(([node, seconds]) => ({
      node,
      agoSeconds: Math.max(0, Math.floor(nowSeconds - seconds)),
    }))
  }

  #forgetOldest(): void {
    const oldest = [...this.#seconds].sort((a, b) => a[1] - b[1])[0]
    if (oldest !== undefined) this.#seconds.delete(oldest[0])
  }
}
