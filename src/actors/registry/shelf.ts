/**
 * What the registry hands to its readers, in the form they read it.
 *
 * The tables of an epoch are made once, in memory that all readers share; a reader that starts
 * later gets the same ones with the words of that moment.
 */
import { sharedMemory } from '../../core/base/memory.ts'
import { type ServingParts, servingParts } from '../../core/dns/serving.ts'
import type { GeoParts } from '../../core/geo/parts.ts'
import type { Fleet } from '../../core/health/fleet.ts'
import type { ServingPool } from '../../core/steer/snapshot.ts'
import { namesOf } from '../../core/zone/table-source.ts'
import type { TableParts } from '../../core/zone/table.ts'
import type { FleetTopology } from '../../core/steer/topology.ts'
import type { Apexes } from './apexes.ts'
import type { CompileOutcome, RegistryConfig, RegistryPorts } from './contract.ts'
import type { Made } from './press.ts'
import { ServedPools } from './views.ts'

/** A table, and what it was made of. */
interface Tabled {
  readonly table: TableParts
  readonly zones: Uint8Array
  readonly names: string
  /** Of the keys at the apexes. */
  readonly keysVersion: string
}

interface Laid {
  readonly epoch: number
  readonly pools: readonly ServingPool[]
  readonly parts: ServingParts
}

export class Shelf {
  readonly #fleet: Fleet
  readonly #pools = new ServedPools()
  #table: Tabled | undefined
  #laid: Laid | undefined
  #geo: GeoParts | undefined
  #keysVersion = ''

  constructor(fleet: Fleet) {
    this.#fleet = fleet
  }

  /** Where clients are. */
  get geo(): GeoParts | undefined {
    return this.#geo
  }

  /** The table of these zones and names; the one held, while all are what they were. */
  compile(
    { compile }: RegistryPorts,
    config: RegistryConfig,
    { pools }: FleetTopology,
    apexes: Apexes,
  ): CompileOutcome | Promise<CompileOutcome> {
    const { zones, hashSeed } = config
    const names = namesOf(pools)
    const keysVersion = apexes.versionFor(config)
    const held = this.#table
    const isSame = held?.zones === zones && held.names === names && held.keysVersion === keysVersion
    this.#keysVersion = keysVersion
    if (held !== undefined && isSame) return { code: 'compiled', table: held.table }
    return compile({ zones, names, seed: hashSeed, apexes: apexes.of(config) })
  }

  /** The names of the topology that the fleet is given next. */
  take(
    table: TableParts,
    { zones }: RegistryConfig,
    { pools }: FleetTopology,
    geo: GeoParts | undefined,
  ): void {
    this.#geo = geo
    this.#table = { table, zones, names: namesOf(pools), keysVersion: this.#keysVersion }
    this.#laid = undefined
  }

  /** The epoch of the fleet as it is now; undefined before there are keys to compile with. */
  made(config: RegistryConfig, apexes: Apexes): Made | undefined {
    if (this.#table === undefined) return undefined
    const { epoch, version, pools } = this.#fleet
    const laid = this.#lay()
    const { keysVersion } = this.#table
    // Keys that came while the table was compiled make another epoch, which is on its way.
    const isCurrent = keysVersion === apexes.versionFor(config)
    const signing = apexes.signing(config)
    return {
      ...{ epoch, version, keysVersion, pools: laid.pools, parts: laid.parts },
      words: pools.map(({ words }) => [...words]),
      signing: signing === 'wanted' && !isCurrent ? 'not-yet' : signing,
    }
  }

  #lay(): Laid {
    const { epoch } = this.#fleet
    if (this.#laid?.epoch === epoch) return this.#laid
    const pools = this.#pools.of(this.#fleet)
    const parts = servingParts(this.#table!.table, pools, sharedMemory, this.#geo)
    this.#laid = { epoch, pools, parts }
    return this.#laid
  }
}
