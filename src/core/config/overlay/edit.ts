/**
 * One edit: what it makes of the overlay, or why it may not be.
 *
 * The result is looked at as a whole by compileOverlay: an edit that is set aside there, or for
 * which another one would be, is refused with the reason, and nothing has changed.
 */
import { limits } from '../../base/limits.ts'
import { fail, ok, type Result } from '../../base/result.ts'
import { network, readDnsName } from '../kinds/network.ts'
import { word } from '../kinds/texts.ts'
import { type Base, declaredBy, valueAt, wasOf } from './base.ts'
import { type CompiledOverlay, compileOverlay } from './compile.ts'
import { canonical, type Entries, entryKey, type FieldValue, isFieldValue } from './entry.ts'
import { keyOfEntry, type ObjectKind, type OverlayEntry } from './entry.ts'
import { type FieldFault, readFields } from './fields.ts'
import { parseServerId } from './server-id.ts'

export type EditAction = 'create' | 'patch' | 'delete'
/** `null` takes an edited key back: what the file or the default says holds again. */
export type EditFields = Readonly<Record<string, FieldValue | null>>

export interface Edit {
  readonly kind: ObjectKind
  readonly id: string
  readonly action: EditAction
  readonly fields: EditFields
  readonly notes: EditFields
  readonly by: string
  readonly atMs: number
  readonly revision: number
}

export interface EditFault extends FieldFault {
  readonly code: 'exists' | 'not-found' | 'invalid' | 'conflict'
}

export interface Edited {
  readonly entries: Entries
  readonly compiled: CompiledOverlay
  /** Keys of entries that are new, changed or gone. */
  readonly touched: readonly string[]
}

/** Room for the key and the frame of a record. */
const RECORD_HEAD_BYTES = 4_096

const refuse = (code: EditFault['code'], field: string, message: string) =>
  fail<EditFault>({ code, field, message })

/** The id in the one spelling by which it is kept. */
export function canonicalId(kind: ObjectKind, id: string): Result<string, string> {
  if (kind === 'server') {
    const read = parseServerId(id)
    return read.ok ? ok(read.value.id) : read
  }
  if (kind === 'setting') return ok(id)
  if (kind === 'mapping') {
    const read = network.read(id)
    return read.ok ? read : fail(`cidr "${id.slice(0, 64)}" ${read.error}`)
  }
  const read = kind === 'domain' ? readDnsName(id) : word.read(id)
  return read.ok ? read : fail(`name ${read.error}`)
}

export function editOverlay(
  base: Base,
  entries: Entries,
  before: CompiledOverlay,
  edit: Edit,
): Result<Edited, EditFault> {
  const key = entryKey(edit.kind, edit.id)
  const known = entries.get(key)
  const isDeclared = declaredBy(base, edit.kind, edit.id) !== undefined
  const isThere = known === undefined ? isDeclared : !known.deleted
  if (edit.action === 'create' && isThere)
    return refuse('exists', '', `the ${edit.kind} ${edit.id} is there already`)
  if (edit.action !== 'create' && !isThere)
    return refuse('not-found', '', `the ${edit.kind} ${edit.id} is not known`)
  if (base.servers.get(edit.id)?.shared === true && edit.kind === 'server')
    return refuse('conflict', '', 'the file declares it for several names; give it one service')
  const next = new Map(entries)
  const touched = edit.action === 'delete' ? remove(base, next, edit) : put(base, next, known, edit)
  if (!touched.ok) return touched
  if (next.size > limits.objectsMax.default)
    return refuse('conflict', '', `there are ${limits.objectsMax.default} edits already`)
  const compiled = compileOverlay(base, next, before)
  const fault = newlyAside(before, compiled, key, edit)
  return fault === undefined
    ? ok({ entries: next, compiled, touched: touched.value })
    : fail<EditFault>(fault)
}

function newlyAside(
  before: CompiledOverlay,
  { aside }: CompiledOverlay,
  key: string,
  { action }: Edit,
): EditFault | undefined {
  const own = aside.get(key)
  if (own !== undefined) return { code: action === 'delete' ? 'conflict' : 'invalid', ...own }
  for (const [other, { field, message }] of aside) {
    if (before.aside.has(other)) continue
    const what = other.replace('/', ' ')
    return { code: 'conflict', field: '', message: `${what} would not fit: ${field} ${message}` }
  }
  return
}

/** Own keys with a value, those taken back left out. */
function merged(
  old: Readonly<Record<string, FieldValue>>,
  edited: EditFields,
): Record<string, FieldValue> {
  const fields: Record<string, FieldValue> = { ...old }
  for (const [name, value] of Object.entries(edited)) {
    if (value === null) delete fields[name]
    else fields[name] = value
  }
  return fields
}

function put(
  base: Base,
  next: Map<string, OverlayEntry>,
  known: OverlayEntry | undefined,
  edit: Edit,
): Result<readonly string[], EditFault> {
  const { kind, id, by, atMs, revision } = edit
  const key = entryKey(kind, id)
  for (const value of [...Object.values(edit.fields), ...Object.values(edit.notes)])
    if (value !== null && !isFieldValue(value)) return refuse('invalid', '', 'a value is too long')
  const old = known?.deleted === true ? undefined : known
  const fields = merged(old?.fields ?? {}, edit.fields)
  const notes = merged(old?.notes ?? {}, edit.notes)
  const typed = readFields(kind, id, fields)
  if (!typed.ok) return refuse('invalid', typed.error.field, typed.error.message)
  const declared = declaredBy(base, kind, id)
  const owned = declared !== undefined
  const was: Record<string, string> = {}
  for (const name of Object.keys(fields)) {
    // What the file says already is no edit of it.
    const isSame = owned && canonical(valueAt(declared, name)) === canonical(typed.value[name])
    if (isSame || (owned && name === 'enabled' && typed.value[name] === true)) delete fields[name]
    else if (owned) was[name] = wasOf(base, kind, id, name)
  }
  const isEmpty = Object.keys(fields).length + Object.keys(notes).length === 0
  const times = { createdAtMs: old?.createdAtMs ?? atMs, updatedAtMs: atMs, revision }
  const entry = { kind, id, owned, deleted: false, fields, was, notes, by, ...times }
  // What could not be written to disk must not be acknowledged.
  const bytes = new TextEncoder().encode(JSON.stringify(entry)).length
  if (bytes > limits.objectBytesMax.default - RECORD_HEAD_BYTES)
    return refuse('invalid', '', 'the object is too large')
  if (owned && isEmpty) next.delete(key)
  else next.set(key, entry)
  return ok([key])
}

function remove(
  base: Base,
  next: Map<string, OverlayEntry>,
  edit: Edit,
): Result<readonly string[], EditFault> {
  const { kind, id, by, atMs, revision } = edit
  const key = entryKey(kind, id)
  const owned = declaredBy(base, kind, id) !== undefined
  if (kind === 'region') {
    const fault = regionInUse(base, next, id)
    if (fault !== undefined) return refuse('conflict', '', fault)
  }
  if (owned && kind !== 'setting') {
    const was = { '': wasOf(base, kind, id, '') }
    const times = { createdAtMs: next.get(key)?.createdAtMs ?? atMs, updatedAtMs: atMs, revision }
    next.set(key, { kind, id, owned, deleted: true, fields: {}, was, notes: {}, by, ...times })
  } else next.delete(key)
  return ok([key, ...(kind === 'domain' ? removeServers(next, id) : [])])
}

/** Servers that the API made for a domain go with it. */
function removeServers(next: Map<string, OverlayEntry>, domain: string): string[] {
  const theirs = [...next.values()].filter(
    ({ kind, owned, id }) => kind === 'server' && !owned && id.startsWith(`${domain}:`),
  )
  for (const entry of theirs) next.delete(keyOfEntry(entry))
  return theirs.map(keyOfEntry)
}

/** A region that servers stand in or domains list cannot be taken away under them. */
function regionInUse(base: Base, entries: Entries, region: string): string | undefined {
  const isGone = (id: string) => entries.get(entryKey('server', id))?.deleted === true
  const homeOf = (id: string, declared: string) =>
    entries.get(entryKey('server', id))?.fields['region'] ?? declared
  const ids = [...base.servers]
    .filter(
      ([
        id,
        {
          region: { name },
        },
      ]) => !isGone(id) && homeOf(id, name) === region,
    )
    .map(([id]) => id)
  for (const { kind, id, owned, fields } of entries.values())
    if (kind === 'server' && !owned && fields['region'] === region) ids.push(id)
  if (ids.length > 0) return `${ids.length} servers stand in the region, ${ids[0]} among them`
  const lists = (listed: unknown) => Array.isArray(listed) && listed.includes(region)
  const domain =
    [...base.domains.values()].find(({ name, regions }) => {
      const entry = entries.get(entryKey('domain', name))
      return entry?.deleted !== true && lists(entry?.fields['regions'] ?? regions)
    })?.name ??
    [...entries.values()].find(({ kind, fields }) => kind === 'domain' && lists(fields['regions']))
      ?.id
  return domain === undefined ? undefined : `the domain ${domain} lists the region`
}
