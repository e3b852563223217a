/**
 * What travels to a reader of the feed: events, and the few words of the feed itself.
 *
 * Everything is encoded once, in both encodings, however many readers get it.
 */
import type { EventData, FeedEvent, Json, Topic, VolatileTopic } from './event.ts'
import type { Filter } from './filter.ts'
import { packJson } from './msgpack.ts'

/** One message to readers, encoded. */
export interface FeedMessage {
  /** Of the event; of a gap its last; 0 for what has none. */
  readonly number: number
  readonly json: Uint8Array
  readonly msgpack: Uint8Array
}

/** A message with what filters look at. `gap` in place of a topic passes every filter. */
export interface ToldEvent extends FeedMessage {
  readonly topic: Topic | 'gap'
  readonly service: string
  readonly region: string
}

/** Why numbers are missing. */
export type GapReason =
  /** Older than what the log still holds. */
  | 'expired'
  /** Not in the log, though older and younger ones are: damage, or numbers passed over after it. */
  | 'missing'
  /** The reader was ahead of this log: it followed another one. */
  | 'ahead'

const encoder = new TextEncoder()

export const encoded = (number: number, value: EventData): FeedMessage => ({
  number,
  json: encoder.encode(JSON.stringify(value)),
  msgpack: packJson(value),
})

const timeText = (atMs: number): string => new Date(atMs).toISOString()

const labelsOf = ({ service, region }: { service?: string; region?: string }) => ({
  ...(service === undefined ? {} : { service }),
  ...(region === undefined ? {} : { region }),
})

/** An event as readers see it. One without a number says that it is live. */
export function eventObject(event: FeedEvent): EventData {
  const { number, atMs, topic, kind, data } = event
  return {
    type: 'event',
    ...(number === 0 ? { live: true } : { number }),
    at: timeText(atMs),
    topic,
    kind,
    ...labelsOf(event),
    data,
  }
}

const told = (event: FeedEvent, message: FeedMessage): ToldEvent => ({
  ...message,
  topic: event.topic,
  service: event.service ?? '',
  region: event.region ?? '',
})

export const toldEvent = (event: FeedEvent): ToldEvent =>
  told(event, encoded(event.number, eventObject(event)))

/** A volatile event; `serial` counts those of the API since it started. */
export function toldVolatile(
  event: FeedEvent & { readonly topic: VolatileTopic },
  serial: number,
): ToldEvent {
  return told(event, encoded(0, { ...eventObject(event), serial }))
}

/** The numbers from `from` to `to` are not told. */
export function toldGap(from: number, to: number, reason: GapReason): ToldEvent {
  const number = reason === 'ahead' ? from - 1 : to
  const message = encoded(number, { type: 'gap', from, to, reason })
  return { ...message, topic: 'gap', service: '', region: '' }
}

const filterObject = ({ topics, services, regions }: Filter) => ({ topics, services, regions })

export interface HelloFacts {
  readonly version: string
  readonly nodeId: string
}

/** The first message of a connection; `number` is the last event before it. */
export const helloMessage = (number: number, facts: HelloFacts, filter: Filter): FeedMessage =>
  encoded(0, {
    type: 'hello',
    number,
    version: facts.version,
    node_id: facts.nodeId,
    ...filterObject(filter),
  })

/** The answer to a subscription. */
export const subscribedMessage = (number: number, filter: Filter): FeedMessage =>
  encoded(0, { type: 'subscribed', number, ...filterObject(filter) })

export const errorMessage = (code: string, message: string): FeedMessage =>
  encoded(0, { type: 'error', code, message })

/** What a message from a reader says, as JSON or msgpack. */
export function readJson(bytes: Uint8Array): Json | undefined {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Json
  } catch {
    return undefined
  }
}
