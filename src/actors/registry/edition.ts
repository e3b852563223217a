/**
 * One epoch as readers are told it: its tables, and the word of each server as of now.
 *
 * An edition may be in force while the registry works on the next one, which waits for its
 * signatures. What happens to a server meanwhile is told in the places this epoch has for it, so
 * that health reaches the answers whatever a signer does.
 */
import type { ServingParts } from '../../core/dns/serving.ts'
import { layWords } from '../../core/steer/pool-layout.ts'
import type { ServingPool, WordChange } from '../../core/steer/snapshot.ts'

interface Place {
  readonly pool: number
  /** Index of each server by its key. */
  readonly members: ReadonlyMap<string, number>
}

export class Edition {
  readonly epoch: number
  readonly pools: readonly ServingPool[]
  parts: ServingParts
  /** Of the newest word. */
  version: number
  readonly words: number[][]
  #places: ReadonlyMap<string, Place> | undefined

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
    const place = this.#placesOf().get(name)
    const member = place?.members.get(key)
    if (place === undefined || member === undefined) return undefined
    const words = this.words[place.pool]!
    if (words[member] === word) return undefined
    words[member] = word
    this.version++
    return { epoch: this.epoch, version: this.version, pool: place.pool, member, word }
  }

  /** Takes what holds in another edition of the servers that both have. */
  follow(other: Edition): WordChange[] {
    return other.pools.flatMap(({ name, members }, pool) =>
      members.flatMap(({ key }, member) => {
        const change = this.take(name, key, other.words[pool]![member]!)
        return change === undefined ? [] : [change]
      }),
    )
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

  #placesOf(): ReadonlyMap<string, Place> {
    this.#places ??= new Map(
      this.pools.map(({ name, members }, pool) => [
        name,
        { pool, members: new Map(members.map(({ key }, member) => [key, member])) },
      ]),
    )
    return this.#places
  }
}
