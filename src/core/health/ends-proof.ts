/**
 * Up to when the kernel has told of every connection that ended.
 *
 * It tells through a queue of each processor (sock_diag_broadcast_destroy), worked off by threads
 * of its own. Where a machine gives those no time, nothing is heard for as long as that lasts, and
 * nobody seems to come. So on each processor a socket of ours is made and ended now and then: once
 * its end is heard of, so is everything that ended there before it.
 */

/** A processor is marked so often at most. */
const MARK_EVERY_MS = 200
/** With many processors the marks of all together are this far apart. */
const MARK_SPACING_MS = 25
/** A mark that did not come back for so long is lost. */
const FORGET_MS = 120_000

interface Mark {
  readonly cpu: number
  readonly atMs: number
}

export class EndsProof {
  readonly #heardMs: Float64Array
  readonly #nextMs: Float64Array
  /** By cookie, in the order they were made: at most some six hundred a processor. */
  readonly #marks = new Map<number, Mark>()

  /** `nowMs`: when listening began, by a clock that never goes back. */
  constructor(processors: number, nowMs: number) {
    this.#heardMs = new Float64Array(Math.max(1, processors)).fill(nowMs)
    this.#nextMs = new Float64Array(this.#heardMs.length).fill(nowMs)
  }

  /**
   * Makes the marks that are due. `mark` ends a socket on a processor and gives its cookie, 0
   * where this process may not run (nothing is waited for there), or less where it failed (what is
   * not proved stays so).
   */
  markDue(mark: (cpu: number) => number, nowMs: number): void {
    const everyMs = Math.max(MARK_EVERY_MS, this.#nextMs.length * MARK_SPACING_MS)
    for (const [cpu, dueMs] of this.#nextMs.entries()) {
      if (nowMs < dueMs) continue
      this.#nextMs[cpu] = nowMs + everyMs
      const cookie = mark(cpu)
      if (cookie === 0) this.#heardMs[cpu] = Number.POSITIVE_INFINITY
      else if (this.#heardMs[cpu] === Number.POSITIVE_INFINITY) this.#heardMs[cpu] = nowMs
      if (cookie > 0) this.#marks.set(cookie, { cpu, atMs: nowMs })
    }
    for (const [cookie, { atMs }] of this.#marks) {
      if (nowMs - atMs <= FORGET_MS) break
      this.#marks.delete(cookie)
    }
  }

  /** The end of a socket was told of, ours or another. */
  heard(cookie: number): void {
    const mark = this.#marks.get(cookie)
    if (mark === undefined) return
    this.#marks.delete(cookie)
    this.#heardMs[mark.cpu] = Math.max(this.#heardMs[mark.cpu]!, mark.atMs)
  }

  /** For how long something may have ended that nobody told of yet, milliseconds. */
  lateMs(nowMs: number): number {
    const heardMs = Math.min(...this.#heardMs)
    return Number.isFinite(heardMs) ? Math.max(0, nowMs - heardMs) : 0
  }
}
