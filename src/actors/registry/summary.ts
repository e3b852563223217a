/**
 * What the checks of this node have found, told to the cluster from time to time in a few records:
 * a node that starts, or whose checks have no verdict yet, begins with what the leader knew.
 *
 * All of it goes to this node's cluster actor; only a leader's is written to the store. Nothing is
 * said again that has not changed.
 */
import { limits } from '../../core/base/limits.ts'
import { SUMMARY_RECORD, summaryBodies } from '../../core/health/summary.ts'
import type { Book, RegistryCtx } from './book.ts'

export class Summary {
  readonly #ctx: RegistryCtx
  readonly #book: Book
  readonly #told: string[] = []
  #stamp = 0
  #stop: () => void = () => {}

  constructor(ctx: RegistryCtx, book: Book) {
    this.#ctx = ctx
    this.#book = book
  }

  start(): void {
    const everyMs = limits.summaryMs.default
    this.#stop = this.#ctx.clock.every(everyMs, everyMs, () => this.#tell())
  }

  stop(): void {
    this.#stop()
  }

  /** A cluster actor that starts anew knows nothing. */
  again(): void {
    this.#told.length = 0
    this.#tell()
  }

  #tell(): void {
    const { chorus, fleet } = this.#book
    const bodies = summaryBodies(
      [...fleet.servers.values()].map(({ spec, health }) => [spec.key, health.verdict]),
    )
    // A page that is no longer needed says so once.
    const pages = Math.max(bodies.length, this.#told.length)
    const { self } = chorus.settings
    const nowMs = this.#book.nowMs()
    for (let page = 0; page < pages; page++) {
      const { said, body } = bodies[page] ?? { said: '', body: new Uint8Array(0) }
      if (this.#told[page] === said) continue
      this.#told[page] = said
      this.#stamp = Math.max(nowMs, this.#stamp + 1)
      this.#ctx.publish('registry.summary-told', {
        ...{ kind: SUMMARY_RECORD, id: `${self}/${page}`, origin: self, stamp: this.#stamp },
        ...{ seq: 0, body, keepUntilMs: nowMs + limits.summaryKeepMs.default },
      })
    }
  }
}
