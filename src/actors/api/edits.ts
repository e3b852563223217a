/**
 * Edits of objects: from a request to the order for the registry, and from its reply to an answer.
 */
import { limits } from '../../core/base/limits.ts'
import { fail, ok, type Result } from '../../core/base/result.ts'
import type { EditFields } from '../../core/config/overlay/edit.ts'
import { type FieldValue, isFieldValue, type ObjectKind } from '../../core/config/overlay/entry.ts'
import type { ObjectView } from '../../core/config/overlay/views.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { ReplyOf } from '../../messages/entry.ts'
import { type JsonObject, parseObject } from './body.ts'
import { ask, callerOf, type Context } from './context.ts'
import { type HttpAnswer, NEVER, noContent, refuse, timestamp } from './http.ts'
import type { Call } from './router.ts'

/** What the fields of a body mean. */
export interface BodySpec {
  /** The key of the configuration that a field is. */
  readonly fields: Readonly<Record<string, string>>
  /** Kept for people, and without effect. */
  readonly notes: readonly string[]
  /** Fields that say what holds anyway; any other value is refused with the reason. */
  readonly fixed: Readonly<Record<string, (value: unknown) => string | undefined>>
}

export interface ReadBody {
  readonly fields: EditFields
  readonly notes: EditFields
  readonly force: boolean
}

/**
 * What objects tell of themselves and nobody sets: passed over, so that a client may send back the
 * object that it was shown with one field changed.
 */
const TOLD = new Set([
  ...['id', 'source', 'edited', 'revision', 'fault', 'created_at', 'updated_at'],
  ...['backend_count', 'healthy_backends', 'server_count', 'healthy_servers'],
  ...['healthy', 'status', 'metadata'],
])

/** Ids longer than any that exist are not asked for. */
const ID_CHARS_MAX = 1_024

/** Reads a body by its spec; the first fault is told. */
export function readEdit(object: JsonObject, spec: BodySpec): Result<ReadBody, HttpAnswer> {
  const fields: Record<string, FieldValue | null> = {}
  const notes: Record<string, FieldValue | null> = {}
  const bad = (name: string, why: string) => fail(refuse(400, `${name}: ${why}`))
  let [force, passedOver] = [false, '']
  for (const [name, value] of Object.entries(object)) {
    const fixed = Object.hasOwn(spec.fixed, name) ? spec.fixed[name] : undefined
    const key = Object.hasOwn(spec.fields, name) ? spec.fields[name] : undefined
    if (fixed !== undefined) {
      const why = value === null ? undefined : fixed(value)
      if (why !== undefined) return bad(name, why)
    } else if (name === 'force' && typeof value === 'boolean') force = value
    else if (key === undefined && !spec.notes.includes(name)) {
      if (!TOLD.has(name)) return bad(name, 'is not known here')
      passedOver = name
    } else if (value !== null && !isFieldValue(value))
      return bad(name, 'must be a text, a number, a truth value or a list of texts, none too long')
    else if (key === undefined) notes[name] = value
    else fields[key] = value
  }
  // Who sends nothing else means to set it, and must not hear that it was done.
  const isEmpty = Object.keys(fields).length + Object.keys(notes).length === 0
  if (passedOver !== '' && isEmpty) return bad(passedOver, 'is told, and cannot be set')
  return ok({ fields, notes, force })
}

export function bodyOf({ request }: Call): Result<JsonObject, HttpAnswer> {
  const object = parseObject(request.body)
  return object.ok ? object : fail(refuse(400, object.error))
}

type Reply = ReplyOf<ProductCatalogue, 'api.edit-object'>

export interface EditOrder extends Partial<ReadBody> {
  readonly kind: ObjectKind
  readonly id: string
  readonly action: 'create' | 'patch' | 'delete'
}

/** What an edit calls things. */
export interface EditNames extends Pick<BodySpec, 'fields'> {
  /** How the values of such an object are shown, where not as they are kept. */
  readonly shown?: (values: ObjectView['values']) => Readonly<Record<string, unknown>>
}

/** Has it done; a refusal of the registry becomes the answer that the client gets. */
export async function edit(
  context: Context,
  call: Call,
  order: EditOrder,
  spec: EditNames,
): Promise<Result<Reply, HttpAnswer>> {
  const { request, query, audited } = call
  const { kind, action, fields = {}, notes = {} } = order
  if (order.id.length > ID_CHARS_MAX) return fail(notFound(kind))
  // What the registry keeps of it is smaller still; a message must never be larger than it may.
  if (JSON.stringify([fields, notes]).length > limits.objectBytesMax.default)
    return fail(refuse(400, 'the object is too large'))
  const ifMatch = request.headers['if-match']?.slice(0, ID_CHARS_MAX)
  const reply = await ask(context, 'api.edit-object', {
    ...{ kind, id: order.id, action, fields, notes },
    by: callerOf(call),
    force: order.force === true || query.get('force') === 'true',
    ...(ifMatch === undefined ? {} : { ifMatch }),
  })
  if (!reply.ok) return reply
  const { outcome, before, note } = reply.value
  if (outcome !== 'done' && outcome !== 'not-stored') return fail(answerTo(reply.value, kind, spec))
  audited({
    resourceId: order.id,
    ...(before === undefined ? {} : { before: heldBefore(before, order, spec) }),
  })
  if (outcome === 'not-stored') return fail(answerTo(reply.value, kind, spec))
  call.lacks(note)
  return reply
}

/** What an edit has changed, as it was: what it names by the names it used, or all for an end. */
function heldBefore(
  { values, notes, enabled }: ObjectView,
  { action, fields = {}, notes: noted = {} }: EditOrder,
  { fields: names, shown }: EditNames,
): Readonly<Record<string, unknown>> {
  if (shown !== undefined) return shown(values)
  const all: Record<string, unknown> = { ...values, enabled, ...notes }
  if (action === 'delete') return all
  const named = Object.entries(names).filter(([, key]) => Object.hasOwn(fields, key))
  // Where one part of a check is named, all of the check is told.
  const isCheck = ([, key]: readonly [string, string]) => key.startsWith('health_check.')
  return Object.fromEntries([
    ...named.filter((one) => !isCheck(one)).map(([name, key]) => [name, heldAt(all, key)] as const),
    ...(named.some(isCheck) ? [['health_check', all['check']] as const] : []),
    ...Object.keys(noted).map((name) => [name, notes[name] ?? null] as const),
  ])
}

/** A value, or one key of a section. */
function heldAt(all: Readonly<Record<string, unknown>>, key: string): unknown {
  const [first = '', second] = key.split('.')
  if (second === undefined) return all[key] ?? null
  return (all[first] as Readonly<Record<string, unknown>> | undefined)?.[second] ?? null
}

/** Takes an object away, or says why it stays. */
export async function remove(
  context: Context,
  call: Call,
  kind: ObjectKind,
  id: string,
): Promise<HttpAnswer> {
  const done = await edit(context, call, { kind, id, action: 'delete' }, { fields: {} })
  return done.ok ? noContent : done.error
}

export const notFound = (kind: ObjectKind): HttpAnswer =>
  refuse(404, `${kind} not found: not found`)

const STATUS: Readonly<Record<Exclude<Reply['outcome'], 'done' | 'not-found'>, number>> = {
  exists: 409,
  invalid: 400,
  conflict: 409,
  stale: 412,
  'held-by-guard-rail': 409,
  'not-stored': 503,
  unavailable: 503,
}

function answerTo(
  { outcome, field, message }: Reply,
  kind: ObjectKind,
  { fields }: Pick<BodySpec, 'fields'>,
): HttpAnswer {
  if (outcome === 'done' || outcome === 'not-found') return notFound(kind)
  const name = fieldName(field, fields)
  return refuse(STATUS[outcome], name === '' ? message : `${name}: ${message}`)
}

/** The key of the configuration as clients know it. */
function fieldName(field: string, fields: Readonly<Record<string, string>>): string {
  const [key = '', rest = ''] = /^([^[]*)(.*)$/.exec(field)?.slice(1) ?? []
  const name = Object.keys(fields).find((one) => fields[one] === key)
  return `${name ?? key}${rest}`
}

/** Objects of a kind, or one of them. */
export async function listObjects(
  context: Context,
  kind: ObjectKind,
  id?: string,
): Promise<Result<readonly ObjectView[], HttpAnswer>> {
  if (id !== undefined && id.length > ID_CHARS_MAX) return ok([])
  const named = id === undefined ? {} : { id }
  const reply = await ask(context, 'api.list-objects', { kind, ...named })
  return reply.ok ? ok(reply.value.objects) : reply
}

/** What every object shows of how it came to be. */
export const keptOf = (view: ObjectView) => ({
  edited: view.edited ? true : undefined,
  revision: view.revision,
  fault: view.fault && `${view.fault.field} ${view.fault.message}`.trim(),
  created_at: view.createdAtMs === 0 ? NEVER : timestamp(view.createdAtMs),
  updated_at: view.updatedAtMs === 0 ? NEVER : timestamp(view.updatedAtMs),
})

/** Where an object is to be found that was just made (RFC 9110 section 10.2.2). */
export const locationOf = (list: string, id: string): Record<string, string> => ({
  location: `${list}/${encodeURIComponent(id)}`,
})

/** The entity tag of an object (RFC 9110 section 8.8.3). */
export const tagOf = (view: ObjectView | undefined): Record<string, string> =>
  view === undefined ? {} : { etag: `"${view.tag}"` }

/** A field that may only say what is so. */
export const only =
  (allowed: unknown, why: string) =>
  (value: unknown): string | undefined =>
    value === allowed ? undefined : why
