/**
 * The API's part of the live feed: it encodes each event once, tells it to the shell, and holds the
 * newest of them for those who resume.
 *
 * What it holds has no hole; where the registry's numbers jump it starts over, and what is older is
 * asked of the registry. Volatile events pass through and are held nowhere.
 */
import { limits } from '../../../core/base/limits.ts'
import { fail, ok, type Result } from '../../../core/base/result.ts'
import {
  type EventData,
  type EventLabels,
  parseDraft,
  type VolatileTopic,
} from '../../../core/events/event.ts'
import { type Filter, matches } from '../../../core/events/filter.ts'
import {
  type GapReason,
  type ToldEvent,
  toldEvent,
  toldGap,
  toldVolatile,
} from '../../../core/events/protocol.ts'
import type { ProductCatalogue } from '../../../messages/catalogue.ts'
import type { MessageOf } from '../../../messages/entry.ts'
import type { ApiCtx } from '../context.ts'
import { Ring } from './ring.ts'

/** A page of what is resumed. */
export interface FeedPageTold {
  readonly events: readonly ToldEvent[]
  /** Where to go on. */
  readonly next: number
  /** Everything from `next` on is told to the shell without asking. */
  readonly isEnd: boolean
}

type Fault = 'not-answered'

export class Feed {
  readonly #ctx: ApiCtx
  readonly #ring = new Ring()
  /** The number of the next event; undefined until the registry was heard. */
  #next: number | undefined
  #serial = 0

  constructor(ctx: ApiCtx) {
    this.#ctx = ctx
  }

  /** Takes what the registry recorded, and tells it on. */
  recorded({ events }: MessageOf<ProductCatalogue, 'registry.events-recorded'>): void {
    const told: ToldEvent[] = []
    for (const event of events) {
      if (event.number === 0) {
        told.push(toldEvent(event))
        continue
      }
      // Said again because one of us was started; who resumes has it from the log.
      if (this.#next !== undefined && event.number < this.#next) continue
      const message = toldEvent(event)
      this.#ring.add(message)
      this.#next = event.number + 1
      told.push(message)
    }
    if (told.length > 0) this.#ctx.publish('api.events-told', { events: told })
  }

  /**
   * Tells an event that is not kept, such as a sample or a rate, to those who asked for its topic.
   * @param data at most `limits.feedDataBytes` as JSON; more is cut
   */
  volatile(topic: VolatileTopic, kind: string, data: EventData, labels: EventLabels = {}): void {
    const atMs = Math.floor(this.#ctx.clock.nowMs())
    const draft = parseDraft({ topic, kind, atMs, data, ...labels })
    if (draft === undefined) return
    this.#serial++
    const event = { ...draft, topic, number: 0 }
    this.#ctx.publish('api.events-told', { events: [toldVolatile(event, this.#serial)] })
  }

  /** The number of the next event; asks the registry where nothing was heard yet. */
  async next(): Promise<Result<number, Fault>> {
    if (this.#next !== undefined) return ok(this.#next)
    const page = await this.#ask(0, 0)
    return page.ok ? ok(this.#next ?? page.value.next) : page
  }

  /** At most a page of events from `from` on, of those that pass. */
  async read(
    from: number,
    filter: Filter,
    limit = limits.feedPageEvents.default,
  ): Promise<Result<FeedPageTold, Fault>> {
    const wanted = Math.max(1, from)
    const held = this.#ring.from(wanted, limit)
    if (held !== undefined) return ok(this.#page(wanted, held, undefined, filter))
    if (this.#next !== undefined && wanted >= this.#next) return ok(this.#ahead(wanted, this.#next))
    const page = await this.#ask(wanted, limit)
    if (!page.ok) return page
    const { events, first, next } = page.value
    if (wanted > next) return ok(this.#ahead(wanted, this.#next ?? next))
    return ok(this.#page(wanted, events.map(toldEvent), { first, next }, filter))
  }

  async #ask(from: number, limit: number) {
    const message = { from, limit }
    const reply = await this.#ctx.ask('api.read-events', message, limits.apiAskMs.default)
    if (!reply.ok) return fail<Fault>('not-answered')
    // What was told before this reply was sent has been heard: both come by one channel.
    this.#next = Math.max(this.#next ?? 0, reply.value.next)
    return reply
  }

  /** A reader that knows numbers which are still to come followed another log. */
  #ahead(from: number, next: number): FeedPageTold {
    const gap = from > next ? [toldGap(next, from - 1, 'ahead')] : []
    return { events: gap, next, isEnd: true }
  }

  #page(
    from: number,
    events: readonly ToldEvent[],
    log: { readonly first: number; readonly next: number } | undefined,
    filter: Filter,
  ): FeedPageTold {
    const told: ToldEvent[] = []
    let next = from
    const skipTo = (number: number, reason: GapReason) => {
      if (number > next) told.push(toldGap(next, number - 1, reason))
      next = Math.max(next, number)
    }
    if (log !== undefined) skipTo(Math.min(log.first, log.next), 'expired')
    for (const event of events) {
      skipTo(event.number, 'missing')
      if (matches(filter, labelledOf(event))) told.push(event)
      next = event.number + 1
    }
    // The log has nothing more, though its numbers go on.
    if (events.length === 0 && log !== undefined) skipTo(log.next, 'missing')
    return { events: told, next, isEnd: this.#next === undefined || next >= this.#next }
  }
}

/** Texts that are empty stand for labels that are not there. */
export const labelledOf = ({ topic, service, region }: ToldEvent) => ({
  topic,
  ...(service === '' ? {} : { service }),
  ...(region === '' ? {} : { region }),
})
