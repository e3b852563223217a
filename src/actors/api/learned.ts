/**
 * What was learned of clients, as those who answer got it, in its newest versions, so that an
 * answer of a moment ago can still be made again.
 *
 * The versions are in memory only: of a moment before the oldest one, or before this actor was
 * started, it says that it does not know.
 */
import { limits } from '../../core/base/limits.ts'
import type { RouteParts } from '../../core/steer/routes.ts'

interface Version {
  readonly parts: RouteParts
  /** When it was first heard of, Unix milliseconds. */
  readonly atMs: number
}

/** What was in force at a moment; `parts` is absent where nothing had been learned by then. */
export type RoutesAt =
  | { readonly isKnown: false }
  | { readonly isKnown: true; readonly parts?: RouteParts }

export class LearnedVersions {
  /** Oldest first. */
  readonly #held = new Map<number, Version>()
  /** Nothing is known of what was in force before. */
  #sinceMs: number

  constructor(nowMs: number) {
    this.#sinceMs = nowMs
  }

  take(parts: RouteParts, nowMs: number): void {
    const atMs = this.#held.get(parts.version)?.atMs ?? nowMs
    this.#held.delete(parts.version)
    this.#held.set(parts.version, { parts, atMs })
    for (const [version, oldest] of this.#held) {
      if (this.#held.size <= limits.sampleRoutes.default) return
      this.#held.delete(version)
      const [next] = this.#held.values()
      this.#sinceMs = Math.max(this.#sinceMs, next?.atMs ?? oldest.atMs)
    }
  }

  get newest(): RouteParts | undefined {
    return [...this.#held.values()].at(-1)?.parts
  }

  of(version: number): RouteParts | undefined {
    return this.#held.get(version)?.parts
  }

  at(atMs: number): RoutesAt {
    if (atMs < this.#sinceMs) return { isKnown: false }
    // What is said again stands last, and is no newer for it.
    const version = [...this.#held.values()]
      .filter((one) => one.atMs <= atMs)
      .reduce<Version | undefined>(
        (a, b) => (a !== undefined && a.atMs > b.atMs ? a : b),
        undefined,
      )
    return version === undefined ? { isKnown: true } : { isKnown: true, parts: version.parts }
  }
}
