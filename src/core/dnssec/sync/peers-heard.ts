/**
 * Which nodes were heard of, and when: of their own or by others, so that nodes that do not talk to
 * each other know that the other one lives. And which name a node had before: who goes by another
 * name now is not to be waited for under the old one.
 */
import { limits } from '../../base/limits.ts'
import type { Hearsay, SyncMessage } from './types.ts'

export class PeersHeard {
  readonly #node: string
  readonly #seconds = new Map<string, number>()
  readonly #forgotten = new Map<string, number>()
  /** Names of now, by those that the same nodes had before. */
  readonly #heirs = new Map<string, string>()
  #formerly: readonly string[]

  constructor(node: string, formerly: readonly string[] = []) {
    this.#node = node
    this.#formerly = formerly.filter((name) => name !== node)
    for (const name of this.#formerly) this.#heirs.set(name, node)
  }

  /** Names that this node had before. */
  get formerly(): readonly string[] {
    return this.#formerly
  }

  hear(node: string, atSeconds: number): void {
    if (node === this.#node || atSeconds <= (this.#forgotten.get(node) ?? -1)) return
    this.#forgotten.delete(node)
    const known = this.#seconds.get(node)
    if (known === undefined && this.#seconds.size >= limits.syncPeers.default) this.#forgetOldest()
    this.#seconds.set(node, Math.max(atSeconds, known ?? atSeconds))
  }

  /** `isDirect`: the sender says it now; what lay in a store may be of a node that is gone. */
  take({ node, heard, formerly = [] }: SyncMessage, nowSeconds: number, isDirect: boolean): void {
    this.hear(node, nowSeconds)
    for (const each of heard) this.hear(each.node, nowSeconds - each.agoSeconds)
    for (const name of formerly) {
      if (name === this.#node || name === node) continue
      if (this.#heirs.size < limits.syncPeers.default || this.#heirs.has(name))
        this.#heirs.set(name, node)
    }
    if (isDirect) this.#disown(node)
  }

  /** Who speaks under a name lives under it: it has it again, or another node has it now. */
  #disown(name: string): void {
    this.#heirs.delete(name)
    this.#formerly = this.#formerly.filter((each) => each !== name)
  }

  lastHeard(node: string): number | undefined {
    return this.#seconds.get(node)
  }

  /** The name that a node of this name has now; undefined while nobody says that it is another. */
  heirOf(name: string): string | undefined {
    return this.#heirs.get(name)
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
