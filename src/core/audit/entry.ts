/**
 * What the audit log holds: who did what to what, from where, and how it ended.
 *
 * One record is one line of JSON. Nothing in it is larger than its limit: values a request carried
 * are replaced by their size where they are too large, and what looks like a secret is masked.
 */
import { limits } from '../base/limits.ts'
import { looksSecret } from '../config/problems.ts'

export const actorTypes = ['token', 'certificate', 'network', 'system'] as const
export type ActorType = (typeof actorTypes)[number]

/** `denied`: known who, not allowed. `failure`: allowed, and refused or failed in the doing. */
export const statuses = ['success', 'failure', 'denied'] as const
export type AuditStatus = (typeof statuses)[number]

export interface AuditFields {
  /** Unix milliseconds. */
  readonly atMs: number
  /** `create`, `update`, `delete`, or a verb of its own such as `revoke`. */
  readonly action: string
  /** A noun: `override`, `drain`. */
  readonly resource: string
  readonly resourceId?: string
  readonly actor: string
  readonly actorType: ActorType
  readonly actorIp?: string
  readonly status: AuditStatus
  readonly details?: unknown
  readonly before?: unknown
  readonly after?: unknown
  readonly durationMs?: number
  readonly requestId?: string
}

export interface AuditEntry extends AuditFields {
  /** Counts all records of the log from 1, anchors included. */
  readonly seq: number
}

/** The first record of a segment: it ties the segment to what came before it. */
export interface AuditAnchor {
  readonly seq: number
  readonly atMs: number
  readonly segment: number
  /** Hash of the last record before; zeros at the very beginning. */
  readonly previous: string
  /** Why a new segment was begun when the one before was damaged. */
  readonly note?: string
}

const encoder = new TextEncoder()
const MASKED = '****'
const DEPTH_MAX = 8
const TEXT_MAX = 512

const cut = (text: string): string =>
  text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text

function masked(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cut(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= DEPTH_MAX) return '…'
  if (Array.isArray(value)) return value.map((item) => masked(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      looksSecret(name) || /_key$|credential|authorization/i.test(name)
        ? MASKED
        : masked(inner, depth + 1),
    ]),
  )
}

/** A value as a record may keep it: secrets masked, and replaced by its size when too large. */
export function keptValue(value: unknown): unknown {
  if (value === undefined) return undefined
  const safe = masked(value, 0)
  const { length } = encoder.encode(JSON.stringify(safe) ?? '')
  return length <= limits.auditValueBytes.default ? safe : { omitted_bytes: length }
}

/** The JSON of a record; undefined fields are left out. */
export function recordJson(seq: number, fields: AuditFields): string {
  return JSON.stringify({
    seq,
    at: new Date(fields.atMs).toISOString(),
    action: cut(fields.action),
    resource: cut(fields.resource),
    resource_id: fields.resourceId === undefined ? undefined : cut(fields.resourceId),
    actor: cut(fields.actor),
    actor_type: fields.actorType,
    actor_ip: fields.actorIp,
    status: fields.status,
    details: keptValue(fields.details),
    before: keptValue(fields.before),
    after: keptValue(fields.after),
    duration_ms: fields.durationMs,
    request_id: fields.requestId === undefined ? undefined : cut(fields.requestId),
  })
}

export const anchorJson = ({ seq, atMs, segment, previous, note }: AuditAnchor): string =>
  JSON.stringify({
    seq,
    at: new Date(atMs).toISOString(),
    anchor: { segment, previous, note },
  })

type Raw = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const textOr = <T>(value: unknown, fallback: T): string | T =>
  typeof value === 'string' ? value : fallback

function wordOf<W extends string>(value: unknown, words: readonly W[]): W | undefined {
  return words.find((word) => word === value)
}

export type AuditRecord =
  | { readonly kind: 'entry'; readonly entry: AuditEntry }
  | { readonly kind: 'anchor'; readonly anchor: AuditAnchor }

/** Reads the JSON of a record; undefined for what is none. Never throws. */
export function parseRecord(json: string): AuditRecord | undefined {
  let raw: unknown
  try {
    raw = JSON.parse(json)
  } catch {
    return undefined
  }
  if (!isObject(raw) || typeof raw['seq'] !== 'number') return undefined
  const { seq } = raw
  const atMs = Date.parse(textOr(raw['at'], ''))
  if (Number.isNaN(atMs)) return undefined
  if (isObject(raw['anchor'])) {
    const { segment, previous, note } = raw['anchor']
    if (typeof segment !== 'number' || typeof previous !== 'string') return undefined
    const told = typeof note === 'string' ? { note } : {}
    return { kind: 'anchor', anchor: { seq, atMs, segment, previous, ...told } }
  }
  return { kind: 'entry', entry: entryOf(raw, seq, atMs) }
}

function entryOf(raw: Raw, seq: number, atMs: number): AuditEntry {
  const resourceId = textOr(raw['resource_id'], undefined)
  const actorIp = textOr(raw['actor_ip'], undefined)
  const requestId = textOr(raw['request_id'], undefined)
  const durationMs = raw['duration_ms']
  return {
    seq,
    atMs,
    action: textOr(raw['action'], ''),
    resource: textOr(raw['resource'], ''),
    actor: textOr(raw['actor'], ''),
    actorType: wordOf(raw['actor_type'], actorTypes) ?? 'system',
    status: wordOf(raw['status'], statuses) ?? 'failure',
    ...(resourceId === undefined ? {} : { resourceId }),
    ...(actorIp === undefined ? {} : { actorIp }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(typeof durationMs === 'number' ? { durationMs } : {}),
    ...(raw['details'] === undefined ? {} : { details: raw['details'] }),
    ...(raw['before'] === undefined ? {} : { before: raw['before'] }),
    ...(raw['after'] === undefined ? {} : { after: raw['after'] }),
  }
}
