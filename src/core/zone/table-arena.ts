/**
 * The memory a table is written into: words that grow as needed, with places for octets.
 */

/** A cache line, in words. */
const LINE_WORDS = 16

export class Arena {
  #words = new Int32Array(1_024)
  #used = 0

  get words(): Int32Array {
    return this.#words
  }

  /** Sets aside `count` zeroed words and returns where they begin. */
  take(count: number): number {
    const from = this.#used
    this.#used += count
    if (this.#used > this.#words.length) {
      const grown = new Int32Array(Math.max(this.#used, this.#words.length * 2))
      grown.set(this.#words)
      this.#words = grown
    }
    return from
  }

  /** Moves to the next cache line when `count` words from here would touch one more than needed. */
  align(count: number): void {
    const into = this.#used % LINE_WORDS
    const lines = Math.ceil(count / LINE_WORDS)
    if (into + count > lines * LINE_WORDS) this.take(LINE_WORDS - into)
  }

  /** The octets of the words; good until more is taken. */
  octets(): Uint8Array {
    return new Uint8Array(this.#words.buffer)
  }

  /** A copy of what was used, no larger. */
  finish(): Int32Array {
    return this.#words.slice(0, this.#used)
  }
}
