/**
 * Servers: each once, with a check that can work, and an answer for when all are down.
 */
import { limits } from '../../base/limits.ts'
import { serverKey } from '../../net/address.ts'
import { resolveCheck } from '../checks.ts'
import { domainNames, namesOfService, zoneNames } from '../names.ts'
import type { Path } from '../problems.ts'
import type { Review } from './report.ts'
import { refuseTwice } from './report.ts'

/** A server is (service, address, port); one without a service stands for each domain it serves. */
function uniqueServers(review: Review): void {
  const { config } = review
  const [domains, zones] = [domainNames(config), zoneNames(config)]
  const byRegion = new Map<string, string[]>()
  for (const domain of config.domains)
    for (const region of domain.regions)
      byRegion.set(region, [...(byRegion.get(region) ?? []), domain.name])
  const seen: (readonly [string, Path])[] = []
  const perName = new Map<string, number>()
  for (const [at, region] of config.regions.entries())
    for (const [index, server] of region.servers.entries()) {
      const names =
        server.service === ''
          ? (byRegion.get(region.name) ?? [])
          : namesOfService(server.service, domains, zones)
      const path = ['regions', at, 'servers', index, 'address'] as const
      for (const name of names) {
        seen.push([serverKey(name, server.address, server.port), path])
        perName.set(name, (perName.get(name) ?? 0) + 1)
      }
    }
  // A server that stands for several names is told once, not once for each of them.
  const first = new Set<string>()
  const told = new Set<string>()
  const once = seen.filter(([key, path]) => {
    if (!first.has(key)) return first.add(key)
    const isNew = !told.has(path.join())
    told.add(path.join())
    return isNew
  })
  refuseTwice(review, once, 'is a server that is listed already for this service and port')
  for (const [name, count] of perName)
    if (count > limits.poolMembersMax.default)
      review.error(['regions'], `give ${name} ${count} servers`, {
        allowed: `up to ${limits.poolMembersMax.default}`,
      })
}

function checkTimes(review: Review): void {
  for (const [at, region] of review.config.regions.entries()) {
    const whole = resolveCheck([region.health_check])
    if (whole.timeoutMs > whole.intervalMs)
      review.warn(['regions', at, 'health_check', 'timeout'], 'is longer than the interval')
    for (const [index, server] of region.servers.entries()) {
      if (server.health_check === undefined) continue
      const own = resolveCheck([server.health_check, region.health_check])
      const path = ['regions', at, 'servers', index, 'health_check'] as const
      if (own.timeoutMs > own.intervalMs)
        review.warn(path, 'has a timeout longer than its interval')
    }
  }
}

function whenAllDown(review: Review): void {
  const { dns, domains } = review.config
  const contradicts = dns.return_last_healthy && dns.when_all_down !== 'last_healthy'
  if (contradicts) review.warn(['dns', 'return_last_healthy'], `has no effect beside when_all_down`)
  for (const [at, domain] of domains.entries()) {
    const effective = domain.when_all_down ?? dns.when_all_down
    const path = ['domains', at, 'fallback_addresses'] as const
    if (effective === 'fallback' && domain.fallback_addresses.length === 0)
      review.error(path, 'must be given, since `when_all_down` is fallback')
    if (effective !== 'fallback' && domain.fallback_addresses.length > 0)
      review.warn(path, `are not used: \`when_all_down\` is ${effective}`)
    refuseTwice(
      review,
      domain.fallback_addresses.map((address, index) => [address, [...path, index]] as const),
      'lists an address twice',
    )
  }
}

function agentBackends(review: Review): void {
  const { backends } = review.config.agent
  refuseTwice(
    review,
    backends.map(
      (one, at) =>
        [
          serverKey(one.service.toLowerCase(), one.address, one.port),
          ['agent', 'backends', at, 'address'],
        ] as const,
    ),
    'is a backend that is listed already for this service and port',
  )
}

export function checkServers(review: Review): void {
  uniqueServers(review)
  checkTimes(review)
  whenAllDown(review)
  agentBackends(review)
}
