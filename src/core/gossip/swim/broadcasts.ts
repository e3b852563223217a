/**
 * What waits to be spread: one message a name, sent a limited number of times, in packets that have
 * room left.
 *
 * The order is that of memberlist: fewest transmissions first, then the longest message, then the
 * newest. Each tier of equally often sent messages is a sorted array, so that filling a packet is a
 * few binary searches even when ten thousand messages wait.
 */
import type { PacketMessage } from '../messages.ts'

interface Waiting<T> {
  readonly name: string
  readonly message: T
  readonly length: number
  readonly order: number
  readonly timesMax: number
  readonly onDone: (() => void) | undefined
  sent: number
}

export interface TakeRules {
  /** Octets left in the packet. */
  readonly budget: number
  /** Messages it may still hold. */
  readonly partsMax: number
  /** Octets a message costs besides its own. */
  readonly overheadEach: number
  /** Transmissions after which a message is done. */
  readonly timesMax: number
}

export interface QueueOptions {
  /** Transmissions for this message, where the common limit does not suit it. */
  readonly timesMax?: number
  /** Called once, when it was sent often enough or was replaced. */
  readonly onDone?: () => void
}

export class Broadcasts<T extends PacketMessage> {
  readonly #byName = new Map<string, Waiting<T>>()
  readonly #tiers: Waiting<T>[][] = []
  readonly #sizeOf: (message: PacketMessage) => number
  readonly #most: number
  #order = 0

  constructor(most: number, sizeOf: (message: PacketMessage) => number) {
    this.#most = most
    this.#sizeOf = sizeOf
  }

  get size(): number {
    return this.#byName.size
  }

  /** The message that waits under a name. */
  waiting(name: string): T | undefined {
    return this.#byName.get(name)?.message
  }

  /** Queues a message in place of the one of the same name. A full queue drops its most sent. */
  queue(name: string, message: T, { timesMax = 0, onDone }: QueueOptions = {}): void {
    this.drop(name)
    if (this.#byName.size >= this.#most) this.#dropMostSent()
    const length = this.#sizeOf(message)
    const order = this.#order++
    const waiting = { name, message, length, order, timesMax, onDone, sent: 0 }
    this.#byName.set(name, waiting)
    this.#insert(waiting)
  }

  drop(name: string): void {
    const waiting = this.#byName.get(name)
    if (waiting === undefined) return
    const tier = this.#tiers[waiting.sent]!
    tier.splice(placeOf(tier, waiting), 1)
    this.#done(waiting)
  }

  /** Adds to `into` what fits, and returns the octets used. */
  take(into: PacketMessage[], { budget, partsMax, overheadEach, timesMax }: TakeRules): number {
    let free = budget
    let parts = partsMax
    const taken: Waiting<T>[] = []
    for (const tier of this.#tiers) {
      let from = 0
      while (parts > 0) {
        from = firstWithin(tier, free - overheadEach, from)
        let end = from
        for (; end < tier.length && parts > 0; end++) {
          const cost = tier[end]!.length + overheadEach
          if (cost > free) break
          free -= cost
          parts--
        }
        if (end === from) break
        for (const waiting of tier.splice(from, end - from)) taken.push(waiting)
      }
    }
    for (const waiting of taken) {
      into.push(waiting.message)
      waiting.sent++
      if (waiting.sent >= (waiting.timesMax || timesMax)) this.#done(waiting)
      else this.#insert(waiting)
    }
    return budget - free
  }

  #insert(waiting: Waiting<T>): void {
    while (this.#tiers.length <= waiting.sent) this.#tiers.push([])
    const tier = this.#tiers[waiting.sent]!
    tier.splice(placeOf(tier, waiting), 0, waiting)
  }

  #done(waiting: Waiting<T>): void {
    this.#byName.delete(waiting.name)
    waiting.onDone?.()
  }

  #dropMostSent(): void {
    const tier = this.#tiers.findLast((one) => one.length > 0)
    const waiting = tier?.pop()
    if (waiting !== undefined) this.#done(waiting)
  }
}

/** Where a message is, or belongs: longest first, then newest. */
function placeOf<T>(tier: readonly Waiting<T>[], { length, order }: Waiting<T>): number {
  let low = 0
  let high = tier.length
  while (low < high) {
    const middle = (low + high) >> 1
    const other = tier[middle]!
    if (other.length > length || (other.length === length && other.order > order)) low = middle + 1
    else high = middle
  }
  return low
}

/** The first message from `low` on that is at most `length` long. */
function firstWithin<T>(tier: readonly Waiting<T>[], length: number, low: number): number {
  let high = tier.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (tier[middle]!.length > length) low = middle + 1
    else high = middle
  }
  return low
}
