/**
 * The counters of threads that fell, as they were last seen.
 *
 * Where several threads count into one series the sum is what is read. A thread that starts again
 * counts from nothing; without what its predecessor had counted the sum would fall, and whoever
 * reads it would take the other threads' counts for new ones. What was counted between the last
 * scrape and the fall is lost.
 */
export class RetiredSeries {
  readonly #merge: (parts: readonly unknown[]) => Promise<unknown>
  readonly #last = new Map<string, unknown>()
  /** Folded one after another, so that nothing is added twice. */
  #folded: Promise<unknown> = Promise.resolve([])

  /** `merge` adds lists of series up. */
  constructor(merge: (parts: readonly unknown[]) => Promise<unknown>) {
    this.#merge = merge
  }

  /** What a child that lives has told. */
  seen(name: string, series: unknown): void {
    this.#last.set(name, series)
  }

  /** The child starts from nothing next time. */
  fell(name: string): void {
    const series = this.#last.get(name)
    this.#last.delete(name)
    if (!Array.isArray(series)) return
    const cumulative = series.filter(isCumulative)
    this.#folded = this.#folded.then((held) => this.#merge([held, cumulative]))
  }

  series(): Promise<unknown> {
    return this.#folded
  }
}

/** A gauge says what is, and what has ended is no more. */
const isCumulative = (metric: unknown): boolean =>
  typeof metric === 'object' && metric !== null && (metric as { type?: unknown }).type !== 'gauge'
