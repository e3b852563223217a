/**
 * The messages of agents, as values: the JSON envelope both programs speak, read with every field
 * checked.
 *
 * Types and field names are those of the Go program; what is new stands in members it passes over:
 * `alg`, `fingerprint`, `node`, `boot`, `seq`, `beat`, `sig` beside the envelope's own, `v2` in a
 * payload, `detail` in a backend. A message without them is the Go program's. Who is believed is
 * decided in trust.ts; here a field is only in or out of its bounds.
 */
import { limits } from '../../base/limits.ts'
import { type Result, fail } from '../../base/result.ts'
import type { ReportedBackend, Vitals } from '../../health/report.ts'
import type { KeyAlgorithm } from './crypto.ts'
import { readBackend, readPredictive, readVitals } from './envelope-fields.ts'
import { type Fields, type Malformed, parseObject, readFields } from './json.ts'
import { parseTimeUs, TIME_CHARS_MAX } from './time.ts'

/** What a signed message says of itself; `seq` 0 means that it carries no content of a report. */
export interface Head {
  readonly algorithm: KeyAlgorithm
  /** Lower-case hex SHA-256 of the certificate whose key signed. */
  readonly fingerprint: string
  /** Name of the sender among the members, to answer to. */
  readonly node: string
  readonly boot: number
  readonly seq: number
  /** Grows with every message of a boot. */
  readonly beat: number
}

export interface BackendAddress {
  readonly service: string
  readonly address: string
  readonly port: number
}

export interface LatencyRow {
  readonly subnet: string
  readonly rttMs: number
  readonly samples: number
  /** Unix milliseconds; 0 when not said. */
  readonly lastSeenMs: number
  /** Standard deviation. */
  readonly deviationMs?: number
  /** The least that was measured. */
  readonly minMs?: number
}

export interface Heartbeat {
  readonly type: 'heartbeat'
  /** Undefined in a sign of life alone. */
  readonly backends: readonly ReportedBackend[] | undefined
  readonly vitals: Vitals | undefined
  /** From 0; `pages` of one sequence make the report. */
  readonly page: number
  readonly pages: number
}

export interface Proof {
  readonly service: string
  /** Base64 of an HMAC-SHA-256. */
  readonly proof: string
}

export interface AgentAuth {
  readonly type: 'agent_auth'
  /** PEM; the wire holds base64 of it, as Go writes octets. */
  readonly certificatePem: string
  /** The certificate's own, as the sender claims it. */
  readonly fingerprint: string
  readonly nonce: string
  readonly overwatch: string
  readonly proofs: readonly Proof[]
  /** Base64; set when this replaces the pinned certificate: see proofs.ts. */
  readonly possession: string
}

export type Body =
  | Heartbeat
  | AgentAuth
  | { readonly type: 'register'; readonly backend: ReportedBackend }
  | { readonly type: 'deregister'; readonly backend: BackendAddress }
  /** The whole agent leaves. */
  | { readonly type: 'leave'; readonly reason: string }
  | {
      readonly type: 'latency'
      /** Absent in the form of the older documents, whose rows are of the agent as a whole. */
      readonly service: string | undefined
      readonly rows: readonly LatencyRow[]
    }
  | { readonly type: 'predictive'; readonly vitals: Vitals }

export interface Envelope {
  readonly agentId: string
  readonly region: string
  /** Microseconds since 1970 by the agent's clock; 0 when it gave none. */
  readonly timeUs: number
  /** Undefined for a message without the added members. */
  readonly head: Head | undefined
  readonly body: Body
}

export const ID = /^[A-Za-z0-9._-]{1,160}$/
export const ID_CHARS = 160
export const FINGERPRINT = /^[0-9a-f]{64}$/
export const REGION = /^[A-Za-z0-9._ -]{0,128}$/
export const NODE_CHARS = 255

/** What overwatches send; an overwatch that hears one passes over it, see replies.ts. */
const REPLIES = ['ack', 'challenge', 'refused']
const TYPES = ['heartbeat', 'register', 'deregister', 'agent_auth', 'latency_report', 'predictive']

export type EnvelopeFault = Malformed | { readonly code: 'not-ours'; readonly message: string }

/** Reads one message of an agent. `not-ours` is a type that is not for overwatches. */
export function parseEnvelope(bytes: Uint8Array): Result<Envelope, EnvelopeFault> {
  const object = parseObject(bytes, limits.reportBytes.default)
  if (!object.ok) return object
  const type = object.value['type']
  if (typeof type !== 'string') return fail({ code: 'malformed', message: 'type is missing' })
  if (!TYPES.includes(type) && !('entries' in object.value)) {
    const what = REPLIES.includes(type) ? 'is of an overwatch' : 'is not a known type'
    return fail({ code: 'not-ours', message: `"${type.slice(0, 32)}" ${what}` })
  }
  return readFields(object.value, '', (fields) => readEnvelope(fields, type))
}

function readEnvelope(fields: Fields, type: string): Envelope {
  const agentId = fields.matching('agent_id', ID, ID_CHARS, 'an agent id')
  const region = fields.text('region', 128)
  if (!REGION.test(region)) fields.fault('region', 'is not a region')
  const timeText = fields.text('timestamp', TIME_CHARS_MAX)
  const timeUs = timeText === '' ? 0 : parseTimeUs(timeText)
  if (timeUs === undefined) fields.fault('timestamp', 'is not a time')
  const head = fields.has('sig') || fields.has('alg') ? readHead(fields) : undefined
  return { agentId, region, timeUs: timeUs ?? 0, head, body: readBody(fields, type) }
}

function readHead(fields: Fields): Head {
  for (const name of ['alg', 'boot', 'seq', 'beat', 'sig'])
    if (!fields.has(name)) fields.fault(name, 'is missing')
  return {
    algorithm: fields.word('alg', ['ed25519', 'p256'], 'ed25519'),
    fingerprint: fields.matching('fingerprint', FINGERPRINT, 64, 'a SHA-256 in hex'),
    node: fields.text('node', NODE_CHARS),
    boot: fields.integer('boot', 1, Number.MAX_SAFE_INTEGER, 1),
    seq: fields.integer('seq', 0, Number.MAX_SAFE_INTEGER, 0),
    beat: fields.integer('beat', 1, Number.MAX_SAFE_INTEGER, 1),
  }
}

const NO_BODY: Body = { type: 'leave', reason: '' }

function readBody(fields: Fields, type: string): Body {
  // The older documents' latency report has its rows beside the type and no payload.
  if (fields.has('entries')) return readEntries(fields)
  const payload = fields.object('payload')
  if (payload === undefined) {
    fields.fault('payload', 'is missing')
    return NO_BODY
  }
  if (type === 'heartbeat') return readHeartbeat(payload)
  if (type === 'agent_auth') return readAuth(payload)
  if (type === 'register') return { type: 'register', backend: readBackend(payload) }
  if (type === 'deregister') return readDeregister(payload)
  if (type === 'latency_report') return readLatency(payload)
  return { type: 'predictive', vitals: readPredictive(payload) }
}

function readHeartbeat(payload: Fields): Heartbeat {
  const v2 = payload.object('v2')
  const pages = v2?.integer('pages', 1, limits.reportPages.default, 1) ?? 1
  return {
    type: 'heartbeat',
    backends: payload.list('backends', limits.reportBackends.default, readBackend),
    vitals: readVitals(payload.object('predictive'), v2?.object('vitals')),
    page: v2?.integer('page', 0, pages - 1, 0) ?? 0,
    pages,
  }
}

const PEM_CHARS = Math.ceil(limits.certificateBytes.default / 3) * 4 * 2

function readAuth(payload: Fields): AgentAuth {
  return {
    type: 'agent_auth',
    certificatePem: payload.required('certificate_pem', PEM_CHARS),
    fingerprint: payload.matching('fingerprint', FINGERPRINT, 64, 'a SHA-256 in hex'),
    nonce: payload.text('nonce', 128),
    overwatch: payload.text('overwatch', NODE_CHARS),
    proofs:
      payload.list('proofs', limits.trustProofsPerMessage.default, (item) => ({
        service: item.required('service', limits.reportNameChars.default),
        proof: item.required('proof', 44),
      })) ?? [],
    possession: payload.text('possession', 88),
  }
}

/** The program's form names a backend, the documents' form the whole agent. */
function readDeregister(payload: Fields): Body {
  if (!payload.has('service'))
    return { type: 'leave', reason: payload.text('reason', limits.reportTextChars.default) }
  const { service, address, port } = readBackend(payload)
  return { type: 'deregister', backend: { service, address, port } }
}

/** A day: a round trip longer than this is a fault of the sender. */
const RTT_NS_MAX = 86_400e9

function readLatency(payload: Fields): Body {
  const rows = payload.list('subnets', limits.reportRows.default, (row) => {
    const seen = row.text('last_seen', TIME_CHARS_MAX)
    const deviationNs = row.number('dev_ns', 0, RTT_NS_MAX)
    const minNs = row.number('min_ns', 0, RTT_NS_MAX)
    return {
      subnet: row.required('subnet', 64),
      rttMs: (row.number('ewma_ns', 0, RTT_NS_MAX) ?? 0) / 1e6,
      samples: row.integer('sample_count', 0, Number.MAX_SAFE_INTEGER, 0),
      lastSeenMs: Math.floor((parseTimeUs(seen) ?? 0) / 1_000),
      ...(deviationNs === undefined ? {} : { deviationMs: deviationNs / 1e6 }),
      ...(minNs === undefined ? {} : { minMs: minNs / 1e6 }),
    }
  })
  const service = payload.required('backend', limits.reportNameChars.default)
  return { type: 'latency', service, rows: rows ?? [] }
}

function readEntries(fields: Fields): Body {
  const rows = fields.list('entries', limits.reportRows.default, (row) => ({
    subnet: row.required('subnet', 64),
    rttMs: row.number('rtt_ms', 0, RTT_NS_MAX / 1e6) ?? 0,
    samples: row.integer('samples', 0, Number.MAX_SAFE_INTEGER, 0),
    lastSeenMs: 0,
  }))
  return { type: 'latency', service: undefined, rows: rows ?? [] }
}
