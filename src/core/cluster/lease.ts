/**
 * The leave to answer: one word that the cluster actor writes and every DNS thread reads.
 *
 * Law: past its deadline nobody answers, whatever became of the one who wrote it. The deadline is
 * a moment of the machine's monotonic clock, the same in all threads; a process that was stopped
 * for a while finds it passed before it answers a single query. Reading it costs one load and a
 * subtraction, and waits for nobody.
 *
 * Beside it lies what becomes of queries without a leave: they are refused, or until some moment
 * left without a reply (core/cluster/silence.ts says why). And a count of what was heard of the
 * leader: a refusal may wait for the next word (core/cluster/held.ts).
 */

/** Words of the memory: what holds, and until when; silence instead of refusal, and until when. */
const STATE = 0
const UNTIL = 1
const SILENCE = 2
const SILENT_UNTIL = 3
const HEARS = 4
const HEARD = 5
const WORDS = 6

const NONE = 0
const DATED = 1
const ENDLESS = 2

export const leaseMemory = (): SharedArrayBuffer => new SharedArrayBuffer(WORDS * 4)

export class Lease {
  readonly #words: Int32Array

  /** @param memory of `leaseMemory`, shared by those who write and read */
  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory)
  }

  /** @param untilMs of the monotonic clock */
  grant(untilMs: number): void {
    // Milliseconds modulo 2^32: differences of up to 24 days are told right, and a reader that
    // finds the deadline passed ends it for good.
    Atomics.store(this.#words, UNTIL, Math.floor(untilMs) | 0)
    Atomics.store(this.#words, STATE, DATED)
  }

  /** It holds until it is taken back. */
  grantForGood(): void {
    Atomics.store(this.#words, STATE, ENDLESS)
  }

  revoke(): void {
    Atomics.store(this.#words, STATE, NONE)
  }

  /** Whether a query may be answered at this moment of the monotonic clock. */
  holds(nowMs: number): boolean {
    const state = Atomics.load(this.#words, STATE)
    if (state !== DATED) return state === ENDLESS
    if (((Atomics.load(this.#words, UNTIL) - Math.floor(nowMs)) | 0) > 0) return true
    // One that is renewed in this very moment may be ended too; the next renewal is 50 ms away.
    Atomics.compareExchange(this.#words, STATE, DATED, NONE)
    return false
  }

  /**
   * What is not answered is left without a reply until then.
   * @param untilMs of the monotonic clock; 0: it is refused from now on
   */
  hush(untilMs: number): void {
    Atomics.store(this.#words, SILENT_UNTIL, Math.floor(untilMs) | 0)
    Atomics.store(this.#words, SILENCE, untilMs > 0 ? DATED : NONE)
  }

  /** Another node said just now that it answers. */
  hear(): void {
    Atomics.add(this.#words, HEARD, 1)
    Atomics.store(this.#words, HEARS, DATED)
  }

  /** No node is listened to, or not yet heard. */
  deafen(): void {
    Atomics.store(this.#words, HEARS, NONE)
  }

  /** Whether a node that answers is heard again and again. */
  get hears(): boolean {
    return Atomics.load(this.#words, HEARS) !== NONE
  }

  /** How often it was, modulo 2^32; only differences mean anything. */
  get heard(): number {
    return Atomics.load(this.#words, HEARD)
  }

  /** Whether a query that may not be answered is left without a reply at this moment. */
  isSilent(nowMs: number): boolean {
    if (Atomics.load(this.#words, SILENCE) === NONE) return false
    if (((Atomics.load(this.#words, SILENT_UNTIL) - Math.floor(nowMs)) | 0) > 0) return true
    Atomics.compareExchange(this.#words, SILENCE, DATED, NONE)
    return false
  }
}
