/**
 * Who asks for clients that nothing tells: places in systems of whose networks none was measured.
 *
 * Addresses of one system and place are one resolver, so that spoofed questions from many addresses
 * make no more of them than there are systems. One is taken in when it asked often enough in a
 * round, the busiest first; how many there are is bounded (catchments.ts).
 */
import { Catchments } from './catchments.ts'

/** Answers, by samples of a round, from which on it is worth a row of its own. */
const ANSWERS_LEAST = 5

export class Resolvers {
  readonly catchments: Catchments
  readonly #ids = new Map<number, number>()
  /** By base, answers of this round to those that are not known yet, and an address of theirs. */
  #waiting = new Map<number, { readonly address: Uint8Array; answers: number }>()
  /** By base, an address of a resolver: what it can be found by when bases are others. */
  readonly #addresses = new Map<number, Uint8Array>()

  constructor(regions: number) {
    this.catchments = new Catchments(regions)
  }

  /** The number of a base among the catchments, or -1. */
  idOf(base: number): number {
    const id = this.#ids.get(base) ?? -1
    return this.catchments.has(id) ? id : -1
  }

  /** An address of a base was told a region so many times. */
  told(base: number, address: Uint8Array, region: number, answers: number): void {
    const id = this.idOf(base)
    if (id >= 0) {
      this.catchments.told(id, region, answers)
      return
    }
    const waiting = this.#waiting.get(base)
    if (waiting === undefined) this.#waiting.set(base, { address, answers })
    else waiting.answers += answers
  }

  /** Each with its number and an address of it. */
  *known(): Generator<readonly [id: number, address: Uint8Array]> {
    for (const base of this.#ids.keys()) {
      const id = this.idOf(base)
      if (id >= 0) yield [id, this.#addresses.get(base)!]
    }
  }

  /** Takes in one that was known before; its number, or -1 where as many are known as may be. */
  restore(base: number, place: number, address: Uint8Array): number {
    const known = this.idOf(base)
    return known >= 0 ? known : this.#take(base, place, address)
  }

  #take(base: number, place: number, address: Uint8Array): number {
    const id = this.catchments.add(place)
    if (id < 0) return -1
    this.#ids.set(base, id)
    this.#addresses.set(base, address)
    return id
  }

  /** Ends a round; true where resolvers were taken in. `places` are those of bases. */
  admit(places: Int32Array): boolean {
    const busiest = [...this.#waiting].sort(
      ([base, one], [other, two]) => two.answers - one.answers || base - other,
    )
    this.#waiting = new Map()
    let isNew = false
    for (const [base, { address, answers }] of busiest) {
      if (answers < ANSWERS_LEAST || this.#take(base, places[base]!, address) < 0) break
      isNew = true
    }
    return isNew
  }
}
