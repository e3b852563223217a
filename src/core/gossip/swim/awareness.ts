/**
 * How well this node itself does, from 0 (well) upwards (Lifeguard, section IV-A).
 *
 * A node that misses answers it should have got is more likely to be slow itself than to be
 * surrounded by dead ones, so it gives others more time.
 */
export class Awareness {
  readonly #worst: number
  #score = 0

  /** `multiplierMax`: the score lies in [0, multiplierMax - 1]. */
  constructor(multiplierMax: number) {
    this.#worst = Math.max(0, multiplierMax - 1)
  }

  get score(): number {
    return this.#score
  }

  apply(change: number): void {
    this.#score = Math.min(this.#worst, Math.max(0, this.#score + change))
  }

  scaleMs(ms: number): number {
    return ms * (this.#score + 1)
  }
}
