/**
 * Which backends are in service, so that their errors count: a backend that drains is about to be
 * stopped, replaced, started, and what its checks find meanwhile is not the load of the machine.
 */
import type { ChecksCounted } from '../../messages/vitals-entries.ts'

export class Service {
  #draining: ReadonlySet<string> = new Set()
  /** When each backend came back into service, Unix milliseconds. */
  readonly #sinceMs = new Map<string, number>()
  #isOut = false

  /** @param keys of all backends */
  set(keys: readonly string[], draining: ReadonlySet<string>, nowMs: number): void {
    for (const key of this.#draining) if (!draining.has(key)) this.#sinceMs.set(key, nowMs)
    for (const key of this.#sinceMs.keys()) if (!keys.includes(key)) this.#sinceMs.delete(key)
    this.#draining = draining
    this.#isOut = keys.length > 0 && keys.every((key) => draining.has(key))
  }

  /** No backend is in service. */
  get isOut(): boolean {
    return this.#isOut
  }

  /** Whether all of these checks were made in service. */
  counts({ backend, fromMs }: ChecksCounted): boolean {
    return !this.#draining.has(backend) && fromMs >= (this.#sinceMs.get(backend) ?? 0)
  }
}
