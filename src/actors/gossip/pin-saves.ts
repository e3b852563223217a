/**
 * How far agents were heard travels in their pins: a few are written each second, all of them
 * within an interval.
 */
import { limits } from '../../core/base/limits.ts'
import type { Pin } from '../../core/gossip/app/pins.ts'

export class PinSaves {
  readonly #boot: number
  #at = 0
  #due = 0

  /** @param boot pins of agents not heard since then are as they were */
  constructor(boot: number) {
    this.#boot = boot
  }

  /** Those to write this second. */
  next(pins: readonly Pin[]): readonly Pin[] {
    if (pins.length === 0) return []
    const some: Pin[] = []
    this.#due += (pins.length * 1_000) / limits.gossipPinSaveMs.default
    for (; this.#due >= 1; this.#due--) some.push(pins[this.#at++ % pins.length]!)
    return some.filter(({ lastSeenMs }) => lastSeenMs > this.#boot)
  }
}
