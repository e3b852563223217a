/**
 * A histogram that takes observations one by one, or many that were counted elsewhere.
 *
 * The library's own takes them one by one only. Its series have the form that the library's
 * registry, text and merging expect.
 */
import type { Labels, MetricSpec } from './metrics.ts'

interface Series {
  readonly labels: Labels
  /** By bucket, those above all buckets last; each observation in one of them. */
  readonly counts: number[]
  sum: number
}

export class CountedHistogram {
  readonly name: string
  readonly help: string
  readonly type = 'histogram'
  readonly aggregator = 'sum'
  readonly #bounds: readonly number[]
  readonly #labelNames: readonly string[]
  readonly #series = new Map<string, Series>()

  /** @param spec buckets in rising order */
  constructor(spec: MetricSpec & { readonly buckets: readonly number[] }) {
    this.name = spec.name
    this.help = spec.help
    this.#bounds = spec.buckets
    this.#labelNames = spec.labels ?? []
  }

  observe(value: number, labels: Labels): void {
    const series = this.#seriesOf(labels)
    const bucket = this.#bounds.findIndex((bound) => value <= bound)
    series.counts[bucket < 0 ? this.#bounds.length : bucket]!++
    series.sum += value
  }

  addAll(counts: readonly number[], sum: number, labels: Labels): void {
    const series = this.#seriesOf(labels)
    for (const [bucket, count] of counts.entries()) series.counts[bucket]! += count
    series.sum += sum
  }

  remove(labels: Labels): void {
    this.#series.delete(this.#keyOf(labels))
  }

  reset(): void {
    this.#series.clear()
  }

  /** What the registry reads. */
  get() {
    const { name, help, type, aggregator } = this
    const values = [...this.#series.values()].flatMap((series) => this.#valuesOf(series))
    return { name, help, type, aggregator, values }
  }

  getForPromString() {
    return this.get()
  }

  #valuesOf({ labels, counts, sum }: Series) {
    let count = 0
    const buckets = counts.map((own, bucket) => {
      count += own
      const le = this.#bounds[bucket] ?? '+Inf'
      return { labels: { le, ...labels }, value: count, metricName: `${this.name}_bucket` }
    })
    return [
      ...buckets,
      { labels, value: sum, metricName: `${this.name}_sum` },
      { labels, value: count, metricName: `${this.name}_count` },
    ]
  }

  #keyOf(labels: Labels): string {
    return this.#labelNames.map((label) => labels[label] ?? '').join('\u0000')
  }

  #seriesOf(labels: Labels): Series {
    const key = this.#keyOf(labels)
    const known = this.#series.get(key)
    if (known !== undefined) return known
    const counts = Array.from({ length: this.#bounds.length + 1 }, () => 0)
    const made = { labels, counts, sum: 0 }
    this.#series.set(key, made)
    return made
  }
}
