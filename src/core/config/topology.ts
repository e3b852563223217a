/**
 * What a configuration declares, in the form the actors work on.
 *
 * Pure and total: everything that can be wrong with a configuration was said before. Static records
 * come in ready-made (`zones.ts` reads them), because a zone file is read from a file system.
 */
import { parseAddress, serverKey } from '../net/address.ts'
import type { MemberSpec, PoolSpec, Topology } from '../steer/topology.ts'
import { type AuthorityOptions, zonesOf } from './authority.ts'
import { resolveCheck } from './checks.ts'
import { domainNames, namesOfService, ownApex, zoneAround, zoneNames } from './names.ts'
import type { Config, DomainConfig, RegionConfig, ServerConfig } from './schema/root.ts'

/** The default of `domains[].hold_down`, for services that have no domain. */
const HOLD_DOWN_MS = 30_000

function memberOf(region: RegionConfig, server: ServerConfig, service: string): MemberSpec {
  const address = parseAddress(server.address)
  return {
    key: serverKey(service, server.address, server.port),
    service,
    address: server.address,
    family: address.ok ? address.value.family : 4,
    port: server.port,
    region: region.name,
    weight: server.weight,
    source: 'static',
    check: resolveCheck([server.health_check, region.health_check], server.host),
  }
}

/** Whether a server of a region that the domain lists is one of its servers. */
function serves(server: ServerConfig, domain: string, candidates: readonly string[]): boolean {
  return server.service === '' || candidates.includes(domain)
}

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
    policy: domain.routing_algorithm ?? config.dns.default_routing_algorithm,
    answers: domain.answers ?? config.dns.default_answers,
    whenAllDown: noFallback ? 'servfail' : whenAllDown,
    fallback: domain.fallback_addresses,
    holdDownMs: domain.hold_down,
    bleedFloor: domain.bleed_floor ?? config.overwatch.predictive.floor,
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

function poolsOf(config: Config, apexes: ReadonlySet<string>): PoolSpec[] {
  const candidates = candidatesOf(config)
  const indices = new Map([...candidates].map(([region, list]) => [region, byName(list)]))
  const zoneOf = (name: string) => zoneAround(name, apexes) ?? ownApex(name)
  const pools: PoolSpec[] = []
  for (const domain of config.domains) {
    const members = domain.regions.flatMap((region) => {
      const index = indices.get(region)
      const anyone = index?.get('') ?? []
      const own = index?.get(domain.name) ?? []
      // Servers without a service stand among the others; their order in the file decides.
      const both = anyone.length > 0 && own.length > 0
      const list = both
        ? candidates.get(region)!.filter((one) => serves(one.server, domain.name, one.names))
        : [...anyone, ...own]
      return list.map((one) => memberOf(one.region, one.server, domain.name))
    })
    pools.push(domainPool(config, domain, zoneOf(domain.name), members))
  }
  const domains = domainNames(config)
  const services = new Map<string, MemberSpec[]>()
  for (const list of candidates.values())
    for (const { region, server, names } of list)
      for (const name of names) {
        if (domains.has(name)) continue
        const members = services.get(name) ?? []
        members.push(memberOf(region, server, name))
        services.set(name, members)
      }
  for (const [name, members] of services)
    pools.push(servicePool(config, name, zoneOf(name), members))
  return pools
}

/** The zones, pools and regions a configuration declares. */
export function topologyOf(config: Config, options: AuthorityOptions): Topology {
  const pools = poolsOf(config, zoneNames(config))
  return {
    zones: zonesOf(config, pools, options),
    pools,
    regions: config.regions.map(({ name, countries, continents }) => ({
      name,
      countries,
      continents,
    })),
  }
}
