/**
 * The audit log as CSV (RFC 4180), safe to open in a spreadsheet.
 *
 * What a stranger wrote into a header or a body ends up in a cell. A cell that begins with = + - @,
 * a tab or a line break is run as a formula by spreadsheets, so such a cell gets a quote in front.
 */
import type { AuditEntry } from './entry.ts'

const COLUMNS = [
  'id',
  'timestamp',
  'action',
  'resource',
  'resource_id',
  'actor',
  'actor_type',
  'actor_ip',
  'status',
  'duration_ms',
  'request_id',
  'details',
  'before',
  'after',
] as const

/** One field, always quoted. Spreadsheets skip leading blanks before they look for a formula. */
export function csvField(value: string): string {
  const safe = /^[\s\u0000]*[=+\-@\t\r\n|%]/.test(value) ? `'${value}` : value
  return `"${safe.replaceAll('"', '""')}"`
}

const jsonOr = (value: unknown): string => (value === undefined ? '' : JSON.stringify(value))

const rowOf = (entry: AuditEntry): readonly string[] => [
  String(entry.seq),
  new Date(entry.atMs).toISOString(),
  entry.action,
  entry.resource,
  entry.resourceId ?? '',
  entry.actor,
  entry.actorType,
  entry.actorIp ?? '',
  entry.status,
  entry.durationMs === undefined ? '' : String(entry.durationMs),
  entry.requestId ?? '',
  jsonOr(entry.details),
  jsonOr(entry.before),
  jsonOr(entry.after),
]

/** With a header line; lines end in CR LF (RFC 4180 section 2). */
export function auditCsv(entries: readonly AuditEntry[]): string {
  const lines = [COLUMNS.map(csvField), ...entries.map((entry) => rowOf(entry).map(csvField))]
  return `${lines.map((fields) => fields.join(',')).join('\r\n')}\r\n`
}
