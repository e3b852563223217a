/**
 * Aliases: CNAME (RFC 1034 section 3.6.2) and DNAME (RFC 6672). Each writes its records and moves
 * the lookup to the new name; the chain ends at a bound, at a loop, or outside the zones.
 */
import { limits } from '../base/limits.ts'
import { NONE, type NameTable, RR_FIXED_BYTES } from '../zone/table.ts'
import { ANSWER, type Exchange } from './exchange.ts'
import { ancestorAt, moveTo } from './locate.ts'
import { NAME_BYTES_MAX } from './names.ts'
import { OWNER_BYTES, putSet } from './put.ts'
import type { Serving } from './serving.ts'
import { proveExpansion, putSignatures } from './signed.ts'
import { CLASS_IN, rcodes, types } from './types.ts'

/** False at the bound of the chain. */
function mayGoOn(x: Exchange): boolean {
  return x.aliases < limits.aliasChain.default
}

/** Answers with the CNAME of a node and moves on to its target; false when the chain ends here. */
export function followCname(x: Exchange, serving: Serving, node: number, set: number): boolean {
  for (let step = 0; step < x.aliases; step++) if (x.passed[step] === node) return false
  const setAt = x.at
  if (!putSet(x, ANSWER, x.nameAt, serving.table, set)) {
    x.truncated = true
    return false
  }
  const { signed } = x
  if (signed !== undefined) {
    const zone = serving.table.zone(node)
    if (!putSignatures(x, ANSWER, x.nameAt, signed, zone, signed.ofSet(set))) return false
    if (!proveExpansion(x, serving, zone)) return false
  }
  if (!mayGoOn(x)) return false
  x.passed[x.aliases++] = node
  moveTo(x, setAt + OWNER_BYTES + RR_FIXED_BYTES)
  return true
}

/** How a DNAME that was answered is told from a node that was passed. */
const markOf = (node: number): number => ~node

/** Where the DNAME of a node lies in the reply already, or 0: no set is there twice. */
function writtenAt(x: Exchange, node: number): number {
  for (let step = 0; step < x.aliases; step++)
    if (x.passed[step] === markOf(node)) return x.dnameAt[step]!
  return 0
}

/** Writes the DNAME of a node above the name, signed where it must be; false when that is all. */
function putDname(x: Exchange, table: NameTable, node: number, set: number): boolean {
  const ownerAt = ancestorAt(x, table.nameBytes(node))
  if (!putSet(x, ANSWER, ownerAt, table, set)) {
    x.truncated = true
    return false
  }
  const { signed } = x
  // RFC 6672 section 5.3.1: the DNAME is signed, the CNAME made of it is not.
  if (signed === undefined) return true
  return putSignatures(x, ANSWER, ownerAt, signed, table.zone(node), signed.ofSet(set))
}

/** Answers with the DNAME of a node above the name and its CNAME (RFC 6672 section 3.1). */
export function followDname(x: Exchange, table: NameTable, node: number): boolean {
  const set = table.setOf(node, types.DNAME)
  if (set === NONE || !mayGoOn(x)) return false
  const before = writtenAt(x, node)
  const setAt = before === 0 ? x.at : before
  if (before === 0 && !putDname(x, table, node, set)) return false
  const targetAt = setAt + OWNER_BYTES + RR_FIXED_BYTES
  const targetBytes = x.view.getUint16(targetAt - 2)
  const prefixBytes = x.nameBytes - table.nameBytes(node)
  if (prefixBytes + targetBytes > NAME_BYTES_MAX) {
    // RFC 6672 section 2.2: the new name would be too long.
    x.rcode = rcodes.YXDOMAIN
    return false
  }
  if (!putCname(x, setAt, prefixBytes, targetAt, targetBytes)) {
    x.truncated = true
    return false
  }
  // What lies below a DNAME may be passed again under another name, so no end is made of it.
  x.dnameAt[x.aliases] = setAt
  x.passed[x.aliases++] = markOf(node)
  if (x.qtype === types.CNAME || x.qtype === types.ANY) return false
  moveTo(x, x.at - prefixBytes - targetBytes)
  return true
}

/** Writes the synthesised CNAME: its TTL is the DNAME's, found in the record at `dnameAt`. */
function putCname(
  x: Exchange,
  dnameAt: number,
  prefixBytes: number,
  targetAt: number,
  targetBytes: number,
): boolean {
  const { out } = x
  const rdataBytes = prefixBytes + targetBytes
  const from = x.at
  if (from + OWNER_BYTES + RR_FIXED_BYTES + rdataBytes > x.end) return false
  const owner = x.nameAt - x.base
  out[from] = 0xc0 | (owner >> 8)
  out[from + 1] = owner & 0xff
  out[from + 2] = types.CNAME >> 8
  out[from + 3] = types.CNAME
  out[from + 4] = 0
  out[from + 5] = CLASS_IN
  // RFC 6672 section 3.1: the TTL of the synthesised CNAME is that of the DNAME.
  for (let byte = 6; byte < 10; byte++) out[from + byte] = out[dnameAt + byte]!
  out[from + 10] = rdataBytes >> 8
  out[from + 11] = rdataBytes & 0xff
  x.at = from + OWNER_BYTES + RR_FIXED_BYTES
  for (let byte = 0; byte < prefixBytes; byte++) out[x.at++] = out[x.nameAt + byte]!
  for (let byte = 0; byte < targetBytes; byte++) out[x.at++] = out[targetAt + byte]!
  x.counts[ANSWER]!++
  return true
}
