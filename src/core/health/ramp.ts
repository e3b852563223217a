/**
 * The share of traffic of an overloaded machine: down along a ramp, held, and up along it again.
 *
 * `bleed_duration` has two documented meanings and here it has both: the time in which the share
 * falls from all to nothing (and later rises as fast), and the time for which it is held once the
 * load has gone. The law it keeps: from one turn of direction to the next at least the hold passes,
 * so a load that swings around its threshold moves the share once each hold and no more. While a
 * turn must wait, a rising share stays where it is.
 */
import { limits } from '../base/limits.ts'

export const FULL_SHARE = 1_000

export type RampMove = 'full' | 'falling' | 'empty' | 'held' | 'rising'

export class Ramp {
  #position = FULL_SHARE
  #atMs: number
  /** Direction of the last move. */
  #direction: 'down' | 'up' = 'up'
  #turnedMs = Number.NEGATIVE_INFINITY
  #clearSinceMs: number | undefined
  #move: RampMove = 'full'
  /** Of the overload that was last in force; both the ramp and the hold. */
  #bleedMs = 0

  constructor(nowMs: number) {
    this.#atMs = nowMs
  }

  get move(): RampMove {
    return this.#move
  }

  /** Thousandths, in steps, so that a moving share is few messages; 0 and 1,000 are exact. */
  get share(): number {
    const step = limits.shareStepThousandths.default
    if (this.#position <= 0) return 0
    if (this.#position >= FULL_SHARE) return FULL_SHARE
    const stepped = Math.round(this.#position / step) * step
    return Math.min(FULL_SHARE - step, Math.max(step, stepped))
  }

  /**
   * Moves on to `nowMs`. `over`: the load is too high; `bleedMs` is that of the signal at fault and
   * `windowMs` the least time between two turns, whatever the bleed.
   */
  advance(nowMs: number, over: boolean, bleedMs: number, windowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.#atMs)
    this.#atMs = nowMs
    if (over) this.#bleedMs = bleedMs
    const holdMs = Math.max(this.#bleedMs, windowMs)
    if (over) this.#fall(nowMs, passedMs, holdMs)
    else this.#recover(nowMs, passedMs, holdMs)
  }

  #fall(nowMs: number, passedMs: number, holdMs: number): void {
    this.#clearSinceMs = undefined
    if (this.#direction === 'up') {
      if (nowMs - this.#turnedMs < holdMs) {
        this.#move = 'held'
        return
      }
      this.#direction = 'down'
      this.#turnedMs = nowMs
      passedMs = 0
    }
    this.#position = settled(this.#position - this.#distance(passedMs))
    this.#move = this.#position <= 0 ? 'empty' : 'falling'
  }

  #recover(nowMs: number, passedMs: number, holdMs: number): void {
    if (this.#position >= FULL_SHARE && this.#direction === 'up') {
      this.#move = 'full'
      return
    }
    this.#clearSinceMs ??= nowMs
    if (this.#direction === 'down') {
      const turnMs = Math.max(this.#clearSinceMs, this.#turnedMs) + holdMs
      if (nowMs < turnMs) {
        this.#move = this.#position <= 0 ? 'empty' : 'held'
        return
      }
      this.#direction = 'up'
      this.#turnedMs = nowMs
      passedMs = 0
    }
    this.#position = settled(this.#position + this.#distance(passedMs))
    this.#move = this.#position >= FULL_SHARE ? 'full' : 'rising'
  }

  /** Without a duration the whole way is one step. */
  #distance(passedMs: number): number {
    return this.#bleedMs <= 0 ? FULL_SHARE : (FULL_SHARE * passedMs) / this.#bleedMs
  }
}

/** Within the range, with its ends reached in spite of rounding. */
function settled(position: number): number {
  const near = 1e-6
  if (position < near) return 0
  return position > FULL_SHARE - near ? FULL_SHARE : position
}
