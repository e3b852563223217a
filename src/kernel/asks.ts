/**
 * Requests that wait for their reply from one peer: bounded, each with a deadline.
 *
 * Every request ends exactly once: with its reply, a fault of the peer, its deadline, or the death
 * of the peer. A reply that comes later finds no request and is left out.
 */
import { fail, ok, type Result } from '../core/base/result.ts'
import type { AskFault } from './actor.ts'
import type { Cancel, Clock } from './clock.ts'
import type { Outbox, Queued } from './outbox.ts'

interface Waiting {
  readonly resolve: (result: Result<unknown, AskFault>) => void
  readonly cancelDeadline: Cancel
  readonly queued: Queued
}

export class Asks {
  readonly #outbox: Outbox
  readonly #waiting = new Map<number, Waiting>()
  #lastCall = 0

  constructor(outbox: Outbox) {
    this.#outbox = outbox
  }

  get size(): number {
    return this.#waiting.size
  }

  nextCall(): number {
    this.#lastCall++
    return this.#lastCall
  }

  wait(
    call: number,
    queued: Queued,
    clock: Clock,
    timeoutMs: number,
  ): Promise<Result<unknown, AskFault>> {
    return new Promise((resolve) => {
      const cancelDeadline = clock.after(timeoutMs, () => {
        // A request still waiting to be sent would only be answered into the void.
        this.#outbox.remove(queued)
        this.settle(call, fail({ code: 'timed-out' }))
      })
      this.#waiting.set(call, { resolve, cancelDeadline, queued })
    })
  }

  replied(call: number, reply: unknown): void {
    this.settle(call, ok(reply))
  }

  settle(call: number, result: Result<unknown, AskFault>): void {
    const waiting = this.#waiting.get(call)
    if (waiting === undefined) return
    this.#waiting.delete(call)
    waiting.cancelDeadline()
    waiting.resolve(result)
  }

  peerDown(): void {
    for (const call of [...this.#waiting.keys()]) this.settle(call, fail({ code: 'peer-down' }))
  }

  /** The asker itself is gone: nobody is told. */
  forget(): void {
    for (const { cancelDeadline } of this.#waiting.values()) cancelDeadline()
    this.#waiting.clear()
  }
}
