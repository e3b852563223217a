/**
 * Which of two works of a start comes first: signing what is served, or checking servers.
 *
 * Until the first edition is signed no verdict changes any answer, and forty thousand checks take
 * the cores from whoever signs. So the first checks wait for the first edition, at most for a
 * bound, so that whoever looks at servers sees them also where nothing comes to be signed.
 */
import { limits } from '../../core/base/limits.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import type { Apexes } from './apexes.ts'

type Signing = ReturnType<Apexes['signing']>

interface World {
  readonly clock: Clock
  /** 1 at the first start of the actor. */
  readonly incarnation: number
}

export class Opening {
  #isOver: boolean
  readonly #cancel: Cancel
  readonly #onOver: () => void

  /** @param signing whether what is served has to be signed */
  constructor({ clock, incarnation }: World, signing: Signing, onOver: () => void) {
    // A restarted registry has readers that hold an edition, and a prober that knows its targets.
    this.#isOver = signing === 'none' || incarnation > 1
    this.#onOver = onOver
    this.#cancel = this.#isOver
      ? () => {}
      : clock.after(limits.firstChecksHeldMs.default, () => this.over())
  }

  /** Whether servers may be checked. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** The first edition is in force, or took too long. */
  over(): void {
    if (this.#isOver) return
    this.close()
    this.#isOver = true
    this.#onOver()
  }

  close(): void {
    this.#cancel()
  }
}
