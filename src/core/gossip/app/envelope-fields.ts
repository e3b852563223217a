/**
 * The parts of an agent's message that describe backends and the machine, both ways.
 *
 * What the Go program reads (`healthy`, `weight`, `predictive.bleeding`) is written so that it does
 * the nearest thing it can: a draining backend is unhealthy to it, a falling share is a smaller
 * weight, and a share of zero is its "bleeding". The whole truth stands in `detail` and `v2`.
 */
import { limits } from '../../base/limits.ts'
import { parseAddress } from '../../net/address.ts'
import type {
  ConnectionsSeen,
  Drain,
  PredictiveSignal,
  ReportedBackend,
  ReportedCheck,
  Vitals,
} from '../../health/report.ts'
import {
  BODY_CHARS_MAX,
  isPlainBody,
  readStatuses,
  STATUSES_CHARS_MAX,
  writeStatuses,
} from '../../health/reported-check.ts'
import { cleanText, type Fields } from './json.ts'
import { formatTime, parseTimeUs, TIME_CHARS_MAX } from './time.ts'

const MS_MAX = Number.MAX_SAFE_INTEGER
const WEIGHT_MAX = 1_000
const SHARE_MAX = 1_000
const SIGNALS = ['none', 'bleed', 'drain', 'recovered'] as const
const SERVICE = /^(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?$/

/** As names compare: lower case, without the root's dot. */
const serviceOf = (text: string) => text.toLowerCase().replace(/\.$/, '')

/** An address that is no literal is kept as it is: trust.ts refuses that one backend by name. */
function addressOf(text: string): string {
  const parsed = parseAddress(text)
  return parsed.ok ? parsed.value.text : text
}

export function readBackend(fields: Fields): ReportedBackend {
  const names = limits.reportNameChars.default
  const detail = fields.object('detail')
  const claimed = fields.bool('healthy')
  // `healthy: null` of a detail says that there is no verdict yet.
  const healthy = detail === undefined ? claimed : detail.bool('healthy')
  const check = readCheck(detail?.object('check'))
  const drain = readDrain(detail?.object('drain'))
  const connections = readConnections(detail?.object('connections'))
  const weight = fields.integer('weight', 0, MS_MAX, WEIGHT_MAX / 10)
  return {
    service: serviceOf(fields.matching('service', SERVICE, names, 'a name of a service')),
    address: addressOf(fields.required('address', names)),
    port: fields.integer('port', 1, 65_535, 0),
    weight: Math.min(detail?.integer('weight', 0, WEIGHT_MAX, weight) ?? weight, WEIGHT_MAX),
    ...(healthy === undefined ? {} : { healthy }),
    reason: detail?.text('reason', limits.reportTextChars.default) ?? '',
    ...(check === undefined ? {} : { check }),
    ...(drain === undefined ? {} : { drain }),
    ...(connections === undefined ? {} : { connections }),
  }
}

/** A day in milliseconds, the longest interval a configuration takes. */
const DAY_MS = 86_400_000

function readCheck(fields: Fields | undefined): ReportedCheck | undefined {
  if (fields === undefined) return undefined
  return {
    type: fields.word('type', ['http', 'https', 'tcp'], 'http'),
    intervalMs: fields.integer('interval_ms', 1, DAY_MS, 30_000),
    timeoutMs: fields.integer('timeout_ms', 1, DAY_MS, 5_000),
    path: fields.text('path', limits.reportPathChars.default),
    host: fields.text('host', limits.reportNameChars.default),
    failureThreshold: fields.integer('failure_threshold', 1, 1_000, 3),
    successThreshold: fields.integer('success_threshold', 1, 1_000, 2),
    ...readQuestion(fields),
  }
}

/** What the check asks for beyond the usual; agents of before say nothing of it. */
function readQuestion(fields: Fields): Partial<ReportedCheck> {
  const statuses = fields.text('expected_status', STATUSES_CHARS_MAX)
  const expectedStatus = readStatuses(statuses)
  if (statuses !== '' && expectedStatus === undefined)
    fields.fault('expected_status', 'is no list of statuses')
  const body = fields.text('expected_body', BODY_CHARS_MAX)
  const isPlain = isPlainBody(body)
  const serverName = fields.text('server_name', limits.reportNameChars.default)
  const verifyCertificate = fields.bool('verify_certificate')
  const asksMore = fields.bool('asks_more') === true || !isPlain
  return {
    ...(expectedStatus === undefined ? {} : { expectedStatus }),
    ...(body === '' || !isPlain ? {} : { bodyMatch: body }),
    ...(serverName === '' ? {} : { serverName }),
    ...(verifyCertificate === undefined ? {} : { verifyCertificate }),
    ...(asksMore ? { asksMore } : {}),
  }
}

function readDrain(fields: Fields | undefined): Drain | undefined {
  if (fields === undefined) return undefined
  const untilMs = fields.integer('until_ms', 0, MS_MAX, undefined)
  return {
    id: fields.required('id', 128),
    reason: fields.text('reason', limits.reportTextChars.default),
    by: fields.word('by', ['file', 'api', 'signal', 'shutdown', 'overwatch'], 'api'),
    sinceMs: fields.integer('since_ms', 0, MS_MAX, 0),
    ...(untilMs === undefined ? {} : { untilMs }),
  }
}

function readConnections(fields: Fields | undefined): ConnectionsSeen | undefined {
  if (fields === undefined) return undefined
  const networks = fields.list('networks', limits.reportNetworks.default, (item) => ({
    network: item.required('network', 64),
    connections: item.integer('connections', 0, MS_MAX, 0),
  }))
  const endsHeard = fields.bool('ends_heard')
  const heardMs = fields.integer('heard_ms', 0, MS_MAX, undefined)
  return {
    atMs: fields.integer('at_ms', 0, MS_MAX, 0),
    remaining: fields.integer('remaining', 0, MS_MAX, 0),
    arrived: fields.integer('arrived', 0, MS_MAX, 0),
    quietSinceMs: fields.integer('quiet_since_ms', 0, MS_MAX, 0),
    networks: networks ?? [],
    ...(endsHeard === undefined ? {} : { endsHeard }),
    ...(heardMs === undefined ? {} : { heardMs }),
  }
}

/** From our own section when it is there, else from what the Go program says. */
export function readVitals(go: Fields | undefined, own: Fields | undefined): Vitals | undefined {
  if (own === undefined && go === undefined) return undefined
  if (own === undefined && go !== undefined) return readGoVitals(go)
  const cpuPercent = own!.number('cpu_percent', 0, 100)
  const memoryPercent = own!.number('mem_percent', 0, 100)
  const errorPercent = own!.number('error_percent', 0, 100)
  return {
    atMs: own!.integer('at_ms', 0, MS_MAX, 0),
    ...(cpuPercent === undefined ? {} : { cpuPercent }),
    ...(memoryPercent === undefined ? {} : { memoryPercent }),
    ...(errorPercent === undefined ? {} : { errorPercent }),
    signal: own!.word('signal', SIGNALS, 'none'),
    reason: own!.text('reason', limits.reportTextChars.default),
    sinceMs: own!.integer('since_ms', 0, MS_MAX, 0),
    share: own!.integer('share', 0, SHARE_MAX, SHARE_MAX),
  }
}

/** Its error rate counts errors a minute, which is no percentage, and is left out. */
function readGoVitals(go: Fields): Vitals {
  const bleeding = go.bool('bleeding') === true
  const since = parseTimeUs(go.text('bleeding_at', TIME_CHARS_MAX)) ?? 0
  go.number('error_rate', 0, MS_MAX)
  return {
    atMs: 0,
    // A rounding error above 100 must not cost the whole message.
    cpuPercent: Math.min(go.number('cpu_percent', 0, 1e6) ?? 0, 100),
    memoryPercent: Math.min(go.number('mem_percent', 0, 1e6) ?? 0, 100),
    signal: bleeding ? 'drain' : 'none',
    reason: go.text('bleed_reason', limits.reportTextChars.default),
    sinceMs: Math.floor(since / 1_000),
    share: bleeding ? 0 : SHARE_MAX,
  }
}

/** The documents' message of its own; `bleed_weight` is the percentage of weight that is left. */
export function readPredictive(fields: Fields): Vitals {
  const signal: PredictiveSignal = fields.word('signal', SIGNALS, 'none')
  const shares = { none: SHARE_MAX, recovered: SHARE_MAX, bleed: SHARE_MAX / 2, drain: 0 } as const
  fields.number('value', 0, MS_MAX)
  fields.number('threshold', 0, MS_MAX)
  const percent = fields.number('bleed_weight', 0, 100)
  return {
    atMs: 0,
    signal,
    reason: fields.text('reason', limits.reportTextChars.default),
    sinceMs: 0,
    share: percent === undefined ? shares[signal] : Math.round(percent * 10),
  }
}

// ---------------------------------------------------------------- writing

/** A weight above zero stays so for the Go program, which may take zero for "not said". */
const goWeight = (weight: number, share: number) =>
  weight === 0 ? 0 : Math.max(1, Math.round((weight * share) / SHARE_MAX))

const cut = (text: string) => cleanText(text, limits.reportTextChars.default)
/** Clocks and counters may have fractions; the wire has none. */
const whole = (value: number) => Math.max(0, Math.min(MS_MAX, Math.trunc(value)))
const percent = (value: number) => Math.max(0, Math.min(100, value))

export function writeBackend(backend: ReportedBackend, share: number): Record<string, unknown> {
  const { check, drain, connections } = backend
  return {
    service: backend.service,
    address: backend.address,
    port: backend.port,
    weight: goWeight(backend.weight, share),
    healthy: backend.healthy === true && drain === undefined,
    detail: {
      healthy: backend.healthy ?? null,
      weight: backend.weight,
      ...(backend.reason === '' ? {} : { reason: cut(backend.reason) }),
      ...(check === undefined ? {} : { check: writeCheck(check) }),
      ...(drain === undefined ? {} : { drain: writeDrain(drain) }),
      ...(connections === undefined ? {} : { connections: writeConnections(connections) }),
    },
  }
}

const writeCheck = (check: ReportedCheck) => ({
  type: check.type,
  interval_ms: check.intervalMs,
  timeout_ms: check.timeoutMs,
  path: check.path,
  host: check.host,
  failure_threshold: check.failureThreshold,
  success_threshold: check.successThreshold,
  ...(check.expectedStatus === undefined
    ? {}
    : { expected_status: writeStatuses(check.expectedStatus) }),
  ...(check.bodyMatch === undefined ? {} : { expected_body: check.bodyMatch }),
  ...(check.serverName === undefined ? {} : { server_name: check.serverName }),
  ...(check.verifyCertificate === undefined ? {} : { verify_certificate: check.verifyCertificate }),
  ...(check.asksMore === undefined ? {} : { asks_more: check.asksMore }),
})

const writeDrain = (drain: Drain) => ({
  id: cleanText(drain.id, 128),
  reason: cut(drain.reason),
  by: drain.by,
  since_ms: whole(drain.sinceMs),
  ...(drain.untilMs === undefined ? {} : { until_ms: whole(drain.untilMs) }),
})

const writeConnections = (seen: ConnectionsSeen) => ({
  at_ms: whole(seen.atMs),
  remaining: whole(seen.remaining),
  arrived: whole(seen.arrived),
  quiet_since_ms: whole(seen.quietSinceMs),
  networks: seen.networks.slice(0, limits.reportNetworks.default).map((item) => ({
    network: item.network,
    connections: whole(item.connections),
  })),
  ...(seen.endsHeard === undefined ? {} : { ends_heard: seen.endsHeard }),
  ...(seen.heardMs === undefined ? {} : { heard_ms: whole(seen.heardMs) }),
})

/** The section the Go program reads. */
export const writeGoVitals = (vitals: Vitals) => ({
  bleeding: vitals.signal === 'drain',
  ...(vitals.signal === 'drain' && vitals.reason !== ''
    ? { bleed_reason: cut(vitals.reason) }
    : {}),
  bleeding_at: formatTime(vitals.signal === 'drain' ? vitals.sinceMs : 0),
  cpu_percent: percent(vitals.cpuPercent ?? 0),
  mem_percent: percent(vitals.memoryPercent ?? 0),
  error_rate: percent(vitals.errorPercent ?? 0),
})

export const writeVitals = (vitals: Vitals) => ({
  at_ms: whole(vitals.atMs),
  ...(vitals.cpuPercent === undefined ? {} : { cpu_percent: percent(vitals.cpuPercent) }),
  ...(vitals.memoryPercent === undefined ? {} : { mem_percent: percent(vitals.memoryPercent) }),
  ...(vitals.errorPercent === undefined ? {} : { error_percent: percent(vitals.errorPercent) }),
  signal: vitals.signal,
  reason: cut(vitals.reason),
  since_ms: whole(vitals.sinceMs),
  share: Math.min(SHARE_MAX, whole(vitals.share)),
})
