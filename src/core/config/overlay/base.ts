/**
 * What the file declares, found by the ids that the API uses.
 *
 * A server of the file that stands for several names (one without a service, or a single label with
 * several zones) is found under each of them, and cannot be edited under one alone.
 */
import { serverKey } from '../../net/address.ts'
import { domainNames, namesOfService, zoneNames } from '../names.ts'
import type { PolicyNode } from '../../steer/policy-tree.ts'
import type { Config, DomainConfig, RegionConfig, ServerConfig } from '../schema/root.ts'
import { canonical, type ObjectKind } from './entry.ts'
import { writtenPolicy } from './policy-text.ts'

export interface BaseServer {
  readonly region: RegionConfig
  readonly server: ServerConfig
  /** It stands for other names too. */
  readonly shared: boolean
}

export interface Base {
  readonly config: Config
  readonly domains: ReadonlyMap<string, DomainConfig>
  readonly regions: ReadonlyMap<string, RegionConfig>
  readonly servers: ReadonlyMap<string, BaseServer>
  /** By network. */
  readonly mappings: ReadonlyMap<string, MappingConfig>
  /** Names of edits that the records of the file's zones stand against, and why. */
  readonly taken: ReadonlyMap<string, string>
}

export type MappingConfig = Config['overwatch']['geolocation']['custom_mappings'][number]

export function baseOf(config: Config): Base {
  const [names, zones] = [domainNames(config), zoneNames(config)]
  const listing = new Map<string, string[]>()
  for (const { name, regions } of config.domains)
    for (const region of regions) listing.set(region, [...(listing.get(region) ?? []), name])
  const servers = new Map<string, BaseServer>()
  for (const region of config.regions)
    for (const server of region.servers) {
      const served =
        server.service === ''
          ? (listing.get(region.name) ?? [])
          : namesOfService(server.service, names, zones)
      const shared = server.service === '' || served.length > 1
      for (const name of served)
        servers.set(serverKey(name, server.address, server.port), { region, server, shared })
    }
  return {
    config,
    domains: new Map(config.domains.map((domain) => [domain.name, domain])),
    regions: new Map(config.regions.map((region) => [region.name, region])),
    servers,
    mappings: new Map(
      config.overwatch.geolocation.custom_mappings.map((mapping) => [mapping.cidr, mapping]),
    ),
    taken: new Map(),
  }
}

/** What the file says of a group of settings; nothing of checks, which have no key there. */
function settingsOf({ dns, logging }: Config, group: string): object | undefined {
  if (group === 'dns') return dns
  if (group === 'logging') return logging
  return group === 'health_check' ? {} : undefined
}

/** The object as the file declares it, with the keys that may be edited; undefined for none. */
export function declaredBy(base: Base, kind: ObjectKind, id: string): object | undefined {
  switch (kind) {
    case 'domain':
      return base.domains.get(id)
    case 'region':
      return base.regions.get(id)
    case 'server': {
      const found = base.servers.get(id)
      return found && { ...found.server, region: found.region.name }
    }
    case 'mapping':
      return base.mappings.get(id)
    case 'setting':
      return settingsOf(base.config, id)
  }
}

/** One key of it; `health_check.path` lies in a section. */
export function valueAt(object: object | undefined, name: string): unknown {
  let value: unknown = object
  for (const step of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<string, unknown>)[step]
  }
  return value
}

/** What the file says of one key, or under `''` of the whole object, as canonical text. */
export function wasOf(base: Base, kind: ObjectKind, id: string, name: string): string {
  const object = declaredBy(base, kind, id)
  const value = valueAt(object, name)
  if (name === 'policy' && value !== undefined) return canonical(writtenPolicy(value as PolicyNode))
  if (name !== '') return canonical(value)
  // The servers of a region are objects of their own.
  return canonical(kind === 'region' ? { ...object, servers: [] } : object)
}
