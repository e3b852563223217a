/**
 * Metrics, as an actor sees them; the one place that knows the library behind them.
 */
export interface MetricSpec {
  /** Full name, `opengslb_…`. */
  readonly name: string
  readonly help: string
  readonly labels?: readonly string[]
}

export interface GaugeSpec extends MetricSpec {
  /** What the values of several threads make together; their sum unless said otherwise. */
  readonly merge?: 'sum' | 'max'
}

export type Labels = Readonly<Record<string, string>>

export interface Counter {
  add(amount: number, labels?: Labels): void
  /** Ends one series: what its labels name is gone. */
  forget?(labels: Labels): void
}

export interface Gauge {
  set(value: number, labels?: Labels): void
  /** Forgets every labelled series, before a collect sets those that still exist. */
  reset(): void
}

export interface Histogram {
  observe(value: number, labels?: Labels): void
  /**
   * Adds observations that were counted elsewhere: how many fell into each bucket and not into a
   * smaller one, those above all buckets last, and their sum.
   */
  addAll(counts: readonly number[], sum: number, labels?: Labels): void
  /** Ends one series: what its labels name is gone. */
  forget?(labels: Labels): void
}

export interface Metrics {
  counter(spec: MetricSpec): Counter
  gauge(spec: GaugeSpec): Gauge
  histogram(spec: MetricSpec & { readonly buckets: readonly number[] }): Histogram
  /** Runs just before the series are read: copy hot counters here. */
  onCollect(copy: () => void): void
}
