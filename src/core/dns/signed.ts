/**
 * What DNSSEC adds to a reply when the query asked for it with DO: the signatures of each set, and
 * the proof of each "no" (RFC 4035 section 3.1, RFC 5155 section 7.2).
 *
 * All of it lies ready to be copied. Proofs go into the authority section, so they are gathered
 * while the answer section grows and written when it is done. Where a signature is missing that the
 * zone owes, nothing is answered at all: an unsigned answer would be taken for a forged one.
 */
import { copyWords } from '../base/octets.ts'
import { ENTRY, ENTRY_OF, ENTRY_WHOLE } from '../dnssec/parts.ts'
import type { Family } from '../net/address.ts'
import { RR_FIXED_BYTES } from '../zone/table.ts'
import { putCompact } from './compact.ts'
import { AUTHORITY, type Exchange } from './exchange.ts'
import { ancestorAt } from './locate.ts'
import { canPoint, OWNER_BYTES, putRecord } from './put.ts'
import type { Serving } from './serving.ts'
import type { Signatures } from './signatures.ts'
import { extendedErrors, rcodes } from './types.ts'
import type { NameTable } from '../zone/table.ts'

/** Gives the answer up: a zone that is signed has no signature for it. */
export function failUnsigned(x: Exchange): false {
  x.clearSections()
  x.truncated = false
  x.authoritative = false
  x.rcode = rcodes.SERVFAIL
  // RFC 8914 section 4.11.
  x.ede = extendedErrors.RRSIGS_MISSING
  return false
}

/** Copies the signatures of a set, all or none; false when they do not fit. */
export function putRun(
  x: Exchange,
  section: number,
  ownerAt: number,
  { words, bytes }: Signatures,
  run: number,
): boolean {
  const head = words[run]!
  const count = head & 0xffff
  const from = (run + 1) << 2
  if (count === 1) return putRecord(x, section, ownerAt, bytes, from, head >>> 16)
  const end = from + (head >>> 16)
  if (x.at + end - from + OWNER_BYTES * count > x.end) return false
  for (let at = from; at < end; ) {
    const length = RR_FIXED_BYTES + bytes.getUint16(at + 8)
    if (!putRecord(x, section, ownerAt, bytes, at, length)) return false
    at += length
  }
  return true
}

/**
 * Adds the signatures of a set that was just written; false when the reply is settled: cut short
 * (RFC 4035 section 3.1.1), or given up.
 */
export function putSignatures(
  x: Exchange,
  section: number,
  ownerAt: number,
  signed: Signatures,
  zone: number,
  run: number,
): boolean {
  if (!signed.isSigned(zone)) return true
  if (run === 0) return failUnsigned(x)
  if (putRun(x, section, ownerAt, signed, run)) return true
  x.truncated = true
  return false
}

/** Remembers a proof to write; false, with the answer given up, when there is none. */
function prove(x: Exchange, zone: number, entry: number, apexAt: number): boolean {
  if (entry === 0) return failUnsigned(x)
  const { proofs, proofCount } = x
  const { words } = x.signed!
  const own = words[entry + ENTRY_OF]!
  for (let at = 0; at < proofCount; at++) {
    if (words[proofs[at]! + ENTRY_OF] !== own) continue
    // Two records of one name would be one set that nobody signed: the one that denies more, which
    // has the same gap, stands for both.
    if (entry !== own) proofs[at] = entry
    return true
  }
  proofs[proofCount] = entry
  x.proofZone = zone
  x.proofApexAt[proofCount] = apexAt
  x.proofCount = proofCount + 1
  return true
}

const apexOf = (x: Exchange, table: NameTable, zone: number): number =>
  ancestorAt(x, table.zones[zone]!.apexBytes)

/** RFC 4035 section 3.1.3.3, RFC 5155 section 7.2.6: a wildcard answers for no name that exists. */
export function proveExpansion(x: Exchange, { table }: Serving, zone: number): boolean {
  const signed = x.signed!
  if (x.nodeLabel === 0 || !signed.isSigned(zone)) return true
  return prove(x, zone, signed.gapOf(x, zone), apexOf(x, table, zone))
}

/** RFC 4035 section 3.1.3.2, RFC 5155 section 7.2.2: neither the name nor a wildcard for it. */
export function proveNoName(x: Exchange, serving: Serving, zone: number): void {
  const { table } = serving
  const signed = x.signed!
  if (!signed.isSigned(zone)) return
  if (x.online !== undefined && putCompact(x, serving, zone, undefined, false)) return
  const apexAt = apexOf(x, table, zone)
  // RFC 5155 section 7.2.1: the closest encloser, then the name below it.
  if (!signed.isNsec(zone) && !prove(x, zone, signed.entryOf(x.node), apexAt)) return
  if (!prove(x, zone, signed.gapOf(x, zone), apexAt)) return
  prove(x, zone, signed.wildcardOf(x.node), apexAt)
}

/**
 * The name, or the wildcard that stands for it, has no such type: RFC 4035 sections 3.1.3.1 and
 * 3.1.3.4, RFC 5155 sections 7.2.3 and 7.2.5. `entry` is that of the node which would have had it;
 * `isOwn`: it lists the types of that node, which is not an empty one.
 */
export function proveNoData(
  x: Exchange,
  serving: Serving,
  zone: number,
  entry: number,
  isOwn: boolean,
): void {
  const { table } = serving
  const signed = x.signed!
  if (!signed.isSigned(zone)) return
  if (x.online !== undefined && putCompact(x, serving, zone, entry, isOwn)) return
  const apexAt = apexOf(x, table, zone)
  if (x.nodeLabel > 0) {
    if (!signed.isNsec(zone) && !prove(x, zone, signed.entryOf(x.node), apexAt)) return
    if (!prove(x, zone, signed.gapOf(x, zone), apexAt)) return
  }
  prove(x, zone, entry, apexAt)
}

/** Writes the proofs gathered so far to the authority section. */
export function putProofs(x: Exchange): void {
  const signed = x.signed
  if (signed === undefined) return
  const { proofCount } = x
  x.proofCount = 0
  for (let at = 0; at < proofCount; at++) {
    if (putEntry(x, AUTHORITY, signed, x.proofs[at]!, x.proofApexAt[at]!)) continue
    // RFC 4035 section 3.1.3: a proof that does not fit calls for TCP.
    x.truncated = true
    return
  }
}

/** Writes a record and its signatures, all or none; false when they do not fit. */
export function putEntry(
  x: Exchange,
  section: number,
  { words, bytes }: Signatures,
  entry: number,
  apexAt: number,
): boolean {
  const { at, base, view } = x
  const whole = words[entry + ENTRY_WHOLE]!
  const end = at + (whole & 0xffff)
  if (end > x.end || !canPoint(x, apexAt) || !canPoint(x, at)) return false
  copyWords(bytes, (entry + ENTRY) << 2, view, at, end - at)
  const head = words[entry]!
  const prefix = head & 0xff
  const apex = 0xc000 | (apexAt - base)
  const own = prefix === 0 ? apex : 0xc000 | (at - base)
  view.setUint16(at + prefix, apex)
  // The signatures follow, one as a rule, each behind a pointer to the same owner.
  let next = at + prefix + OWNER_BYTES + (head >>> 16)
  view.setUint16(next, own)
  for (let more = (whole >>> 16) - 2; more > 0; more--) {
    next += OWNER_BYTES + RR_FIXED_BYTES + view.getUint16(next + OWNER_BYTES + 8)
    view.setUint16(next, own)
  }
  x.at = end
  x.counts[section]! += whole >>> 16
  return true
}

/**
 * How many of the chosen candidates to answer with: all, where that set is signed, else as many of
 * the best as are. Each address alone always is; 0 means that even it is not. The run is `x.run`.
 */
export function signedChoice(
  x: Exchange,
  { pools }: Serving,
  pool: number,
  family: Family,
  chosen: number,
): number {
  const signed = x.signed!
  for (let count = chosen; count > 0; count--) {
    x.run = signed.ofAnswer(pools, pool, family, x.choice, count)
    if (x.run !== 0) return count
    if (count !== chosen || count === 1) continue
    signed.note(pool, family, count)
    x.onWanted()
  }
  return 0
}
