/** Answers that say "no": NXDOMAIN and NODATA with the SOA of the zone (RFC 2308). */
import type { NameTable } from '../zone/table.ts'
import { AUTHORITY, type Exchange } from './exchange.ts'
import { ancestorAt } from './locate.ts'
import { putRecord } from './put.ts'
import { failUnsigned, putEntry } from './signed.ts'

/**
 * RFC 2308 sections 2.1 and 2.2: the rcode, and in the authority section the zone's SOA. False when
 * the reply is settled without it.
 */
export function putNegative(x: Exchange, table: NameTable, zone: number, rcode: number): boolean {
  const { negativeSoa, apexBytes } = table.zones[zone]!
  // RFC 6604 section 3: behind an alias the rcode speaks of the last name.
  x.rcode = rcode
  const ownerAt = ancestorAt(x, apexBytes)
  const { signed } = x
  if (signed?.isSigned(zone) === true) {
    const entry = signed.ofNegativeSoa(zone)
    if (entry === 0) return failUnsigned(x)
    if (!putEntry(x, AUTHORITY, signed, entry, ownerAt)) x.truncated = true
  } else if (!putRecord(x, AUTHORITY, ownerAt, negativeSoa, 0, negativeSoa.byteLength))
    x.truncated = true
  return !x.truncated
}
