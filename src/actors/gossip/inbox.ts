/**
 * Messages of the application that wait to be looked at, in the order they came.
 *
 * Each costs a signature, so only some are taken in one turn of the event loop, and pings that came
 * meanwhile are answered before the next. The queue is bounded in messages and octets; what does
 * not fit is dropped and counted, and its sender says it again.
 */
import { limits } from '../../core/base/limits.ts'
import type { Endpoint } from '../../core/gossip/messages.ts'
import type { Via } from '../../core/gossip/swim/outputs.ts'
import type { Clock } from '../../kernel/clock.ts'

export interface Arrived {
  readonly payload: Uint8Array
  readonly from: Endpoint
  readonly via: Via
}

export class Inbox {
  dropped = 0
  readonly #clock: Clock
  readonly #take: (arrived: Arrived) => void
  #waiting: Arrived[] = []
  #at = 0
  #octets = 0
  #planned = false
  #closed = false

  constructor(clock: Clock, take: (arrived: Arrived) => void) {
    this.#clock = clock
    this.#take = take
  }

  get size(): number {
    return this.#waiting.length - this.#at
  }

  put(arrived: Arrived): void {
    const { length } = arrived.payload
    const full =
      this.size >= limits.gossipInbox.default ||
      this.#octets + length > limits.gossipInboxBytes.default
    if (full) {
      this.dropped++
      return
    }
    this.#octets += length
    this.#waiting.push(arrived)
    this.#plan()
  }

  close(): void {
    this.#closed = true
    this.#waiting = []
    this.#at = 0
  }

  #plan(): void {
    if (this.#planned || this.#closed) return
    this.#planned = true
    this.#clock.after(0, () => this.#turn())
  }

  #turn(): void {
    this.#planned = false
    const until = Math.min(this.#at + limits.gossipInboxTurn.default, this.#waiting.length)
    while (this.#at < until) {
      const arrived = this.#waiting[this.#at++]!
      this.#octets -= arrived.payload.length
      this.#take(arrived)
      if (this.#closed) return
    }
    if (this.#at < this.#waiting.length) {
      // The head is cut off now and then, not at each message.
      if (this.#at >= 1_024) this.#cut()
      this.#plan()
    } else this.#cut()
  }

  #cut(): void {
    this.#waiting = this.#waiting.slice(this.#at)
    this.#at = 0
  }
}
