/**
 * The audit log: who changed what, from where, and how it ended.
 *
 * Its records name operators and addresses, so a token needs the role `operate` to read it.
 */
import { z } from 'zod'
import { auditCsv } from '../../../core/audit/csv.ts'
import type { AuditEntry } from '../../../core/audit/entry.ts'
import {
  addFigures,
  type AuditQuery,
  auditQueryOf,
  matchesQuery,
  noFigures,
  sortedBy,
} from '../../../core/audit/query.ts'
import { limits } from '../../../core/base/limits.ts'
import { fail, ok, type Result } from '../../../core/base/result.ts'
import { type Context, nowText } from '../context.ts'
import { type HttpAnswer, json, refuse, timestamp } from '../http.ts'
import { type Route, route } from '../router.ts'

const LIST = '/api/v1/audit-logs'
const DAY_MS = 86_400_000
const LIMIT = 100
const TOP = 10

const entrySchema = z.object({
  id: z.string(),
  timestamp: z.string(),
  action: z.string(),
  resource: z.string(),
  resource_id: z.string().optional(),
  actor: z.string(),
  actor_type: z.string(),
  actor_ip: z.string().optional(),
  status: z.string(),
  details: z.unknown().optional(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
  duration_ms: z.number().optional(),
  request_id: z.string().optional(),
})

const filters = Object.fromEntries(
  [
    ...['start_time', 'end_time', 'actions', 'resources', 'actors', 'actor_types', 'status'],
    ...['search', 'sort_by', 'sort_order'],
  ].map((name) => [name, z.string().optional()]),
)

const counts = z.record(z.string(), z.number())
const stats = z.object({
  enabled: z.boolean(),
  total_entries: z.number(),
  entries_last_24h: z.number(),
  entries_last_7d: z.number(),
  by_action: counts,
  by_resource: counts,
  by_status: counts,
  by_actor_type: counts,
  top_actors: z.array(z.object({ actor: z.string(), count: z.number() })),
  retention_days: z.number(),
  /** Whether the chain of hashes holds; absent where there is no log. */
  chain: z
    .object({
      state: z.enum(['checking', 'intact', 'broken']),
      faults: z.array(z.looseObject({})),
      fault_count: z.number(),
      head_id: z.string(),
      head_hash: z.string(),
      lost: z.number(),
    })
    .optional(),
})

const schemas = {
  list: {
    tag: 'audit-logs',
    query: { ...filters, limit: z.string().optional(), offset: z.string().optional() },
    answers: {
      200: z.object({
        entries: z.array(entrySchema),
        total: z.number(),
        limit: z.number(),
        offset: z.number(),
        generated_at: z.string(),
      }),
    },
  },
  stats: {
    tag: 'audit-logs',
    answers: { 200: z.object({ stats, generated_at: z.string() }) },
  },
  exported: {
    tag: 'audit-logs',
    otherContent: 'text/csv',
    query: { ...filters, format: z.enum(['json', 'csv']).optional() },
    answers: { 200: z.array(entrySchema) },
  },
  one: { tag: 'audit-logs', answers: { 200: z.object({ entry: entrySchema }) } },
} as const

export function auditRoutes(context: Context): Route[] {
  const operate = { role: 'operate' } as const
  return [
    route(
      'GET',
      LIST,
      'Changes that were asked for, newest first',
      (call) => listed(context, call.query),
      {
        ...operate,
        schema: schemas.list,
      },
    ),
    route('GET', `${LIST}/stats`, 'Figures over the audit log', () => figures(context), {
      ...operate,
      schema: schemas.stats,
    }),
    route(
      'GET',
      `${LIST}/export`,
      'The audit log as one file; format json or csv',
      (call) => exported(context, call.query),
      { ...operate, schema: schemas.exported },
    ),
    route('GET', `${LIST}/{id}`, 'One record', ({ params }) => one(context, params['id']!), {
      ...operate,
      schema: schemas.one,
    }),
  ]
}

/** Hands over every record; the fault is the answer to give. */
async function read(
  { ports }: Context,
  take: (entry: AuditEntry) => void,
): Promise<Result<undefined, HttpAnswer>> {
  const outcome = await ports.audit?.read((entries) => {
    for (const entry of entries) take(entry)
    return true
  })
  if (outcome !== 'busy') return ok(undefined)
  const retry = { 'retry-after': '1' }
  return fail(refuse(503, 'the audit log is being read by others, try again', retry))
}

async function matching(context: Context, query: AuditQuery) {
  const found: AuditEntry[] = []
  const done = await read(context, (entry) => {
    if (matchesQuery(query, entry)) found.push(entry)
  })
  return done.ok ? ok(sortedBy(query, found)) : done
}

async function listed(context: Context, query: URLSearchParams): Promise<HttpAnswer> {
  const asked = auditQueryOf(query)
  if (!asked.ok) return refuse(400, asked.error)
  const most = limits.apiListItems.default
  const limit = countOf(query.get('limit'), LIMIT, most)
  const offset = countOf(query.get('offset'), 0, most)
  if (limit === undefined || offset === undefined)
    return refuse(400, `limit and offset must be numbers from 0 to ${most}`)
  const found = await matching(context, asked.value)
  if (!found.ok) return found.error
  return json(200, {
    entries: found.value.slice(offset, offset + limit).map(shownEntry),
    total: found.value.length,
    limit,
    offset,
    generated_at: nowText(context),
  })
}

function countOf(text: string | null, fallback: number, most: number): number | undefined {
  if (text === null || text === '') return fallback
  return /^[0-9]{1,9}$/.test(text) && Number(text) <= most ? Number(text) : undefined
}

async function one(context: Context, id: string): Promise<HttpAnswer> {
  let found: AuditEntry | undefined
  const done = await read(context, (entry) => {
    if (String(entry.seq) === id) found = entry
  })
  if (!done.ok) return done.error
  if (found === undefined) return refuse(404, 'audit entry not found: not found')
  return json(200, { entry: shownEntry(found) })
}

async function figures(context: Context): Promise<HttpAnswer> {
  const counted = noFigures()
  const nowMs = context.ctx.clock.nowMs()
  const done = await read(context, (entry) => addFigures(counted, entry, nowMs))
  if (!done.ok) return done.error
  const { audit } = context.config()
  const state = context.ports.audit?.state()
  const top = [...counted.byActor].sort((a, b) => b[1] - a[1]).slice(0, TOP)
  const stats = {
    enabled: audit !== undefined,
    total_entries: counted.total,
    entries_last_24h: counted.last24h,
    entries_last_7d: counted.last7d,
    by_action: Object.fromEntries(counted.byAction),
    by_resource: Object.fromEntries(counted.byResource),
    by_status: Object.fromEntries(counted.byStatus),
    by_actor_type: Object.fromEntries(counted.byActorType),
    top_actors: top.map(([actor, count]) => ({ actor, count })),
    retention_days: audit === undefined ? 0 : Math.round(audit.retentionMs / DAY_MS),
    chain: state && {
      state: state.chain,
      faults: state.faults,
      fault_count: state.faultCount,
      head_id: String(state.seq),
      head_hash: state.hash,
      lost: state.lost,
    },
  }
  return json(200, { stats, generated_at: nowText(context) })
}

async function exported(context: Context, query: URLSearchParams): Promise<HttpAnswer> {
  const format = query.get('format') || 'json'
  if (format !== 'json' && format !== 'csv') return refuse(400, 'format must be json or csv')
  const asked = auditQueryOf(query)
  if (!asked.ok) return refuse(400, asked.error)
  const found = await matching(context, asked.value)
  if (!found.ok) return found.error
  const most = limits.auditExportRecords.default
  if (found.value.length > most)
    return refuse(400, `more than ${most} records: narrow it with start_time and end_time`)
  const name = `audit-logs-${nowText(context).slice(0, 10)}.${format}`
  const attached = { 'content-disposition': `attachment; filename="${name}"` }
  if (format === 'json') return json(200, found.value.map(shownEntry), attached)
  return {
    status: 200,
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      'cache-control': 'no-store',
      ...attached,
    },
    body: new TextEncoder().encode(auditCsv(found.value)),
  }
}

const shownEntry = (entry: AuditEntry) => ({
  id: String(entry.seq),
  timestamp: timestamp(entry.atMs),
  action: entry.action,
  resource: entry.resource,
  resource_id: entry.resourceId,
  actor: entry.actor,
  actor_type: entry.actorType,
  actor_ip: entry.actorIp,
  status: entry.status,
  details: entry.details,
  before: entry.before,
  after: entry.after,
  duration_ms: entry.durationMs,
  request_id: entry.requestId,
})
