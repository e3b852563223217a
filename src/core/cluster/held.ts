/**
 * Refusals that wait for a word of the leader.
 *
 * A follower knows of a leader that it was there some tens of milliseconds ago. A resolver that
 * asks each server five times at most (unbound) uses its tries up within two of them, and has none
 * left when the next leader is there. So who asks the same again at once is refused only after the
 * leader was heard of twice since: then it was alive after the question came, also where one word
 * was on its way already. What is not heard of any more is left without a reply.
 *
 * Law: both memories have a fixed size. Where they are full, refusals do not wait.
 */
import { limits } from '../base/limits.ts'

/** Words of the leader after which a refusal is true: the first may be older than the question. */
const WORDS = 2

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** Who asked what lately: one slot a hash, in which the later takes the place of the earlier. */
export class Repeats {
  readonly #hashes: Int32Array
  readonly #atMs: Float64Array

  constructor(slots: number = limits.clusterRepeats.default) {
    this.#hashes = new Int32Array(slots)
    this.#atMs = new Float64Array(slots).fill(Number.NEGATIVE_INFINITY)
  }

  /**
   * Whether this client asked this lately; it is noted that it does now.
   * @param question octets `[from, to)` of it, in any case of letters
   * @param nowMs of the monotonic clock
   */
  again(
    client: Uint8Array,
    question: Uint8Array,
    from: number,
    to: number,
    nowMs: number,
  ): boolean {
    let hash = FNV_OFFSET | 0
    for (let at = 0; at < client.length; at++) hash = Math.imul(hash ^ client[at]!, FNV_PRIME)
    for (let at = from; at < to; at++) hash = Math.imul(hash ^ (question[at]! | 0x20), FNV_PRIME)
    const slot = (hash >>> 0) % this.#hashes.length
    const isSame = this.#hashes[slot] === hash
    const isLate = nowMs - this.#atMs[slot]! <= limits.clusterRepeatMs.default
    this.#hashes[slot] = hash
    this.#atMs[slot] = nowMs
    return isSame && isLate
  }
}

/** What is due to the oldest of them. */
export type Due = 'send' | 'forget' | 'wait'

/** When each refusal that a front keeps came; the refusals themselves lie with the front. */
export class Held {
  readonly #heard: Int32Array
  readonly #sinceMs: Float64Array
  #first = 0
  #count = 0

  constructor(capacity: number) {
    this.#heard = new Int32Array(capacity)
    this.#sinceMs = new Float64Array(capacity)
  }

  get count(): number {
    return this.#count
  }

  /** False where there is no room. `heard` is that of the lease at this moment. */
  keep(heard: number, nowMs: number): boolean {
    const capacity = this.#heard.length
    if (this.#count === capacity) return false
    const at = (this.#first + this.#count) % capacity
    this.#heard[at] = heard
    this.#sinceMs[at] = nowMs
    this.#count++
    return true
  }

  /** What becomes of the oldest one, which is no more here unless it waits. */
  next(heard: number, nowMs: number): Due {
    if (this.#count === 0) return 'wait'
    const isHeard = ((heard - this.#heard[this.#first]!) | 0) >= WORDS
    const isOver = nowMs - this.#sinceMs[this.#first]! > limits.clusterHeldMs.default
    if (!isHeard && !isOver) return 'wait'
    this.#first = (this.#first + 1) % this.#heard.length
    this.#count--
    return isHeard ? 'send' : 'forget'
  }
}
