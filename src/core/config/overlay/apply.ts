/**
 * A configuration with the edits of the API in it.
 *
 * Edited keys take the place of the file's; what the API made stands after what the file declares,
 * in the order in which it was made. What is deleted or switched off is left out. Every edit must
 * be readable; whether the result holds together is looked at by compile.ts.
 */
import { leafNodesOf, type PolicyNode } from '../../steer/policy-tree.ts'
import { serviceName } from '../names.ts'
import { domainNames, namesOfService, zoneNames } from '../names.ts'
import type { Config, DomainConfig, HealthCheckConfig } from '../schema/root.ts'
import type { RegionConfig, ServerConfig } from '../schema/root.ts'
import { domainKeys, regionKeys, serverKeys } from '../schema/regions.ts'
import type { Additions } from '../topology.ts'
import type { Base, MappingConfig } from './base.ts'
import { type OverlayEntry, keyOfEntry } from './entry.ts'
import { nested, type Typed } from './fields.ts'
import { parseServerId } from './server-id.ts'

/** An entry with its keys read. */
export interface ReadEntry {
  readonly entry: OverlayEntry
  readonly typed: Typed
}

export interface Applied extends Additions {
  readonly config: Config
  readonly logLevel: Config['logging']['level']
  /** The domains of `config`, by name. */
  readonly domains: ReadonlyMap<string, DomainConfig>
  /** Which edit an object of `config` comes from, by the object. */
  readonly origins: ReadonlyMap<object, string>
  /** Domains whose regions follow from their servers. */
  readonly automatic: ReadonlySet<DomainConfig>
}

interface Bench {
  readonly region: RegionConfig
  readonly servers: ServerConfig[]
}

const isOff = ({ entry, typed }: ReadEntry) => entry.deleted || typed['enabled'] === false

/** Keys of the object alone: `enabled` is none of a configuration. */
function keysOf({ typed }: ReadEntry): Record<string, unknown> {
  const { enabled: _, ...rest } = nested(typed)
  return rest
}

const SECTIONS = ['health_check', 'sticky', 'capacity'] as const

/** Edited keys over an object; sections key by key. */
function over<T extends object>(object: T, edited: Readonly<Record<string, unknown>>): T {
  const own = object as Readonly<Record<string, object | undefined>>
  const sections = SECTIONS.filter((name) => edited[name] !== undefined).map((name) => [
    name,
    { ...own[name], ...(edited[name] as object) },
  ])
  return { ...object, ...edited, ...Object.fromEntries(sections) }
}

/** How a name chooses is one thing: what is edited of it takes the place of what the file says. */
function chosenAnew(domain: DomainConfig, { typed }: ReadEntry): DomainConfig {
  const { policy, routing_algorithm, ...rest } = domain
  if (typed['policy'] !== undefined) return { ...rest, geofence: 'none' }
  return typed['routing_algorithm'] === undefined ? domain : { ...rest, routing_algorithm }
}

/** Regions that a policy of the API lists in each of its parts. */
function regionsOfPolicy(policy: PolicyNode | undefined): string[] {
  const leaves = policy === undefined ? [] : leafNodesOf(policy)
  if (leaves.some(({ regions }) => regions.length === 0)) return []
  return [...new Set(leaves.flatMap(({ regions }) => regions))]
}

class Applier {
  readonly #base: Base
  readonly #entries: readonly ReadEntry[]
  readonly #origins = new Map<object, string>()
  readonly #made = new Set<string>()
  readonly #automatic = new Set<DomainConfig>()
  readonly #withheld: Set<string>

  constructor(base: Base, entries: readonly ReadEntry[]) {
    this.#base = base
    // A server may have other names, which go on.
    this.#withheld = new Set(base.taken.keys())
    this.#entries = entries
  }

  run(): Applied {
    const base = this.#base.config
    const settings = new Map(this.#of('setting').map((one) => [one.entry.id, one.typed]))
    const domains = this.#domains()
    const dns = { ...base.dns, ...settings.get('dns') }
    const { geolocation } = base.overwatch
    const custom = this.#mappings(geolocation.custom_mappings)
    const overwatch = {
      ...base.overwatch,
      geolocation: { ...geolocation, custom_mappings: custom },
    }
    const declared = { ...base, dns, domains, overwatch }
    const regions = this.#regions()
    const config = { ...declared, regions, domains: this.#withRegions({ ...declared, regions }) }
    return {
      config,
      domains: new Map(config.domains.map((domain) => [domain.name, domain])),
      logLevel: this.#logLevel(settings.get('logging')),
      made: this.#made,
      withheld: this.#withheld,
      checks: (settings.get('health_check') ?? {}) as HealthCheckConfig,
      origins: this.#origins,
      automatic: this.#automatic,
    }
  }

  #mappings(declared: readonly MappingConfig[]): MappingConfig[] {
    const edits = new Map(this.#of('mapping').map((one) => [one.entry.id, one]))
    const mappings = declared.flatMap((mapping) => {
      const edit = edits.get(mapping.cidr)
      edits.delete(mapping.cidr)
      if (edit === undefined) return [mapping]
      return edit.entry.deleted ? [] : [this.#keep(over(mapping, edit.typed), edit)]
    })
    for (const edit of edits.values()) {
      const { region = '', comment = '' } = edit.typed as Partial<MappingConfig>
      mappings.push(this.#keep({ cidr: edit.entry.id, region, comment }, edit))
    }
    return mappings
  }

  #logLevel(edited: Typed | undefined): Config['logging']['level'] {
    return { ...this.#base.config.logging, ...edited }.level
  }

  #of(kind: OverlayEntry['kind']): readonly ReadEntry[] {
    return this.#entries.filter(({ entry }) => entry.kind === kind)
  }

  #keep<T extends object>(object: T, { entry }: ReadEntry): T {
    this.#origins.set(object, keyOfEntry(entry))
    return object
  }

  #domains(): DomainConfig[] {
    const edits = new Map(this.#of('domain').map((one) => [one.entry.id, one]))
    const domains: DomainConfig[] = []
    const add = (domain: DomainConfig, edit: ReadEntry) => {
      if (isOff(edit)) this.#withheld.add(domain.name)
      else domains.push(this.#keep(over(chosenAnew(domain, edit), keysOf(edit)), edit))
    }
    for (const domain of this.#base.config.domains) {
      const edit = edits.get(domain.name)
      edits.delete(domain.name)
      if (edit === undefined) domains.push(domain)
      else add(domain, edit)
    }
    for (const edit of edits.values()) {
      const { id, fields } = edit.entry
      const regions = regionsOfPolicy(edit.typed['policy'] as PolicyNode | undefined)
      add(domainKeys.parse({ name: id, regions }), edit)
      if (fields['regions'] === undefined && regions.length === 0 && !isOff(edit))
        this.#automatic.add(domains.at(-1)!)
    }
    return domains
  }

  #regions(): RegionConfig[] {
    const edits = new Map(this.#of('region').map((one) => [one.entry.id, one]))
    const benches = new Map<string, Bench>()
    const off = new Set<string>()
    const add = (declared: RegionConfig, edit: ReadEntry | undefined) => {
      if (edit?.entry.deleted) return
      if (edit !== undefined && isOff(edit)) off.add(declared.name)
      const region = edit === undefined ? declared : over(declared, keysOf(edit))
      benches.set(region.name, { region, servers: [] })
    }
    for (const region of this.#base.config.regions) {
      add(region, edits.get(region.name))
      edits.delete(region.name)
    }
    for (const [id, edit] of edits) add(regionKeys.parse({ name: id }), edit)
    this.#seat(benches)
    return [...benches.values()].map(({ region, servers }) => {
      const whole = { ...region, servers: off.has(region.name) ? [] : servers }
      const edit = this.#of('region').find(({ entry }) => entry.id === region.name)
      return edit === undefined ? whole : this.#keep(whole, edit)
    })
  }

  /** Puts every server into its region; one whose region is not there is in none. */
  #seat(benches: ReadonlyMap<string, Bench>): void {
    const edits = new Map<ServerConfig, ReadEntry>()
    const made: ReadEntry[] = []
    for (const edit of this.#of('server')) {
      const own = this.#base.servers.get(edit.entry.id)
      if (own === undefined) made.push(edit)
      else edits.set(own.server, edit)
    }
    for (const region of this.#base.config.regions)
      for (const server of region.servers) {
        const edit = edits.get(server)
        if (edit === undefined) this.#place(benches, region.name, server)
        else this.#placeEdited(benches, region.name, server, edit)
      }
    for (const edit of made) {
      const id = parseServerId(edit.entry.id)
      if (!id.ok) continue
      const { service, address, port } = id.value
      const server = serverKeys.parse({ service, address, port: String(port) })
      if (!isOff(edit)) this.#made.add(edit.entry.id)
      this.#placeEdited(benches, '', server, edit)
    }
  }

  #placeEdited(
    benches: ReadonlyMap<string, Bench>,
    home: string,
    server: ServerConfig,
    edit: ReadEntry,
  ): void {
    if (isOff(edit)) return
    const { region = home, ...edited } = keysOf(edit)
    this.#place(benches, String(region), this.#keep(over(server, edited), edit))
  }

  #place(benches: ReadonlyMap<string, Bench>, region: string, server: ServerConfig): void {
    // What is not served has no servers either; without its domain it would be served by defaults.
    if (server.service !== '' && this.#withheld.has(serviceName(server.service))) return
    benches.get(region)?.servers.push(server)
  }

  /** Domains that list no regions list those of their servers. */
  #withRegions(config: Config): DomainConfig[] {
    if (this.#automatic.size === 0) return config.domains
    const [names, zones] = [domainNames(config), zoneNames(config)]
    const homes = new Map<string, Set<string>>()
    for (const region of config.regions)
      for (const { service } of region.servers) {
        if (service === '') continue
        for (const name of namesOfService(service, names, zones))
          homes.set(name, (homes.get(name) ?? new Set()).add(region.name))
      }
    return config.domains.map((domain) => {
      if (!this.#automatic.has(domain)) return domain
      const whole = { ...domain, regions: [...(homes.get(domain.name) ?? [])] }
      this.#automatic.delete(domain)
      this.#automatic.add(whole)
      this.#origins.set(whole, this.#origins.get(domain)!)
      return whole
    })
  }
}

/** @param entries in the order in which they were made */
export const applyEntries = (base: Base, entries: readonly ReadEntry[]): Applied =>
  new Applier(base, entries).run()
