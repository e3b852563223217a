/**
 * Which keys of an object the API may edit, and how they are read: by the very kinds that read them
 * from the file.
 */
import type { z } from 'zod'
import { fail, ok, type Result } from '../../base/result.ts'
import { key, keys } from '../keys.ts'
import { bool } from '../kinds/numbers.ts'
import { nearest } from '../nearest.ts'
import { showValue } from '../problems.ts'
import { healthCheckKeys } from '../schema/checks.ts'
import { mappingKeys } from '../schema/overwatch.ts'
import { logging } from '../schema/operations.ts'
import { domainKeys, regionKeys, serverKeys } from '../schema/regions.ts'
import { dns } from '../schema/dns.ts'
import type { Fields, ObjectKind } from './entry.ts'
import { policyText } from './policy-text.ts'

/** What is wrong with one key of an edit. */
export interface FieldFault {
  /** Empty where the whole object is at fault. */
  readonly field: string
  /** What is wrong, with the value and what is allowed. */
  readonly message: string
}

type Readers = Readonly<Record<string, z.ZodType>>

/** `enabled` is a key of the API alone: the file leaves out what it does not want. */
const enabled = keys({ enabled: key(bool, 'true', 'Whether it is served.') }).shape

/** Keys of a section by their paths. */
const within = (section: string, shape: Readers): Readers =>
  Object.fromEntries(Object.entries(shape).map(([name, reader]) => [`${section}.${name}`, reader]))

const CHECK = within('health_check', healthCheckKeys.shape)

function some(shape: Readers, ...names: readonly string[]): Readers {
  return Object.fromEntries(names.map((name) => [name, shape[name]!]))
}

const DOMAIN: Readers = {
  ...enabled,
  ...some(domainKeys.shape, 'routing_algorithm', 'regions', 'ttl', 'answers', 'when_all_down'),
  ...some(domainKeys.shape, 'fallback_addresses', 'hold_down', 'bleed_floor'),
  ...some(domainKeys.shape, 'geofence'),
  policy: policyText,
  ...within('sticky', domainKeys.shape.sticky.unwrap().shape),
  ...within('capacity', domainKeys.shape.capacity.unwrap().shape),
}
const SERVER: Readers = { ...enabled, region: regionKeys.shape.name, ...CHECK }
const PLACE_KEYS = [...['countries', 'continents', 'subdivisions', 'asns', 'latitude', 'longitude']]
const DNS_KEYS = ['default_ttl', 'default_routing_algorithm', 'default_answers', 'when_all_down']
const CHECK_KEYS = ['type', 'interval', 'timeout', 'failure_threshold', 'success_threshold']

/** Groups of settings: the keys of a section that take effect while the node runs. */
const SETTINGS: Readonly<Record<string, Readers>> = {
  dns: some(dns.unwrap().shape, ...DNS_KEYS),
  health_check: some(healthCheckKeys.shape, ...CHECK_KEYS),
  logging: some(logging.unwrap().shape, 'level'),
}

const READERS: Readonly<Record<Exclude<ObjectKind, 'setting'>, Readers>> = {
  domain: DOMAIN,
  server: { ...SERVER, ...some(serverKeys.shape, 'weight', 'host') },
  region: { ...enabled, ...some(regionKeys.shape, ...PLACE_KEYS), ...CHECK },
  mapping: some(mappingKeys.shape, 'region', 'comment'),
}

export const settingGroups = Object.keys(SETTINGS)

/** The keys that may be edited, by name; undefined for a group of settings that there is not. */
export function readersOf(kind: ObjectKind, id: string): Readers | undefined {
  if (kind !== 'setting') return READERS[kind]
  return Object.hasOwn(SETTINGS, id) ? SETTINGS[id] : undefined
}

/** Values in the units of a `Config`, by key. */
export type Typed = Readonly<Record<string, unknown>>

const shown = (value: unknown): string =>
  typeof value === 'string' ? showValue(value) : showValue(JSON.stringify(value) ?? '').slice(1, -1)

/** Reads the edited keys; fails with the first that is wrong. */
export function readFields(
  kind: ObjectKind,
  id: string,
  fields: Fields,
): Result<Typed, FieldFault> {
  const readers = readersOf(kind, id)
  if (readers === undefined) return fail({ field: '', message: `"${id}" is no group of settings` })
  const typed: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    const reader = Object.hasOwn(readers, name) ? readers[name] : undefined
    if (reader === undefined) {
      const near = nearest(name, Object.keys(readers))
      const hint = near === undefined ? '' : `; did you mean ${near}?`
      return fail({ field: name, message: `cannot be edited${hint}` })
    }
    const read = reader.safeParse(value)
    if (!read.success) return fail(faultOf(name, value, read.error.issues[0]!))
    typed[name] = read.data
  }
  return ok(typed)
}

function faultOf(name: string, value: unknown, issue: z.core.$ZodIssue): FieldFault {
  const [step] = issue.path
  const field = typeof step === 'number' ? `${name}[${step}]` : name
  const at = typeof step === 'number' && Array.isArray(value) ? value[step] : value
  const { allowed = '' }: { allowed?: string } = issue.code === 'custom' ? (issue.params ?? {}) : {}
  const isList = issue.code === 'invalid_type' && issue.expected === 'array'
  const what = isList ? 'must be a list' : issue.message
  const more = allowed === '' ? '' : `; allowed: ${allowed}`
  return { field, message: `${what}; got ${shown(at)}${more}` }
}

/** `health_check.path` as a key of the section `health_check`. */
export function nested(typed: Typed): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(typed)) {
    const dot = name.indexOf('.')
    if (dot < 0) object[name] = value
    else {
      const section = (object[name.slice(0, dot)] ?? {}) as Record<string, unknown>
      object[name.slice(0, dot)] = { ...section, [name.slice(dot + 1)]: value }
    }
  }
  return object
}
