/**
 * A document of keys out of JSON: from the key store, and from another node.
 *
 * The law: what is read is bounded and whole, or it is refused. A document that names a key it does
 * not hold, counts backwards or lacks a field could make a zone bogus as surely as a wrong key.
 */
import { limits } from '../../base/limits.ts'
import { canonicalName } from '../../dns/names.ts'
import { isAlgorithm } from '../algorithms.ts'
import type { KeyRole } from '../dnskey.ts'
import { LAST_SECOND } from '../key-times.ts'
import type {
  DsSet,
  DsView,
  KeyId,
  KeySet,
  Mark,
  Past,
  PastDs,
  RollKey,
  RollState,
  Term,
} from './types.ts'

type Fields = Readonly<Record<string, unknown>>
type Read<T> = (value: unknown) => T | undefined

const ROLES: ReadonlySet<unknown> = new Set(['csk', 'ksk', 'zsk'] satisfies KeyRole[])
const HEX_32 = /^[0-9a-f]{32}$/
/** A DS of no key of ours: `?`, algorithm, tag. */
const FOREIGN = /^\?\d{1,3}:\d{1,5}$/
const NODE_CHARS_MAX = 255
const DS_SETS_MAX = 64

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isCount = (value: unknown, max: number): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max

const isSeconds = (value: unknown): value is number => isCount(value, LAST_SECOND)
const isText = (value: unknown): value is string => typeof value === 'string'
const isNode = (value: unknown): value is string =>
  isText(value) && value.length > 0 && value.length <= NODE_CHARS_MAX

export const isHex32 = (value: unknown): value is string => isText(value) && HEX_32.test(value)

function listOf<T>(value: unknown, max: number, read: Read<T>): T[] | undefined {
  if (!Array.isArray(value) || value.length > max) return undefined
  const out: T[] = []
  for (const each of value) {
    const one = read(each)
    if (one === undefined) return undefined
    out.push(one)
  }
  return out
}

const readId: Read<KeyId> = (value) => (isHex32(value) ? value : undefined)
const readDsId: Read<string> = (value) =>
  isHex32(value) || (isText(value) && FOREIGN.test(value)) ? value : undefined
const readIds: Read<readonly KeyId[]> = (value) => listOf(value, limits.rollKeys.max, readId)
const readDs: Read<DsSet> = (value) => listOf(value, limits.rollDsRecords.max, readDsId)
const readNode: Read<string> = (value) => (isNode(value) ? value : undefined)

const readKeySet: Read<KeySet> = (value) => {
  if (!isFields(value)) return undefined
  const members = readIds(value['members'])
  const signers = readIds(value['signers'])
  return members === undefined || signers === undefined ? undefined : { members, signers }
}

export const readMark: Read<Mark> = (value) => {
  if (!isFields(value)) return undefined
  const { lineage, term, leader, revision } = value
  if (!isHex32(lineage) || !isCount(term, 2 ** 31) || !isCount(revision, 2 ** 48)) return undefined
  return isNode(leader) ? { lineage, term, leader, revision } : undefined
}

const readTerm: Read<Term> = (value) => {
  if (!isFields(value)) return undefined
  const { term, leader, fromRevision } = value
  if (!isCount(term, 2 ** 31) || !isNode(leader) || !isCount(fromRevision, 2 ** 48))
    return undefined
  return { term, leader, fromRevision }
}

const readPast =
  <T>(read: Read<T>): Read<Past<T>> =>
  (fields) => {
    if (!isFields(fields)) return undefined
    const { endedVersion, confirmedSeconds, ttlSeconds } = fields
    const value = read(fields['value'])
    if (value === undefined || !isCount(endedVersion, 2 ** 48) || !isCount(ttlSeconds, 2 ** 31))
      return undefined
    const past = { value, endedVersion, ttlSeconds }
    if (confirmedSeconds === undefined) return past
    return isSeconds(confirmedSeconds) ? { ...past, confirmedSeconds } : undefined
  }

const readPastDs: Read<PastDs> = (fields) => {
  if (!isFields(fields)) return undefined
  const { ttlSeconds, goneSeconds } = fields
  const members = readDs(fields['members'])
  if (members === undefined || !isCount(ttlSeconds, 2 ** 31) || !isSeconds(goneSeconds))
    return undefined
  return { members, ttlSeconds, goneSeconds }
}

const readView: Read<DsView> = (fields) => {
  if (!isFields(fields)) return undefined
  const { ttlSeconds, seenSeconds, isTold } = fields
  const sets = listOf(fields['sets'], DS_SETS_MAX, readDs)
  if (sets === undefined || !isCount(ttlSeconds, 2 ** 31) || !isSeconds(seenSeconds))
    return undefined
  if (isTold !== undefined && isTold !== true) return undefined
  return { sets, ttlSeconds, seenSeconds, ...(isTold === true ? { isTold } : {}) }
}

const readKey: Read<RollKey> = (fields) => {
  if (!isFields(fields)) return undefined
  const { id, role, algorithm, tag, createdSeconds, goal, sinceSeconds, activeSeconds } = fields
  const { isPublished, signsKeys, signsZone } = fields
  if (!isHex32(id) || !ROLES.has(role) || !isCount(algorithm, 255) || !isAlgorithm(algorithm))
    return undefined
  if (!isCount(tag, 65_535) || !isSeconds(createdSeconds) || !isSeconds(sinceSeconds))
    return undefined
  if (goal !== 'in-use' && goal !== 'gone') return undefined
  if (
    typeof isPublished !== 'boolean' ||
    typeof signsKeys !== 'boolean' ||
    typeof signsZone !== 'boolean'
  )
    return undefined
  const key = { id, role: role as KeyRole, algorithm, tag, createdSeconds, goal } as const
  const work = { isPublished, signsKeys, signsZone, sinceSeconds }
  if (activeSeconds === undefined) return { ...key, ...work }
  return isSeconds(activeSeconds) ? { ...key, ...work, activeSeconds } : undefined
}

/** The parts that are lists. */
function readLists(fields: Fields) {
  const pasts = limits.rollPasts.max
  return {
    terms: listOf(fields['terms'], limits.rollTerms.max, readTerm),
    absorbed: listOf(fields['absorbed'], limits.rollAbsorbed.max, readMark),
    members: listOf(fields['members'], limits.rollMembers.max, readNode),
    guests: listOf(fields['guests'], limits.rollMembers.max, readNode),
    keys: listOf(fields['keys'], limits.rollKeys.max, readKey),
    offered: readDs(fields['offered']),
    pastKeySets: listOf(fields['pastKeySets'], pasts, readPast(readKeySet)),
    pastSignings: listOf(fields['pastSignings'], pasts, readPast(readIds)),
    pastOffers: listOf(fields['pastOffers'], pasts, readPast(readDs)),
    pastDs: listOf(fields['pastDs'], pasts, readPastDs),
  }
}

type Whole<T> = { readonly [K in keyof T]: Exclude<T[K], undefined> }

const isWhole = <T extends object>(parts: T): parts is T & Whole<T> =>
  !Object.values(parts).some((part) => part === undefined)

/** What a document says of itself has to fit together. */
function isSound(state: RollState): boolean {
  const ids = state.keys.map((key) => key.id)
  const { terms, keys, version, revision } = state
  const isOrdered = terms.every((term, at) => {
    const before = terms[at - 1]
    return before === undefined || (term.term > before.term && term.fromRevision <= revision)
  })
  return (
    terms.length > 0 &&
    isOrdered &&
    version <= revision &&
    new Set(ids).size === ids.length &&
    // A zone that is signed has somebody to sign its keys and its records.
    keys.some((key) => key.isPublished && key.signsKeys) &&
    keys.some((key) => key.signsZone)
  )
}

/** The document, or undefined when it is none. */
export const readRollState: Read<RollState> = (fields) => {
  if (!isFields(fields)) return undefined
  const { zone, lineage, createdSeconds, isProvisional, version, revision, isUrgent } = fields
  const { offeredSeconds, keyTtlSeconds, zoneTtlSeconds } = fields
  if (!isText(zone) || !isHex32(lineage) || !isSeconds(createdSeconds)) return undefined
  const name = canonicalName(zone)
  if (!name.ok || name.value !== zone) return undefined
  if (!isCount(version, 2 ** 48) || !isCount(revision, 2 ** 48) || !isSeconds(offeredSeconds))
    return undefined
  if (!isCount(keyTtlSeconds, 2 ** 31) || !isCount(zoneTtlSeconds, 2 ** 31)) return undefined
  if (typeof isProvisional !== 'boolean' || typeof isUrgent !== 'boolean') return undefined
  const lists = readLists(fields)
  if (!isWhole(lists)) return undefined
  const ds = fields['ds'] === undefined ? undefined : readView(fields['ds'])
  if (fields['ds'] !== undefined && ds === undefined) return undefined
  const own = { zone, lineage, createdSeconds, isProvisional, version, revision, isUrgent }
  const times = { offeredSeconds, keyTtlSeconds, zoneTtlSeconds }
  const state: RollState = { ...own, ...times, ...lists, ...(ds === undefined ? {} : { ds }) }
  return isSound(state) ? state : undefined
}
