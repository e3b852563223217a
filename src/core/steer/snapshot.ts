/**
 * What a DNS thread answers from: a topology, and a health word for each server of each pool.
 *
 * `epoch` grows whenever the topology is compiled anew (a reload, an API object, a restarted
 * registry); `version` grows with every change of a word inside an epoch. A word of another epoch,
 * or older than the one held, is ignored: nothing stale can overwrite something newer.
 */
import type { GeoParts } from '../geo/parts.ts'
import type { PolicyNode } from './policy-tree.ts'
import type { StickySpec, Topology } from './topology.ts'

/** The slim form sent to those who answer: no checks, which only the prober needs. */
export interface ServingMember {
  readonly key: string
  readonly address: string
  readonly port: number
  readonly region: string
  readonly weight: number
}

export interface ServingPool {
  readonly name: string
  readonly zone: string
  readonly ttlSeconds: number
  readonly policy: Topology['pools'][number]['policy']
  readonly answers: number
  readonly whenAllDown: Topology['pools'][number]['whenAllDown']
  readonly fallback: readonly string[]
  /** Index of its turn counters in the shared table; stable for a name while the process lives. */
  readonly slot: number
  readonly geofence?: 'strict'
  readonly tree?: PolicyNode
  readonly sticky?: StickySpec
  readonly members: readonly ServingMember[]
}

/** What explains the answers of steered names. */
export interface PoolSnapshot {
  readonly epoch: number
  readonly version: number
  readonly pools: readonly ServingPool[]
  /** words[pool][member], each a health word (words.ts). */
  readonly words: readonly (readonly number[])[]
}

export interface Snapshot extends PoolSnapshot {
  readonly zones: Topology['zones']
  readonly geo?: GeoParts
}

export interface WordChange {
  readonly epoch: number
  readonly version: number
  readonly pool: number
  readonly member: number
  readonly word: number
}
