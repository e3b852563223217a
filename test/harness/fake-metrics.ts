/** Metrics a test can read: the value of a series, by name and labels. */
import type { Labels, MetricSpec, Metrics } from '../../src/kernel/metrics.ts'

export interface FakeMetrics extends Metrics {
  /** The value of one series, after a collect; undefined when it was never touched. */
  value(name: string, labels?: Labels): number | undefined
  /** Every observation of a histogram series. */
  observed(name: string, labels?: Labels): readonly number[]
  readonly specs: ReadonlyMap<string, MetricSpec>
}

const seriesOf = (name: string, labels: Labels = {}): string =>
  `${name}{${Object.keys(labels)
    .sort()
    .map((label) => `${label}=${labels[label]}`)
    .join(',')}}`

export function fakeMetrics(): FakeMetrics {
  const specs = new Map<string, MetricSpec>()
  const values = new Map<string, number>()
  const observations = new Map<string, number[]>()
  const copies: (() => void)[] = []
  return {
    specs,
    counter: (spec) => {
      specs.set(spec.name, spec)
      return {
        add: (amount, labels) => {
          const series = seriesOf(spec.name, labels)
          values.set(series, (values.get(series) ?? 0) + amount)
        },
      }
    },
    gauge: (spec) => {
      specs.set(spec.name, spec)
      return {
        set: (value, labels) => void values.set(seriesOf(spec.name, labels), value),
        reset: () => {
          for (const series of values.keys()) {
            if (series.startsWith(`${spec.name}{`)) values.delete(series)
          }
        },
      }
    },
    histogram: (spec) => {
      specs.set(spec.name, spec)
      return {
        observe: (value, labels) => {
          const series = seriesOf(spec.name, labels)
          const seen = observations.get(series) ?? []
          seen.push(value)
          observations.set(series, seen)
        },
        addAll: (counts, _sum, labels) => {
          const series = seriesOf(spec.name, labels)
          const total = counts.reduce((all, count) => all + count, 0)
          values.set(series, (values.get(series) ?? 0) + total)
        },
      }
    },
    onCollect: (copy) => void copies.push(copy),
    value: (name, labels) => {
      for (const copy of copies) copy()
      return values.get(seriesOf(name, labels))
    },
    observed: (name, labels) => observations.get(seriesOf(name, labels)) ?? [],
  }
}
