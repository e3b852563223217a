/**
 * Questions to the audit log: filters, search, order, pages, figures.
 */
import { fail, ok, type Result } from '../base/result.ts'
import type { AuditEntry } from './entry.ts'

export const sortKeys = [
  'timestamp',
  'action',
  'resource',
  'actor',
  'status',
  'duration_ms',
] as const
type SortKey = (typeof sortKeys)[number]

export interface AuditQuery {
  /** Unix milliseconds, both ends included; absent means open. */
  readonly fromMs?: number
  readonly toMs?: number
  /** Empty means all. */
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  readonly actors: readonly string[]
  readonly actorTypes: readonly string[]
  readonly statuses: readonly string[]
  /** Found anywhere in a record, without regard to case. */
  readonly search: string
  readonly sortBy: SortKey
  readonly descending: boolean
}

const LIST_MAX = 100
const SEARCH_CHARS_MAX = 256

function listOf(text: string | null, name: string): Result<readonly string[], string> {
  const items = (text ?? '').split(',').map((item) => item.trim())
  const given = items.filter((item) => item !== '')
  return given.length > LIST_MAX ? fail(`${name} names more than ${LIST_MAX}`) : ok(given)
}

function timeOf(text: string | null, name: string): Result<number | undefined, string> {
  if (text === null || text === '') return ok(undefined)
  const seconds = /^[0-9]{1,11}$/.test(text) ? Number(text) * 1_000 : Date.parse(text)
  return Number.isNaN(seconds) ? fail(`${name} must be an RFC 3339 time`) : ok(seconds)
}

/** Reads the parameters of a request; the error names the one at fault. */
export function auditQueryOf(given: {
  get(name: string): string | null
}): Result<AuditQuery, string> {
  const from = timeOf(given.get('start_time'), 'start_time')
  const to = timeOf(given.get('end_time'), 'end_time')
  if (!from.ok) return from
  if (!to.ok) return to
  const lists: Record<string, readonly string[]> = {}
  for (const name of ['actions', 'resources', 'actors', 'actor_types', 'status']) {
    const list = listOf(given.get(name), name)
    if (!list.ok) return list
    lists[name] = list.value
  }
  const search = given.get('search') ?? ''
  if (search.length > SEARCH_CHARS_MAX)
    return fail(`search is longer than ${SEARCH_CHARS_MAX} characters`)
  const sortBy = sortKeys.find((key) => key === (given.get('sort_by') || 'timestamp'))
  if (sortBy === undefined) return fail(`sort_by must be one of ${sortKeys.join(', ')}`)
  const order = (given.get('sort_order') || 'desc').toLowerCase()
  if (order !== 'asc' && order !== 'desc') return fail('sort_order must be asc or desc')
  return ok({
    ...(from.value === undefined ? {} : { fromMs: from.value }),
    ...(to.value === undefined ? {} : { toMs: to.value }),
    actions: lists['actions']!,
    resources: lists['resources']!,
    actors: lists['actors']!,
    actorTypes: lists['actor_types']!,
    statuses: lists['status']!,
    search: search.toLowerCase(),
    sortBy,
    descending: order === 'desc',
  })
}

const among = (list: readonly string[], value: string): boolean =>
  list.length === 0 || list.includes(value)

export function matchesQuery(query: AuditQuery, entry: AuditEntry): boolean {
  if (query.fromMs !== undefined && entry.atMs < query.fromMs) return false
  if (query.toMs !== undefined && entry.atMs > query.toMs) return false
  return (
    among(query.actions, entry.action) &&
    among(query.resources, entry.resource) &&
    among(query.actors, entry.actor) &&
    among(query.actorTypes, entry.actorType) &&
    among(query.statuses, entry.status) &&
    (query.search === '' || JSON.stringify(entry).toLowerCase().includes(query.search))
  )
}

const sortValue = (entry: AuditEntry, key: SortKey): string | number => {
  if (key === 'timestamp') return entry.atMs
  if (key === 'duration_ms') return entry.durationMs ?? -1
  return entry[key]
}

/** A sorted copy; records that compare equal are in the order of the log, or against it. */
export function sortedBy(
  { sortBy, descending }: Pick<AuditQuery, 'sortBy' | 'descending'>,
  entries: readonly AuditEntry[],
): AuditEntry[] {
  const sign = descending ? -1 : 1
  return [...entries].sort((a, b) => {
    const [left, right] = [sortValue(a, sortBy), sortValue(b, sortBy)]
    if (left !== right) return left < right ? -sign : sign
    return (a.seq - b.seq) * sign
  })
}

export interface AuditFigures {
  total: number
  last24h: number
  last7d: number
  readonly byAction: Map<string, number>
  readonly byResource: Map<string, number>
  readonly byStatus: Map<string, number>
  readonly byActorType: Map<string, number>
  readonly byActor: Map<string, number>
}

const DAY_MS = 86_400_000
/** Values of one column that are counted apart; the rest is `other`. */
const VALUES_MAX = 1_000

export const noFigures = (): AuditFigures => ({
  total: 0,
  last24h: 0,
  last7d: 0,
  byAction: new Map(),
  byResource: new Map(),
  byStatus: new Map(),
  byActorType: new Map(),
  byActor: new Map(),
})

function countIn(counts: Map<string, number>, value: string): void {
  const key = counts.has(value) || counts.size < VALUES_MAX ? value : 'other'
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

export function addFigures(figures: AuditFigures, entry: AuditEntry, nowMs: number): void {
  figures.total++
  if (entry.atMs > nowMs - DAY_MS) figures.last24h++
  if (entry.atMs > nowMs - 7 * DAY_MS) figures.last7d++
  countIn(figures.byAction, entry.action)
  countIn(figures.byResource, entry.resource)
  countIn(figures.byStatus, entry.status)
  countIn(figures.byActorType, entry.actorType)
  countIn(figures.byActor, entry.actor)
}
