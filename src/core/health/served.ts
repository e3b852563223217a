/**
 * How many servers of a pool serve, among those of whom the last one to go is remembered: those of
 * a family, and behind a strict fence those of a region, which falls back by itself.
 */
import type { Family } from '../net/address.ts'
import type { MemberSpec, PoolSpec } from '../steer/topology.ts'

export class Served {
  /** How many serve, by family. */
  readonly of: Record<Family, number> = { 4: 0, 6: 0 }
  readonly #members: readonly MemberSpec[]
  /** By server, the number of those it belongs to. */
  readonly #groups: Int32Array
  readonly #counts: Int32Array

  constructor({ geofence }: Pick<PoolSpec, 'geofence'>, members: readonly MemberSpec[]) {
    this.#members = members
    const known = new Map<string, number>()
    this.#groups = Int32Array.from(members, ({ family, region }) => {
      const group = geofence === 'strict' ? `${family} ${region}` : `${family}`
      const number = known.get(group) ?? known.size
      known.set(group, number)
      return number
    })
    this.#counts = new Int32Array(known.size)
  }

  /** Counts a server that begins (1) or ends (-1) to serve; returns how many of its own do then. */
  count(index: number, by: 1 | -1): number {
    this.of[this.#members[index]!.family] += by
    const group = this.#groups[index]!
    this.#counts[group]! += by
    return this.#counts[group]!
  }

  /** How many of a server's own serve. */
  beside(index: number): number {
    return this.#counts[this.#groups[index]!]!
  }

  areTogether(one: number, other: number): boolean {
    return this.#groups[one] === this.#groups[other]
  }
}
