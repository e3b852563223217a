/**
 * One event of the feed: what it is about, what happened, and a number that grows by one.
 *
 * Numbers are given by the registry when an event is on disk. Volatile events (samples, rates) have
 * none and are not kept. Which events there are is in definitions.ts; here is their common shape,
 * and how one is read back from disk as untrusted data.
 */
import { limits } from '../base/limits.ts'

/** Kept and numbered. */
export const durableTopics = [
  'health',
  'drain',
  'override',
  'registration',
  'gossip',
  'delta',
  'dnssec',
  'cluster',
  'config',
  'alarm',
] as const
/** Told as they happen, to those who ask for them by name. */
export const volatileTopics = ['decision', 'rate'] as const
export const topics = [...durableTopics, ...volatileTopics] as const

export type DurableTopic = (typeof durableTopics)[number]
export type VolatileTopic = (typeof volatileTopics)[number]
export type Topic = (typeof topics)[number]

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }

export type EventData = Readonly<Record<string, Json>>

/** What readers filter by. */
export interface EventLabels {
  readonly service?: string
  readonly region?: string
}

/** An event that has no number yet. */
export interface EventDraft extends EventLabels {
  readonly topic: Topic
  /** What happened, unique within the topic: `status-changed`. */
  readonly kind: string
  /** Unix milliseconds, of the actor that saw it. */
  readonly atMs: number
  /** At most `limits.feedDataBytes` as JSON. */
  readonly data: EventData
}

export interface FeedEvent extends EventDraft {
  /** From 1; 0 for one that is not in the log. */
  readonly number: number
}

/** The last moment a date can tell (ECMA-262 section 21.4.1.1). */
const LAST_MS = 8.64e15
const encoder = new TextEncoder()

const isTopic = (value: unknown): value is Topic => topics.some((topic) => topic === value)
const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= limits.feedNameChars.default
const isKind = (value: unknown): value is string =>
  typeof value === 'string' && /^[a-z][a-z0-9-]{0,63}$/.test(value)
const isObject = (value: unknown): value is EventData =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A number an event can have. */
export const isEventNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

const isMoment = (value: unknown): value is number => isEventNumber(value) && value <= LAST_MS

const labelled = (service: string, region: string): EventLabels => ({
  ...(service === '' ? {} : { service }),
  ...(region === '' ? {} : { region }),
})

/** Data cut to its bound: fields are taken in order while they fit, and `cut` tells of the rest. */
export function boundedData(data: EventData): EventData {
  const most = limits.feedDataBytes.default
  if (JSON.stringify(data).length * 3 <= most) return data
  if (encoder.encode(JSON.stringify(data)).length <= most) return data
  const kept: Record<string, Json> = { cut: true }
  for (const [name, value] of Object.entries(data)) {
    const next = { ...kept, [name]: value }
    if (encoder.encode(JSON.stringify(next)).length <= most) kept[name] = value
  }
  return kept
}

/** A draft from another actor, made fit to be recorded; undefined when it is none. */
export function parseDraft(value: EventDraft): EventDraft | undefined {
  const { topic, kind, atMs, data, service = '', region = '' } = value
  if (!isTopic(topic) || !isKind(kind) || !isMoment(atMs) || !isObject(data)) return
  const most = limits.feedNameChars.default
  const labels = labelled(service.slice(0, most), region.slice(0, most))
  return { topic, kind, atMs, ...labels, data: boundedData(data) }
}

/** How an event lies on disk. */
export const storedEvent = (event: FeedEvent): readonly unknown[] => {
  const { number, atMs, topic, kind, service = '', region = '', data } = event
  return [number, atMs, topic, kind, service, region, data]
}

/** Reads what `storedEvent` made; undefined when it is nothing this version knows. */
export function parseStored(value: unknown): FeedEvent | undefined {
  if (!Array.isArray(value) || value.length !== 7) return
  const [number, atMs, topic, kind, service, region, data] = value as unknown[]
  if (!isEventNumber(number) || number === 0 || !isMoment(atMs)) return
  if (!isTopic(topic) || !isKind(kind) || !isName(service) || !isName(region)) return
  if (!isObject(data)) return
  return { number, atMs, topic, kind, ...labelled(service, region), data }
}
