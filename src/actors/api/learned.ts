/**
 * What was learned of clients, as those who answer got it, in its newest versions, so that an
 * answer of a moment ago can still be made again.
 */
import { limits } from '../../core/base/limits.ts'
import type { RouteParts } from '../../core/steer/routes.ts'

export class LearnedVersions {
  /** Oldest first. */
  readonly #held = new Map<number, RouteParts>()

  take(parts: RouteParts): void {
    this.#held.delete(parts.version)
    this.#held.set(parts.version, parts)
    for (const version of this.#held.keys()) {
      if (this.#held.size <= limits.sampleRoutes.default) return
      this.#held.delete(version)
    }
  }

  get newest(): RouteParts | undefined {
    return [...this.#held.values()].at(-1)
  }

  of(version: number): RouteParts | undefined {
    return this.#held.get(version)
  }
}
