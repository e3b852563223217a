/**
 * Compact denial (RFC 9824): one NSEC at the very name asked, made and signed when it is asked.
 *
 * A name that does not exist is said to exist with nothing but NXNAME; the gap after each name
 * holds no other. Wildcards are not shown: what one answers is signed as if it stood at the name
 * asked (section 3.3). How many such signatures are made is for the actor to bound.
 */
import { LABEL_BYTES_MAX, NAME_BYTES_MAX } from '../dns/names.ts'
import { types } from '../dns/types.ts'
import type { DenialRecord } from './denial.ts'
import { nsecRdata } from './nsec.ts'

/** RFC 9824 section 5.1: Compact Answers OK, the bit below DO in the EDNS flags. */
export const COMPACT_OK = 0x4000

/** What a name holds: its types, or that it does not exist. */
export type CompactName = readonly number[] | 'missing'

/** The first name after a name in canonical order (RFC 4471 section 3.1.2). */
export function successorOf(name: Uint8Array, apex: Uint8Array): Uint8Array {
  // RFC 9824 section 3.1: `\000` below the name, as long as that is a name at all.
  if (name.length + 2 <= NAME_BYTES_MAX) return new Uint8Array([1, 0, ...name])
  const label = name.slice(1, 1 + name[0]!)
  const rest = name.subarray(1 + label.length)
  if (label.length < LABEL_BYTES_MAX && name.length < NAME_BYTES_MAX)
    return new Uint8Array([label.length + 1, ...label, 0, ...rest])
  const last = label.findLastIndex((byte) => byte !== 0xff)
  // Nothing follows below its parent: what follows the parent's whole subtree is not needed, since
  // the chain may as well close.
  if (last < 0) return apex
  // An upper-case letter cannot come out of this: names are in lower case, and 0x40 is followed by
  // 0x5b, because 0x41 to 0x5a sort as the lower-case letters they are.
  const raised = label[last] === 0x40 ? 0x5b : label[last]! + 1
  return new Uint8Array([last + 1, ...label.subarray(0, last), raised, ...rest])
}

/**
 * The one NSEC of a negative answer; `owner` in lower-case wire form. For a name that exists `held`
 * is what it holds, empty for an empty name; for a delegation NS and, where it has one, DS.
 */
export const compactNsec = (
  owner: Uint8Array,
  apex: Uint8Array,
  held: CompactName,
): DenialRecord => ({
  owner,
  // RFC 9824 section 3.1: NXNAME beside RRSIG and NSEC alone.
  rdata: nsecRdata(successorOf(owner, apex), held === 'missing' ? [types.NXNAME] : held),
})

/**
 * The RCODE of an answer for a name that does not exist. RFC 9824 section 5: NXDOMAIN for who said
 * with CO beside DO that it understands both together, and for who asked without DO.
 */
export const isNxdomain = (hasDnssecOk: boolean, hasCompactOk: boolean): boolean =>
  !hasDnssecOk || hasCompactOk

/** RFC 9824 section 3.5: nobody may ask for the type that exists in type lists alone. */
export const isRefusedQuestion = (type: number): boolean => type === types.NXNAME
