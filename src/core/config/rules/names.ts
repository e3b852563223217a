/**
 * Regions, domains, zones and services name each other rightly, and each once.
 */
import { limits } from '../../base/limits.ts'
import { ownAddress } from '../authority.ts'
import { isPublicSuffix } from '../public-suffixes.ts'
import { domainNames, namesOfService, ownApex, serviceName } from '../names.ts'
import { regionNames, suggestedZones, zoneAround, zoneNames } from '../names.ts'
import { nearest } from '../nearest.ts'
import { readDnsName } from '../kinds/network.ts'
import { refuseTwice, type Review } from './report.ts'

const NO_OWN_ADDRESS =
  'names no address of this node, so the name server made up for each domain, ns1, has none'

const offer = (near: string | undefined, otherwise: string) =>
  near === undefined ? otherwise : `did you mean \`${near}\`?`

function uniqueNames(review: Review): void {
  const { regions, domains, dns } = review.config
  refuseTwice(
    review,
    regions.map((region, at) => [region.name, ['regions', at, 'name']] as const),
    'names a region that is defined already',
  )
  refuseTwice(
    review,
    domains.map((domain, at) => [domain.name, ['domains', at, 'name']] as const),
    'names a domain that is defined already',
  )
  refuseTwice(
    review,
    dns.zones.map((zone, at) => [zone.name, ['dns', 'zones', at, 'name']] as const),
    'names a zone that is defined already',
  )
}

function domainRegions(review: Review): void {
  const { domains } = review.config
  const known = regionNames(review.config)
  for (const [at, domain] of domains.entries()) {
    const path = ['domains', at, 'regions'] as const
    if (domain.regions.length === 0)
      review.error(path, 'must list at least one region', {
        hint: `known regions: ${[...known].slice(0, 10).join(', ') || 'none'}`,
      })
    for (const [index, region] of domain.regions.entries())
      if (!known.has(region))
        review.error([...path, index], 'is not a region of this configuration', {
          hint: offer(nearest(region, known), 'define it under `regions`'),
        })
    refuseTwice(
      review,
      domain.regions.map((region, index) => [region, [...path, index]] as const),
      'lists a region twice',
    )
  }
}

/** Told once a region: files of before services may list thousands of such servers. */
function withoutService(review: Review, at: number): void {
  const { name, servers } = review.config.regions[at]!
  const index = servers.findIndex((server) => server.service === '')
  if (index < 0) return
  const count = servers.filter((server) => server.service === '').length
  const them = count === 1 ? 'it serves' : `${count} servers of the region serve`
  review.warn(
    ['regions', at, 'servers', index, 'service'],
    `is not given: ${them} every domain that lists ${name}`,
    { hint: 'name the domain each serves' },
  )
}

/** A service is a domain that lists its region, or with zones a name below one of them. */
function services(review: Review): void {
  const { config } = review
  const domains = domainNames(config)
  const zones = zoneNames(config)
  const listed = new Map<string, Set<string>>()
  for (const domain of config.domains) listed.set(domain.name, new Set(domain.regions))
  for (const [at, region] of config.regions.entries()) {
    withoutService(review, at)
    for (const [index, server] of region.servers.entries()) {
      const path = ['regions', at, 'servers', index, 'service'] as const
      const service = serviceName(server.service)
      if (service === '') continue
      const name = readDnsName(service)
      if (!name.ok) review.error(path, name.error, { allowed: 'a DNS name or one label' })
      else if (domains.has(service)) {
        if (!listed.get(service)!.has(region.name))
          review.warn(path, `names a domain that does not list the region ${region.name}`)
      } else if (namesOfService(service, domains, zones).length === 0) {
        const near = nearest(service, domains)
        const hint = offer(near, 'define it under `domains`, or its zone under dns.zones')
        review.error(path, 'is neither a domain of this configuration nor in one of its zones', {
          hint,
        })
      } else if (nearest(service, domains) !== undefined)
        review.warn(path, 'is not a domain; it is served with the defaults of `dns`', {
          hint: offer(nearest(service, domains), ''),
        })
    }
  }
}

function zonesAndDomains(review: Review): void {
  const { domains, dns } = review.config
  const zones = zoneNames(review.config)
  for (const [at, zone] of dns.zones.entries()) {
    if (zone.name.startsWith('*.') || zone.name === '*')
      review.error(['dns', 'zones', at, 'name'], 'is a wildcard; a zone has a name of its own')
    else if (isPublicSuffix(zone.name))
      review.warn(['dns', 'zones', at, 'name'], 'is a name under which others register theirs')
    for (const [index, server] of zone.name_servers.entries())
      if (
        server.addresses.length > 0 &&
        zoneAround(server.name, new Set([zone.name])) === undefined
      )
        review.warn(
          ['dns', 'zones', at, 'name_servers', index, 'addresses'],
          `are not used: ${server.name} does not lie in the zone`,
        )
  }
  if (zones.size > 0) {
    for (const [at, { name }] of domains.entries())
      if (zoneAround(name, zones) === undefined)
        review.warn(['domains', at, 'name'], 'lies in none of dns.zones', {
          hint: `it is served as a zone of its own, ${ownApex(name)}`,
        })
  } else if (domains.length > 0) {
    const zone = suggestedZones(review.config).slice(0, 5).join(', ')
    review.warn(['dns'], 'lists no zones: each domain is served as a zone of its own', {
      hint: `consider dns.zones: [${zone}]`,
    })
    // RFC 1034 section 4.2.1: a name server inside its zone is found by an address in that zone.
    if (ownAddress(review.config) === undefined)
      review.warn(['dns', 'listen_address'], NO_OWN_ADDRESS, {
        hint: 'give a specific address, or dns.zones with name_servers and their addresses',
      })
  }
}

function sizes(review: Review): void {
  const { config, error } = review
  const pools = config.domains.length
  if (pools > limits.poolsMax.default)
    error(['domains'], `are ${pools}, more than ${limits.poolsMax.default}`)
}

export function checkNames(review: Review): void {
  uniqueNames(review)
  domainRegions(review)
  services(review)
  zonesAndDomains(review)
  sizes(review)
}
