/**
 * Addresses of the names that an answer points at (RFC 1035 section 3.3, RFC 2782, RFC 9460 section
 * 4.1). They are a courtesy: what does not fit is left out. Steered names are not added, since the
 * choice of a server belongs to the question that asks for it.
 */
import { NONE, type NameTable } from '../zone/table.ts'
import { ADDITIONAL, type Exchange } from './exchange.ts'
import { putSet } from './put.ts'
import { putRun } from './signed.ts'
import { types } from './types.ts'

/** Adds the addresses for a set written at `setAt`. */
export function putAdditional(x: Exchange, table: NameTable, set: number, setAt: number): void {
  const count = table.targetCount(set)
  for (let target = 0; target < count; target++)
    putAddresses(x, table, table.targetNode(set, target), setAt + table.targetAt(set, target))
}

/** Adds both address sets of a node; false when one did not fit. */
export function putAddresses(x: Exchange, table: NameTable, node: number, nameAt: number): boolean {
  const v4 = table.setOf(node, types.A)
  const v6 = table.setOf(node, types.AAAA)
  const done4 = v4 === NONE || putAddressSet(x, table, v4, nameAt)
  const done6 = v6 === NONE || putAddressSet(x, table, v6, nameAt)
  return done4 && done6
}

function putAddressSet(x: Exchange, table: NameTable, set: number, nameAt: number): boolean {
  if (!putSet(x, ADDITIONAL, nameAt, table, set)) return false
  const run = x.signed === undefined ? 0 : x.signed.ofSet(set)
  // RFC 4035 section 3.1.1: signatures of additional data are left out where they do not fit.
  if (run !== 0) putRun(x, ADDITIONAL, nameAt, x.signed!, run)
  return true
}
