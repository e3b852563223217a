/**
 * Pools that a new topology leaves as they were: they go on with all that they remember, so that a
 * change costs the pools it is about. One that keeps guests of the guard-rail is looked at anew.
 */
import { isSame } from '../base/same.ts'
import type { FleetTopology, PoolSpec } from '../steer/topology.ts'
import { wasLastHealthy } from './membership.ts'
import type { Memory, PoolState } from './pool-state.ts'
import type { ServerRow } from './rows.ts'
import type { Server } from './server.ts'

/** The next topology, with the very pools of the one before where they say the same. */
export const withKept = (before: FleetTopology, next: FleetTopology): FleetTopology => ({
  ...next,
  pools: keptPools(before.pools, next.pools),
})

/** The next pools, with the very ones of before where they say the same. */
export function keptPools(before: readonly PoolSpec[], next: readonly PoolSpec[]): PoolSpec[] {
  const known = new Map(before.map((pool) => [pool.name, pool]))
  return next.map((pool) => {
    const old = known.get(pool.name)
    return old !== undefined && isSame(old, pool) ? old : pool
  })
}

export const isKept = (pool: PoolState | undefined, spec: PoolSpec): pool is PoolState =>
  pool?.spec === spec && pool.hold.guests.length === 0

/** Servers of pools that are not kept, as they are and as they are to be. */
export function touchedIn(
  before: readonly PoolState[],
  next: readonly PoolSpec[],
): ReadonlySet<string> {
  const wanted = new Set(next)
  const kept = new Set<PoolSpec>()
  const keys = new Set<string>()
  for (const pool of before) {
    if (wanted.has(pool.spec) && isKept(pool, pool.spec)) kept.add(pool.spec)
    else for (const { key } of pool.members) keys.add(key)
  }
  for (const spec of next) if (!kept.has(spec)) for (const { key } of spec.members) keys.add(key)
  return keys
}

/** What is remembered of a member: by its old pool, else by its row on disk. */
export function memoriesOf(
  pool: string,
  old: PoolState | undefined,
  stored: ReadonlyMap<string, ServerRow>,
  servers: ReadonlyMap<string, Server>,
): (key: string) => Memory {
  const indices = new Map(old?.members.map((member, index) => [member.key, index]))
  return (key) => {
    const index = indices.get(key)
    if (old !== undefined && index !== undefined) return old.memoryOf(index)
    const lastHealthy = wasLastHealthy(stored.get(key), pool)
    return { serving: false, lastHealthy, holdFromMs: servers.get(key)?.recoveredAtMs ?? 0 }
  }
}
