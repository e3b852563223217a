/**
 * Names that a node had before.
 *
 * A document tells nodes apart by their names, and a name can change: a host is renamed, or a
 * container is made anew. The key store says under which name it was written, so that whoever opens
 * it knows what is said there of itself.
 */
import { limits } from '../../base/limits.ts'
import type { StoreContents } from '../keystore.ts'
import { leaderOf } from '../roll/status.ts'
import type { RollState } from '../roll/types.ts'

/** The one node that a document knows: a store of before, which names no writer, is of it. */
function onlyNodeOf(state: RollState): readonly string[] {
  const leader = leaderOf(state)
  const isOnly = state.guests.length === 0 && state.members.every((name) => name === leader)
  return isOnly ? [leader] : []
}

/** Names by which documents may know the node that opens the store, the last one first. */
export function formerNames({ rolls, holder }: StoreContents, node: string): readonly string[] {
  const own = holder === undefined ? rolls.flatMap(onlyNodeOf) : [holder.node, ...holder.formerly]
  const names = [...new Set(own)].filter((name) => name !== node)
  return names.slice(0, limits.syncFormerNames.default)
}
