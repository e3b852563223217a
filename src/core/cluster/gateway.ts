/**
 * The JSON gateway of etcd: requests as JSON, answers read as untrusted data.
 *
 * Its habits: keys and values are base64, 64-bit numbers are texts, fields that are zero are left
 * out. Identifiers stay texts, since they do not fit a number; revisions and terms become numbers.
 * Nothing here throws; what does not fit is undefined.
 */
import { limits } from '../base/limits.ts'
import { fail, ok, type Result } from '../base/result.ts'
import type { MemberStatus } from './raft-fence.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Octets a call of fromCharCode takes; more would overflow its stack. */
const CHUNK = 8_192

export function base64(value: string | Uint8Array): string {
  const bytes = typeof value === 'string' ? encoder.encode(value) : value
  let text = ''
  for (let at = 0; at < bytes.length; at += CHUNK)
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK))
  return btoa(text)
}

export function bytesOf(value: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(value), (char) => char.charCodeAt(0))
  } catch {
    return undefined
  }
}

export function textOf(value: string): string | undefined {
  const bytes = bytesOf(value)
  return bytes === undefined ? undefined : decoder.decode(bytes)
}

/** The key after all keys that begin with `prefix`, which is not empty. */
export function endOf(prefix: string): string {
  const last = prefix.length - 1
  return prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1)
}

export const paths = {
  status: '/v3/maintenance/status',
  snapshot: '/v3/maintenance/snapshot',
  alarm: '/v3/maintenance/alarm',
  transfer: '/v3/maintenance/transfer-leadership',
  range: '/v3/kv/range',
  put: '/v3/kv/put',
  txn: '/v3/kv/txn',
  grant: '/v3/lease/grant',
  revoke: '/v3/lease/revoke',
  keepAlive: '/v3/lease/keepalive',
  watch: '/v3/watch',
  members: '/v3/cluster/member/list',
  addMember: '/v3/cluster/member/add',
  removeMember: '/v3/cluster/member/remove',
  promote: '/v3/cluster/member/promote',
  updateMember: '/v3/cluster/member/update',
  authenticate: '/v3/auth/authenticate',
} as const

export interface RangeOptions {
  /** All keys that begin with the key. */
  readonly isPrefix?: boolean
  /** From this key on instead of the prefix itself. */
  readonly fromKey?: string
  readonly limit?: number
  /** The member's own state, which may lag; without it a quorum is asked. */
  readonly serializable?: boolean
  readonly keysOnly?: boolean
}

export function rangeBody(key: string, options: RangeOptions = {}) {
  const { isPrefix, fromKey = key, limit, serializable, keysOnly } = options
  return {
    key: base64(fromKey),
    ...(isPrefix === true ? { range_end: base64(endOf(key)) } : {}),
    ...(limit === undefined ? {} : { limit: String(limit) }),
    ...(serializable === true ? { serializable: true } : {}),
    ...(keysOnly === true ? { keys_only: true } : {}),
  }
}

export const putBody = (key: string, value: string | Uint8Array, lease = '') => ({
  key: base64(key),
  value: base64(value),
  ...(lease === '' ? {} : { lease }),
})

export const requestPut = (key: string, value: string | Uint8Array, lease = '') => ({
  request_put: putBody(key, value, lease),
})

export const requestRange = (key: string) => ({ request_range: rangeBody(key) })
export const requestDelete = (key: string) => ({ request_delete_range: { key: base64(key) } })

/** Compares a field of a key; a key that does not exist has revisions 0 and no value. */
export const compares = {
  modified: (key: string, revision: number) => ({
    key: base64(key),
    target: 'MOD',
    result: 'EQUAL',
    mod_revision: String(revision),
  }),
  absent: (key: string) => ({
    key: base64(key),
    target: 'CREATE',
    result: 'EQUAL',
    create_revision: '0',
  }),
  created: (key: string, revision: number) => ({
    key: base64(key),
    target: 'CREATE',
    result: 'EQUAL',
    create_revision: String(revision),
  }),
  above: (key: string, value: string) => ({
    key: base64(key),
    target: 'VALUE',
    result: 'GREATER',
    value: base64(value),
  }),
} as const

export const watchBody = (prefix: string, fromRevision: number) => ({
  create_request: {
    key: base64(prefix),
    range_end: base64(endOf(prefix)),
    start_revision: String(fromRevision),
    progress_notify: true,
    // What a watch missed comes in parts of 1.5 MiB; else up to a thousand revisions in one line.
    fragment: true,
  },
})

type Untrusted = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Untrusted =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The JSON object of a text; undefined where there is none. */
export function objectOf(text: string): Untrusted | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

const text = (value: unknown): string =>
  typeof value === 'string' ? value.slice(0, limits.clusterTextChars.default) : ''
const digits = (value: unknown): string => {
  const written = typeof value === 'number' ? String(value) : text(value)
  return /^[0-9]{1,20}$/.test(written) ? written : ''
}
/** A whole number; 0 where the field is left out or is none. */
export const whole = (value: unknown): number => {
  const number = Number(digits(value) || '0')
  return Number.isSafeInteger(number) ? number : 0
}
const list = (value: unknown, most: number): readonly unknown[] =>
  Array.isArray(value) ? value.slice(0, most) : []
const texts = (value: unknown): readonly string[] =>
  list(value, limits.clusterMembersMax.max).map(text)

/** Term and revision at which an answer was made. */
export interface Header {
  readonly clusterId: string
  readonly memberId: string
  readonly revision: number
  readonly term: number
}

export function headerOf(answer: Untrusted): Header {
  const header = isObject(answer['header']) ? answer['header'] : {}
  return {
    clusterId: digits(header['cluster_id']),
    memberId: digits(header['member_id']),
    revision: whole(header['revision']),
    term: whole(header['raft_term']),
  }
}

export function statusOf(answer: Untrusted): MemberStatus | undefined {
  const { memberId } = headerOf(answer)
  if (memberId === '') return undefined
  return {
    memberId,
    leaderId: digits(answer['leader']),
    term: whole(answer['raftTerm']),
    index: whole(answer['raftIndex']),
    appliedIndex: whole(answer['raftAppliedIndex']),
    isLearner: answer['isLearner'] === true,
    dbBytes: whole(answer['dbSize']),
    version: text(answer['version']),
    errors: texts(answer['errors']),
  }
}

export interface KeyValue {
  readonly key: string
  /** Base64, decoded by who knows what it is. */
  readonly value: string
  readonly createRevision: number
  readonly modRevision: number
  /** The lease that it ends with; empty for none. */
  readonly lease: string
}

function keyValueOf(value: unknown): KeyValue[] {
  if (!isObject(value) || typeof value['key'] !== 'string') return []
  const key = textOf(value['key'])
  if (key === undefined) return []
  const { value: held, create_revision, mod_revision, lease } = value
  return [
    {
      key,
      value: typeof held === 'string' ? held : '',
      createRevision: whole(create_revision),
      modRevision: whole(mod_revision),
      lease: digits(lease),
    },
  ]
}

export interface Ranged {
  readonly header: Header
  readonly values: readonly KeyValue[]
  /** There are more behind the limit. */
  readonly isMore: boolean
}

export const rangeOf = (answer: Untrusted): Ranged => ({
  header: headerOf(answer),
  values: list(answer['kvs'], Number.MAX_SAFE_INTEGER).flatMap(keyValueOf),
  isMore: answer['more'] === true,
})

export const hasSucceeded = (answer: Untrusted): boolean => answer['succeeded'] === true

/** What the first range of a transaction found. */
export function rangeOfTxn(answer: Untrusted): readonly KeyValue[] {
  for (const response of list(answer['responses'], 16)) {
    const inner = isObject(response) ? response['response_range'] : undefined
    if (isObject(inner)) return rangeOf(inner).values
  }
  return []
}

/** The result of a streaming call whose first message is all there is to know. */
export const resultOf = (answer: Untrusted): Untrusted =>
  isObject(answer['result']) ? answer['result'] : answer

export interface LeaseAnswer {
  readonly id: string
  readonly ttlSeconds: number
}

export const leaseOf = (answer: Untrusted): LeaseAnswer => {
  const { ID, TTL } = resultOf(answer)
  return { id: digits(ID), ttlSeconds: whole(TTL) }
}

export interface RaftMember {
  readonly id: string
  /** Empty until it has started for the first time. */
  readonly name: string
  readonly peerUrls: readonly string[]
  readonly clientUrls: readonly string[]
  readonly isLearner: boolean
}

function memberOf(value: unknown): RaftMember[] {
  if (!isObject(value)) return []
  // The gateway says ID, the page for peers says id.
  const id = digits(value['ID'] ?? value['id'])
  if (id === '') return []
  return [
    {
      id,
      name: text(value['name']),
      peerUrls: texts(value['peerURLs']),
      clientUrls: texts(value['clientURLs']),
      isLearner: value['isLearner'] === true,
    },
  ]
}

export const membersOf = (value: unknown): readonly RaftMember[] =>
  list(value, limits.clusterMembersMax.max).flatMap(memberOf)

/**
 * The members on the page that etcd shows its peers; none where it is no such page. Its ids are
 * numbers of 64 bits, which a parser would round.
 */
export const membersOfPage = (page: string): readonly RaftMember[] =>
  membersOf(objectOf(`{"members":${page.replace(/"id":(\d+)/g, '"id":"$1"')}}`)?.['members'])

/** The id of a cluster from the hexadecimal form of a header, as a decimal; empty for no id. */
export const clusterIdOf = (hexadecimal: string): string =>
  /^[0-9a-f]{1,16}$/i.test(hexadecimal) ? String(BigInt(`0x${hexadecimal}`)) : ''

/** The member that was just added. */
export const addedOf = (answer: Untrusted): RaftMember | undefined => memberOf(answer['member'])[0]

export interface Watched {
  /** Of the store when it was said: what the watch told before may be older by far. */
  readonly revision: number
  readonly events: readonly (KeyValue & { readonly isGone: boolean })[]
  /** Set where the wanted revisions are no longer kept: all is to be read again. */
  readonly compactRevision: number
  /** The first line of a watch. */
  readonly isCreated: boolean
  /** The last one, though the stream stays open. */
  readonly isCanceled: boolean
  /** More of the same follows, which may be of the revision of the last event. */
  readonly isPart: boolean
}

/** One line of a watch; undefined when it is none. */
export function watchedOf(line: string): Watched | undefined {
  const object = objectOf(line)
  if (object === undefined || !isObject(object['result'])) return undefined
  const { result } = object
  return {
    revision: headerOf(result).revision,
    events: list(result['events'], Number.MAX_SAFE_INTEGER).flatMap((event) => {
      if (!isObject(event)) return []
      const isGone = event['type'] === 'DELETE'
      return keyValueOf(event['kv']).map((kv) => ({ ...kv, isGone }))
    }),
    compactRevision: whole(result['compact_revision']),
    isCreated: result['created'] === true,
    isCanceled: result['canceled'] === true,
    isPart: result['fragment'] === true,
  }
}

/** A part of a snapshot, as a line of its stream; else why there is none. */
export function snapshotPartOf(line: string): Result<Uint8Array, string> {
  const object = objectOf(line)
  if (object === undefined) return fail('no JSON')
  const result = object['result']
  if (!isObject(result)) return fail(errorOf(object) || 'no part of a snapshot')
  const { blob } = result
  const part = typeof blob === 'string' ? bytesOf(blob) : undefined
  return part === undefined ? fail('no base64') : ok(part)
}

/** The message of an error; empty for an answer that is none. */
export function errorOf(answer: Untrusted): string {
  const { error, message } = answer
  if (isObject(error)) return text(error['message']) || text(error['grpc_code']) || 'error'
  return text(error) || (typeof answer['code'] === 'number' ? text(message) : '')
}
