/**
 * Where servers stand, from one compilation of the pools to the next. A pool that stands where it
 * stood leaves its servers where they were, so a small change costs the pools that it is about.
 */
import type { PoolState } from './pool-state.ts'
import type { Server } from './server.ts'

/** Places at which another pool stands, or none any more. */
function movedIn(before: readonly PoolState[], pools: readonly PoolState[]): ReadonlySet<number> {
  const moved = new Set<number>()
  const most = Math.max(before.length, pools.length)
  for (let at = 0; at < most; at++) if (before[at] !== pools[at]) moved.add(at)
  return moved
}

/**
 * Gives servers their places; those that have none any more are taken out.
 * @param before what the places are of; of no pools, every server is looked at
 * @returns keys of servers whose places may be others, those that are gone among them
 */
export function reseat(
  servers: Map<string, Server>,
  before: readonly PoolState[],
  pools: readonly PoolState[],
): { readonly moved: ReadonlySet<string>; readonly removed: readonly string[] } {
  const indices = movedIn(before, pools)
  const isFirst = before.length === 0
  const keys = new Set<string>(isFirst ? servers.keys() : [])
  for (const index of indices)
    for (const state of [before[index], pools[index]])
      for (const { key } of state?.members ?? []) keys.add(key)
  for (const key of keys) {
    const server = servers.get(key)!
    server.places = isFirst ? [] : server.places.filter(({ pool }) => !indices.has(pool))
  }
  for (const pool of indices)
    for (const [member, { key }] of (pools[pool]?.members ?? []).entries())
      servers.get(key)!.places.push({ pool, member })
  const removed: string[] = []
  for (const key of keys) {
    const { places } = servers.get(key)!
    if (places.length === 0) removed.push(key)
    // In the order of the pools, as if all had been given anew.
    else if (places.length > 1) places.sort((one, other) => one.pool - other.pool)
  }
  for (const key of removed) servers.delete(key)
  return { moved: keys, removed }
}
