/**
 * Referrals: a name at or below a delegation is answered by whom the NS records name (RFC 1034
 * section 4.3.2 step 3b), without AA, with their addresses where they are known.
 */
import { NONE, type NameTable } from '../zone/table.ts'
import { putAddresses } from './additional.ts'
import { AUTHORITY, type Exchange } from './exchange.ts'
import { ancestorAt } from './locate.ts'
import { putSet } from './put.ts'
import type { Signatures } from './signatures.ts'
import { failUnsigned, putEntry, putSignatures } from './signed.ts'
import { types } from './types.ts'

/**
 * RFC 4035 section 3.1.4: the DS of the delegation with its signatures, or the proof that it has
 * none. False when the reply is settled without it.
 */
function putSecurity(
  x: Exchange,
  table: NameTable,
  signed: Signatures,
  cut: number,
  ownerAt: number,
): boolean {
  const zone = table.zone(cut)
  if (!signed.isSigned(zone)) return true
  const ds = table.setOf(cut, types.DS)
  if (ds !== NONE) {
    if (putSet(x, AUTHORITY, ownerAt, table, ds))
      return putSignatures(x, AUTHORITY, ownerAt, signed, zone, signed.ofSet(ds))
  } else {
    const entry = signed.entryOf(cut)
    if (entry === 0) return failUnsigned(x)
    const apexAt = ancestorAt(x, table.zones[zone]!.apexBytes)
    if (putEntry(x, AUTHORITY, signed, entry, apexAt)) return true
  }
  x.truncated = true
  return false
}

export function putReferral(x: Exchange, table: NameTable, cut: number): void {
  x.authoritative = false
  const set = table.setOf(cut, types.NS)
  const setAt = x.at
  const ownerAt = ancestorAt(x, table.nameBytes(cut))
  if (set === NONE || !putSet(x, AUTHORITY, ownerAt, table, set)) {
    x.truncated = true
    return
  }
  if (x.signed !== undefined && !putSecurity(x, table, x.signed, cut, ownerAt)) return
  const count = table.targetCount(set)
  for (let target = 0; target < count; target++) {
    const node = table.targetNode(set, target)
    const fits = putAddresses(x, table, node, setAt + table.targetAt(set, target))
    // RFC 9471 section 3.1: glue for a server inside the delegated zone must be there, or TC.
    if (!fits && table.hiddenBy(node) === cut) x.truncated = true
  }
}
