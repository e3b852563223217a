/**
 * ANY by RFC 8482: one small record instead of everything a name owns, which serves nobody but
 * those who aim large answers at others. RRSIG, which asks for every signature, is answered alike.
 */
import { limits } from '../base/limits.ts'
import { viewOf } from '../base/octets.ts'
import { ENTRY, ENTRY_RUN, POINTER_BYTES } from '../dnssec/parts.ts'
import { writeRrFixed } from '../zone/table-soa.ts'
import { NONE, type NameTable, RR_FIXED_BYTES } from '../zone/table.ts'
import { ANSWER, type Exchange } from './exchange.ts'
import { putRecord, putSet } from './put.ts'
import type { Signatures } from './signatures.ts'
import { proveExpansion, putRun, putSignatures } from './signed.ts'
import type { Serving } from './serving.ts'
import { types } from './types.ts'

const HINFO = viewOf(hinfo())

/** RFC 8482 section 4.2: CPU is "RFC8482", OS is empty. */
function hinfo(): Uint8Array {
  const cpu = [0x52, 0x46, 0x43, 0x38, 0x34, 0x38, 0x32]
  const rdata = [cpu.length, ...cpu, 0]
  const record = new Uint8Array(RR_FIXED_BYTES + rdata.length)
  writeRrFixed(record, 0, types.HINFO, limits.anyTtlSeconds.default, rdata.length)
  record.set(rdata, RR_FIXED_BYTES)
  return record
}

/** Answers ANY at a node; false when the node owns nothing. */
export function putAny(x: Exchange, table: NameTable, node: number): boolean {
  if (table.setCount(node) === 0 && table.pool(node) === NONE) return false
  // RFC 8482 section 4.2: the HINFO is made up only where there is no CNAME.
  const cname = table.setOf(node, types.CNAME)
  const done =
    cname === NONE
      ? putRecord(x, ANSWER, x.nameAt, HINFO, 0, HINFO.byteLength)
      : putSet(x, ANSWER, x.nameAt, table, cname)
  if (!done) x.truncated = true
  return true
}

/**
 * The set that stands for all of a node where the answer must be signed (RFC 8482 section 4.1: a
 * subset of them): its CNAME, or else its first; NONE where it owns none.
 */
export function setForAny(table: NameTable, node: number): number {
  const cname = table.setOf(node, types.CNAME)
  return cname !== NONE || table.setCount(node) === 0 ? cname : table.firstSet(node)
}

/** Signs the set written for ANY. */
export function signAny(x: Exchange, serving: Serving, zone: number, set: number): void {
  const signed = x.signed!
  if (putSignatures(x, ANSWER, x.nameAt, signed, zone, signed.ofSet(set)))
    proveExpansion(x, serving, zone)
}

/** The signatures of something at a node, or 0 where nothing of it is signed. */
function someRun(signed: Signatures, { table, pools }: Serving, node: number): number {
  if (table.setCount(node) > 0) return signed.ofSet(table.firstSet(node))
  const pool = table.pool(node)
  if (pool !== NONE && pools.sizeOf(pool) > 0) {
    const run = signed.parts.addresses[pools.addressFrom(pool)]!
    if (run !== 0) return run
  }
  return signed.isOwn(node) ? signed.words[signed.entryOf(node) + ENTRY_RUN]! : 0
}

/**
 * Answers RRSIG and NSEC, which are no sets of the table; false when there is none at the node. As
 * for ANY, one set's signatures stand for all.
 */
export function putDenialTypes(
  x: Exchange,
  serving: Serving,
  signed: Signatures,
  zone: number,
  node: number,
): boolean {
  if (!signed.isSigned(zone)) return false
  if (x.qtype === types.RRSIG) {
    const run = someRun(signed, serving, node)
    if (run === 0) return false
    if (!putRun(x, ANSWER, x.nameAt, signed, run)) x.truncated = true
    return true
  }
  if (!signed.isNsec(zone) || !signed.isOwn(node)) return false
  const entry = signed.entryOf(node)
  const head = signed.words[entry]!
  const from = ((entry + ENTRY) << 2) + (head & 0xff) + POINTER_BYTES
  if (!putRecord(x, ANSWER, x.nameAt, signed.bytes, from, head >>> 16)) x.truncated = true
  else if (x.signed !== undefined) {
    if (putSignatures(x, ANSWER, x.nameAt, signed, zone, signed.words[entry + ENTRY_RUN]!))
      proveExpansion(x, serving, zone)
  }
  return true
}
