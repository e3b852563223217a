/**
 * What was learned of round-trip times, in the form that answers are made from: for each steered
 * name a map from client to row, and for each row its regions in order with the shares of turns.
 *
 * Rows are compiled elsewhere (core/latency/compile.ts) and swapped whole; an exploration is a row
 * like any other, for the slot that these tables are of. A client in no row goes by geography, and
 * where that knows nothing by turns.
 */
import { ClientMap, type ClientMapParts } from '../net/client-map.ts'

/** How a client's region was found. The order gives the numbers below. */
export const routeMethods = ['learned', 'geo_fallback', 'cold_start'] as const
export const LEARNED = 0
export const GEO_FALLBACK = 1
export const COLD_START = 2
/** Another policy decided. */
export const NO_METHOD = -1

/** Rows of one steered name; plain memory. */
export interface ServiceRoutes {
  /** Of the pool. */
  readonly name: string
  /** By number, as rows name them. */
  readonly regions: readonly string[]
  /** The values are rows, or -1 where nothing is learned. */
  readonly map: ClientMapParts
  /** ranking[row * regions + rank]: a region, the best first. */
  readonly ranking: Uint8Array
  /** Thousandths of the turns, beside `ranking`; those past the near-equals are 0. */
  readonly shares: Uint16Array
  /** By row: 1 where it explores in this slot. */
  readonly exploring: Uint8Array
}

export interface RouteParts {
  /** Grows with every change. */
  readonly version: number
  /** The number of the stretch of time whose explorations are in the rows. */
  readonly slot: number
  readonly services: readonly ServiceRoutes[]
}

/** The rows of one pool with what a thread needs to read them. */
export class RouteTable {
  readonly parts: ServiceRoutes
  readonly map: ClientMap
  readonly stride: number
  readonly ranking: Uint8Array
  readonly shares: Uint16Array
  /** By region of the rows the pool's group, or -1 where it has no server there. */
  readonly groups: Int32Array

  /** @param groupOf the group of a region, or -1 */
  constructor(parts: ServiceRoutes, groupOf: (region: string) => number) {
    this.parts = parts
    this.map = new ClientMap(parts.map)
    this.stride = parts.regions.length
    this.ranking = parts.ranking
    this.shares = parts.shares
    this.groups = Int32Array.from(parts.regions, groupOf)
  }
}
