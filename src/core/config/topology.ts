/**
 * What a configuration declares, in the form the actors work on.
 *
 * Pure and total: everything that can be wrong with a configuration was said before. Static records
 * come in ready-made (`zones.ts` reads them), because a zone file is read from a file system.
 */
import { parseAddress, serverKey } from '../net/address.ts'
import type { MemberSpec, PoolSpec, RegionSpec, Topology } from '../steer/topology.ts'
import { type AuthorityOptions, zonesOf } from './authority.ts'
import { resolveCheck } from './checks.ts'
import { domainNames, namesOfService, ownApex, zoneAround, zoneNames } from './names.ts'
import type { Config, DomainConfig, HealthCheckConfig } from './schema/root.ts'
import type { RegionConfig, ServerConfig } from './schema/root.ts'

/** The default of `domains[].hold_down`, for services that have no domain. */
const HOLD_DOWN_MS = 30_000

/** What the API adds to a configuration, beside the keys it edits. */
export interface Additions {
  /** Keys of the servers it made; these serve their domain whatever regions that lists. */
  readonly made: ReadonlySet<string>
  /** Names that are not served, though a server names them. */
  readonly withheld: ReadonlySet<string>
  /** What holds of checks where neither server nor region says anything. */
  readonly checks: HealthCheckConfig
}

export const NO_ADDITIONS: Additions = { made: new Set(), withheld: new Set(), checks: {} }

function memberOf(
  { region, server }: Pick<Candidate, 'region' | 'server'>,
  service: string,
  { made, checks }: Additions,
): MemberSpec {
  const address = parseAddress(server.address)
  const key = serverKey(service, server.address, server.port)
  return {
    key,
    service,
    address: server.address,
    family: address.ok ? address.value.family : 4,
    port: server.port,
    region: region.name,
    weight: server.weight,
    source: made.has(key) ? 'api' : 'static',
    check: resolveCheck([server.health_check, region.health_check, checks], server.host),
  }
}

/** Whether a server of a region that the domain lists is one of its servers. */
function serves(server: ServerConfig, domain: string, candidates: readonly string[]): boolean {
  return server.service === '' || candidates.includes(domain)
}

const capacityOf = ({ capacity: { band, step, least } }: DomainConfig) => ({
  band,
  step: Math.round(step * 1_000),
  least: Math.round(least * 1_000),
})

const stickyOf = ({ sticky }: DomainConfig) => ({
  bits4: sticky.ipv4_prefix,
  bits6: sticky.ipv6_prefix,
  balance: sticky.balance,
})

function domainPool(
  config: Config,
  domain: DomainConfig,
  zone: string,
  members: readonly MemberSpec[],
): PoolSpec {
  const whenAllDown = domain.when_all_down ?? config.dns.when_all_down
  const noFallback = whenAllDown === 'fallback' && domain.fallback_addresses.length === 0
  return {
    name: domain.name,
    zone,
    ttlSeconds: domain.ttl ?? config.dns.default_ttl,
    policy:
      domain.policy !== undefined
        ? 'composed'
        : (domain.routing_algorithm ?? config.dns.default_routing_algorithm),
    answers: domain.answers ?? config.dns.default_answers,
    whenAllDown: noFallback ? 'servfail' : whenAllDown,
    fallback: domain.fallback_addresses,
    holdDownMs: domain.hold_down,
    bleedFloor: domain.bleed_floor ?? config.overwatch.predictive.floor,
    latency: {
      smoothingFactor: domain.latency_config.smoothing_factor,
      maxLatencyMs: domain.latency_config.max_latency_ms,
      minSamples: domain.latency_config.min_samples,
    },
    ...(domain.geofence === 'strict' ? { geofence: 'strict' } : {}),
    ...(domain.capacity.by === 'none' ? {} : { capacity: capacityOf(domain) }),
    ...(domain.sticky.by === 'none' ? {} : { sticky: stickyOf(domain) }),
    ...(domain.policy === undefined ? {} : { tree: domain.policy }),
    members,
  }
}

/** The pool of a service that no domain describes, as `dns.default_…` has it. */
export function servicePool(
  config: Config,
  name: string,
  zone: string,
  members: readonly MemberSpec[],
): PoolSpec {
  const { default_ttl, default_routing_algorithm, default_answers, when_all_down } = config.dns
  return {
    name,
    zone,
    ttlSeconds: default_ttl,
    policy: default_routing_algorithm,
    answers: default_answers,
    whenAllDown: when_all_down === 'fallback' ? 'servfail' : when_all_down,
    fallback: [],
    holdDownMs: HOLD_DOWN_MS,
    bleedFloor: config.overwatch.predictive.floor,
    members,
  }
}

/** The pool of any service that no domain describes, all but its name, zone and members. */
export function serviceDefaults(config: Config): Omit<PoolSpec, 'name' | 'zone' | 'members'> {
  const { name: _, zone: __, members: ___, ...defaults } = servicePool(config, '', '', [])
  return defaults
}

interface Candidate {
  readonly region: RegionConfig
  readonly server: ServerConfig
  /** The names its service is served as. */
  readonly names: readonly string[]
}

/** Servers by region name, each with the names it serves, resolved once for all domains. */
function candidatesOf(config: Config): ReadonlyMap<string, readonly Candidate[]> {
  const [domains, zones] = [domainNames(config), zoneNames(config)]
  const known = new Map<string, readonly string[]>()
  const namesOf = (service: string) => {
    const names = known.get(service) ?? namesOfService(service, domains, zones)
    known.set(service, names)
    return names
  }
  return new Map(
    config.regions.map((region) => [
      region.name,
      region.servers.map((server) => ({
        region,
        server,
        names: server.service === '' ? [] : namesOf(server.service),
      })),
    ]),
  )
}

/** The servers of each region that serve a name, so that a domain need not look at all others. */
function byName(candidates: readonly Candidate[]): ReadonlyMap<string, readonly Candidate[]> {
  const index = new Map<string, Candidate[]>()
  const put = (name: string, candidate: Candidate) => {
    const list = index.get(name)
    if (list === undefined) index.set(name, [candidate])
    else list.push(candidate)
  }
  for (const candidate of candidates) {
    if (candidate.server.service === '') put('', candidate)
    for (const name of candidate.names) put(name, candidate)
  }
  return index
}

interface Indexed {
  /** Servers by region. */
  readonly all: ReadonlyMap<string, readonly Candidate[]>
  /** The same, by the name they serve. */
  readonly named: ReadonlyMap<string, ReadonlyMap<string, readonly Candidate[]>>
  /** Those that the API made, by the name they serve. */
  readonly made: ReadonlyMap<string, readonly Candidate[]>
}

function indexed(config: Config, additions: Additions): Indexed {
  const all = candidatesOf(config)
  const named = new Map([...all].map(([region, list]) => [region, byName(list)]))
  const isMade = ({ server }: Candidate, name: string) =>
    additions.made.has(serverKey(name, server.address, server.port))
  const made = new Map<string, Candidate[]>()
  if (additions.made.size > 0)
    for (const list of all.values())
      for (const one of list)
        for (const name of one.names)
          if (isMade(one, name)) made.set(name, [...(made.get(name) ?? []), one])
  return { all, named, made }
}

function candidatesFor(domain: DomainConfig, { all, named, made }: Indexed): Candidate[] {
  const listed = domain.regions.flatMap((region) => {
    const index = named.get(region)
    const anyone = index?.get('') ?? []
    const own = index?.get(domain.name) ?? []
    // Servers without a service stand among the others; their order in the file decides.
    const both = anyone.length > 0 && own.length > 0
    if (!both) return [...anyone, ...own]
    return all.get(region)!.filter((one) => serves(one.server, domain.name, one.names))
  })
  const elsewhere = made.get(domain.name) ?? []
  return [...listed, ...elsewhere.filter(({ region }) => !domain.regions.includes(region.name))]
}

/** Every name that is served, with its servers. */
export function poolsOf(config: Config, additions: Additions = NO_ADDITIONS): PoolSpec[] {
  const apexes = zoneNames(config)
  const index = indexed(config, additions)
  const zoneOf = (name: string) => zoneAround(name, apexes) ?? ownApex(name)
  const pools = config.domains.map((domain) => {
    const members = candidatesFor(domain, index)
    const specs = members.map((one) => memberOf(one, domain.name, additions))
    return domainPool(config, domain, zoneOf(domain.name), specs)
  })
  const domains = domainNames(config)
  const services = new Map<string, MemberSpec[]>()
  for (const list of index.all.values())
    for (const one of list)
      for (const name of one.names) {
        if (domains.has(name) || additions.withheld.has(name)) continue
        const members = services.get(name) ?? []
        members.push(memberOf(one, name, additions))
        services.set(name, members)
      }
  for (const [name, members] of services)
    pools.push(servicePool(config, name, zoneOf(name), members))
  return pools
}

export const regionSpecs = ({ regions }: Config): readonly RegionSpec[] =>
  regions.map(({ name, countries, continents, subdivisions, asns, latitude, longitude }) => ({
    ...{ name, countries, continents },
    ...(subdivisions.length === 0 ? {} : { subdivisions }),
    ...(asns.length === 0 ? {} : { asns }),
    ...(latitude === undefined || longitude === undefined ? {} : { latitude, longitude }),
  }))

/** The zones, pools and regions a configuration declares. */
export function topologyOf(config: Config, options: AuthorityOptions): Topology {
  const pools = poolsOf(config)
  return {
    zones: zonesOf(config, pools, options),
    pools,
    regions: regionSpecs(config),
  }
}
