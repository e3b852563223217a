/**
 * Whether the records of a zone make sense together.
 *
 * An error is a zone that cannot be served as written; a warning is one that can, although it says
 * something it cannot mean. The form of each record is settled before (`records.ts`,
 * `zonefile.ts`), and what lies outside the zone is not looked up.
 */
import { isSubdomain, nameFault } from '../dns/names.ts'
import { typeName, types } from '../dns/types.ts'
import type { ZoneSpec } from '../steer/topology.ts'
import { checkDelegations } from './check-delegations.ts'
import { checkTargets } from './check-targets.ts'
import { type Report, type ZoneIndex, indexZone, relativePart } from './check-index.ts'
import { canonicalRdata, isWellFormed } from './rdata.ts'
import { refusedType } from './records.ts'

export interface ZoneFinding {
  readonly severity: 'error' | 'warning'
  /** A sentence that names the owner and type. */
  readonly message: string
  /** Index into the records of the zone, of the one to change. */
  readonly record?: number
}

/** Each record by itself: its place, its type, its data. */
function checkRecords(zone: ZoneSpec, report: Report): void {
  for (const [at, record] of zone.records.entries()) {
    const what = `${record.name} ${typeName(record.type)}`
    const fault = nameFault(record.name)
    if (fault !== undefined) report('error', `${what}: the name ${fault}`, at)
    else if (!isSubdomain(record.name, zone.apex))
      report('error', `${what}: not in the zone ${zone.apex}`, at)
    else if (zone.apex !== '' && isSubdomain(relativePart(record.name, zone.apex), zone.apex))
      report('warning', `${what}: the zone's name twice; was a final dot forgotten?`, at)
    const refused =
      record.type === types.SOA ? 'the SOA is not among the records' : refusedType(record.type)
    if (refused !== undefined) report('error', `${what}: ${refused}`, at)
    if (!isWellFormed(record.type, record.rdata))
      report('error', `${what}: the data is malformed`, at)
  }
}

/** RFC 2181 section 5: one TTL for an rrset and no record twice. */
function checkRrsets(zone: ZoneSpec, index: ZoneIndex, report: Report): void {
  for (const [name, sets] of index.names)
    for (const [type, members] of sets) {
      if (members.length < 2) continue
      const ttl = zone.records[members[0]!]!.ttlSeconds
      const seen = new Set<string>()
      let differs = false
      for (const at of members) {
        const record = zone.records[at]!
        const data = canonicalRdata(type, record.rdata).join()
        if (seen.has(data))
          report(
            'warning',
            `${name} ${typeName(type)}: the same record twice; it is served once`,
            at,
          )
        seen.add(data)
        if (record.ttlSeconds === ttl || differs) continue
        differs = true
        // RFC 2181 section 5.2.
        const both = `TTLs of ${ttl} and ${record.ttlSeconds} seconds in one set`
        report('warning', `${name} ${typeName(type)}: ${both}; the lowest is served`, at)
      }
    }
}

/** RFC 1034 section 3.6.2 and RFC 2181 section 10.1: an alias is alone, and is one. */
function checkAliases(index: ZoneIndex, report: Report): void {
  for (const [name, sets] of index.names) {
    const aliases = sets.get(types.CNAME)
    if (aliases === undefined) continue
    const at = aliases[0]!
    if (aliases.length > 1)
      report('error', `${name} CNAME: ${aliases.length} aliases at one name; one is allowed`, at)
    const others = [...sets.keys()].filter((type) => type !== types.CNAME).map(typeName)
    if (name === index.apex)
      report('error', `${name} CNAME: the apex has SOA and NS, an alias stands alone`, at)
    else if (others.length > 0)
      report(
        'error',
        `${name} CNAME: an alias stands alone, but ${others.join(', ')} is beside it`,
        at,
      )
    if (index.steered.has(name))
      report('error', `${name} CNAME: the name is served by a domain, so it cannot be an alias`, at)
  }
}

/** RFC 6672. */
function checkDnames(index: ZoneIndex, report: Report): void {
  for (const [name, sets] of index.names) {
    const members = sets.get(types.DNAME)
    if (members === undefined) continue
    const at = members[0]!
    // RFC 6672 section 2.4: at most one at a name.
    if (members.length > 1)
      report('error', `${name} DNAME: ${members.length} at one name; one is allowed`, at)
    // RFC 6672 section 2.3: not beside NS, the apex excepted.
    if (name !== index.apex && sets.has(types.NS))
      report('error', `${name} DNAME: a delegation cannot be redirected too`, at)
    // RFC 6672 section 3.3, RFC 4592 section 4.4: it redirects nothing, and no denial speaks of it.
    if (name === '*' || name.startsWith('*.'))
      report('error', `${name} DNAME: a wildcard cannot be redirected`, at)
  }
  if (index.dnames.size === 0) return
  for (const [name, sets] of index.names) {
    const above = index.above(name, index.dnames)
    // RFC 6672 section 2.4: no data below.
    if (above !== undefined)
      report('error', `${name}: lies below the DNAME at ${above}`, [...sets.values()][0]![0])
  }
  for (const name of index.steered) {
    const above = index.above(name, index.dnames)
    if (above !== undefined) report('error', `${name}: the domain lies below the DNAME at ${above}`)
  }
}

/** A domain steers its addresses; the same addresses cannot stand in the zone as well. */
function checkSteered(index: ZoneIndex, report: Report): void {
  for (const name of index.steered)
    for (const type of [types.A, types.AAAA]) {
      const members = index.names.get(name)?.get(type)
      if (members === undefined) continue
      const why = 'a domain of this name gives its addresses'
      report('error', `${name} ${typeName(type)}: ${why}`, members[0])
    }
}

/**
 * What is wrong between the records of a zone, in no particular order. `steered` are the names of
 * the zone that pools answer for; they count as names with addresses. A zone is partial when
 * records of it could not be read: then nothing is said about what seems to be missing.
 */
export function checkZone(
  zone: ZoneSpec,
  steered: Iterable<string> = [],
  isPartial = false,
): readonly ZoneFinding[] {
  const findings: ZoneFinding[] = []
  const report: Report = (severity, message, record) =>
    findings.push({ severity, message, ...(record === undefined ? {} : { record }) })
  const index = indexZone(zone, steered)
  checkRecords(zone, report)
  checkRrsets(zone, index, report)
  checkAliases(index, report)
  checkDnames(index, report)
  checkSteered(index, report)
  checkDelegations(zone, index, report, isPartial)
  if (!isPartial) checkTargets(zone, index, report)
  return findings
}
