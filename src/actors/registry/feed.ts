/**
 * What the registry records for those who follow events: the one place where an event is made.
 *
 * It is published once it is on disk. Events of other actors come as messages and are recorded like
 * its own.
 */
import { limits } from '../../core/base/limits.ts'
import {
  type DataOf,
  type DurableName,
  partsOf,
  presentData,
} from '../../core/events/definitions.ts'
import {
  type EventLabels,
  type FeedEvent,
  parseDraft,
  type Topic,
} from '../../core/events/event.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { MessageOf, ReplyOf } from '../../messages/entry.ts'
import type { Metrics } from '../../kernel/metrics.ts'
import type { FeedLog } from './contract.ts'

type Noted = MessageOf<ProductCatalogue, 'api.event-noted'>
type Told = MessageOf<ProductCatalogue, 'registry.events-recorded'>
type ReadOrder = MessageOf<ProductCatalogue, 'api.read-events'>

interface Surroundings {
  readonly log: FeedLog
  readonly metrics: Metrics
  readonly nowMs: () => number
  readonly publish: (told: Told) => void
}

export class FeedRecorder {
  readonly #log: FeedLog
  readonly #nowMs: () => number
  readonly #publish: (told: Told) => void
  readonly #count: (outcome: 'recorded' | 'refused-by-disk' | 'malformed', count: number) => void
  #last: FeedEvent | undefined

  constructor({ log, metrics, nowMs, publish }: Surroundings) {
    this.#log = log
    this.#nowMs = nowMs
    this.#publish = publish
    const counter = metrics.counter({
      name: 'opengslb_feed_events_total',
      help: 'Events of the feed, by what became of them.',
      labels: ['outcome'],
    })
    this.#count = (outcome, count) => counter.add(count, { outcome })
    log.onTold((events) => this.#told(events))
  }

  /** Records an event of the registry itself. */
  record<Name extends DurableName>(name: Name, labels: EventLabels, data: DataOf<Name>): void {
    const { topic, kind } = partsOf(name)
    this.#add({ topic, kind, ...labels, atMs: this.#nowMs(), data: presentData(data) })
  }

  /** Records what another actor noted. */
  noted({ topic, event: kind, service, region, atMs, data }: Noted): void {
    const at = Math.floor(Math.min(Math.max(0, atMs), this.#nowMs()))
    this.#add({ topic: topic as Topic, kind, service, region, atMs: at, data })
  }

  async read({ from, limit }: ReadOrder): Promise<ReplyOf<ProductCatalogue, 'api.read-events'>> {
    const most = Math.max(0, Math.min(limit, limits.feedPageEvents.max))
    return await this.#log.read(Math.max(0, from), most)
  }

  /** A reader that has just started learns from the last event where the numbers are. */
  async tellLast(): Promise<void> {
    const { next } = this.#log.bounds()
    const { events } = this.#last === undefined ? await this.#log.read(next - 1, 1) : { events: [] }
    const last = this.#last ?? events[0]
    if (last !== undefined) this.#publish({ events: [last] })
  }

  #add(draft: Parameters<FeedLog['append']>[0]): void {
    const parsed = parseDraft(draft)
    if (parsed === undefined) this.#count('malformed', 1)
    else this.#log.append(parsed)
  }

  #told(events: readonly FeedEvent[]): void {
    const isKept = events[0]?.number !== 0
    if (isKept) this.#last = events.at(-1)
    this.#count(isKept ? 'recorded' : 'refused-by-disk', events.length)
    const most = limits.feedToldEvents.default
    for (let at = 0; at < events.length; at += most)
      this.#publish({ events: events.slice(at, at + most) })
  }
}
