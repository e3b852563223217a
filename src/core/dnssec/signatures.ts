/**
 * Signatures made so far, found by what they sign: what is still good is not made again.
 *
 * The key of each is a digest of the key that signed, the owner, type, TTL and data: with any other
 * data or key it is another signature. What the last table did not use is forgotten when the next
 * one is done, so the store is as large as what is served.
 */
import type { SignatureTimes } from './lifetimes.ts'

export interface Signature extends SignatureTimes {
  /** Data of the RRSIG. */
  readonly rdata: Uint8Array
}

export class SignatureStore {
  #held = new Map<string, Signature>()
  #used = new Map<string, Signature>()

  get size(): number {
    return this.#held.size
  }

  find(id: string): Signature | undefined {
    return this.#used.get(id) ?? this.#held.get(id)
  }

  /** Takes a signature for the table in hand, made anew or found. */
  use(id: string, signature: Signature): void {
    this.#used.set(id, signature)
  }

  /** It is no signature after all. */
  forget(id: string): void {
    this.#used.delete(id)
    this.#held.delete(id)
  }

  /** Forgets all that the table in hand did not use. */
  settle(): void {
    this.#held = this.#used
    this.#used = new Map()
  }

  /** The table in hand came to nothing: what was made for it is kept beside the rest. */
  abandon(): void {
    for (const [id, signature] of this.#used) this.#held.set(id, signature)
    this.#used = new Map()
  }

  entries(): Iterable<readonly [string, Signature]> {
    return this.#held
  }
}
