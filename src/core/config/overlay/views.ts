/**
 * Objects as they are in force, for lists: what the file declares with the edits in it, and what
 * the API made.
 */
import { crc32 } from '../../base/crc32.ts'
import type { CheckSpec } from '../../steer/topology.ts'
import { resolveCheck } from '../checks.ts'
import { formatDuration } from '../kinds/numbers.ts'
import type { Config, DomainConfig, RegionConfig, ServerConfig } from '../schema/root.ts'
import type { Applied } from './apply.ts'
import { type Base, declaredBy, wasOf } from './base.ts'
import type { CompiledOverlay } from './compile.ts'
import { type Entries, entryKey, type Fields, type ObjectKind } from './entry.ts'
import { type FieldFault, nested, readFields, settingGroups, type Typed } from './fields.ts'
import { writtenPolicy } from './policy-text.ts'
import { parseServerId } from './server-id.ts'

export interface ObjectView {
  readonly kind: ObjectKind
  readonly id: string
  /** Who declares it. */
  readonly origin: 'file' | 'api'
  /** The API has edited what the file declares. */
  readonly edited: boolean
  readonly enabled: boolean
  /** Its keys as they are in force, in the units of the file's own types: times in milliseconds. */
  readonly values: Readonly<Record<string, unknown>>
  readonly notes: Fields
  /** Unix milliseconds; 0 for what the file declares. */
  readonly createdAtMs: number
  readonly updatedAtMs: number
  /** 0 for what was never edited. */
  readonly revision: number
  /** Changes with everything that an edit or the file says of it: `r3-1f00aa37`. */
  readonly tag: string
  /** Why it is not in force. */
  readonly fault?: FieldFault
}

/** One difference between the file and what is in force. */
export interface Difference {
  readonly kind: ObjectKind
  readonly id: string
  readonly change: 'made' | 'edited' | 'deleted'
  /** `file` as JSON; absent for objects that the API made. */
  readonly fields: readonly {
    readonly name: string
    readonly file?: string
    readonly api: string
  }[]
  readonly by: string
  readonly atMs: number
  readonly fault?: FieldFault
}

export function differences(entries: Entries, { aside }: CompiledOverlay): readonly Difference[] {
  return [...entries].map(([key, { kind, id, owned, deleted, fields, was, by, updatedAtMs }]) => {
    const fault = aside.get(key)
    const change = deleted ? 'deleted' : owned ? 'edited' : 'made'
    const shown = Object.entries(fields).map(([name, value]) => {
      // A policy is JSON already.
      const api = name === 'policy' ? String(value) : JSON.stringify(value)
      return owned ? { name, file: was[name] ?? 'null', api } : { name, api }
    })
    const row = { kind, id, change, fields: shown, by, atMs: updatedAtMs } as const
    return fault === undefined ? row : { ...row, fault }
  })
}

/** Ids of every object of a kind, the file's first; what was deleted is not among them. */
export function idsOf(base: Base, entries: Entries, kind: ObjectKind): readonly string[] {
  const declared = {
    domain: () => base.domains.keys(),
    region: () => base.regions.keys(),
    server: () => base.servers.keys(),
    mapping: () => base.mappings.keys(),
    setting: () => settingGroups.values(),
  }[kind]()
  const ids = new Set(declared)
  for (const entry of entries.values()) {
    if (entry.kind !== kind) continue
    if (entry.deleted) ids.delete(entry.id)
    else ids.add(entry.id)
  }
  return [...ids]
}

/** One object; undefined where there is none. */
export function viewOf(
  base: Base,
  entries: Entries,
  { applied, aside }: CompiledOverlay,
  kind: ObjectKind,
  id: string,
): ObjectView | undefined {
  const key = entryKey(kind, id)
  const entry = entries.get(key)
  const declared = declaredBy(base, kind, id)
  if (entry === undefined ? declared === undefined : entry.deleted) return
  const fault = aside.get(key)
  const read = entry && fault === undefined ? readFields(kind, id, entry.fields) : undefined
  const typed: Typed = read?.ok === true ? read.value : {}
  const values = valuesOf(applied, kind, id, { ...declared }, typed)
  const { revision = 0, createdAtMs = 0, updatedAtMs = 0, notes = {} } = entry ?? {}
  const text = JSON.stringify([values, notes, typed['enabled'], wasOf(base, kind, id, '')])
  const sum = crc32(new TextEncoder().encode(text)).toString(16).padStart(8, '0')
  return {
    ...{ kind, id, values, notes, createdAtMs, updatedAtMs, revision },
    origin: declared === undefined ? 'api' : 'file',
    edited: entry !== undefined && declared !== undefined,
    enabled: typed['enabled'] !== false,
    tag: `r${revision}-${sum}`,
    ...(fault === undefined ? {} : { fault }),
  }
}

type Values = Record<string, unknown>

function valuesOf(
  applied: Applied,
  kind: ObjectKind,
  id: string,
  declared: Values,
  typed: Typed,
): Values {
  const { enabled: _, ...edited } = nested(typed)
  switch (kind) {
    case 'domain':
      return domainValues(applied, id, ownDomain(declared, edited))
    case 'server':
      return serverValues(applied, id, declared, edited)
    case 'region': {
      const {
        countries = [],
        continents = [],
        subdivisions = [],
        asns = [],
        ...place
      } = {
        ...declared,
        ...edited,
      } as Partial<RegionConfig>
      const { latitude, longitude } = place
      return { countries, continents, subdivisions, asns, latitude, longitude }
    }
    case 'mapping':
      return { region: '', comment: '', ...declared, ...edited }
    case 'setting':
      return settingValues(applied, id, edited)
  }
}

/** What a domain says of itself; an edited way to choose takes the place of the file's. */
function ownDomain(declared: Values, edited: Values): Partial<DomainConfig> {
  const { policy: _, ...others } = declared
  const isChosenAnew = edited['routing_algorithm'] !== undefined
  return { ...(isChosenAnew ? others : declared), ...edited }
}

function domainValues(
  { config, domains }: Applied,
  id: string,
  own: Partial<DomainConfig>,
): Values {
  const { dns } = config
  const inForce = domains.get(id)
  const { sticky, capacity } = inForce ?? own
  return {
    ttl: own.ttl ?? dns.default_ttl,
    routing_algorithm:
      own.policy === undefined
        ? (own.routing_algorithm ?? dns.default_routing_algorithm)
        : 'composed',
    answers: own.answers ?? dns.default_answers,
    when_all_down: own.when_all_down ?? dns.when_all_down,
    fallback_addresses: own.fallback_addresses ?? [],
    regions: inForce?.regions ?? own.regions ?? [],
    ...(own.geofence === 'strict' ? { geofence: own.geofence } : {}),
    ...(own.policy === undefined ? {} : { policy: writtenPolicy(own.policy) }),
    ...((sticky?.by ?? 'none') === 'none' ? {} : { sticky }),
    ...((capacity?.by ?? 'none') === 'none' ? {} : { capacity }),
    ...(own.hold_down === undefined ? {} : { hold_down: formatDuration(own.hold_down) }),
  }
}

function serverValues(
  { config, checks }: Applied,
  id: string,
  own: Values,
  edited: Values,
): Values {
  const { health_check: ownCheck, ...declared } = own as Partial<ServerConfig>
  const { health_check: editedCheck, ...rest } = edited as Partial<ServerConfig>
  const whole = { weight: 100, host: '', ...declared, ...rest } as ServerConfig & {
    region?: string
  }
  const parsed = parseServerId(id)
  const place = parsed.ok ? parsed.value : { service: '', address: '', port: 0 }
  const home = config.regions.find(({ name }) => name === whole.region)
  const sections = [{ ...ownCheck, ...editedCheck }, home?.health_check, checks]
  const { service, address, port } = place
  const check: CheckSpec = resolveCheck(sections, whole.host)
  return { service, address, port, region: whole.region ?? '', weight: whole.weight, check }
}

function settingValues({ config, checks }: Applied, id: string, edited: Values): Values {
  if (id === 'health_check') {
    const { type, intervalMs, timeoutMs, failureThreshold, successThreshold } = resolveCheck([
      checks,
    ])
    return { type, intervalMs, timeoutMs, failureThreshold, successThreshold }
  }
  const group = config[id as 'dns' | 'logging'] as Config['dns'] & Config['logging']
  if (id === 'logging') return { level: edited['level'] ?? group.level }
  const { default_ttl, default_routing_algorithm, default_answers, when_all_down } = group
  return { default_ttl, default_routing_algorithm, default_answers, when_all_down }
}
