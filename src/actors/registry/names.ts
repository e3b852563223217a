/**
 * Names of services without a server, kept in the shared store: a name whose agents are silent or
 * gone must not become NXDOMAIN because the overwatch was restarted meanwhile.
 */
import { keptTime, nameKeyOf } from '../../core/health/kept.ts'
import { KeptNames } from '../../core/health/kept-names.ts'
import type { SharedStore } from './contract.ts'

export class StoredNames {
  readonly #names = new KeptNames()
  readonly #store: SharedStore
  readonly #stored = new Map<string, number>()

  constructor(store: SharedStore) {
    this.#store = store
  }

  /** Takes what was kept through the start, before the first topology. */
  restore(names: ReadonlyMap<string, number>): void {
    for (const [name, untilMs] of names) this.#stored.set(name, untilMs)
    this.#names.restore(names)
  }

  /** As `KeptNames.note`; what changes of it is stored. */
  note(...given: Parameters<KeptNames['note']>): readonly string[] {
    const kept = this.#names.note(...given)
    const saved = this.#names.saved()
    for (const name of this.#stored.keys()) {
      if (saved.has(name)) continue
      this.#stored.delete(name)
      this.#store.remove(nameKeyOf(name))
    }
    for (const [name, untilMs] of saved) {
      if (this.#stored.get(name) === untilMs) continue
      this.#stored.set(name, untilMs)
      this.#store.put(nameKeyOf(name), keptTime(untilMs))
    }
    return kept
  }

  nextDueMs(): number {
    return this.#names.nextDueMs()
  }
}
