/**
 * Everybody who listens to the feed: who gets which event, in order, without a hole or a double.
 *
 * Events come from the API numbered. Readers with equal filters form a group, so that what a group
 * gets is chosen and framed once. Who resumes reads pages until the API says that all later events
 * are told without asking; from then on it is live. The hub itself does the same when the API was
 * restarted or a message was lost. A reader that is too slow is cut off: what waits for it is
 * bounded, and nobody else waits for it.
 */
import { limits } from '../../../core/base/limits.ts'
import { EVERYTHING, type Filter, filterKey, matches } from '../../../core/events/filter.ts'
import { type VolatileTopic, volatileTopics } from '../../../core/events/event.ts'
import type { ToldEvent } from '../../../core/events/protocol.ts'
import type { FeedSocket } from '../contract.ts'
import { Reader } from './reader.ts'

/** A page of older events; undefined when the log cannot be read now. */
export interface Page {
  readonly events: readonly ToldEvent[]
  readonly next: number
  readonly isEnd: boolean
}

export interface HubWorld {
  /** Never rejects. */
  read(from: number, filter: Filter): Promise<Page | undefined>
  /** Runs once after the time. */
  after(delayMs: number, run: () => void): () => void
  monotonicMs(): number
  /** The volatile topics that somebody names now; told when that changes. */
  heard?(topics: readonly VolatileTopic[]): void
}

/** What is counted since the start. */
export interface HubCounts {
  sent: number
  slow: number
  gaps: number
  cut: number
}

/** After writing to readers for so long, the main thread is everybody else's for twice that. */
const PAUSES_PER_WRITE = 2

interface Group {
  readonly filter: Filter
  readonly readers: Set<Reader>
}

const labelled = ({ topic, service, region }: ToldEvent) => ({
  topic,
  ...(service === '' ? {} : { service }),
  ...(region === '' ? {} : { region }),
})

export class Hub {
  readonly world: HubWorld
  readonly counts: HubCounts = { sent: 0, slow: 0, gaps: 0, cut: 0 }
  /** What waits in all sockets together, as of the last look at each. */
  waitingBytes = 0
  readonly #groups = new Map<string, Group>()
  #heard: readonly VolatileTopic[] = []
  /** The number of the next event to come; undefined before the first reader. */
  #next: number | undefined
  #isCatchingUp = false
  /** What follows the highest number told since the hole that is being filled was seen. */
  #toldMeanwhile = 0
  /** What follows the last number that went out to those who were live then. */
  #delivered = 0
  /** Told to the hub, and not to readers yet. */
  readonly #waiting: ToldEvent[] = []
  #pausedUntilMs = 0
  #cancelPause: (() => void) | undefined
  #isClosed = false
  #reading = 0
  readonly #turns: (() => void)[] = []
  #size = 0

  constructor(world: HubWorld) {
    this.world = world
  }

  get size(): number {
    return this.#size
  }

  get next(): number {
    return this.#next ?? 1
  }

  /**
   * A page that ends before this is not the last one of who reads it: a message that was told in
   * one batch with the page is handled before the promise of the page is.
   */
  get delivered(): number {
    return this.#delivered
  }

  /** Where the numbers are, as the API said when it let a reader in. */
  begin(next: number): void {
    this.#next ??= next
  }

  told(events: readonly ToldEvent[]): void {
    const fresh: ToldEvent[] = []
    for (const event of events) {
      if (event.number === 0) fresh.push(event)
      else if (this.#isNext(event.number)) {
        fresh.push(event)
        this.#next = event.number + 1
      }
    }
    if (fresh.length > 0) this.#waiting.push(...fresh)
    this.#pace()
  }

  /**
   * Writes what waits, now or once the pause after the last time is over. Each write to a socket
   * costs the same however much it holds, so with many readers fewer and larger writes go out, and
   * most of the main thread stays free for others; with few the pause is too short to notice.
   */
  #pace(): void {
    if (this.#waiting.length === 0 || this.#cancelPause !== undefined) return
    const nowMs = this.world.monotonicMs()
    const leftMs = this.#pausedUntilMs - nowMs
    if (leftMs < 1) this.#flush()
    else this.#cancelPause = this.world.after(leftMs, () => this.#flush())
  }

  #flush(): void {
    this.#cancelPause?.()
    this.#cancelPause = undefined
    if (this.#waiting.length === 0) return
    const startMs = this.world.monotonicMs()
    this.#deliver(this.#waiting.splice(0))
    const endMs = this.world.monotonicMs()
    const pauseMs = Math.min(limits.feedPaceMs.default, (endMs - startMs) * PAUSES_PER_WRITE)
    this.#pausedUntilMs = endMs + pauseMs
  }

  /** Takes in a reader; it is live at once unless it resumes. */
  add(socket: FeedSocket, filter: Filter, from: number | undefined): Reader {
    const reader = new Reader(this, socket, filter)
    this.#size++
    this.join(reader)
    if (from === undefined) reader.goLive(this.next)
    else reader.resume(from)
    return reader
  }

  join(reader: Reader): void {
    const key = filterKey(reader.filter)
    const known = this.#groups.get(key)
    const group = known ?? { filter: reader.filter, readers: new Set() }
    group.readers.add(reader)
    if (known !== undefined) return
    this.#groups.set(key, group)
    this.#noteTopics()
  }

  part(reader: Reader): void {
    const key = filterKey(reader.filter)
    const group = this.#groups.get(key)
    group?.readers.delete(reader)
    if (group?.readers.size !== 0) return
    this.#groups.delete(key)
    this.#noteTopics()
  }

  /** Volatile topics that a reader names; none is made while nobody does. */
  get heard(): readonly VolatileTopic[] {
    return this.#heard
  }

  #noteTopics(): void {
    const filters = [...this.#groups.values()].map(({ filter }) => filter)
    const now = volatileTopics.filter((topic) =>
      filters.some(({ topics, nothing }) => !nothing && topics.includes(topic)),
    )
    if (now.join() === this.#heard.join()) return
    this.#heard = now
    this.world.heard?.(now)
  }

  remove(reader: Reader): void {
    this.part(reader)
    this.#size--
  }

  /**
   * Reads a page once it is this reader's turn; undefined too when it is wanted no more by then, so
   * that a crowd which left is not read for.
   */
  async read(from: number, filter: Filter, isWanted: () => boolean): Promise<Page | undefined> {
    if (this.#reading >= limits.feedReadsAtOnce.default)
      await new Promise<void>((resolve) => void this.#turns.push(resolve))
    this.#reading++
    const page = isWanted() ? await this.world.read(from, filter) : undefined
    this.#reading--
    this.#turns.shift()?.()
    return page
  }

  /** What may wait for one reader: less while much waits for all together. */
  queueBytes(): number {
    const { feedQueueBytes, feedQueueTotalBytes, feedPauseBytes } = limits
    const isMuch = this.waitingBytes > feedQueueTotalBytes.default
    return isMuch ? feedPauseBytes.default : feedQueueBytes.default
  }

  close(): void {
    this.#isClosed = true
    this.#flush()
    for (const { readers } of [...this.#groups.values()])
      for (const reader of [...readers]) reader.end(1001, 'the server is going away')
  }

  #isNext(number: number): boolean {
    const before = this.#isCatchingUp ? this.#toldMeanwhile : 0
    this.#toldMeanwhile = Math.max(before, number + 1)
    if (this.#isCatchingUp) return false
    if (this.#next === undefined || number === this.#next) return true
    if (number > this.#next) void this.#catchUp()
    return false
  }

  /** Fills a hole for all who are live, as a reader does for itself. */
  async #catchUp(): Promise<void> {
    this.#isCatchingUp = true
    for (let tries = 0; !this.#isClosed; ) {
      const page = await this.world.read(this.#next!, EVERYTHING)
      if (page === undefined) {
        if (++tries > limits.feedReadRetries.default) return this.#giveUp()
        await this.pause()
        continue
      }
      tries = 0
      this.#next = page.next
      // What waits came before the hole.
      this.#flush()
      this.#deliver(page.events)
      // What was told after the page was made was passed over; nothing more may come to show it.
      const isAll = page.next >= this.#toldMeanwhile || page.events.length === 0
      if (page.isEnd && isAll) break
    }
    this.#isCatchingUp = false
  }

  /** Ends every reader; those who may come again and resume. */
  cutAll(why: string): void {
    this.#flush()
    for (const { readers } of [...this.#groups.values()])
      for (const reader of [...readers]) reader.cut(why)
  }

  /** Nobody may believe to have heard everything: all who are live come again and resume. */
  #giveUp(): void {
    this.cutAll('the event log cannot be read')
    this.#next = undefined
    this.#delivered = 0
    this.#isCatchingUp = false
  }

  pause(): Promise<void> {
    return new Promise((resolve) => {
      this.world.after(limits.feedReadRetryMs.default, resolve)
    })
  }

  #deliver(events: readonly ToldEvent[]): void {
    const last = events.findLast(({ number }) => number > 0)
    if (last !== undefined) this.#delivered = last.number + 1
    if (events.length === 0) return
    for (const { filter, readers } of [...this.#groups.values()]) {
      const passing = events.filter(
        (event) => event.topic === 'gap' || matches(filter, labelled(event)),
      )
      if (passing.length === 0) continue
      for (const reader of [...readers]) reader.tell(passing)
    }
  }
}
