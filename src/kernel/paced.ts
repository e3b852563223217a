/**
 * Says many facts no faster than their readers take them in.
 *
 * What overflows an outbox is dropped, and to say all of it again at once would drop the same ones
 * again. So a turn ends while an outbox still has room, and goes on once it has been taken from.
 */
import type { Cancel, Clock } from './clock.ts'

/** The share of an outbox that may wait: the rest is for what else is said meanwhile. */
const FILL_MAX = 1 / 16
const PAUSE_MS = 10

export class Paced {
  readonly #clock: Pick<Clock, 'after'>
  readonly #fill: () => number
  #cancel: Cancel = () => {}

  /** @param fill how full the fullest outbox is that the facts go to, 0-1 */
  constructor(clock: Pick<Clock, 'after'>, fill: () => number) {
    this.#clock = clock
    this.#fill = fill
  }

  /** Each step says something; what was under way before is given up. */
  run(steps: Iterable<unknown>): void {
    this.#cancel()
    this.#go(steps[Symbol.iterator]())
  }

  #go(steps: Iterator<unknown>): void {
    while (this.#fill() < FILL_MAX) if (steps.next().done === true) return
    this.#cancel = this.#clock.after(PAUSE_MS, () => this.#go(steps))
  }
}
