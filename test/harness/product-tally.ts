/** Metrics of one incarnation as sums: the total of a counter over all its series. */
import type { Labels, Metrics } from '../../src/kernel/metrics.ts'

export interface Tally {
  readonly metrics: Metrics
  /** Copies what is counted elsewhere, as a scrape does. */
  collect(): void
  /** The sum over the series that have these labels. */
  total(name: string, labels?: Labels): number
}

interface Series {
  readonly labels: Labels
  value: number
}

export function tallyMetrics(): Tally {
  const counters = new Map<string, Map<string, Series>>()
  const copies: (() => void)[] = []
  const metrics: Metrics = {
    counter: ({ name }) => {
      const all = counters.get(name) ?? new Map<string, Series>()
      counters.set(name, all)
      return {
        add: (amount, labels = {}) => {
          const key = Object.values(labels).join('\n')
          const series = all.get(key)
          if (series === undefined) all.set(key, { labels, value: amount })
          else series.value += amount
        },
      }
    },
    gauge: () => ({ set: () => {}, reset: () => {} }),
    histogram: () => ({ observe: () => {}, addAll: () => {} }),
    onCollect: (copy) => void copies.push(copy),
  }
  return {
    metrics,
    collect: () => {
      for (const copy of copies) copy()
    },
    total: (name, labels = {}) => {
      let sum = 0
      const asked = Object.entries(labels)
      for (const series of counters.get(name)?.values() ?? [])
        if (asked.every(([label, value]) => series.labels[label] === value)) sum += series.value
      return sum
    },
  }
}
