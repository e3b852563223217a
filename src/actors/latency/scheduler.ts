/**
 * The scheduler that every stream of this actor runs on: RxJS over the clock of the actor, so that
 * streams keep to simulated time and end with the actor.
 */
import { type SchedulerAction, type SchedulerLike, Subscription } from 'rxjs'
import type { Clock } from '../../kernel/clock.ts'

type Work<T> = (this: SchedulerAction<T>, state?: T) => void

class ClockAction<T> extends Subscription {
  readonly #clock: Clock
  readonly #work: Work<T>
  #cancel: () => void = () => {}

  constructor(clock: Clock, work: Work<T>) {
    super()
    this.#clock = clock
    this.#work = work
    this.add(() => this.#cancel())
  }

  /** Runs after `delayMs`; called from within the work it plans the next run. */
  schedule(state?: T, delayMs = 0): Subscription {
    this.#cancel()
    if (this.closed) return this
    this.#cancel = this.#clock.after(delayMs, () => {
      if (!this.closed) this.#work.call(this as unknown as SchedulerAction<T>, state)
    })
    return this
  }
}

export function schedulerOn(clock: Clock): SchedulerLike {
  return {
    now: () => clock.nowMs(),
    schedule: <T>(work: Work<T>, delayMs = 0, state?: T) =>
      new ClockAction(clock, work).schedule(state, delayMs),
  }
}
