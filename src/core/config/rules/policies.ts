/**
 * Policies made of others: their regions are the domain's, and each part can be reached.
 */
import type { FenceNode, PolicyNode } from '../../steer/policy-tree.ts'
import { writtenNodes } from '../kinds/policy.ts'
import { regionNames } from '../names.ts'
import { nearest } from '../nearest.ts'
import type { Path } from '../problems.ts'
import type { DomainConfig } from '../schema/root.ts'
import type { Review } from './report.ts'

const offer = (near: string | undefined, otherwise: string) =>
  near === undefined ? otherwise : `did you mean \`${near}\`?`

/** What decides alone must not stand beside it. */
function alone(review: Review, domain: DomainConfig, at: number): void {
  if (domain.routing_algorithm !== undefined)
    review.error(['domains', at, 'routing_algorithm'], 'stands beside a policy, which decides', {
      hint: 'write it into the policy, or leave one of the two out',
    })
  if (domain.geofence !== 'none')
    review.error(['domains', at, 'geofence'], 'stands beside a policy, which decides', {
      hint: 'write it as policy.geofence',
    })
}

function rules(review: Review, { rules: all }: FenceNode, path: Path): void {
  const known = regionNames(review.config)
  for (const [at, rule] of all.entries()) {
    for (const [index, home] of (rule.homes ?? []).entries())
      if (known.size > 0 && !known.has(home))
        review.error(
          [...path, 'geofence', at, 'home_regions', index],
          'is not a region of this configuration',
          { hint: offer(nearest(home, known), `known regions: ${[...known].join(', ')}`) },
        )
    const isForAll = !rule.countries && !rule.continents && !rule.homes
    if (isForAll && at < all.length - 1)
      review.error([...path, 'geofence', at + 1], 'is never reached: the part before it is for all')
  }
}

function regionsOf(review: Review, domain: DomainConfig, at: number, tree: PolicyNode): void {
  const base: Path = ['domains', at, 'policy']
  const used = new Set<string>()
  const timed = new Map<string, Path>()
  for (const { node, path } of writtenNodes(tree, base)) {
    if (node.kind === 'geofence') rules(review, node, path)
    if (node.kind !== 'choose') continue
    for (const [index, region] of node.regions.entries())
      if (!domain.regions.includes(region))
        review.error([...path, 'regions', index], 'is not a region of this domain', {
          hint: offer(nearest(region, domain.regions), `its regions: ${domain.regions.join(', ')}`),
        })
    const own = node.regions.length === 0 ? domain.regions : node.regions
    for (const region of own) {
      used.add(region)
      const earlier = timed.get(region)
      // The times of checks are told in the word of a server, which has room for one comparison.
      if (node.algorithm === 'latency' && earlier !== undefined)
        review.error(path, `compares the times of ${region}, as another part does already`, {
          hint: `the first is at ${review.where(earlier)}; learned_latency may stand many times`,
        })
      else if (node.algorithm === 'latency') timed.set(region, path)
    }
  }
  for (const [index, region] of domain.regions.entries())
    if (!used.has(region))
      review.warn(
        ['domains', at, 'regions', index],
        'is in no part of the policy: it gets no traffic',
      )
}

export function checkPolicies(review: Review): void {
  for (const [at, domain] of review.config.domains.entries()) {
    if (domain.policy === undefined) continue
    alone(review, domain, at)
    regionsOf(review, domain, at, domain.policy)
  }
}
