/**
 * Series under one name or two: counters that follow a number kept elsewhere, and gauges.
 */
import type { Labels, Metrics } from '../../kernel/metrics.ts'

/** A counter that follows a number kept elsewhere. */
export function following(
  metrics: Metrics,
  names: readonly string[],
  help: string,
  labels: string[] = [],
) {
  const counters = names.map((name) => metrics.counter({ name, help, labels }))
  const seen = new Map<string, number>()
  return (value: number, of: Labels = {}) => {
    const key = Object.values(of).join('\n')
    const more = value - (seen.get(key) ?? 0)
    seen.set(key, value)
    if (more > 0) for (const counter of counters) counter.add(more, of)
  }
}

export function gauges(
  metrics: Metrics,
  names: readonly string[],
  help: string,
  labels: string[] = [],
) {
  const all = names.map((name) => metrics.gauge({ name, help, labels }))
  return {
    set: (value: number, of: Labels = {}) => {
      for (const gauge of all) gauge.set(value, of)
    },
    reset: () => {
      for (const gauge of all) gauge.reset()
    },
  }
}
