/** Answers that say "no": NXDOMAIN and NODATA with the SOA of the zone (RFC 2308). */
import type { NameTable } from '../zone/table.ts'
import { AUTHORITY, type Exchange } from './exchange.ts'
import { ancestorAt } from './locate.ts'
import { putRecord } from './put.ts'

/** RFC 2308 sections 2.1 and 2.2: the rcode, and in the authority section the zone's SOA. */
export function putNegative(x: Exchange, table: NameTable, zone: number, rcode: number): void {
  const { negativeSoa, apexBytes } = table.zones[zone]!
  // RFC 6604 section 3: behind an alias the rcode speaks of the last name.
  x.rcode = rcode
  const ownerAt = ancestorAt(x, apexBytes)
  if (!putRecord(x, AUTHORITY, ownerAt, negativeSoa, 0, negativeSoa.byteLength)) x.truncated = true
}
