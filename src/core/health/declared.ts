/**
 * The topology that is served: what the configuration declares, with what agents add to it.
 *
 * An agent's backend joins the pool of its name; where the file declares the same server, the file
 * says what it is and the agent only how it fares. A service that no domain describes gets a pool
 * by the defaults of `dns.default_…`. Pure: the same inputs in any order give the same topology.
 */
import { parseAddress } from '../net/address.ts'
import type { CheckSpec, FleetTopology, MemberSpec, PoolSpec } from '../steer/topology.ts'
import type { ReportedBackend } from './report.ts'
import type { Claim } from './roll.ts'

/** How an overwatch checks what agents report. */
export interface ValidationSettings {
  /** False leaves agents' backends unchecked. */
  readonly enabled: boolean
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly vetoMode: 'strict' | 'balanced' | 'permissive'
  /** Failures in a row by which `balanced` overrules an agent. */
  readonly vetoThreshold: number
}

/** A pool for a service without a domain, all but its name, zone and members. */
export type ServiceDefaults = Omit<PoolSpec, 'name' | 'zone' | 'members'>

/** As in a configuration. */
const THRESHOLD_MAX = 100

/** Checks a backend as its own agent does, at the overwatch's own pace. */
export function checkOf({ check }: ReportedBackend, settings: ValidationSettings): CheckSpec {
  const { intervalMs, timeoutMs, vetoMode, vetoThreshold } = settings
  // A peer's word must not hold places of the prober for a day.
  const mostMs = Math.max(timeoutMs, intervalMs)
  const failures = Math.min(check?.failureThreshold ?? 3, THRESHOLD_MAX)
  return {
    type: check?.type ?? 'tcp',
    intervalMs,
    timeoutMs: Math.max(1, Math.min(check?.timeoutMs ?? timeoutMs, mostMs)),
    path: check?.path ?? '/',
    host: check?.host ?? '',
    serverName: check?.serverName ?? '',
    expectedStatus: check?.expectedStatus ?? [[200, 299]],
    bodyMatch: check?.bodyMatch ?? '',
    verifyCertificate: check?.verifyCertificate ?? true,
    certificateWarnDays: 0,
    failureThreshold: vetoMode === 'balanced' ? Math.max(failures, vetoThreshold) : failures,
    successThreshold: Math.min(check?.successThreshold ?? 1, THRESHOLD_MAX),
  }
}

function memberOf(claim: Claim, settings: ValidationSettings): MemberSpec {
  const { key, name, region, backend } = claim
  const address = parseAddress(backend.address)
  return {
    key,
    service: name,
    address: backend.address,
    family: address.ok ? address.value.family : 4,
    port: backend.port,
    region,
    weight: backend.weight,
    source: 'agent',
    check: checkOf(backend, settings),
  }
}

/** The zone of a name: that of the longest apex around it, else the name itself. */
function zoneOf(name: string, apexes: ReadonlySet<string>): string {
  for (let at = 0; at >= 0; at = name.indexOf('.', at) + 1 || -1) {
    if (apexes.has(name.slice(at))) return name.slice(at)
  }
  return apexes.has('') ? '' : name
}

/**
 * @param zones apexes under which services without a domain are served
 * @param claims in a stable order, for members keep it
 * @param kept names of services that have no server any more and are names all the same
 */
export function declaredTopology(
  base: FleetTopology,
  zones: readonly string[],
  claims: readonly Claim[],
  defaults: ServiceDefaults,
  settings: ValidationSettings,
  kept: readonly string[] = [],
): FleetTopology {
  if (claims.length + kept.length === 0) return base
  const byName = new Map<string, Claim[]>()
  for (const claim of claims) {
    const list = byName.get(claim.name)
    if (list === undefined) byName.set(claim.name, [claim])
    else list.push(claim)
  }
  const pools = base.pools.map((pool) => {
    const added = byName.get(pool.name)
    if (added === undefined) return pool
    byName.delete(pool.name)
    const known = new Set(pool.members.map((member) => member.key))
    const members = added.filter(({ key }) => !known.has(key))
    return members.length === 0
      ? pool
      : { ...pool, members: [...pool.members, ...members.map((one) => memberOf(one, settings))] }
  })
  const apexes = new Set(zones)
  for (const [name, added] of byName) {
    const members = added.map((claim) => memberOf(claim, settings))
    pools.push({ ...defaults, name, zone: zoneOf(name, apexes), members })
  }
  const known = new Set(pools.map(({ name }) => name))
  for (const name of kept) {
    if (!known.has(name)) pools.push({ ...defaults, name, zone: zoneOf(name, apexes), members: [] })
  }
  const regions = new Set(base.regions.map(({ name }) => name))
  const extra = [...new Set(claims.map(({ region }) => region))]
    .filter((name) => name !== '' && !regions.has(name))
    .map((name) => ({ name, countries: [], continents: [] }))
  return { ...base, pools, regions: [...base.regions, ...extra] }
}
