/**
 * What waits to be sent to one peer.
 *
 * The law it keeps: what leaves is a subsequence of what was put in, in order. A `latest` message
 * takes the place of the one with its key by leaving that one out and joining at the end, so no
 * older value can overtake a newer one of another key. Past the bounds the oldest `each` message
 * goes first, then the oldest `latest`; calls (requests and replies) are bounded by their own
 * counts and are never dropped here. It knows no channel and no clock.
 */
/** How many messages may lie in the encoder's pool before they are copied out of it. */
const LENT_MAX = 1_024
const NOTHING_SHARED: readonly unknown[] = []

export type Delivery = 'latest' | 'each' | 'call'

export interface OutboxBounds {
  readonly messages: number
  readonly bytes: number
  readonly batchMessages: number
  readonly batchBytes: number
}

export interface Queued {
  readonly name: string
  readonly delivery: Delivery
  readonly key: string
  bytes: Uint8Array
  /** Travels beside the bytes. */
  readonly shared: readonly unknown[]
  queued: boolean
  before: Queued | undefined
  after: Queued | undefined
}

export class Outbox {
  readonly #bounds: OutboxBounds
  readonly #onDropped: (name: string, delivery: Delivery) => void
  readonly #latest = new Map<string, Queued>()
  #first: Queued | undefined
  #last: Queued | undefined
  /** The oldest `each` message; it only moves forward, so finding the next costs O(1) over time. */
  #oldestEach: Queued | undefined
  /** The first message whose bytes may still lie in the encoder's shared pool. */
  #firstLent: Queued | undefined
  #lent = 0
  #messages = 0
  #bytes = 0

  constructor(bounds: OutboxBounds, onDropped: (name: string, delivery: Delivery) => void) {
    this.#bounds = bounds
    this.#onDropped = onDropped
  }

  get messages(): number {
    return this.#messages
  }

  get bytes(): number {
    return this.#bytes
  }

  /** How much of its room is taken, 0-1. */
  get fill(): number {
    return Math.max(this.#messages / this.#bounds.messages, this.#bytes / this.#bounds.bytes)
  }

  /** The bytes are only lent until `own` or `take` is called. */
  put(
    name: string,
    delivery: Delivery,
    key: string,
    bytes: Uint8Array,
    shared: readonly unknown[] = NOTHING_SHARED,
  ): Queued {
    if (delivery === 'latest') {
      const older = this.#latest.get(key)
      if (older !== undefined) this.remove(older)
    }
    const { messages, bytes: room } = this.#bounds
    while (this.#messages >= messages || this.#bytes + bytes.length > room) {
      if (!this.#dropOldest()) break
    }
    const queued: Queued = {
      name,
      delivery,
      key,
      bytes,
      shared,
      queued: true,
      before: this.#last,
      after: undefined,
    }
    if (this.#last === undefined) this.#first = queued
    else this.#last.after = queued
    this.#last = queued
    this.#firstLent ??= queued
    if (delivery === 'latest') this.#latest.set(key, queued)
    if (delivery === 'each') this.#oldestEach ??= queued
    this.#messages++
    this.#bytes += bytes.length
    this.#lent++
    // A turn that publishes without end must not keep a pool alive for every value that is left.
    if (this.#lent >= LENT_MAX) this.own()
    return queued
  }

  remove(queued: Queued): void {
    if (!queued.queued) return
    queued.queued = false
    if (this.#oldestEach === queued) this.#oldestEach = nextEach(queued.after)
    if (this.#firstLent === queued) this.#firstLent = queued.after
    if (queued.delivery === 'latest') this.#latest.delete(queued.key)
    if (queued.before === undefined) this.#first = queued.after
    else queued.before.after = queued.after
    if (queued.after === undefined) this.#last = queued.before
    else queued.after.before = queued.before
    this.#messages--
    this.#bytes -= queued.bytes.length
  }

  /** Copies what the encoder lent: called when messages must wait longer than a turn. */
  own(): void {
    for (let queued = this.#firstLent; queued !== undefined; queued = queued.after) {
      // A view of the pool would keep all of the pool alive as long as it waits.
      queued.bytes = Uint8Array.prototype.slice.call(queued.bytes)
    }
    this.#firstLent = undefined
    this.#lent = 0
  }

  /**
   * The items of the next batch, oldest first; none when nothing waits. What they share is added to
   * `shared`.
   */
  take(shared: unknown[] = []): Uint8Array[] {
    const { batchMessages, batchBytes } = this.#bounds
    const items: Uint8Array[] = []
    let size = 0
    for (let queued = this.#first; queued !== undefined; queued = this.#first) {
      size += queued.bytes.length
      // The first always goes, or one message larger than a batch would wait for ever.
      if (items.length > 0 && (items.length >= batchMessages || size > batchBytes)) break
      items.push(queued.bytes)
      shared.push(...queued.shared)
      this.remove(queued)
    }
    if (this.#first === undefined) this.#lent = 0
    return items
  }

  /** Empties it: the peer is gone. */
  clear(): void {
    for (let queued = this.#first; queued !== undefined; queued = this.#first) {
      this.remove(queued)
      if (queued.delivery !== 'call') this.#onDropped(queued.name, queued.delivery)
    }
  }

  #dropOldest(): boolean {
    let oldest = this.#oldestEach
    if (oldest === undefined) {
      oldest = this.#first
      while (oldest?.delivery === 'call') oldest = oldest.after
    }
    if (oldest === undefined) return false
    this.remove(oldest)
    this.#onDropped(oldest.name, oldest.delivery)
    return true
  }
}

function nextEach(from: Queued | undefined): Queued | undefined {
  let queued = from
  while (queued !== undefined && queued.delivery !== 'each') queued = queued.after
  return queued
}
