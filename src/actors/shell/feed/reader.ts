/**
 * One reader of the feed: where it is in the numbers, what it wants, and whether it keeps up.
 */
import { limits } from '../../../core/base/limits.ts'
import {
  filterKey,
  type Filter,
  type Subscription,
  subscriptionOfMessage,
} from '../../../core/events/filter.ts'
import type { Json } from '../../../core/events/event.ts'
import { unpackJson } from '../../../core/events/msgpack.ts'
import {
  errorMessage,
  type FeedMessage,
  readJson,
  subscribedMessage,
  type ToldEvent,
} from '../../../core/events/protocol.ts'
import type { FeedListener, FeedSocket } from '../contract.ts'
import type { Hub } from './hub.ts'

/** RFC 6455 section 7.4.1, and 1013 of the registry of close codes: try again later. */
const TRY_AGAIN = 1013
const POLICY = 1008

export class Reader implements FeedListener {
  filter: Filter
  readonly #hub: Hub
  readonly #socket: FeedSocket
  /** The number it is to hear next. */
  #next = 1
  #isLive = false
  #isOver = false
  /** What waits in its socket, as of the last look. */
  #waitingBytes = 0
  /** Grows with each subscription, so that a page of an earlier one is not told. */
  #turn = 0
  #isPaused = false
  #stalled = () => {}
  /** Messages it may still send at once, and since when. */
  #allowance = limits.feedMessagesBurst.default
  #countedMs: number

  constructor(hub: Hub, socket: FeedSocket, filter: Filter) {
    this.#hub = hub
    this.#socket = socket
    this.filter = filter
    this.#countedMs = hub.world.monotonicMs()
  }

  goLive(next: number): void {
    this.#next = next
    this.#isLive = true
  }

  resume(from: number): void {
    this.#next = Math.max(1, from)
    this.#isLive = false
    this.#isPaused = false
    void this.#readOn(++this.#turn)
  }

  /** Live events that pass its filter, in order. */
  tell(events: readonly ToldEvent[]): void {
    if (this.#isOver) return
    // Samples and rates are of the moment, and not part of what is resumed.
    const wanted = this.#isLive ? events : events.filter(({ number }) => number === 0)
    const first = wanted.find(({ number }) => number > 0)
    const isNew = first === undefined || first.number >= this.#next
    const fresh = isNew ? wanted : wanted.filter(({ number: n }) => n === 0 || n >= this.#next)
    if (fresh.length > 0) this.#send(fresh)
  }

  say(message: FeedMessage): void {
    if (!this.#isOver) this.#send([message])
  }

  message(bytes: Uint8Array, isText: boolean): void {
    if (this.#isOver) return
    if (!this.#isAllowed()) this.end(POLICY, 'too many messages')
    else {
      const unpacked = isText ? undefined : unpackJson(bytes)
      this.#hear(isText ? readJson(bytes) : unpacked?.ok === true ? unpacked.value : undefined)
    }
  }

  drained(): void {
    this.#noteWaiting(this.#socket.waitingBytes())
    if (!this.#isPaused || this.#waitingBytes >= limits.feedPauseBytes.default) return
    this.#isPaused = false
    this.#stalled()
    void this.#readOn(this.#turn)
  }

  closed(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stalled()
    this.#noteWaiting(0)
    this.#hub.remove(this)
  }

  /** Ends it for no fault of its own or ours: it is to come again and resume. */
  cut(why: string): void {
    this.#hub.counts.cut++
    this.end(TRY_AGAIN, why)
  }

  end(code: number, reason: string): void {
    if (this.#isOver) return
    this.closed()
    this.#socket.close(code, reason)
  }

  #hear(value: Json | undefined): void {
    const subscription = subscriptionOfMessage(value)
    if (value === undefined) this.say(errorMessage('malformed', 'a message is JSON or msgpack'))
    else if (subscription.ok) this.#subscribe(subscription.value)
    else this.say(errorMessage('bad-subscription', subscription.error))
  }

  #subscribe({ filter, from }: Subscription): void {
    const isSame = filterKey(filter) === filterKey(this.filter)
    if (!isSame) {
      this.#hub.part(this)
      this.filter = filter
      this.#hub.join(this)
    }
    const next = from ?? this.#hub.next
    this.say(subscribedMessage(next - 1, filter))
    if (from !== undefined) this.resume(from)
    else if (!this.#isLive) {
      this.#turn++
      this.#isPaused = false
      this.goLive(this.#hub.next)
    }
  }

  /** Tells page after page, while the socket takes them, until there is no more. */
  async #readOn(turn: number): Promise<void> {
    const isWanted = () => !this.#isOver && turn === this.#turn
    for (let tries = 0; ; ) {
      const page = await this.#hub.read(this.#next, this.filter, isWanted)
      if (!isWanted()) return
      if (page === undefined) {
        if (++tries > limits.feedReadRetries.default)
          return this.cut('the event log cannot be read')
        await this.#hub.pause()
        if (!isWanted()) return
        continue
      }
      tries = 0
      this.#next = page.next
      this.#isLive = page.isEnd && page.next >= this.#hub.delivered
      if (page.events.length > 0) this.#send(page.events)
      if (this.#isLive || this.#isOver) return
      if (this.#waitingBytes >= limits.feedPauseBytes.default) return this.#pause()
    }
  }

  #pause(): void {
    this.#isPaused = true
    this.#stalled()
    this.#stalled = this.#hub.world.after(limits.feedStallMs.default, () => {
      if (this.#isPaused) this.cut('nothing was read for too long')
    })
  }

  #send(messages: readonly FeedMessage[]): void {
    const { counts } = this.#hub
    counts.sent += messages.length
    for (const message of messages) if ('topic' in message && message.topic === 'gap') counts.gaps++
    const last = messages.findLast(({ number }) => number > 0)
    if (last !== undefined && this.#isLive) this.#next = Math.max(this.#next, last.number + 1)
    this.#noteWaiting(this.#socket.send(messages))
    if (this.#isLive && this.#waitingBytes > this.#hub.queueBytes()) this.#tooSlow()
  }

  #tooSlow(): void {
    this.#hub.counts.slow++
    const most = this.#hub.queueBytes()
    this.end(TRY_AGAIN, `too slow: over ${most} bytes wait; resume after the last number heard`)
  }

  #noteWaiting(bytes: number): void {
    this.#hub.waitingBytes += bytes - this.#waitingBytes
    this.#waitingBytes = bytes
  }

  /** A burst, and one a second after that. */
  #isAllowed(): boolean {
    const nowMs = this.#hub.world.monotonicMs()
    const earned = (nowMs - this.#countedMs) / 1_000
    this.#allowance = Math.min(limits.feedMessagesBurst.default, this.#allowance + earned)
    this.#countedMs = nowMs
    if (this.#allowance < 1) return false
    this.#allowance--
    return true
  }
}
