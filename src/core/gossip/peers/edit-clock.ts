/**
 * The stamps of edits that overwatches share: a hybrid logical clock (Kulkarni and
 * others, "Logical Physical Clocks", 2014, section 3), whose count is the milliseconds themselves.
 *
 * A stamp is later than every one this node gave, heard or read from disk, so that an edit made in
 * the knowledge of another outranks it wherever the two meet, however wrong the clocks are or are
 * set. Edits made in ignorance of each other are ordered by the clocks. A stamp far ahead of
 * all that is known is outranked, but not followed: one word must not carry everybody's clock away.
 */
import { limits } from '../../base/limits.ts'

export class EditClock {
  #highest = 0

  /** The latest stamp that is followed; what is to be kept through a start. */
  get highest(): number {
    return this.#highest
  }

  /** Takes what was kept, which this node itself had followed. */
  restore(highest: number): void {
    this.#highest = Math.max(this.#highest, highest)
  }

  /** A stamp was heard, or is on disk. */
  saw(stamp: number, nowMs: number): void {
    const trusted = Math.max(this.#highest, nowMs) + limits.editLeadMs.default
    if (stamp <= trusted) this.#highest = Math.max(this.#highest, stamp)
  }

  /**
   * A stamp for an edit made now.
   * @param known the latest stamps of what it replaces; it outranks them however far ahead they are
   */
  next(nowMs: number, ...known: readonly number[]): number {
    const stamp = Math.max(nowMs, this.#highest + 1, ...known.map((one) => one + 1))
    this.saw(stamp, nowMs)
    return stamp
  }
}
