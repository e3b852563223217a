/**
 * The zones a configuration is an authority for: their SOA, name servers and static records.
 *
 * A zone that names no server gets `ns1` below its apex, with the listening address as glue when
 * that is a specific one. A domain outside all zones is a zone of its own.
 */
import { isSubdomain, nameToWire, wireToName } from '../dns/names.ts'
import { types } from '../dns/types.ts'
import { parseAddress, parseEndpoint } from '../net/address.ts'
import type { PoolSpec, RecordSpec, SoaSpec, ZoneSpec } from '../steer/topology.ts'
import { canonicalRdata } from '../zone/rdata.ts'
import type { Config, ZoneConfig } from './schema/root.ts'

/** What the records of a zone's YAML and file say. */
export interface ZoneContent {
  /** Of the zone file; it wins over the `soa` section. */
  readonly soa?: SoaSpec
  readonly records: readonly RecordSpec[]
}

export interface AuthorityOptions {
  /** SOA serial of zones that give none, 32 bits; must grow with every change. */
  readonly serial: number
  /** By apex; a zone without an entry has no static records. */
  readonly zoneRecords: ReadonlyMap<string, ZoneContent>
}

/** Of zones that exist only because a domain is its own zone; the schema's defaults. */
const ZONE_DEFAULTS = { ttl: 300, refresh: 3_600, retry: 600, expire: 1_209_600, minimum: 60 }
const NO_CONTENT: ZoneContent = { records: [] }

/** The address queries arrive at, if the configuration names one. */
export function ownAddress(config: Config): string | undefined {
  const endpoint = parseEndpoint(config.dns.listen_address)
  const address = endpoint.ok ? parseAddress(endpoint.value.host) : endpoint
  if (!address.ok || address.value.bytes.every((byte) => byte === 0)) return undefined
  return address.value.text
}

function addressRecord(name: string, text: string, ttlSeconds: number): RecordSpec[] {
  const address = parseAddress(text)
  if (!address.ok) return []
  const type = address.value.family === 4 ? types.A : types.AAAA
  return [{ name, type, ttlSeconds, rdata: address.value.bytes }]
}

function nsRecord(apex: string, server: string, ttlSeconds: number): RecordSpec[] {
  const wire = nameToWire(server)
  return wire.ok ? [{ name: apex, type: types.NS, ttlSeconds, rdata: wire.value }] : []
}

const dataOf = ({ type, rdata }: RecordSpec): string => canonicalRdata(type, rdata).join()

const sameRecord = (a: RecordSpec, b: RecordSpec) =>
  a.name === b.name && a.type === b.type && dataOf(a) === dataOf(b)

/** The name server made up for a zone that names none. */
export const madeUpServer = (apex: string): string => (apex === '' ? 'ns1' : `ns1.${apex}`)

/** NS records of the apex and their glue, as `name_servers` has them or made up. */
function delegationOf(
  config: Config,
  apex: string,
  zone: ZoneConfig | undefined,
  content: ZoneContent,
  steered: ReadonlySet<string>,
): RecordSpec[] {
  const ttl = zone?.soa.ttl ?? ZONE_DEFAULTS.ttl
  const listed = zone?.name_servers ?? []
  const records: RecordSpec[] = []
  for (const server of listed) {
    records.push(...nsRecord(apex, server.name, ttl))
    // An address is authoritative here only inside the zone (RFC 1034 section 4.2.1).
    if (isSubdomain(server.name, apex))
      for (const address of server.addresses)
        records.push(...addressRecord(server.name, address, ttl))
  }
  const hasOwn = content.records.some((one) => one.type === types.NS && one.name === apex)
  if (listed.length === 0 && !hasOwn) {
    const server = madeUpServer(apex)
    records.push(...nsRecord(apex, server, ttl))
    const address = ownAddress(config)
    const hasAddress = steered.has(server) || content.records.some((one) => one.name === server)
    if (address !== undefined && !hasAddress) records.push(...addressRecord(server, address, ttl))
  }
  return records.filter((one) => !content.records.some((other) => sameRecord(one, other)))
}

function soaOf(
  apex: string,
  zone: ZoneConfig | undefined,
  records: readonly RecordSpec[],
  options: AuthorityOptions,
): SoaSpec {
  const soa = zone?.soa
  const first = zone?.name_servers[0]?.name ?? nsTarget(apex, records) ?? madeUpServer(apex)
  return {
    primary: soa?.primary || first,
    contact: soa?.contact || (apex === '' ? 'hostmaster' : `hostmaster.${apex}`),
    serial: soa?.serial ?? options.serial,
    refreshSeconds: soa?.refresh ?? ZONE_DEFAULTS.refresh,
    retrySeconds: soa?.retry ?? ZONE_DEFAULTS.retry,
    expireSeconds: soa?.expire ?? ZONE_DEFAULTS.expire,
    minimumSeconds: soa?.minimum ?? ZONE_DEFAULTS.minimum,
    ttlSeconds: soa?.ttl ?? ZONE_DEFAULTS.ttl,
  }
}

/** The first name server among static records. */
function nsTarget(apex: string, records: readonly RecordSpec[]): string | undefined {
  const first = records.find((one) => one.type === types.NS && one.name === apex)
  return first === undefined ? undefined : wireToName(first.rdata).toLowerCase()
}

/** The configured zones in file order, then those of domains outside them. */
export function zonesOf(
  config: Config,
  pools: readonly PoolSpec[],
  options: AuthorityOptions,
): readonly ZoneSpec[] {
  const steered = new Map<string, Set<string>>()
  for (const { name, zone } of pools) steered.set(zone, (steered.get(zone) ?? new Set()).add(name))
  const configured = new Map(config.dns.zones.map((zone) => [zone.name, zone]))
  const apexes = new Set([...configured.keys(), ...steered.keys()])
  return [...apexes].map((apex) => {
    const zone = configured.get(apex)
    const content = options.zoneRecords.get(apex) ?? NO_CONTENT
    const names = steered.get(apex) ?? new Set<string>()
    const records = [...delegationOf(config, apex, zone, content, names), ...content.records]
    return { apex, soa: content.soa ?? soaOf(apex, zone, records, options), records }
  })
}
