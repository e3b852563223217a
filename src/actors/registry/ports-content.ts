/**
 * What a configuration serves, ready for the registry: its zones sealed in shared memory, and a
 * hash by which a reload that changes nothing is known.
 */
import { createHash } from 'node:crypto'
import { sharedMemory } from '../../core/base/memory.ts'
import type { PlainConfig } from '../../core/config/plain.ts'
import type { FleetTopology, Topology } from '../../core/steer/topology.ts'
import { sealedRecords, sealZones } from '../../core/zone/sealed.ts'

/** A configuration's text without secrets and its hash; nothing where it was not kept. */
export function keptConfig({ text }: PlainConfig): { plain?: { text: string; hash: string } } {
  if (text === '') return {}
  return { plain: { text, hash: createHash('sha256').update(text).digest('hex') } }
}

export interface Content {
  readonly topology: FleetTopology
  /** The zones with their static records (core/zone/sealed.ts). */
  readonly zones: Uint8Array
  /** Equal for configurations that serve the same. */
  readonly contentHash: string
}

/**
 * @param serial the serial this load gave to zones that name none: it grows with every load, and by
 *   itself is no change
 */
export function contentOf({ zones, pools, regions }: Topology, serial: number): Content {
  const soas = zones.map(({ soa }) => (soa.serial === serial ? { ...soa, serial: 'given' } : soa))
  const sealed = sealZones(zones, sharedMemory)
  const hash = createHash('sha256')
  hash.update(JSON.stringify([soas, pools, regions]))
  hash.update(sealedRecords(sealed))
  return { topology: { pools, regions }, zones: sealed, contentHash: hash.digest('hex') }
}
