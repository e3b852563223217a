/**
 * Signatures of one job whose verification goes on elsewhere.
 *
 * They count only once all of them are found good: the job is not finished before, and what was
 * not verified when it is given up is forgotten.
 */
import type { Examination } from '../../core/dnssec/sign-serving.ts'
import type { SignatureStore } from '../../core/dnssec/signatures.ts'
import type { VerifyLater } from './contract.ts'

export class Examining {
  readonly #verify: VerifyLater
  readonly #store: SignatureStore
  readonly #onVerdict: () => void
  readonly #pending = new Set<Examination>()
  readonly #faults: string[] = []

  constructor(verify: VerifyLater, store: SignatureStore, onVerdict: () => void) {
    this.#verify = verify
    this.#store = store
    this.#onVerdict = onVerdict
  }

  /** Those without a verdict. */
  get pending(): number {
    return this.#pending.size
  }

  get faults(): readonly string[] {
    return this.#faults
  }

  take(one: Examination): void {
    this.#pending.add(one)
    this.#verify(one.algorithm, one.publicKey, one.data, one.signature, (isGood) => {
      // Of a job that was given up nobody wants to know.
      if (!this.#pending.delete(one)) return
      if (!isGood) {
        this.#store.forget(one.id)
        this.#faults.push(one.fault())
      }
      this.#onVerdict()
    })
  }

  abandon(): void {
    for (const { id } of this.#pending) this.#store.forget(id)
    this.#pending.clear()
  }
}
