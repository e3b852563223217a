/**
 * Checks of the apex name servers and of delegations: what may stand at and below a cut.
 */
import { isSubdomain } from '../dns/names.ts'
import { typeName, types } from '../dns/types.ts'
import type { ZoneSpec } from '../steer/topology.ts'
import { type Report, type ZoneIndex, targetOf } from './check-index.ts'

const ADDRESSES: ReadonlySet<number> = new Set([types.A, types.AAAA])

function checkApex(zone: ZoneSpec, index: ZoneIndex, report: Report, isPartial: boolean): void {
  const sets = index.names.get(index.apex)
  // RFC 1034 section 4.2.1: the zone names its servers at its top.
  if (!sets?.has(types.NS) && !isPartial)
    report('error', `${index.apex}: no NS record at the apex of the zone`)
  for (const at of sets?.get(types.NS) ?? [])
    if (targetOf(zone, at) === '')
      report('error', `${index.apex} NS: the root is not a name server`, at)
  // RFC 4034 section 5: the DS of a zone stands in its parent.
  const ds = sets?.get(types.DS)?.[0]
  if (ds !== undefined) report('error', `${index.apex} DS: it belongs in the parent zone`, ds)
}

/** What stands at the owner of a delegation. */
function checkCut(
  zone: ZoneSpec,
  index: ZoneIndex,
  cut: string,
  report: Report,
  isPartial: boolean,
): void {
  const sets = index.names.get(cut)!
  const servers = sets.get(types.NS)!
  if (cut === '*' || cut.startsWith('*.'))
    // RFC 4592 section 4.2: what it would mean is not defined.
    report('error', `${cut} NS: a wildcard cannot be delegated`, servers[0])
  const isServer = servers.some((at) => targetOf(zone, at) === cut)
  for (const [type, members] of sets) {
    if (type === types.NS || type === types.DS || type === types.DNAME || type === types.CNAME)
      continue
    if (isServer && ADDRESSES.has(type)) continue
    const message = `${cut} ${typeName(type)}: never served, because the name is delegated`
    report('warning', message, members[0])
  }
  if (index.steered.has(cut)) report('error', `${cut}: a domain of this name, but it is delegated`)
  if (!isPartial) for (const at of servers) checkGlue(zone, index, cut, at, report)
}

/** RFC 1034 section 4.2.1, RFC 9471: a server below its own cut needs its address here. */
function checkGlue(
  zone: ZoneSpec,
  index: ZoneIndex,
  cut: string,
  at: number,
  report: Report,
): void {
  const server = targetOf(zone, at)
  if (server === undefined || !isSubdomain(server, cut)) return
  const sets = index.names.get(server)
  if (sets?.has(types.A) || sets?.has(types.AAAA)) return
  report('error', `${cut} NS: ${server} lies below the delegation and has no address here`, at)
}

/** Names below a cut: glue stays, the rest is never served. */
function checkBelow(zone: ZoneSpec, index: ZoneIndex, report: Report): void {
  const servers = new Set<string>()
  for (const cut of index.cuts)
    for (const at of index.names.get(cut)!.get(types.NS)!) {
      const server = targetOf(zone, at)
      if (server !== undefined) servers.add(server)
    }
  for (const [name, sets] of index.names) {
    const cut = index.above(name, index.cuts)
    if (cut === undefined) continue
    for (const [type, members] of sets) {
      if (ADDRESSES.has(type) && servers.has(name)) continue
      const message = `${name} ${typeName(type)}: never served, because ${cut} is delegated`
      report('warning', message, members[0])
    }
  }
  for (const name of index.steered) {
    const cut = index.above(name, index.cuts)
    if (cut !== undefined) report('error', `${name}: a domain below the delegation of ${cut}`)
  }
}

/** Of a partial zone records are missing here that its file has. */
export function checkDelegations(
  zone: ZoneSpec,
  index: ZoneIndex,
  report: Report,
  isPartial = false,
): void {
  checkApex(zone, index, report, isPartial)
  for (const cut of index.cuts) checkCut(zone, index, cut, report, isPartial)
  if (index.cuts.size > 0) checkBelow(zone, index, report)
  for (const [name, sets] of index.names) {
    const ds = sets.get(types.DS)?.[0]
    // RFC 4034 section 5: a DS describes a delegation.
    if (ds !== undefined && name !== index.apex && !sets.has(types.NS) && !isPartial)
      report('warning', `${name} DS: without an NS beside it, it means nothing`, ds)
  }
}
