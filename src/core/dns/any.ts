/**
 * ANY by RFC 8482: one small record instead of everything a name owns, which serves nobody but
 * those who aim large answers at others.
 */
import { limits } from '../base/limits.ts'
import { viewOf } from '../base/octets.ts'
import { writeRrFixed } from '../zone/table-soa.ts'
import { NONE, type NameTable, RR_FIXED_BYTES } from '../zone/table.ts'
import { ANSWER, type Exchange } from './exchange.ts'
import { putRecord, putSet } from './put.ts'
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
