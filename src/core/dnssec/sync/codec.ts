/**
 * Messages of key sync as octets: JSON in UTF-8, read with bounds and never with a throw.
 *
 * A message is opened before it is read, so its author knows the authority; it is checked all the
 * same, since a node of another version or with a fault is an author too.
 */
import { limits } from '../../base/limits.ts'
import { canonicalName } from '../../dns/names.ts'
import { keyJson, readKey } from '../keystore.ts'
import { isHex32, readMark, readRollState } from '../roll/read-state.ts'
import type { Bundle, Hearsay, Serving, SyncMessage, ZoneMark } from './types.ts'

type Fields = Readonly<Record<string, unknown>>

export const SYNC_VERSION = 1
const NODE_CHARS_MAX = 255
const ZONE_CHARS_MAX = 1_100

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

const isNode = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= NODE_CHARS_MAX

function isZone(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > ZONE_CHARS_MAX) return false
  const name = canonicalName(value)
  return name.ok && name.value === value
}

function listOf<T>(value: unknown, max: number, read: (each: unknown) => T | undefined) {
  if (!Array.isArray(value) || value.length > max) return undefined
  const all = value.map(read).filter((each) => each !== undefined)
  return all.length === value.length ? all : undefined
}

const bundleJson = ({ state, keys }: Bundle) => ({ state, keys: keys.map(keyJson) })

export const bundleBytes = (bundle: Bundle): number => JSON.stringify(bundleJson(bundle)).length

export const messageBytes = (message: SyncMessage): Uint8Array =>
  new TextEncoder().encode(
    JSON.stringify({
      ...message,
      version: SYNC_VERSION,
      bundles: message.bundles.map(bundleJson),
    }),
  )

const readServing = (value: unknown): Serving | undefined => {
  if (!isFields(value)) return undefined
  const { node, version } = value
  return isNode(node) && isCount(version) ? { node, version } : undefined
}

const readHearsay = (value: unknown): Hearsay | undefined => {
  if (!isFields(value)) return undefined
  const { node, agoSeconds } = value
  return isNode(node) && isCount(agoSeconds) ? { node, agoSeconds } : undefined
}

function readZoneMark(value: unknown): ZoneMark | undefined {
  if (!isFields(value)) return undefined
  const { zone } = value
  const serves = listOf(value['serves'], limits.syncPeers.max, readServing)
  const strays = listOf(value['strays'], limits.syncStrays.max, readMark)
  if (!isZone(zone) || serves === undefined || strays === undefined) return undefined
  if (value['held'] === undefined) return { zone, serves, strays }
  const held = readMark(value['held'])
  return held === undefined ? undefined : { zone, held, serves, strays }
}

function readBundle(value: unknown): Bundle | undefined {
  if (!isFields(value)) return undefined
  const state = readRollState(value['state'])
  const keys = listOf(value['keys'], limits.rollKeys.max, readKey)
  return state === undefined || keys === undefined ? undefined : { state, keys }
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}

/** What else a node is or was known by; {} for one that says nothing of it. */
function readNames(fields: Fields): Pick<SyncMessage, 'formerly' | 'instance'> | undefined {
  const { instance } = fields
  if (instance !== undefined && !isHex32(instance)) return undefined
  const own = instance === undefined ? {} : { instance }
  if (fields['formerly'] === undefined) return own
  const formerly = listOf(fields['formerly'], limits.syncFormerNames.max, (each) =>
    isNode(each) ? each : undefined,
  )
  return formerly === undefined ? undefined : { ...own, formerly }
}

export type ReadFault = 'malformed' | 'other-version'

/** The message, or why it is none. */
export function readMessage(bytes: Uint8Array): SyncMessage | ReadFault {
  const fields = parsed(bytes)
  if (!isFields(fields)) return 'malformed'
  if (fields['version'] !== SYNC_VERSION)
    return isCount(fields['version']) ? 'other-version' : 'malformed'
  const { kind, node, after, upTo, isCut } = fields
  const own = readNames(fields)
  if ((kind !== 'request' && kind !== 'answer') || !isNode(node)) return 'malformed'
  if (after !== '' && !isZone(after)) return 'malformed'
  if (upTo !== undefined && !isZone(upTo)) return 'malformed'
  if (typeof isCut !== 'boolean') return 'malformed'
  const zones = limits.syncZonesPerMessage.max
  const heard = listOf(fields['heard'], limits.syncPeers.max, readHearsay)
  const marks = listOf(fields['marks'], zones, readZoneMark)
  const bundles = listOf(fields['bundles'], zones, readBundle)
  const wants = listOf(fields['wants'], zones, (each) => (isZone(each) ? each : undefined))
  if (heard === undefined || marks === undefined || bundles === undefined || wants === undefined)
    return 'malformed'
  if (own === undefined) return 'malformed'
  const range = upTo === undefined ? { after } : { after, upTo }
  return { kind, node, ...own, heard, ...range, marks, bundles, wants, isCut }
}
