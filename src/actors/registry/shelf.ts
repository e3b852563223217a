/**
 * What the registry hands to its readers, in the form they read it.
 *
 * The tables of an epoch are made once, in memory that all readers share; a reader that starts
 * later gets the same ones with the words of that moment.
 */
import { sharedMemory } from '../../core/base/memory.ts'
import { limits } from '../../core/base/limits.ts'
import { type ServingParts, servingParts } from '../../core/dns/serving.ts'
import type { Fleet } from '../../core/health/fleet.ts'
import { layWords } from '../../core/steer/pool-layout.ts'
import type { ServingPool } from '../../core/steer/snapshot.ts'
import { namesOf } from '../../core/zone/table-source.ts'
import type { TableParts } from '../../core/zone/table.ts'
import type { RegistryConfig, RegistryPorts } from './contract.ts'
import { Slots, servingPools } from './views.ts'

interface Laid {
  readonly epoch: number
  readonly pools: readonly ServingPool[]
  readonly parts: ServingParts
}

export class Shelf {
  readonly #fleet: Fleet
  readonly #slots = new Slots(limits.poolsMax.default)
  #table: TableParts | undefined
  #laid: Laid | undefined

  constructor(fleet: Fleet) {
    this.#fleet = fleet
  }

  compile({ compile }: RegistryPorts, { topology, zones, hashSeed }: RegistryConfig) {
    return compile({ zones, names: namesOf(topology.pools), seed: hashSeed })
  }

  /** The names of the topology that the fleet is given next. */
  take(table: TableParts): void {
    this.#table = table
    this.#laid = undefined
  }

  /** For those who answer. */
  serving() {
    const { epoch, version, pools } = this.#fleet
    const laid = this.#lay()
    const words = layWords(
      laid.pools,
      pools.map((pool) => pool.words),
    )
    return { epoch, version, parts: laid.parts, words: new Uint8Array(words.buffer) }
  }

  /** For those who explain. */
  snapshot() {
    const { epoch, version, pools } = this.#fleet
    return { epoch, version, pools: this.#lay().pools, words: pools.map(({ words }) => [...words]) }
  }

  #lay(): Laid {
    const { epoch } = this.#fleet
    if (this.#laid?.epoch === epoch) return this.#laid
    const pools = servingPools(this.#fleet, this.#slots)
    this.#laid = { epoch, pools, parts: servingParts(this.#table!, pools, sharedMemory) }
    return this.#laid
  }
}
