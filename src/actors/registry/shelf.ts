/**
 * What the registry hands to its readers, in the form they read it.
 *
 * The tables of an epoch are made once, in memory that all readers share; a reader that starts
 * later gets the same ones with the words of that moment.
 */
import { sharedMemory } from '../../core/base/memory.ts'
import { limits } from '../../core/base/limits.ts'
import { type ServingParts, servingParts } from '../../core/dns/serving.ts'
import type { GeoParts } from '../../core/geo/parts.ts'
import type { Fleet } from '../../core/health/fleet.ts'
import { layWords } from '../../core/steer/pool-layout.ts'
import type { ServingPool } from '../../core/steer/snapshot.ts'
import { namesOf } from '../../core/zone/table-source.ts'
import type { TableParts } from '../../core/zone/table.ts'
import type { FleetTopology } from '../../core/steer/topology.ts'
import type { CompileOutcome, RegistryConfig, RegistryPorts } from './contract.ts'
import { Slots, servingPools } from './views.ts'

/** A table, and what it was made of. */
interface Tabled {
  readonly table: TableParts
  readonly zones: Uint8Array
  readonly names: string
  /** Version of the keys at the apexes. */
  readonly keysVersion: number
}

interface Laid {
  readonly epoch: number
  readonly pools: readonly ServingPool[]
  readonly parts: ServingParts
}

export class Shelf {
  readonly #fleet: Fleet
  readonly #slots = new Slots(limits.poolsMax.default)
  #table: Tabled | undefined
  #laid: Laid | undefined
  #geo: GeoParts | undefined

  constructor(fleet: Fleet) {
    this.#fleet = fleet
  }

  /** The table of these zones and names; the one held, while all are what they were. */
  compile(
    { compile }: RegistryPorts,
    config: RegistryConfig,
    { pools }: FleetTopology,
    apexes: ApexRecords,
  ): CompileOutcome | Promise<CompileOutcome> {
    const { zones, hashSeed } = config
    const names = namesOf(pools)
    const { version, records } = apexes.of(config)
    this.#keysVersion = version
    const held = this.#table
    const isSame = held?.zones === zones && held.names === names && held.keysVersion === version
    if (held !== undefined && isSame) return { code: 'compiled', table: held.table }
    return compile({ zones, names, seed: hashSeed, apexRecords: records })
  }

  /** The names of the topology that the fleet is given next. */
  take(
    table: TableParts,
    { zones }: RegistryConfig,
    { pools }: FleetTopology,
    geo: GeoParts | undefined,
  ): void {
    this.#geo = geo
    this.#table = { table, zones, names: namesOf(pools) }
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
    const parts = servingParts(this.#table!.table, pools, sharedMemory, this.#geo)
    this.#laid = { epoch, pools, parts: parts }
    return this.#laid
  }
}
