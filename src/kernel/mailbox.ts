/**
 * The order in which an actor takes up what its peers sent.
 *
 * Control comes first: it is polled before every batch, so a stop or the death of a peer never
 * waits behind a queue. Batches follow in the order they arrived; after `batchesPerTurn` of them
 * or `turnMs` of work the event loop turns, so that timers, sockets and other peers are not starved
 * by a busy one. The queue is bounded because a peer has only a few batches not acknowledged.
 */
export interface MailboxOptions<Batch> {
  readonly batchesPerTurn: number
  readonly turnMs: number
  readonly monotonicMs: () => number
  readonly handle: (batch: Batch) => void
  /** Takes up waiting control messages, where they can be polled. */
  readonly pollControl: () => void
  /** Runs once the event loop has turned. */
  readonly defer: (run: () => void) => void
}

export class Mailbox<Batch> {
  readonly #options: MailboxOptions<Batch>
  #waiting: Batch[] = []
  #left: number
  #turnAsked = false
  #turnEndMs = 0
  #handling = false

  constructor(options: MailboxOptions<Batch>) {
    this.#options = options
    this.#left = options.batchesPerTurn
  }

  get waiting(): number {
    return this.#waiting.length
  }

  arrive(batch: Batch): void {
    this.#waiting.push(batch)
    this.#work()
  }

  clear(): void {
    this.#waiting = []
  }

  #work(): void {
    if (this.#handling) return
    this.#handling = true
    try {
      while (this.#left > 0 && this.#waiting.length > 0) {
        this.#askForTurn()
        this.#options.pollControl()
        // A control message may have emptied the queue.
        const batch = this.#waiting.shift()
        if (batch === undefined) break
        this.#left--
        this.#options.handle(batch)
        if (this.#options.monotonicMs() >= this.#turnEndMs) this.#left = 0
      }
    } finally {
      this.#handling = false
    }
  }

  #askForTurn(): void {
    if (this.#turnAsked) return
    this.#turnAsked = true
    this.#turnEndMs = this.#options.monotonicMs() + this.#options.turnMs
    this.#options.defer(() => {
      this.#turnAsked = false
      this.#left = this.#options.batchesPerTurn
      this.#work()
    })
  }
}
