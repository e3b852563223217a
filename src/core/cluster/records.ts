/**
 * How shared records lie in the store of the cluster, and when one may be written over another.
 *
 * A record carries its own version (core/gossip/peers/record.ts): the later one wins wherever two
 * meet, here as in gossip. A write names the revision it was decided on, so a node that lags can
 * write nothing over what it has not read. Values are JSON, read as untrusted data.
 */
import { limits } from '../base/limits.ts'
import { recordFault, type SharedRecord } from '../gossip/peers/record.ts'
import { SUMMARY_RECORD } from '../health/summary.ts'
import { base64, bytesOf, type KeyValue, objectOf, textOf } from './gateway.ts'

/** All keys of this program. */
export const ROOT = '/opengslb/'
export const RECORDS = `${ROOT}records/`
/** Nodes that are alive; each key ends with its node. */
export const NODES = `${ROOT}nodes/`
/** Never written: what is read where only the word of a quorum matters, not what it says. */
export const PROOF = `${ROOT}proof`
/** Who leads, where leadership is a lease in a cluster of others. */
export const LEADER = `${ROOT}leader`

/** Signing keys and how they are served, sealed: by node and zone. */
export const KEYS_RECORD = 'keys'

/**
 * What is kept in the store: orders of operators, what the API made and edited, signing keys, and
 * the leader's verdicts in sum. What nodes say of the moment (each verdict, whom they hear) is said
 * anew by each, and would only wear the disk.
 */
const KEPT = new Set(['override', 'drain', 'object', KEYS_RECORD, SUMMARY_RECORD])

export const isKept = ({ kind }: Pick<SharedRecord, 'kind'>): boolean => KEPT.has(kind)

export const keyOfRecord = ({ kind, id }: Pick<SharedRecord, 'kind' | 'id'>): string =>
  `${RECORDS}${kind}/${id}`

export function valueOfRecord(record: SharedRecord): string {
  const { kind, id, origin, stamp, seq, keepUntilMs, body } = record
  return JSON.stringify({ kind, id, origin, stamp, seq, keepUntilMs, body: base64(body) })
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

/** The record under a key; undefined where there is none that this version reads. */
export function recordOf({
  key,
  value,
}: Pick<KeyValue, 'key' | 'value'>): SharedRecord | undefined {
  if (!key.startsWith(RECORDS)) return undefined
  // Base64 takes four characters for three octets; JSON around the body a little more.
  if (value.length > limits.sharedRecordBytesMax.default * 3) return undefined
  const object = objectOf(textOf(value) ?? '')
  if (object === undefined) return undefined
  const { kind, id, origin, stamp, seq, keepUntilMs, body: written } = object
  if (typeof kind !== 'string' || typeof id !== 'string' || typeof origin !== 'string') return
  if (!isCount(stamp) || !isCount(seq) || !isCount(keepUntilMs)) return
  const body = typeof written === 'string' ? bytesOf(written) : undefined
  if (body === undefined) return undefined
  const record: SharedRecord = { kind, id, origin, stamp, seq, keepUntilMs, body }
  if (keyOfRecord(record) !== key || !isKept(record)) return undefined
  return recordFault(record) === undefined ? record : undefined
}

/** What a node that is alive says of itself. */
export interface NodePresence {
  readonly name: string
  /** `host:port` of its Raft, or of its DNS where the cluster is one of others. */
  readonly address: string
  readonly version: string
  readonly startedAtMs: number
  /** URL where its pulse is heard, where the members are those of another cluster. */
  readonly door?: string
}

const isDoor = (value: unknown): value is string =>
  typeof value === 'string' &&
  value.length <= limits.clusterTextChars.default &&
  /^https?:\/\/[^/?#@\s]+$/.test(value)

export function presenceOf({ key, value }: Pick<KeyValue, 'key' | 'value'>) {
  if (!key.startsWith(NODES)) return undefined
  const object = objectOf(textOf(value) ?? '')
  if (object === undefined) return undefined
  const { name, address, version, startedAtMs, door } = object
  if (name !== key.slice(NODES.length) || typeof address !== 'string') return undefined
  return {
    name: String(name).slice(0, limits.clusterTextChars.default),
    address: address.slice(0, limits.clusterTextChars.default),
    version: typeof version === 'string' ? version : '',
    startedAtMs: isCount(startedAtMs) ? startedAtMs : 0,
    ...(isDoor(door) ? { door } : {}),
  } satisfies NodePresence
}
