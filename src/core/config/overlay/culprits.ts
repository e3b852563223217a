/**
 * Which edit is at fault for what the rules say of the edits and the file together.
 *
 * Most faults lie in an object that an edit made or changed. A rule that compares two objects tells
 * its fault at the second one, which may be the file's own; then the edits are laid over the file
 * one after another, oldest first, and the one that brings the fault is at fault, no other.
 */
import { limits } from '../../base/limits.ts'
import type { Problem } from '../problems.ts'
import { reviewedObjects } from '../rules/rules.ts'
import type { Config } from '../schema/root.ts'
import { emptyMap } from '../tree.ts'
import { type Applied, applyEntries, type ReadEntry } from './apply.ts'
import { type Base, valueAt } from './base.ts'
import { keyOfEntry } from './entry.ts'
import type { FieldFault } from './fields.ts'

export const NOWHERE = emptyMap({ file: 'another place', line: 0, column: 0 })

const AT = /^(domains|regions)\[(\d+)\](?:\.servers\[(\d+)\])?\.?(.*)$/
const MAPPING = /^overwatch\.geolocation\.custom_mappings\[(\d+)\]/

interface Found {
  readonly key: string
  readonly fault: FieldFault
}

function objectsAt({ domains, regions }: Config, path: string) {
  const match = AT.exec(path)
  if (match === null) return
  const [, list, index, at, field = ''] = match
  const object = list === 'domains' ? domains[Number(index)] : regions[Number(index)]
  const server = at === undefined ? undefined : regions[Number(index)]?.servers[Number(at)]
  return { object: at === undefined ? object : server, name: object?.name, server, field }
}

/** The edits that are applied, by key. */
export type Applying = ReadonlyMap<string, ReadEntry>

/** The edit that made the object at fault, or changed the key at fault; undefined for none. */
export function originOf(applied: Applied, edits: Applying, problem: Problem): Found | undefined {
  const at = objectsAt(applied.config, problem.path)
  const key = at?.object && applied.origins.get(at.object)
  if (at === undefined || key === undefined) return
  const step = at.field.replace(/\[.*$/, '')
  const entry = edits.get(key)?.entry
  if (entry?.owned === true && !Object.hasOwn(entry.fields, step)) return
  const value = valueAt(at.object, step)
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

/** A fault by the names in it: where things stand in their lists changes with the edits. */
function nameOf({ config }: Applied, { path, message }: Problem): string {
  const at = objectsAt(config, path)
  const { service, address, port } = at?.server ?? {}
  const { custom_mappings } = config.overwatch.geolocation
  const cidr = custom_mappings[Number(MAPPING.exec(path)?.[1] ?? -1)]?.cidr
  const place = at === undefined ? (cidr ?? path) : [path[0], at.name, service, address, port]
  return JSON.stringify([place, at?.field, message])
}

/** What is wrong of a configuration with edits in it; warnings are its author's to heed. */
export const errorsOf = (applied: Applied): readonly Problem[] =>
  reviewedObjects(applied.config, NOWHERE).filter(
    (problem) => problem.severity === 'error' && !isEmptyList(applied, problem),
  )

/** Faults that lie in no edit, by name. */
function strays(
  applied: Applied,
  edits: Applying,
  errors = errorsOf(applied),
): Map<string, Problem> {
  const found = new Map<string, Problem>()
  for (const problem of errors) {
    if (originOf(applied, edits, problem) === undefined)
      found.set(nameOf(applied, problem), problem)
  }
  return found
}

const byRevision = ({ entry: a }: ReadEntry, { entry: b }: ReadEntry) =>
  a.revision - b.revision || a.updatedAtMs - b.updatedAtMs || (a.id < b.id ? -1 : 1)

/**
 * The edits because of which something does not fit any more that they did not touch.
 * @param edits in the order in which they are applied
 * @param errors what is wrong with all of them
 */
export function culprits(
  base: Base,
  applied: Applied,
  edits: Applying,
  errors: readonly Problem[],
): ReadonlyMap<string, FieldFault> {
  const faults = new Map<string, FieldFault>()
  const rest = new Map(edits)
  let found = strays(applied, edits, errors)
  while (faults.size < limits.objectRounds.default) {
    const [stray] = found
    if (stray === undefined) break
    const [name, problem] = stray
    const culprit = bringerOf(base, rest, name)
    if (culprit === undefined) {
      found.delete(name)
      continue
    }
    const key = keyOfEntry(culprit.entry)
    faults.set(key, toldOf(applied, key, problem))
    rest.delete(key)
    found = strays(applyEntries(base, [...rest.values()]), rest)
  }
  return faults
}

/** What is told of an edit: the key of its own object that is wrong, else where it is wrong. */
function toldOf(applied: Applied, key: string, problem: Problem): FieldFault {
  const at = objectsAt(applied.config, problem.path)
  const isOwn = at?.object !== undefined && applied.origins.get(at.object) === key
  return { field: isOwn ? at.field : problem.path, message: wordsOf(problem) }
}

/**
 * The edit with which a fault comes, when they are laid over the file oldest first; undefined where
 * the file alone has it.
 */
function bringerOf(base: Base, edits: Applying, name: string): ReadEntry | undefined {
  const aged = [...edits.values()].sort(byRevision)
  const hasFault = (count: number): boolean => {
    const first = new Set(aged.slice(0, count))
    const some = new Map([...edits].filter(([, one]) => first.has(one)))
    return strays(applyEntries(base, [...some.values()]), some).has(name)
  }
  let [clean, faulty] = [0, aged.length]
  // An edit that is just made is the newest, and should not wait for the search.
  if (!hasFault(faulty - 1)) return aged[faulty - 1]
  if (hasFault(clean)) return
  faulty--
  while (faulty - clean > 1) {
    const middle = (clean + faulty) >> 1
    if (hasFault(middle)) faulty = middle
    else clean = middle
  }
  return aged[faulty - 1]
}
