/**
 * Checks of the names that records point at, as far as the zone itself knows them.
 */
import { isSubdomain } from '../dns/names.ts'
import { typeName, types } from '../dns/types.ts'
import type { ZoneSpec } from '../steer/topology.ts'
import { type Report, type ZoneIndex, relativePart, targetOf } from './check-index.ts'

/** Types whose target has to have an address of its own (RFC 2181 section 10.3, RFC 2782). */
const NEED_ADDRESS: ReadonlySet<number> = new Set([types.NS, types.MX, types.SRV])

/** Links of a chain of aliases that are followed to find a loop; resolvers give up before. */
const CHAIN_LINKS_MAX = 16

function targetFault(zone: ZoneSpec, index: ZoneIndex, at: number): string | undefined {
  const target = targetOf(zone, at)
  // RFC 7505 and RFC 2782: the root as a target says that there is no such service.
  if (target === undefined || target === '' || !isSubdomain(target, index.apex)) return undefined
  // Below a cut another zone answers; glue for its own servers is checked with the delegation.
  if (index.cuts.has(target) || index.above(target, index.cuts) !== undefined) return undefined
  const found = index.lookup(target)
  if (found === 'address') return undefined
  if (found === 'alias') return `${target} is an alias, but has to have an address of its own`
  const hint = relativePart(target, index.apex).includes('.') ? '; was a final dot forgotten?' : ''
  return `${target} lies in the zone and has no address${hint}`
}

/** Whether the aliases of the zone lead from a name back to it. */
function isLoop(zone: ZoneSpec, index: ZoneIndex, name: string, at: number): boolean {
  let record: number | undefined = at
  for (let links = 0; links < CHAIN_LINKS_MAX && record !== undefined; links++) {
    const target = targetOf(zone, record)
    if (target === name) return true
    record = target === undefined ? undefined : index.names.get(target)?.get(types.CNAME)?.[0]
  }
  return false
}

function aliasFault(zone: ZoneSpec, index: ZoneIndex, at: number): string | undefined {
  const { name } = zone.records[at]!
  if (isLoop(zone, index, name, at)) return 'the alias leads back to itself'
  const { apex } = index
  const target = targetOf(zone, at)
  if (target === undefined || apex === '' || !isSubdomain(target, apex)) return undefined
  return isSubdomain(relativePart(target, apex), apex)
    ? `${target} has the zone's name twice; was a final dot forgotten?`
    : undefined
}

export function checkTargets(zone: ZoneSpec, index: ZoneIndex, report: Report): void {
  for (const [name, sets] of index.names)
    for (const [type, members] of sets)
      for (const at of members) {
        const fault = NEED_ADDRESS.has(type)
          ? targetFault(zone, index, at)
          : type === types.CNAME
            ? aliasFault(zone, index, at)
            : undefined
        if (fault !== undefined) report('warning', `${name} ${typeName(type)}: ${fault}`, at)
      }
}
