/**
 * One metric under several names: those that earlier generations of documents, dashboards and
 * alerts know it by. Each name is a metric of its own with the same value, never a second series
 * in one name.
 */
import type { Counter, Gauge, GaugeSpec, MetricSpec, Metrics } from './metrics.ts'

type Named<S extends MetricSpec> = Omit<S, 'name'> & { readonly names: readonly string[] }

/** A counter that counts under every name. */
export function counterOf(metrics: Metrics, { names, ...rest }: Named<MetricSpec>): Counter {
  const all = names.map((name) => metrics.counter({ ...rest, name }))
  return {
    add: (amount, labels) => {
      for (const one of all) one.add(amount, labels)
    },
    forget: (labels) => {
      for (const one of all) one.forget?.(labels)
    },
  }
}

/** A gauge that shows its value under every name. */
export function gaugeOf(metrics: Metrics, { names, ...rest }: Named<GaugeSpec>): Gauge {
  const all = names.map((name) => metrics.gauge({ ...rest, name }))
  return {
    set: (value, labels) => {
      for (const one of all) one.set(value, labels)
    },
    reset: () => {
      for (const one of all) one.reset()
    },
  }
}
