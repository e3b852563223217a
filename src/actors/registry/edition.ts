/**
 * One epoch as readers are told it: its tables, and the word of each server as of now.
 *
 * An edition may be in force while the registry works on the next one, which waits for its
 * signatures. What happens to a server meanwhile is told in the places this epoch has for it, so
 * that health reaches the answers whatever a signer does.
 */
import type { ServingParts } from '../../core/dns/serving.ts'
import { areSame } from '../../core/base/same.ts'
import { layWords } from '../../core/steer/pool-layout.ts'
import type { ServingPool, WordChange } from '../../core/steer/snapshot.ts'

export class Edition {
  readonly epoch: number
  readonly pools: readonly ServingPool[]
  parts: ServingParts
  /** Of the newest word. */
  version: number
  readonly words: number[][]
  /** Index of each pool by its name. */
  #pools: ReadonlyMap<string, number> | undefined
  /** By pool the index of each server by its key; of pools that were asked for. */
  readonly #members = new Map<number, ReadonlyMap<string, number>>()

  constructor(
    epoch: number,
    version: number,
    pools: readonly ServingPool[],
    parts: ServingParts,
    words: number[][],
  ) {
    this.epoch = epoch
    this.version = version
    this.pools = pools
    this.parts = parts
    this.words = words
  }

  /** Takes a word of this very epoch. */
  put({ version, pool, member, word }: WordChange): void {
    const words = this.words[pool]
    if (words === undefined || member >= words.length) return
    words[member] = word
    this.version = Math.max(this.version, version)
  }

  /** Takes the word a server has in another epoch; undefined where it is none here, or no news. */
  take(name: string, key: string, word: number): WordChange | undefined {
    const pool = this.#indexOf(name)
    const member = pool === undefined ? undefined : this.#membersOf(pool).get(key)
    if (pool === undefined || member === undefined) return undefined
    const words = this.words[pool]!
    if (words[member] === word) return undefined
    words[member] = word
    this.version++
    return { epoch: this.epoch, version: this.version, pool, member, word }
  }

  /** Takes what holds in another edition of the servers that both have. */
  follow(other: Edition): WordChange[] {
    const changes: WordChange[] = []
    for (const [pool, spec] of other.pools.entries()) {
      const [own, words] = [this.#indexOf(spec.name), other.words[pool]!]
      if (own === undefined) continue
      // Most pools are those of the edition before, and nothing has happened to them.
      if (this.pools[own] === spec && areSame(this.words[own]!, words)) continue
      for (const [member, { key }] of spec.members.entries()) {
        const change = this.take(spec.name, key, words[member]!)
        if (change !== undefined) changes.push(change)
      }
    }
    return changes
  }

  /** Server and name that a word of this epoch is about. */
  named({ pool, member }: WordChange): { readonly name: string; readonly key: string } | undefined {
    const spec = this.pools[pool]
    const key = spec?.members[member]?.key
    return spec === undefined || key === undefined ? undefined : { name: spec.name, key }
  }

  /** For those who answer. */
  serving() {
    const { epoch, version, parts } = this
    const laid = layWords(this.pools, this.words)
    return { epoch, version, parts, words: new Uint8Array(laid.buffer) }
  }

  /** For those who explain. */
  snapshot() {
    const { epoch, version, pools, words } = this
    return { epoch, version, pools, words: words.map((of) => [...of]) }
  }

  #indexOf(name: string): number | undefined {
    this.#pools ??= new Map(this.pools.map((pool, at) => [pool.name, at]))
    return this.#pools.get(name)
  }

  #membersOf(pool: number): ReadonlyMap<string, number> {
    const known = this.#members.get(pool)
    if (known !== undefined) return known
    const made = new Map(this.pools[pool]!.members.map(({ key }, at) => [key, at]))
    this.#members.set(pool, made)
    return made
  }
}
