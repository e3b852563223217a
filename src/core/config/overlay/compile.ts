/**
 * The edits of the API and the file together, held to the rules that hold for the file alone.
 *
 * An edit that breaks a rule is set aside with what is wrong with it, and the rest is served: so a
 * file that changes under an edit can never keep the node from starting. Whoever makes a new edit
 * looks whether it, or another one because of it, was set aside, and refuses it.
 */
import { limits } from '../../base/limits.ts'
import { zoneAround, zoneNames } from '../names.ts'
import type { Problem } from '../problems.ts'
import { isPublicSuffix } from '../public-suffixes.ts'
import { reviewedObjects } from '../rules/rules.ts'
import type { Config } from '../schema/root.ts'
import { emptyMap } from '../tree.ts'
import { type Applied, applyEntries, type ReadEntry } from './apply.ts'
import { type Base, valueAt } from './base.ts'
import { type Entries, keyOfEntry, type OverlayEntry } from './entry.ts'
import { type FieldFault, readFields } from './fields.ts'

export interface CompiledOverlay {
  readonly applied: Applied
  /** By key of the entry, what is wrong with those that are set aside. */
  readonly aside: ReadonlyMap<string, FieldFault>
}

const NOWHERE = emptyMap({ file: 'another place', line: 0, column: 0 })

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
    const faults = faultsOf(applied, read)
    if (faults.size === 0) return { applied, aside }
    for (const [key, fault] of faults) aside.set(key, fault)
    read = read.filter(({ entry }) => !faults.has(keyOfEntry(entry)))
  }
  const message = 'was set aside with all others: too many of them do not fit the file'
  for (const { entry } of read) aside.set(keyOfEntry(entry), { field: '', message })
  return { applied: applyEntries(base, []), aside }
}

/** What is wrong, by the key of the edit that is at fault. */
function faultsOf(applied: Applied, read: readonly ReadEntry[]): Map<string, FieldFault> {
  const faults = new Map<string, FieldFault>()
  const tell = (key: string, fault: FieldFault) => {
    if (!faults.has(key)) faults.set(key, fault)
  }
  for (const one of read) {
    const fault = placeFault(applied, one)
    if (fault !== undefined) tell(keyOfEntry(one.entry), fault)
  }
  if (faults.size > 0 || read.length === 0) return faults
  for (const problem of reviewedObjects(applied.config, NOWHERE)) {
    if (problem.severity !== 'error') continue
    const found = originOf(applied, problem)
    if (found !== undefined) tell(found.key, found.fault)
    else if (!isEmptyList(applied, problem)) {
      // The file alone has no faults, so the newest edit is the likeliest cause.
      const newest = read.reduce((a, b) => (b.entry.revision > a.entry.revision ? b : a))
      tell(keyOfEntry(newest.entry), { field: problem.path, message: wordsOf(problem) })
    }
  }
  return faults
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

const AT = /^(domains|regions)\[(\d+)\](?:\.servers\[(\d+)\])?\.?(.*)$/

interface Found {
  readonly key: string
  readonly fault: FieldFault
}

function objectsAt({ domains, regions }: Config, path: string) {
  const match = AT.exec(path)
  if (match === null) return
  const [, list, index, server, field = ''] = match
  const object = list === 'domains' ? domains[Number(index)] : regions[Number(index)]
  const inner = server === undefined ? object : regions[Number(index)]?.servers[Number(server)]
  return { object: inner, field }
}

function originOf(applied: Applied, problem: Problem): Found | undefined {
  const at = objectsAt(applied.config, problem.path)
  const key = at?.object && applied.origins.get(at.object)
  if (at === undefined || key === undefined) return
  if (isEmptyList(applied, problem)) return
  const value = valueAt(at.object, at.field.replace(/\[.*$/, ''))
  const got = value === undefined ? '' : `; got ${JSON.stringify(value).slice(0, 80)}`
  return { key, fault: { field: at.field, message: wordsOf(problem, got) } }
}

/** A domain that the API made may wait for its first server. */
function isEmptyList(applied: Applied, { path }: Problem): boolean {
  const at = objectsAt(applied.config, path)
  if (at?.object === undefined || at.field !== 'regions') return false
  return [...applied.automatic].some((one) => one === at.object && one.regions.length === 0)
}

function wordsOf({ message, allowed, hint }: Problem, got = ''): string {
  const more = [allowed === undefined ? '' : `; allowed: ${allowed}`, hint ? `; ${hint}` : '']
  return `${message}${got}${more.join('')}`
}
