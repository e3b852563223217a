/**
 * What counters call the pools and their servers, as text beside the tables.
 *
 * Threads that answer count by number and never read it; who reads the counts does.
 */
import { type Memory, textIn, textOf } from '../base/memory.ts'
import { formatEndpoint } from '../net/address.ts'
import type { ServingPool } from '../steer/snapshot.ts'

export interface PoolLabels {
  readonly name: string
  readonly policy: string
  /** By candidate: `address:port` of the servers, then the fallback addresses. */
  readonly servers: readonly string[]
}

export function labelsOf(specs: readonly ServingPool[], memory: Memory): Uint8Array {
  const labels = specs.map(({ name, policy, members, fallback }): PoolLabels => {
    const servers = members.map(({ address, port }) => formatEndpoint(address, port))
    return { name, policy, servers: [...servers, ...fallback] }
  })
  return textIn(JSON.stringify(labels), memory)
}

export const readLabels = (bytes: Uint8Array): readonly PoolLabels[] =>
  JSON.parse(textOf(bytes)) as readonly PoolLabels[]
