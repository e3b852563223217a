/**
 * A gdnsd configuration as one of this program: what it checks, what it chooses, where it listens.
 *
 * Resources become regions and names: `multifo` and `weighted` one region of servers each,
 * `simplefo` and `metafo` one for each step, `geoip` one for each data centre with the countries
 * and networks of its map. Names come from the DYNA and DYNC lines of zone files; resources that no
 * line names are left out. Whatever else has no counterpart is noted, never dropped in silence.
 */
import { parseAddress } from '../core/net/address.ts'
import { type Hash, isHash, type Value } from './gdnsd-parse.ts'

/** A dynamic line of a zone file. */
export interface DynamicName {
  readonly name: string
  readonly ttl: number | undefined
  readonly plugin: string
  readonly resource: string
}

export interface Converted {
  /** Ready to be written as YAML. */
  readonly config: Record<string, unknown>
  readonly notes: readonly string[]
}

interface Server {
  readonly address: string
  readonly weight?: number
}

interface Region {
  readonly name: string
  readonly servers: readonly Server[]
  readonly check: string
  readonly places?: Record<string, unknown>
}

interface Pool {
  readonly regions: readonly Region[]
  readonly algorithm: string
  /** Addresses an answer; absent: one. */
  readonly answers?: number
}

const EMPTY: Hash = { entries: new Map() }
const hashOf = (value: Value | undefined): Hash => (isHash(value) ? value : EMPTY)
const textOf = (value: Value | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined
const textsOf = (value: Value | undefined): readonly string[] =>
  typeof value === 'string'
    ? [value]
    : Array.isArray(value)
      ? value.filter((one): one is string => typeof one === 'string')
      : []

const isAddress = (text: string | undefined): text is string =>
  text !== undefined && parseAddress(text).ok

/** A name of ours for one of theirs. */
const plain = (...parts: readonly string[]) =>
  parts
    .join('-')
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')

/** Options of a plugin's hash that are no servers. */
const OPTIONS = new Set([
  'service_types',
  'up_thresh',
  'ignore_health',
  'multi',
  'addrs_v4',
  'addrs_v6',
])
const CONTINENTS = new Set(['AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA'])
const MOST_ANSWERS = 64
/** Where gdnsd looks for databases that are named without a folder. */
const GEOIP_FOLDER = '/etc/gdnsd/geoip'
/** gdnsd's own, in seconds and results. */
const CHECK = { interval: 10, up: 20, down: 10, path: '/' } as const

class Conversion {
  readonly notes: string[] = []
  readonly #root: Hash

  constructor(root: Hash) {
    this.#root = root
  }

  /** The servers of a hash: `name => address`, `name => [ address, weight ]`, or hashes of them. */
  #servers(hash: Hash): readonly Server[] {
    return [...hash.entries].flatMap(([key, value]): readonly Server[] => {
      if (isHash(value) && key.startsWith('addrs_')) return this.#servers(value)
      if (OPTIONS.has(key)) return []
      if (isHash(value)) return this.#servers(value)
      const [address, weight] = textsOf(value)
      if (!isAddress(address)) {
        this.notes.push(`${key}: "${address ?? ''}" is no address; names (CNAMEs) are not steered`)
        return []
      }
      return [{ address, ...(weight === undefined ? {} : { weight: Number(weight) }) }]
    })
  }

  #check(hash: Hash): string {
    const [first, ...more] = textsOf(hash.entries.get('service_types'))
    if (more.length > 0)
      this.notes.push(`of the service types ${[first, ...more].join(', ')} the first is checked`)
    return first ?? 'default'
  }

  #resource(plugin: string, name: string): Pool | undefined {
    const plugins = hashOf(this.#root.entries.get('plugins'))
    const own = hashOf(plugins.entries.get(plugin))
    if (plugin === 'geoip' || plugin === 'metafo') return this.#placed(plugin, own, name)
    const value = own.entries.get(name)
    if (value === undefined) return undefined
    const hash = hashOf(value)
    const servers = Array.isArray(value)
      ? textsOf(value)
          .filter(isAddress)
          .map((address) => ({ address }))
      : this.#servers(hash)
    const check = this.#check(hash)
    if (plugin === 'simplefo') return this.#failover(name, hash, check)
    const regions = [{ name: plain(name), servers, check }]
    if (plugin === 'weighted') return { regions, algorithm: 'weighted' }
    if (plugin === 'multifo' || plugin === 'static') {
      // All that are up are answered together.
      const answers = Math.min(MOST_ANSWERS, Math.max(1, servers.length))
      return { regions, algorithm: 'round-robin', answers }
    }
    return undefined
  }

  #failover(name: string, hash: Hash, check: string): Pool {
    const regions = ['primary', 'secondary'].flatMap((step): Region[] => {
      const address = textOf(hash.entries.get(step))
      return isAddress(address) ? [{ name: plain(name, step), servers: [{ address }], check }] : []
    })
    return { regions, algorithm: 'failover' }
  }

  /** A resource of data centres, chosen by map (geoip) or in order (metafo). */
  #placed(plugin: string, own: Hash, name: string): Pool | undefined {
    const value = hashOf(own.entries.get('resources')).entries.get(name)
    if (!isHash(value)) return undefined
    const map = hashOf(own.entries.get('maps')).entries.get(textOf(value.entries.get('map')) ?? '')
    const places = hashOf(value.entries.get('dcmap'))
    const ordered =
      plugin === 'metafo'
        ? value.entries.get('datacenters')
        : hashOf(map).entries.get('datacenters')
    const order = textsOf(ordered)
    const check = this.#check(value)
    const names = order.length > 0 ? order : [...places.entries.keys()]
    const regions = names.map((place): Region => {
      const inside = places.entries.get(place)
      const within = typeof inside === 'string' ? [inside] : undefined
      if (within !== undefined && !isAddress(inside as string))
        this.notes.push(
          `${name}: data centre ${place} refers to ${String(inside)}; write its servers`,
        )
      const servers =
        within === undefined
          ? this.#servers(hashOf(inside))
          : within.filter(isAddress).map((address) => ({ address }))
      const nearest = plugin === 'geoip' ? this.#nearest(hashOf(map), place) : undefined
      return {
        ...{ name: plain(place), servers, check },
        ...(nearest === undefined ? {} : { places: nearest }),
      }
    })
    return { regions, algorithm: plugin === 'geoip' ? 'geolocation' : 'failover' }
  }

  /** Countries and continents whose first data centre this is. */
  #nearest(map: Hash, place: string): Record<string, unknown> {
    const countries: string[] = []
    const continents: string[] = []
    const walk = (hash: Hash, isTop: boolean) => {
      for (const [key, value] of hash.entries) {
        if (isHash(value)) {
          walk(value, false)
          continue
        }
        if (textsOf(value)[0] !== place || !/^[A-Z]{2}$/.test(key)) continue
        if (isTop && CONTINENTS.has(key)) continents.push(key)
        else countries.push(key)
      }
    }
    const inner = (hash: Hash) => {
      for (const [key, value] of hash.entries)
        if (
          isHash(value) &&
          textsOf(value.entries.get('default'))[0] === place &&
          CONTINENTS.has(key)
        )
          continents.push(key)
    }
    const table = hashOf(map.entries.get('map'))
    walk(table, true)
    inner(table)
    return {
      ...(countries.length > 0 ? { countries } : {}),
      ...(continents.length > 0 ? { continents } : {}),
    }
  }

  /** What the maps of data centres say of clients: networks, the database, where the rest goes. */
  #geolocation(regions: ReadonlySet<string>): Record<string, unknown> {
    const plugin = hashOf(hashOf(this.#root.entries.get('plugins')).entries.get('geoip'))
    const maps = [...hashOf(plugin.entries.get('maps')).entries.values()].map(hashOf)
    if (maps.length === 0) return {}
    if (maps.length > 1) this.notes.push('of several maps one database and one default are kept')
    const mappings = maps.flatMap(({ entries }) => {
      const nets = entries.get('nets')
      if (typeof nets === 'string') this.notes.push(`the networks in ${nets} were not read`)
      return [...hashOf(nets).entries].flatMap(([cidr, places]) => {
        const region = plain(textsOf(places)[0] ?? '')
        return regions.has(region) ? [{ cidr, region }] : []
      })
    })
    const [{ entries }] = maps as [Hash]
    const rest = textsOf(hashOf(entries.get('map')).entries.get('default'))[0]
    const first = plain(rest ?? textsOf(entries.get('datacenters'))[0] ?? '')
    const database = textOf(entries.get('geoip2_db'))
    const path = database?.startsWith('/') === true ? database : `${GEOIP_FOLDER}/${database}`
    return {
      geolocation: {
        ...(database === undefined ? {} : { database_path: path }),
        ...(regions.has(first) ? { default_region: first } : {}),
        ...(mappings.length === 0 ? {} : { custom_mappings: mappings }),
      },
    }
  }

  #healthCheck(type: string): Record<string, unknown> {
    const known = hashOf(hashOf(this.#root.entries.get('service_types')).entries.get(type)).entries
    const plugin = textOf(known.get('plugin'))
    const seconds = (key: string, fallback: number) =>
      Number(textOf(known.get(key)) ?? fallback) || fallback
    const interval = seconds('interval', CHECK.interval)
    const shared = {
      interval: `${interval}s`,
      timeout: `${seconds('timeout', Math.max(1, interval / 2))}s`,
      failure_threshold: Math.min(100, seconds('down_thresh', CHECK.down)),
      success_threshold: Math.min(100, seconds('up_thresh', CHECK.up)),
    }
    if (plugin === 'tcp_connect') return { type: 'tcp', ...shared }
    if (plugin !== 'http_status')
      this.notes.push(`service type ${type}${plugin ? ` (${plugin})` : ''}: checked by TCP instead`)
    if (plugin !== 'http_status') return { type: 'tcp', ...shared }
    const host = textOf(known.get('vhost'))
    const codes = textsOf(known.get('ok_codes')).map(Number)
    return {
      ...{ type: 'http', path: textOf(known.get('url_path')) ?? CHECK.path, ...shared },
      ...(host === undefined ? {} : { host }),
      ...(codes.length === 0 ? {} : { expected_status: codes.length === 1 ? codes[0] : codes }),
    }
  }

  #portOf(type: string): number {
    const known = hashOf(hashOf(this.#root.entries.get('service_types')).entries.get(type)).entries
    return Number(textOf(known.get('port')) ?? 80) || 80
  }

  #listen(): string {
    const options = hashOf(this.#root.entries.get('options')).entries
    const listen = options.get('listen')
    const port = textOf(options.get('dns_port')) ?? '53'
    const [first = '', ...more] = textsOf(listen)
    if (more.length > 0)
      this.notes.push(`of ${[first, ...more].join(', ')} the first is listened on`)
    if (first === '' || first === 'any') return `:${port}`
    return /^[\d.]+$|\]$/.test(first) ? `${first}:${port}` : first
  }

  convert(zones: readonly string[], names: readonly DynamicName[]): Converted {
    const listen = this.#listen()
    const regions = new Map<string, { name: string; servers: unknown[] }>()
    const domains = names.flatMap(({ name, ttl, plugin, resource }) => {
      const [own = resource] = resource.split('/')
      const pool = this.#resource(plugin, own)
      if (pool === undefined) {
        this.notes.push(
          `${name}: no resource ${plugin}!${resource}, or a plugin without counterpart`,
        )
        return []
      }
      for (const { name: region, servers, check, places } of pool.regions) {
        const known = regions.get(region) ?? { name: region, ...places, servers: [] }
        regions.set(region, known)
        const traits = { port: this.#portOf(check), health_check: this.#healthCheck(check) }
        known.servers.push(...servers.map((server) => ({ ...server, service: name, ...traits })))
      }
      return [
        {
          name,
          routing_algorithm: pool.algorithm,
          regions: pool.regions.map((region) => region.name),
          ...(pool.answers === undefined ? {} : { answers: pool.answers }),
          ...(ttl === undefined ? {} : { ttl }),
        },
      ]
    })
    return {
      config: {
        mode: 'overwatch',
        dns: { listen_address: listen, zones },
        overwatch: { data_dir: '/var/lib/opengslb', ...this.#geolocation(new Set(regions.keys())) },
        regions: [...regions.values()],
        domains,
      },
      notes: [...new Set(this.notes)],
    }
  }
}

/** The dynamic lines of a zone file; a file is named after its zone. */
export function dynamicNames(zone: string, text: string): readonly DynamicName[] {
  let origin = zone
  let owner = zone
  const full = (name: string) =>
    name === '@' ? origin : name.endsWith('.') ? name.slice(0, -1) : `${name}.${origin}`
  return text.split('\n').flatMap((line) => {
    const stripped = line.replace(/;.*$/, '').trimEnd()
    const moved = /^\$ORIGIN\s+(\S+)/i.exec(stripped)
    if (moved !== null) origin = full(moved[1]!)
    const named = /^(\S+)\s/.exec(stripped)
    if (named !== null && !stripped.startsWith('$')) owner = full(named[1]!)
    const found = /\s(?:(\d+)(?:\/\d+)?\s+)?(?:IN\s+)?DYN[AC]\s+(\w+)!(\S+)/i.exec(stripped)
    if (found === null) return []
    const ttl = found[1] === undefined ? undefined : Number(found[1])
    return [{ name: owner.toLowerCase(), ttl, plugin: found[2]!, resource: found[3]! }]
  })
}

/** Never throws; what could not be taken over is among the notes. */
export const convertGdnsd = (
  root: Hash,
  zones: readonly string[],
  names: readonly DynamicName[],
): Converted => new Conversion(root).convert(zones, names)
