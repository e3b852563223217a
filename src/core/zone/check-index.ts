/**
 * A zone by name and type, for its checks: linear in the number of records to build.
 */
import { isSubdomain, parentName, wireToName } from '../dns/names.ts'
import { types } from '../dns/types.ts'
import type { ZoneSpec } from '../steer/topology.ts'
import { rdataNames } from './rdata.ts'

export type Report = (severity: 'error' | 'warning', message: string, record?: number) => void

export interface ZoneIndex {
  readonly apex: string
  /** Owner, then type, then indices into the records of the zone. Owners outside are left out. */
  readonly names: ReadonlyMap<string, ReadonlyMap<number, readonly number[]>>
  /** Names that pools answer for. */
  readonly steered: ReadonlySet<string>
  /** Owners of NS below the apex. */
  readonly cuts: ReadonlySet<string>
  readonly dnames: ReadonlySet<string>
  /** The lowest member of `among` that lies strictly above the name, inside the zone. */
  readonly above: (name: string, among: ReadonlySet<string>) => string | undefined
  /** Whether the name, or a wildcard that covers it, has an address or an alias. */
  readonly lookup: (name: string) => 'address' | 'alias' | 'nothing'
}

/** The part of a name before the apex, '' for the apex itself. */
export const relativePart = (name: string, apex: string): string =>
  apex === '' ? name : name.slice(0, -apex.length - 1)

/** The name in the data at the given place among its names, in lower case; '' for the root. */
export function targetOf(zone: ZoneSpec, record: number): string | undefined {
  const { type, rdata } = zone.records[record]!
  const at = rdataNames(type, rdata)[0]
  return at === undefined ? undefined : wireToName(rdata, at).toLowerCase()
}

type Names = Map<string, Map<number, number[]>>

function namesOf(zone: ZoneSpec): Names {
  const names: Names = new Map()
  for (const [at, record] of zone.records.entries()) {
    if (!isSubdomain(record.name, zone.apex)) continue
    const sets = names.get(record.name) ?? new Map<number, number[]>()
    const members = sets.get(record.type)
    if (members === undefined) sets.set(record.type, [at])
    else members.push(at)
    names.set(record.name, sets)
  }
  return names
}

const ownersOf = (names: Names, type: number): Set<string> =>
  new Set([...names].filter(([, sets]) => sets.has(type)).map(([name]) => name))

/** Every name that exists: owners, pools and the empty names between them and the apex. */
function existing(names: Names, steered: ReadonlySet<string>, apex: string): Set<string> {
  const all = new Set([apex])
  for (const owner of [...names.keys(), ...steered])
    for (
      let name: string | undefined = owner;
      name !== undefined && !all.has(name) && isSubdomain(name, apex);
      name = parentName(name)
    )
      all.add(name)
  return all
}

export function indexZone(zone: ZoneSpec, steeredNames: Iterable<string>): ZoneIndex {
  const { apex } = zone
  const names = namesOf(zone)
  const steered = new Set([...steeredNames].filter((name) => isSubdomain(name, apex)))
  const cuts = ownersOf(names, types.NS)
  cuts.delete(apex)
  const dnames = ownersOf(names, types.DNAME)
  const exists = existing(names, steered, apex)

  const above = (name: string, among: ReadonlySet<string>): string | undefined => {
    if (among.size === 0) return undefined
    for (let up = parentName(name); up !== undefined; up = parentName(up)) {
      if (!isSubdomain(up, apex)) return undefined
      if (among.has(up)) return up
    }
    return undefined
  }

  const at = (name: string): 'address' | 'alias' | 'nothing' => {
    const sets = names.get(name)
    if (steered.has(name) || sets?.has(types.A) || sets?.has(types.AAAA)) return 'address'
    return sets?.has(types.CNAME) ? 'alias' : 'nothing'
  }

  const lookup = (name: string): 'address' | 'alias' | 'nothing' => {
    if (above(name, dnames) !== undefined) return 'alias'
    if (exists.has(name)) return at(name)
    // RFC 4592 section 3.3.1: the wildcard at the closest name that exists.
    for (let up = parentName(name); up !== undefined; up = parentName(up))
      if (exists.has(up)) return at(up === '' ? '*' : `*.${up}`)
    return 'nothing'
  }

  return { apex, names, steered, cuts, dnames, above, lookup }
}
