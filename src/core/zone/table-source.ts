/** What a name table is compiled from, in a form that crosses a thread cheaply. */
import type { Memory } from '../base/memory.ts'
import { type ApexRecords, withApexRecords } from '../dnssec/serving-plan.ts'
import { unsealZones } from './sealed.ts'
import { compileTable } from './table-build.ts'
import type { TableParts } from './table.ts'

export interface TableSource {
  /** The zones with their static records (sealed.ts). */
  readonly zones: Uint8Array
  /** What stands at the apexes of zones that are signed; absent for none. */
  readonly apexes?: readonly ApexRecords[]
  /** The steered names, by their index in the snapshot, a line each; empty for none. */
  readonly names: string
  /** Starts the name hashes: the same wherever the table is read. */
  readonly seed: number
}

export const namesOf = (pools: readonly { readonly name: string }[]): string =>
  pools.map(({ name }) => name).join('\n')

export const tableOf = (
  { zones, apexes, names, seed }: TableSource,
  memory: Memory,
): TableParts => {
  const all = withApexRecords(unsealZones(zones), apexes ?? [])
  return compileTable(all, names === '' ? [] : names.split('\n'), seed | 0, memory)
}
