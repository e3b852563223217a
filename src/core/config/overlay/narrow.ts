/**
 * The part of a configuration that a change of it touches, so that a small edit costs what it
 * changes and not what there is.
 *
 * It compares the two configurations themselves and knows nothing of edits. Names are touched: all
 * that the changed domains and servers go by, before and after. Of everything else it is proven
 * that it stands as it stood, in the same order; where that cannot be told there is no such part,
 * and the caller looks at the whole.
 */
import { isSame } from '../../base/same.ts'
import { namesOfService, serviceName } from '../names.ts'
import { domainNames, zoneNames } from '../names.ts'
import type { Config, DomainConfig, RegionConfig, ServerConfig } from '../schema/root.ts'

export interface Narrow {
  /** Every name of which something may be otherwise. */
  readonly names: ReadonlySet<string>
  /**
   * The configuration with the domains of these names and the servers that serve one of them; all
   * regions, and all other keys.
   */
  readonly config: Config
}

const LISTS: ReadonlySet<string> = new Set(['dns', 'domains', 'regions', 'overwatch'])

/** Whether all but the lists of objects is what it was. */
function isSameAround(before: Config, next: Config): boolean {
  const [one, other] = [before, next] as readonly Readonly<Record<string, unknown>>[]
  const names = new Set([...Object.keys(before), ...Object.keys(next)])
  for (const name of names) if (!LISTS.has(name) && one![name] !== other![name]) return false
  return isSame(before.dns, next.dns) && isSame(withoutLists(before), withoutLists(next))
}

const withoutLists = ({ overwatch }: Config) => ({
  ...overwatch,
  geolocation: { ...overwatch.geolocation, custom_mappings: [] },
})

/** Regions may be added behind the others, unless there was none; none changes or goes. */
function areRegionsKept(before: readonly RegionConfig[], next: readonly RegionConfig[]): boolean {
  if (before.length === 0 ? next.length > 0 : next.length < before.length) return false
  const alone = (region: RegionConfig) => ({ ...region, servers: [] })
  return before.every((region, at) => isSame(alone(region), alone(next[at]!)))
}

/** What of a list is another, in the old one and the new one; the rest keeps its order. */
function changedOf<T>(before: readonly T[], next: readonly T[]): T[] {
  if (before.length === next.length) {
    const changed: T[] = []
    for (let at = 0; at < next.length; at++)
      if (!isSame(before[at], next[at])) changed.push(before[at]!, next[at]!)
    return changed
  }
  const most = Math.min(before.length, next.length)
  let from = 0
  while (from < most && isSame(before[from], next[from])) from++
  let behind = 0
  while (behind < most - from && isSame(before.at(-1 - behind), next.at(-1 - behind))) behind++
  return [...before.slice(from, before.length - behind), ...next.slice(from, next.length - behind)]
}

/** Servers that are others, by the regions of both. */
function changedServers(before: Config, next: Config): ServerConfig[] {
  return next.regions.flatMap(({ servers }, at) =>
    changedOf(before.regions[at]?.servers ?? [], servers),
  )
}

/** The names of what changed; undefined where other names may hang on it. */
function namesTouched(
  before: Config,
  next: Config,
  domains: readonly DomainConfig[],
  servers: readonly ServerConfig[],
): Set<string> | undefined {
  const names = new Set(domains.map(({ name }) => name))
  // A label that becomes a domain, or was one, stands for a name in each zone otherwise.
  for (const name of names) if (!name.includes('.')) return
  const zones = zoneNames(next)
  const all = servers.length === 0 ? [] : [domainNames(before), domainNames(next)]
  for (const { service } of servers) {
    // It stands for every domain that lists its region.
    if (service === '') return
    names.add(serviceName(service))
    for (const there of all)
      for (const name of namesOfService(service, there, zones)) names.add(name)
  }
  return names
}

/** The part that a change touches; undefined where it may be everything. */
export function narrowed(before: Config, next: Config): Narrow | undefined {
  if (!isSameAround(before, next) || !areRegionsKept(before.regions, next.regions)) return
  const domains = changedOf(before.domains, next.domains)
  const names = namesTouched(before, next, domains, changedServers(before, next))
  if (names === undefined) return
  const [zones, all] = [zoneNames(next), domainNames(next)]
  const touches = ({ service }: ServerConfig): boolean => {
    if (service === '') return true
    const name = serviceName(service)
    if (names.has(name)) return true
    // With a dot it has no other name; a label that is a domain has none either.
    return !name.includes('.') && namesOfService(name, all, zones).some((one) => names.has(one))
  }
  const config = {
    ...next,
    domains: next.domains.filter(({ name }) => names.has(name)),
    regions: next.regions.map((region) => ({ ...region, servers: region.servers.filter(touches) })),
  }
  return { names, config }
}
