/**
 * Members that failed and may come back: whom to call so that a partition heals.
 *
 * Gossip reaches the dead for a short while only, and after that the two sides of a partition would
 * never speak again. So failed members are remembered apart from the table, with their address,
 * until they return, leave, or have been gone for too long. Bounded; the oldest makes room.
 */
import type { Random } from '../../base/random.ts'
import type { Endpoint } from '../messages.ts'

interface LostMember extends Endpoint {
  readonly sinceMs: number
}

export class Lost {
  /** In the order of failing, so the first is the oldest. */
  readonly #byName = new Map<string, LostMember>()
  readonly #most: number
  #foundCount = 0

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#byName.size
  }

  add(name: string, { addr, port }: Endpoint, nowMs: number): void {
    this.#byName.delete(name)
    this.#byName.set(name, { addr, port, sinceMs: nowMs })
    if (this.#byName.size <= this.#most) return
    for (const oldest of this.#byName.keys()) {
      this.#byName.delete(oldest)
      return
    }
  }

  found(name: string): void {
    if (this.#byName.delete(name)) this.#foundCount++
  }

  /** How many were found since the last call. */
  takeFound(): number {
    const count = this.#foundCount
    this.#foundCount = 0
    return count
  }

  /** Gives up those lost before `sinceMs`. */
  forget(sinceMs: number): void {
    for (const [name, lost] of this.#byName) {
      if (lost.sinceMs >= sinceMs) return
      this.#byName.delete(name)
    }
  }

  pick(random: Random): Endpoint | undefined {
    let at = random.below(this.#byName.size)
    for (const lost of this.#byName.values()) if (at-- === 0) return lost
    return undefined
  }
}
