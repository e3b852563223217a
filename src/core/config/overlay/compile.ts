/**
 * The edits of the API and the file together, held to the rules that hold for the file alone.
 *
 * An edit that breaks a rule is set aside with what is wrong with it, and the rest is served: so a
 * file that changes under an edit can never keep the node from starting. Whoever makes a new edit
 * looks whether it, or another one because of it, was set aside, and refuses it.
 */
import { limits } from '../../base/limits.ts'
import { namesOfService, zoneAround, zoneNames } from '../names.ts'
import { isPublicSuffix } from '../public-suffixes.ts'
import { reviewedObjects } from '../rules/rules.ts'
import { type Applied, applyEntries, type ReadEntry } from './apply.ts'
import type { Base } from './base.ts'
import { culprits, NOWHERE, originOf } from './culprits.ts'
import { type Entries, keyOfEntry, type OverlayEntry } from './entry.ts'
import { type FieldFault, readFields } from './fields.ts'
import { parseServerId } from './server-id.ts'

export interface CompiledOverlay {
  readonly applied: Applied
  /** By key of the entry, what is wrong with those that are set aside. */
  readonly aside: ReadonlyMap<string, FieldFault>
}

/** Oldest first, so that the order of servers never changes by itself. */
const byAge = (a: OverlayEntry, b: OverlayEntry) =>
  a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1)

export function compileOverlay(base: Base, entries: Entries): CompiledOverlay {
  const aside = new Map<string, FieldFault>()
  let read: ReadEntry[] = []
  for (const entry of [...entries.values()].sort(byAge)) {
    const typed = readFields(entry.kind, entry.id, entry.fields)
    if (typed.ok) read.push({ entry, typed: typed.value })
    else aside.set(keyOfEntry(entry), typed.error)
  }
  for (let round = 0; round < limits.objectRounds.default; round++) {
    const applied = applyEntries(base, read)
    const faults = faultsOf(base, applied, read)
    if (faults.size === 0) return { applied, aside }
    for (const [key, fault] of faults) aside.set(key, fault)
    read = read.filter(({ entry }) => !faults.has(keyOfEntry(entry)))
  }
  const message = 'was set aside with all others: too many of them do not fit the file'
  for (const { entry } of read) aside.set(keyOfEntry(entry), { field: '', message })
  return { applied: applyEntries(base, []), aside }
}

/** What is wrong, by the key of the edit that is at fault. */
function faultsOf(
  base: Base,
  applied: Applied,
  read: readonly ReadEntry[],
): ReadonlyMap<string, FieldFault> {
  const faults = new Map<string, FieldFault>()
  const tell = (key: string, fault: FieldFault) => {
    if (!faults.has(key)) faults.set(key, fault)
  }
  for (const one of read) {
    const fault = takenFault(base, one) ?? placeFault(applied, one)
    if (fault !== undefined) tell(keyOfEntry(one.entry), fault)
  }
  if (faults.size > 0 || read.length === 0) return faults
  const edits = new Map(read.map((one) => [keyOfEntry(one.entry), one]))
  for (const problem of reviewedObjects(applied.config, NOWHERE)) {
    const found = problem.severity === 'error' ? originOf(applied, edits, problem) : undefined
    if (found !== undefined) tell(found.key, found.fault)
  }
  return faults.size > 0 ? faults : culprits(base, applied, edits)
}

/** A name whose place the records of the file have taken, and the servers that go with it. */
function takenFault({ taken, config }: Base, { entry }: ReadEntry): FieldFault | undefined {
  if (entry.owned || taken.size === 0) return
  if (entry.kind === 'domain') {
    const message = taken.get(entry.id)
    return message === undefined ? undefined : { field: 'name', message }
  }
  const id = entry.kind === 'server' ? parseServerId(entry.id) : undefined
  if (id === undefined || !id.ok) return
  const names = namesOfService(id.value.service, new Set(taken.keys()), zoneNames(config))
  const message = names.map((name) => taken.get(name)).find((one) => one !== undefined)
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
