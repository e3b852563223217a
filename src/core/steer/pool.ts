/**
 * One pool of a set of pools: the face that explains, tests and the API look at.
 */
import type { GeoParts } from '../geo/parts.ts'
import type { Family } from '../net/address.ts'
import { readsPlace } from './pool-layout.ts'
import { type Pools, poolsOf } from './pools.ts'
import type { RouteParts } from './routes.ts'
import type { ServingPool } from './snapshot.ts'
import type { Basis } from './view.ts'

export class Pool {
  readonly pools: Pools
  readonly index: number
  readonly spec: ServingPool
  /** By member index, then the fallback addresses; 4 or 16 bytes each. */
  readonly addresses: readonly Uint8Array[]

  /**
   * @param geo where clients are; without it the policy falls back to turns
   * @param routes what was learned of their round-trip times
   */
  constructor(spec: ServingPool, words: readonly number[], geo?: GeoParts, routes?: RouteParts) {
    this.pools = poolsOf([spec], [words], readsPlace(spec) ? geo : undefined)
    this.index = 0
    this.setRoutes(routes, spec.name)
    this.spec = spec
    this.addresses = Array.from({ length: this.pools.sizeOf(0) }, (_, at) => this.pools.bytesAt(at))
  }

  /** By member index. */
  get words(): Uint32Array {
    return this.pools.words.subarray(0, this.spec.members.length)
  }

  setWord(member: number, word: number): void {
    this.pools.setWord(this.index, member, word)
  }

  /** Takes what was learned, of which the part of its own name counts. */
  setRoutes(routes: RouteParts | undefined, name = this.spec.name): void {
    this.pools.setRoutes(
      0,
      routes?.services.find((one) => one.name === name),
    )
    this.pools.composed?.setRoutes(new Map(routes?.services.map((one) => [one.name, one])))
  }

  familyOf(candidate: number): Family {
    return this.pools.familyAt(candidate) === 6 ? 6 : 4
  }

  /** The first server or fallback address with the same address as this one. */
  firstOf(candidate: number): number {
    return this.pools.firstOf(this.index, candidate)
  }

  basis(family: Family): Basis {
    return this.pools.basisOf(this.index, family)
  }

  /** Whether no server of any family may be served. */
  allDown(): boolean {
    return this.basis(4) !== 'serving' && this.basis(6) !== 'serving'
  }
}
