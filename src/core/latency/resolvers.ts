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
  /** By base, answers of this round to those that are not known yet. */
  #waiting = new Map<number, number>()

  constructor(regions: number) {
    this.catchments = new Catchments(regions)
  }

  /** The number of a base among the catchments, or -1. */
  idOf(base: number): number {
    const id = this.#ids.get(base) ?? -1
    return this.catchments.has(id) ? id : -1
  }

  /** A base was told a region so many times. */
  told(base: number, region: number, answers: number): void {
    const id = this.idOf(base)
    if (id >= 0) this.catchments.told(id, region, answers)
    else this.#waiting.set(base, (this.#waiting.get(base) ?? 0) + answers)
  }

  /** Ends a round; true where resolvers were taken in. `places` are those of bases. */
  admit(places: Int32Array): boolean {
    const busiest = [...this.#waiting].sort((one, other) => other[1] - one[1] || one[0] - other[0])
    this.#waiting = new Map()
    let isNew = false
    for (const [base, answers] of busiest) {
      const id = answers < ANSWERS_LEAST ? -1 : this.catchments.add(places[base]!)
      if (id < 0) break
      this.#ids.set(base, id)
      isNew = true
    }
    return isNew
  }
}
