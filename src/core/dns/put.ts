/**
 * Copies ready-made records into the reply, each behind a compression pointer to its owner.
 *
 * A set is written whole or not at all (RFC 2181 section 5.1).
 */
import { copyWords } from '../base/octets.ts'
import { type NameTable, RR_FIXED_BYTES, SET_FROM, SET_HEAD, SET_TO } from '../zone/table.ts'
import type { Exchange } from './exchange.ts'

/** RFC 1035 section 4.1.4: an offset has 14 bits. */
const POINTER_MAX = 0x3fff
export const OWNER_BYTES = 2

/** Whether a name at that position can be pointed at. */
export const canPoint = (x: Exchange, nameAt: number): boolean => nameAt - x.base <= POINTER_MAX

/** Copies one record without owner, `length` octets at `from`; false when it does not fit. */
export function putRecord(
  x: Exchange,
  section: number,
  ownerAt: number,
  bytes: DataView,
  from: number,
  length: number,
): boolean {
  const { at, view } = x
  if (at + OWNER_BYTES + length > x.end || !canPoint(x, ownerAt)) return false
  view.setUint16(at, 0xc000 | (ownerAt - x.base))
  copyWords(bytes, from, view, at + OWNER_BYTES, length)
  x.at = at + OWNER_BYTES + length
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
  const { bytes, words } = table
  const from = words[set + SET_FROM]!
  const end = words[set + SET_TO]!
  const count = words[set + SET_HEAD]! >>> 16
  if (count === 1) return putRecord(x, section, ownerAt, bytes, from, end - from)
  const size = end - from + OWNER_BYTES * count
  if (x.at + size > x.end || !canPoint(x, ownerAt)) return false
  for (let at = from; at < end; ) {
    const length = RR_FIXED_BYTES + bytes.getUint16(at + 8)
    putRecord(x, section, ownerAt, bytes, at, length)
    at += length
  }
  return true
}
