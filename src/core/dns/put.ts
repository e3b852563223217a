/**
 * Copies ready-made records into the reply, each behind a compression pointer to its owner.
 *
 * A set is written whole or not at all (RFC 2181 section 5.1).
 */
import type { NameTable } from '../zone/table.ts'
import { RR_FIXED_BYTES } from '../zone/table.ts'
import type { Exchange } from './exchange.ts'

/** RFC 1035 section 4.1.4: an offset has 14 bits. */
const POINTER_MAX = 0x3fff
export const OWNER_BYTES = 2

/** Whether a name at that position can be pointed at. */
export const canPoint = (x: Exchange, nameAt: number): boolean => nameAt - x.base <= POINTER_MAX

function putOwner(x: Exchange, ownerAt: number): void {
  const offset = ownerAt - x.base
  x.out[x.at] = 0xc0 | (offset >> 8)
  x.out[x.at + 1] = offset & 0xff
  x.at += OWNER_BYTES
}

/** Copies one record without owner, `length` octets at `from`; false when it does not fit. */
export function putRecord(
  x: Exchange,
  section: number,
  ownerAt: number,
  bytes: Uint8Array,
  from: number,
  length: number,
): boolean {
  if (x.at + OWNER_BYTES + length > x.end || !canPoint(x, ownerAt)) return false
  putOwner(x, ownerAt)
  const { out } = x
  let to = x.at
  for (let at = from; at < from + length; at++, to++) out[to] = bytes[at]!
  x.at = to
  x.counts[section]!++
  return true
}

/** Copies an rrset of the table; false, with nothing written, when it does not fit. */
export function putSet(
  x: Exchange,
  section: number,
  ownerAt: number,
  table: NameTable,
  set: number,
): boolean {
  const { bytes, from, to, count } = table.sets
  const end = to[set]!
  const size = end - from[set]! + OWNER_BYTES * count[set]!
  if (x.at + size > x.end || !canPoint(x, ownerAt)) return false
  for (let at = from[set]!; at < end; ) {
    const length = RR_FIXED_BYTES + ((bytes[at + 8]! << 8) | bytes[at + 9]!)
    putRecord(x, section, ownerAt, bytes, at, length)
    at += length
  }
  return true
}
