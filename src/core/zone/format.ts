/**
 * Records and zones as text in zone-file notation: one record a line, every name absolute.
 *
 * For tools, tests and `explain`; `zonefile.ts` reads it back to the same zone.
 */
import { typeName, types } from '../dns/types.ts'
import type { RecordSpec, SoaSpec, ZoneSpec } from '../steer/topology.ts'
import { formatRdata } from './rdata.ts'

export const formatRecord = (record: RecordSpec): string =>
  `${record.name}. ${record.ttlSeconds} IN ${typeName(record.type)} ` +
  formatRdata(record.type, record.rdata)

const formatSoa = (apex: string, soa: SoaSpec): string =>
  `${apex}. ${soa.ttlSeconds} IN ${typeName(types.SOA)} ${soa.primary}. ${soa.contact}. ` +
  `${soa.serial} ${soa.refreshSeconds} ${soa.retrySeconds} ` +
  `${soa.expireSeconds} ${soa.minimumSeconds}`

/** The whole zone, the SOA first, with a final newline. */
export const formatZone = (zone: ZoneSpec): string =>
  `${[formatSoa(zone.apex, zone.soa), ...zone.records.map(formatRecord)].join('\n')}\n`
