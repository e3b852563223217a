/**
 * Referrals: a name at or below a delegation is answered by whom the NS records name (RFC 1034
 * section 4.3.2 step 3b), without AA, with their addresses where they are known.
 */
import { NONE, type NameTable } from '../zone/table.ts'
import { putAddresses } from './additional.ts'
import { AUTHORITY, type Exchange } from './exchange.ts'
import { ancestorAt } from './locate.ts'
import { putSet } from './put.ts'
import { types } from './types.ts'

export function putReferral(x: Exchange, table: NameTable, cut: number): void {
  x.authoritative = false
  const set = table.setOf(cut, types.NS)
  const setAt = x.at
  const ownerAt = ancestorAt(x, table.nameBytes(cut))
  if (set === NONE || !putSet(x, AUTHORITY, ownerAt, table, set)) {
    x.truncated = true
    return
  }
  const count = table.targetCount(set)
  for (let target = 0; target < count; target++) {
    const node = table.targetNode(set, target)
    const fits = putAddresses(x, table, node, setAt + table.targetAt(set, target))
    // RFC 9471 section 3.1: glue for a server inside the delegated zone must be there, or TC.
    if (!fits && table.hiddenBy(node) === cut) x.truncated = true
  }
}
