/**
 * Names of services that lost their last server a while ago.
 *
 * A service without a domain is a name only while some agent speaks for it. When the only agent
 * restarts, the name must not vanish meanwhile: resolvers remember NXDOMAIN for the SOA's minimum
 * (RFC 2308 section 5) and would refuse clients long after the agent is back. So the name stays,
 * as a pool without servers, for as long as a silent agent is remembered, through a restart too:
 * `saved` is what is to be kept, `restore` takes it back.
 */
import { limits } from '../base/limits.ts'
import { zoneAround } from '../config/names.ts'

export class KeptNames {
  /** Names with servers, at the last call. */
  #served: ReadonlySet<string> = new Set()
  /** When each name without servers ends; the oldest first. */
  readonly #untilMs = new Map<string, number>()

  /**
   * Takes the names that agents serve now; returns those to be served beside them.
   * @param zones apexes; a name outside them is given up
   * @param keepMs how long a name outlives its last server
   */
  note(
    served: ReadonlySet<string>,
    zones: ReadonlySet<string>,
    keepMs: number,
    nowMs: number,
  ): readonly string[] {
    for (const name of this.#served) {
      if (served.has(name) || this.#untilMs.has(name)) continue
      if (this.#untilMs.size >= limits.keptNamesMax.default) break
      this.#untilMs.set(name, nowMs + keepMs)
    }
    this.#served = served
    for (const [name, untilMs] of this.#untilMs) {
      const isOver = untilMs <= nowMs || untilMs > nowMs + keepMs
      if (served.has(name) || isOver || zoneAround(name, zones) === undefined)
        this.#untilMs.delete(name)
    }
    return [...this.#untilMs.keys()].sort()
  }

  /** Takes back what was kept through a start, before the first `note`. */
  restore(names: ReadonlyMap<string, number>): void {
    for (const [name, untilMs] of names) {
      if (this.#untilMs.size >= limits.keptNamesMax.default) return
      this.#untilMs.set(name, untilMs)
    }
  }

  /** Names without servers, with their end in Unix milliseconds. */
  saved(): ReadonlyMap<string, number> {
    return this.#untilMs
  }

  /** When the next name ends; Infinity for never. */
  nextDueMs(): number {
    let due = Number.POSITIVE_INFINITY
    for (const untilMs of this.#untilMs.values()) due = Math.min(due, untilMs)
    return due
  }
}
