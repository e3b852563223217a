/**
 * What the registry keeps of others between starts, as bytes by key: shared records, the reports of
 * agents, names that have lost their last server, until when it lived, and the stamps of its edits.
 *
 * It is read as untrusted data; what does not fit is left out.
 */
import { limits } from '../base/limits.ts'
import { keyOf, recordFault, type SharedRecord } from '../gossip/peers/record.ts'
import { parseAddress } from '../net/address.ts'
import { isTime } from './events.ts'
import type { AgentReport, ReportedBackend } from './report.ts'
import { isPlainBody } from './reported-check.ts'
import { encodeBody } from './shared-bodies.ts'

/** A report with what else is known of its agent. */
export interface KeptReport {
  readonly report: AgentReport
  readonly heardMs: number
  readonly silent: boolean
}

export interface Kept {
  readonly records: readonly SharedRecord[]
  readonly reports: readonly KeptReport[]
  /** Names without servers, with the end of each, Unix milliseconds. */
  readonly names: ReadonlyMap<string, number>
  /** When the process that wrote this was last known to live; 0 when it is not known. */
  readonly aliveMs: number
  /** The latest stamp that edits had; 0 when it is not known. */
  readonly editStamp: number
}

export const ALIVE_KEY = 'alive'
export const EDIT_CLOCK_KEY = 'edit-clock'
export const recordKeyOf = (record: Pick<SharedRecord, 'kind' | 'id'>): string =>
  `record/${keyOf(record)}`
export const nameKeyOf = (name: string): string => `name/${name}`
export const reportKeyOf = (agentId: string): string => `report/${agentId}`

const LINE = 10

/** A line of JSON, then the body. */
export function keptRecord({ body, ...head }: SharedRecord): Uint8Array {
  const { kind, id, origin, stamp, seq, keepUntilMs } = head
  const line = encodeBody([kind, id, origin, stamp, seq, keepUntilMs])
  const bytes = new Uint8Array(line.length + 1 + body.length)
  bytes.set(line)
  bytes[line.length] = LINE
  bytes.set(body, line.length + 1)
  return bytes
}

export const keptReport = (kept: KeptReport): Uint8Array => encodeBody(kept)
export const keptTime = (atMs: number): Uint8Array => encodeBody(atMs)

const decoder = new TextDecoder()

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes))
  } catch {
    return
  }
}

function recordOf(bytes: Uint8Array): SharedRecord | undefined {
  const end = bytes.indexOf(LINE)
  const head = end < 0 ? undefined : parse(bytes.subarray(0, end))
  if (!Array.isArray(head)) return
  const [kind, id, origin, stamp, seq, keepUntilMs] = head as readonly unknown[]
  if (typeof kind !== 'string' || typeof id !== 'string' || typeof origin !== 'string') return
  if (!isTime(stamp) || !isTime(seq) || !isTime(keepUntilMs)) return
  const record = { kind, id, origin, stamp, seq, keepUntilMs, body: bytes.slice(end + 1) }
  return recordFault(record) === undefined ? record : undefined
}

type Untrusted = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Untrusted =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= limits.stateKeyBytesMax.default
const isOptional = (value: unknown, test: (value: unknown) => boolean) =>
  value === undefined || test(value)

function isCheck(value: unknown): boolean {
  if (!isObject(value)) return false
  const { type, intervalMs, timeoutMs, path, host, failureThreshold, successThreshold } = value
  return (
    (type === 'http' || type === 'https' || type === 'tcp') &&
    [intervalMs, timeoutMs, failureThreshold, successThreshold].every(isTime) &&
    isText(path) &&
    isText(host) &&
    isQuestion(value)
  )
}

const isFlag = (value: unknown) => typeof value === 'boolean'
const isRange = (value: unknown) =>
  Array.isArray(value) && value.length === 2 && value.every((one) => isTime(one) && one < 600)

/** What else a check asks for. */
const isQuestion = (value: Untrusted): boolean =>
  isOptional(value['serverName'], isText) &&
  isOptional(value['bodyMatch'], (text) => isText(text) && isPlainBody(text)) &&
  isOptional(value['verifyCertificate'], isFlag) &&
  isOptional(value['asksMore'], isFlag) &&
  isOptional(value['expectedStatus'], (list) => Array.isArray(list) && list.every(isRange))

const isDrain = (value: unknown): boolean =>
  isObject(value) &&
  isText(value['id']) &&
  isText(value['reason']) &&
  isText(value['by']) &&
  isTime(value['sinceMs']) &&
  isOptional(value['untilMs'], isTime)

function isBackend(value: unknown): value is ReportedBackend {
  if (!isObject(value)) return false
  const { service, address, port, weight, healthy, reason, check, drain } = value
  if (!isText(service) || !isText(address) || !isText(reason)) return false
  const parsed = parseAddress(address)
  if (!parsed.ok || parsed.value.text !== address) return false
  if (!isTime(port) || port < 1 || port > 65_535 || !isTime(weight)) return false
  if (!isOptional(healthy, (one) => typeof one === 'boolean')) return false
  return isOptional(check, isCheck) && isOptional(drain, isDrain)
}

/** Connections and vitals are of the moment and not taken back from disk. */
function reportOf(bytes: Uint8Array): KeptReport | undefined {
  const value = parse(bytes)
  if (!isObject(value) || !isObject(value['report'])) return
  const { heardMs, silent } = value
  const { agentId, region, boot, seq, atMs, backends } = value['report']
  if (!isText(agentId) || agentId === '' || !isText(region)) return
  if (!isTime(boot) || !isTime(seq) || !isTime(atMs) || !isTime(heardMs)) return
  if (!Array.isArray(backends) || !backends.every(isBackend)) return
  const kept = backends.map(({ connections: _, ...backend }) => backend)
  const report = { agentId, region, boot, seq, atMs, backends: kept }
  return { report, heardMs, silent: silent === true }
}

/** Reads everything that was kept. */
export function readKept(values: ReadonlyMap<string, Uint8Array>): Kept {
  const records: SharedRecord[] = []
  const reports: KeptReport[] = []
  const names = new Map<string, number>()
  let aliveMs = 0
  let editStamp = 0
  for (const [key, bytes] of values) {
    if (key === ALIVE_KEY) {
      const atMs = parse(bytes)
      aliveMs = isTime(atMs) ? atMs : 0
    } else if (key === EDIT_CLOCK_KEY) {
      const stamp = parse(bytes)
      editStamp = isTime(stamp) ? stamp : 0
    } else if (key.startsWith('report/')) {
      const kept = reportOf(bytes)
      if (kept !== undefined && reportKeyOf(kept.report.agentId) === key) reports.push(kept)
    } else if (key.startsWith('name/')) {
      const untilMs = parse(bytes)
      if (isTime(untilMs)) names.set(key.slice('name/'.length), untilMs)
    } else {
      const record = recordOf(bytes)
      if (record !== undefined && recordKeyOf(record) === key) records.push(record)
    }
  }
  return { records, reports, names, aliveMs, editStamp }
}
