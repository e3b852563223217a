/**
 * Geolocation: every place leads to one region that exists.
 */
import { regionNames } from '../names.ts'
import { leafNodesOf } from '../../steer/policy-tree.ts'
import type { Path } from '../problems.ts'
import type { DomainConfig } from '../schema/root.ts'
import { refuseTwice, type Review } from './report.ts'

function knownRegion(review: Review, region: string, path: Path): void {
  const known = regionNames(review.config)
  // Without any region in the file, agents bring theirs; then nothing can be said.
  if (region === '' || known.size === 0 || known.has(region)) return
  review.error(path, 'is not a region of this configuration', {
    hint: `known regions: ${[...known].slice(0, 10).join(', ')}`,
  })
}

/** A fence that an algorithm does not look at would keep nobody in. */
function fences(review: Review): void {
  const { domains, dns } = review.config
  for (const [at, { name, policy, geofence, routing_algorithm }] of domains.entries()) {
    const algorithm = routing_algorithm ?? dns.default_routing_algorithm
    if (policy !== undefined || geofence !== 'strict') continue
    if (algorithm !== 'geolocation' && algorithm !== 'learned_latency')
      review.error(['domains', at, 'geofence'], `is strict, and ${algorithm} reads no places`, {
        hint: `give ${name} geolocation or learned_latency, or write it as policy.geofence`,
      })
  }
}

export function checkGeography(review: Review): void {
  fences(review)
  const { config } = review
  const geo = config.overwatch.geolocation
  const base = ['overwatch', 'geolocation'] as const
  const each = (key: 'countries' | 'continents') =>
    config.regions.flatMap((region, at) =>
      region[key].map((code, index) => [code, ['regions', at, key, index]] as const),
    )
  refuseTwice(review, each('countries'), 'is a country that a region has already')
  refuseTwice(review, each('continents'), 'is a continent that a region has already')
  refuseTwice(
    review,
    geo.custom_mappings.map(
      (one, at) => [one.cidr, [...base, 'custom_mappings', at, 'cidr']] as const,
    ),
    'is a network that is mapped already',
  )
  knownRegion(review, geo.default_region, [...base, 'default_region'])
  for (const [at, mapping] of geo.custom_mappings.entries())
    knownRegion(review, mapping.region, [...base, 'custom_mappings', at, 'region'])

  const isGeographic = ({ policy, routing_algorithm }: DomainConfig): boolean =>
    policy === undefined
      ? (routing_algorithm ?? config.dns.default_routing_algorithm) === 'geolocation'
      : leafNodesOf(policy).some(({ algorithm }) => algorithm === 'geolocation')
  const geographic = config.domains.findIndex(isGeographic)
  if (geographic < 0) return
  const domain = config.domains[geographic]!.name
  if (geo.default_region === '')
    review.error([...base, 'default_region'], `is required, since ${domain} uses geolocation`)
  if (geo.database_path !== '') return
  const places = each('countries').length + each('continents').length
  if (places > 0)
    review.warn([...base, 'database_path'], 'is not given: countries and continents have no effect')
  else if (geo.custom_mappings.length === 0)
    review.warn(base, 'has neither a database nor custom mappings', {
      hint: `all clients of ${domain} are in the default region`,
    })
}
