/**
 * Which names a configuration serves, and in which zones they lie.
 *
 * Without `dns.zones` every domain is a zone of its own. With zones, a domain belongs to the
 * longest zone around it, and a service that is no domain is served under each zone.
 */
import { isPublicSuffix } from './public-suffixes.ts'
import type { Config } from './schema/root.ts'

/** A service as names compare it: lower case, no final dot. */
export function serviceName(service: string): string {
  const name = service.toLowerCase()
  return name.endsWith('.') ? name.slice(0, -1) : name
}

/** The longest of the zones around a name of this configuration (none holds escaped dots). */
export function zoneAround(name: string, apexes: ReadonlySet<string>): string | undefined {
  let candidate = name
  while (!apexes.has(candidate)) {
    if (candidate === '') return undefined
    const dot = candidate.indexOf('.')
    candidate = dot < 0 ? '' : candidate.slice(dot + 1)
  }
  return candidate
}

/** The apex of a domain that lies in no zone; a wildcard cannot be one, so its parent is. */
export const ownApex = (domain: string): string => domain.replace(/^\*\./, '')

/**
 * The names a service is served as. A domain, or a name inside a zone, is served as it is; a
 * single label under each zone. None means that nothing serves it.
 */
export function namesOfService(
  service: string,
  domains: ReadonlySet<string>,
  zones: ReadonlySet<string>,
): readonly string[] {
  const name = serviceName(service)
  if (domains.has(name) || zoneAround(name, zones) !== undefined) return [name]
  return name.includes('.')
    ? []
    : [...zones].map((zone) => (zone === '' ? name : `${name}.${zone}`))
}

export const domainNames = (config: Config): ReadonlySet<string> =>
  new Set(config.domains.map((domain) => domain.name))

export const regionNames = (config: Config): ReadonlySet<string> =>
  new Set(config.regions.map((region) => region.name))

export const zoneNames = (config: Config): ReadonlySet<string> =>
  new Set(config.dns.zones.map((zone) => zone.name))

/** Zones that would hold the domains: their parents, public suffixes excepted. */
export function suggestedZones(config: Config): readonly string[] {
  const parents = new Set<string>()
  for (const { name } of config.domains) {
    const apex = ownApex(name)
    const parent = apex.slice(apex.indexOf('.') + 1)
    const usable = apex.includes('.') && parent.includes('.') && !isPublicSuffix(parent)
    parents.add(usable ? parent : apex)
  }
  return [...parents].filter((name) => {
    const above = name.includes('.') ? name.slice(name.indexOf('.') + 1) : undefined
    return above === undefined || zoneAround(above, parents) === undefined
  })
}
