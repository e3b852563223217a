/**
 * The edits of the API and the file together, held to the rules that hold for the file alone.
 *
 * An edit that breaks a rule is set aside with what is wrong with it, and the rest is served: so a
 * file that changes under an edit can never keep the node from starting. Whoever makes a new edit
 * looks whether it, or another one because of it, was set aside, and refuses it.
 *
 * After a configuration without any fault only what a change touches is held to the rules again
 * (narrow.ts). That way can find that all is well, and nothing else: at the first doubt the whole
 * is looked at, which tells the faults.
 */
import { limits } from '../../base/limits.ts'
import { ok } from '../../base/result.ts'
import { namesOfService, zoneAround, zoneNames } from '../names.ts'
import { isPublicSuffix } from '../public-suffixes.ts'
import { type Applied, applyEntries, type ReadEntry } from './apply.ts'
import type { Base } from './base.ts'
import { culprits, errorsOf, originOf } from './culprits.ts'
import { type Entries, keyOfEntry, type OverlayEntry } from './entry.ts'
import { type FieldFault, readFields } from './fields.ts'
import { type Narrow, narrowed } from './narrow.ts'
import { parseServerId } from './server-id.ts'

/** What of a compiled overlay is another than in the one before. */
export interface Since {
  readonly before: Applied
  readonly narrow: Narrow
}

export interface CompiledOverlay {
  readonly applied: Applied
  /** By key of the entry, what is wrong with those that are set aside. */
  readonly aside: ReadonlyMap<string, FieldFault>
  /** What it was compiled over. */
  readonly base: Base
  /** The entries in force. */
  readonly read: readonly ReadEntry[]
  /** Nothing is wrong but what the file alone has wrong, and no edit is set aside. */
  readonly isClean: boolean
  /** Absent where all of it was looked at. */
  readonly since?: Since
}

/** Oldest first, so that the order of servers never changes by itself. */
const byAge = (a: OverlayEntry, b: OverlayEntry) =>
  a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1)

/** @param before the one that this follows: what is known to be well need not be looked at again */
export function compileOverlay(
  base: Base,
  entries: Entries,
  before?: CompiledOverlay,
): CompiledOverlay {
  const aside = new Map<string, FieldFault>()
  const known = new Map(before?.read.map((one) => [one.entry, one]))
  let read: ReadEntry[] = []
  for (const entry of [...entries.values()].sort(byAge)) {
    const old = known.get(entry)
    const typed = old ? ok(old.typed) : readFields(entry.kind, entry.id, entry.fields)
    if (typed.ok) read.push(old ?? { entry, typed: typed.value })
    else aside.set(keyOfEntry(entry), typed.error)
  }
  let applied = applyEntries(base, read)
  const narrow = aside.size === 0 && before && narrowlyClean(base, applied, read, before)
  if (narrow)
    return { applied, aside, base, read, isClean: true, since: { before: before.applied, narrow } }
  for (let round = 0; round < limits.objectRounds.default; round++) {
    const { faults, isClean } = faultsOf(base, applied, read)
    if (faults.size === 0)
      return { applied, aside, base, read, isClean: isClean && aside.size === 0 }
    for (const [key, fault] of faults) aside.set(key, fault)
    read = read.filter(({ entry }) => !faults.has(keyOfEntry(entry)))
    applied = applyEntries(base, read)
  }
  const message = 'was set aside with all others: too many of them do not fit the file'
  for (const { entry } of read) aside.set(keyOfEntry(entry), { field: '', message })
  return { applied: applyEntries(base, []), aside, base, read: [], isClean: false }
}

/** The part that changed where nothing is wrong with it nor was before; undefined in any doubt. */
function narrowlyClean(
  base: Base,
  applied: Applied,
  read: readonly ReadEntry[],
  before: CompiledOverlay,
): Narrow | undefined {
  if (!before.isClean || before.base !== base) return
  const narrow = narrowed(before.applied.config, applied.config)
  if (narrow === undefined || errorsOf({ ...applied, config: narrow.config }).length > 0) return
  // Of a domain that waits for its first server a list of no regions is right, and of others wrong.
  const [now, then] = [waiting(applied), waiting(before.applied)]
  for (const name of [...now, ...then])
    if (now.has(name) !== then.has(name) && !narrow.names.has(name)) return
  const known = new Set(before.read)
  const isAtFault = (one: ReadEntry) =>
    !known.has(one) && (takenFault(base, one) ?? placeFault(applied, one)) !== undefined
  const { length } = applied.config.domains
  // Of domains that are not looked at: that none has the name of another, and how many there are.
  if (applied.domains.size < length || length > limits.poolsMax.default) return
  return read.some(isAtFault) ? undefined : narrow
}

const waiting = ({ automatic }: Applied): ReadonlySet<string> =>
  new Set([...automatic].map(({ name }) => name))

interface Faults {
  /** What is wrong, by the key of the edit that is at fault. */
  readonly faults: ReadonlyMap<string, FieldFault>
  /** No edit is at fault, and no object of the file because of one. */
  readonly isClean: boolean
}

function faultsOf(base: Base, applied: Applied, read: readonly ReadEntry[]): Faults {
  const faults = new Map<string, FieldFault>()
  const tell = (key: string, fault: FieldFault) => {
    if (!faults.has(key)) faults.set(key, fault)
  }
  for (const one of read) {
    const fault = takenFault(base, one) ?? placeFault(applied, one)
    if (fault !== undefined) tell(keyOfEntry(one.entry), fault)
  }
  // What the file alone has wrong is no edit's fault, before this one or after it.
  if (faults.size > 0 || read.length === 0) return { faults, isClean: faults.size === 0 }
  const edits = new Map(read.map((one) => [keyOfEntry(one.entry), one]))
  const errors = errorsOf(applied)
  if (errors.length === 0) return { faults, isClean: true }
  for (const problem of errors) {
    const found = originOf(applied, edits, problem)
    if (found !== undefined) tell(found.key, found.fault)
  }
  const all = faults.size > 0 ? faults : culprits(base, applied, edits, errors)
  return { faults: all, isClean: false }
}

/** A name whose place the records of the file have taken, and servers that have no other name. */
function takenFault({ taken, config }: Base, { entry }: ReadEntry): FieldFault | undefined {
  if (entry.owned || taken.size === 0) return
  if (entry.kind === 'domain') {
    const message = taken.get(entry.id)
    return message === undefined ? undefined : { field: 'name', message }
  }
  const id = entry.kind === 'server' ? parseServerId(entry.id) : undefined
  if (id === undefined || !id.ok) return
  const { service } = id.value
  // A label that is a domain of the file has no other name.
  const isDomain = !service.includes('.') && config.domains.some(({ name }) => name === service)
  const known = isDomain ? new Set([service]) : new Set(taken.keys())
  const names = namesOfService(service, known, zoneNames(config))
  const messages = names.map((name) => taken.get(name))
  const message = messages.includes(undefined) ? undefined : messages[0]
  return message === undefined ? undefined : { field: 'service', message }
}

/** What the rules of the file leave to its author: places that the API may not give. */
function placeFault({ config }: Applied, { entry, typed }: ReadEntry): FieldFault | undefined {
  if (entry.deleted || typed['enabled'] === false) return
  if (entry.kind === 'server' || entry.kind === 'mapping') {
    const region = typed['region']
    if (region === undefined && entry.owned) return
    if (config.regions.some(({ name }) => name === region)) return
    const known = config.regions.slice(0, 10).map(({ name }) => name)
    const message = region === undefined ? 'is required' : `"${String(region)}" is not a region`
    return { field: 'region', message: `${message}; known regions: ${known.join(', ') || 'none'}` }
  }
  if (entry.kind !== 'domain' || entry.owned) return
  const zones = zoneNames(config)
  if (zones.size === 0) {
    if (!isPublicSuffix(entry.id)) return
    return { field: 'name', message: `"${entry.id}" is a name under which others register theirs` }
  }
  if (zoneAround(entry.id, zones) !== undefined) return
  const list = [...zones].slice(0, 10).join(', ')
  const message = `"${entry.id}" lies in none of dns.zones; choose a name below one of: ${list}`
  return { field: 'name', message }
}
