/**
 * Metrics on prom-client: a registry for each actor, and their union for the scrape.
 *
 * Each name belongs to one kind of actor; where several threads of it exist their series are added
 * up. The number of label combinations of a metric is bounded: what comes past the bound is
 * counted under the value "other", so that input from outside can never grow memory.
 */
import type { Metric } from 'prom-client'
import { apiLimits } from '../core/base/limits/api.ts'
import type { Labels, Metrics, MetricSpec } from './metrics.ts'
import { CountedHistogram } from './metrics-histogram.ts'
import {
  AggregatorRegistry,
  loadDefaultMetrics,
  PromCounter,
  PromGauge,
  Registry,
} from './prom-parts.ts'

/**
 * How often the lag of the event loop is looked at. Each look wakes the process: at the library's
 * own 10 ms that is 0.4 % of a core, which a DNS thread on the same core goes without.
 */
const LAG_STEP_MS = 50
const WATCH_AFTER_MS = 1_000

export interface PrometheusMetrics extends Metrics {
  /** The series as data that can cross a thread; the copies of `onCollect` run first. */
  json(): Promise<unknown>
}

export function prometheusMetrics(
  seriesMax: number = apiLimits.metricSeries.default,
): PrometheusMetrics {
  const registry = new Registry()
  const copies: (() => void)[] = []
  const known = new Map<string, unknown>()

  /** The metric of that name, made on first use: a restarted part of an actor may ask again. */
  function once<T>(spec: MetricSpec, make: () => T): T {
    const found = known.get(spec.name) as T | undefined
    if (found !== undefined) return found
    const made = make()
    known.set(spec.name, made)
    return made
  }
  const common = (spec: MetricSpec) => ({
    name: spec.name,
    help: spec.help,
    labelNames: [...(spec.labels ?? [])],
    registers: [registry],
  })

  return {
    counter: (spec) =>
      once(spec, () => {
        const counter = new PromCounter(common(spec))
        const bound = boundLabels(spec.labels, seriesMax)
        return {
          add: (amount: number, labels?: Labels) => counter.inc(bound.fit(labels), amount),
          forget: (labels: Labels) => {
            bound.forget(labels)
            counter.remove(labels)
          },
        }
      }),
    gauge: (spec) =>
      once(spec, () => {
        const gauge = new PromGauge({ ...common(spec), aggregator: spec.merge ?? 'sum' })
        const bound = boundLabels(spec.labels, seriesMax)
        return {
          set: (value: number, labels?: Labels) => gauge.set(bound.fit(labels), value),
          reset: () => {
            gauge.reset()
            bound.reset()
          },
        }
      }),
    histogram: (spec) =>
      once(spec, () => {
        const histogram = new CountedHistogram(spec)
        // The registry calls what it reads and nothing else.
        registry.registerMetric(histogram as unknown as Metric)
        const bound = boundLabels(spec.labels, seriesMax)
        return {
          observe: (value: number, labels?: Labels) => histogram.observe(value, bound.fit(labels)),
          addAll: (counts: readonly number[], sum: number, labels?: Labels) =>
            histogram.addAll(counts, sum, bound.fit(labels)),
          forget: (labels: Labels) => {
            bound.forget(labels)
            histogram.remove(labels)
          },
        }
      }),
    onCollect: (copy) => void copies.push(copy),
    json: async () => {
      for (const copy of copies) copy()
      return await registry.getMetricsAsJSON()
    },
  }
}

/** Keeps the number of label combinations of one metric in bounds. */
function boundLabels(names: readonly string[] = [], seriesMax: number) {
  const seen = new Set<string>()
  const other = Object.fromEntries(names.map((name) => [name, 'other']))
  const seriesOf = (labels: Labels) => names.map((name) => labels[name] ?? '').join('\u0000')
  return {
    reset: () => seen.clear(),
    forget: (labels: Labels) => void seen.delete(seriesOf(labels)),
    fit: (labels: Labels = {}): Labels => {
      if (names.length === 0) return {}
      const series = seriesOf(labels)
      if (seen.has(series)) return labels
      if (seen.size >= seriesMax) return other
      seen.add(series)
      return labels
    },
  }
}

/**
 * CPU, memory, event loop and file descriptors of the process; for the main thread only. They are
 * watched from a second after the start, which they would make longer, or from the first scrape.
 */
export function processMetrics(): { json(): Promise<unknown> } {
  const registry = new Registry()
  let isWatched = false
  const watch = () => {
    if (isWatched) return
    isWatched = true
    loadDefaultMetrics()({ register: registry, eventLoopMonitoringPrecision: LAG_STEP_MS })
  }
  setTimeout(watch, WATCH_AFTER_MS).unref()
  return {
    json: async () => {
      watch()
      return await registry.getMetricsAsJSON()
    },
  }
}

/** Adds lists of series up into one list, of the same form as `json()` gives. */
export async function mergeSeries(parts: readonly unknown[]): Promise<unknown> {
  return await AggregatorRegistry.aggregate(parts.filter(isList)).getMetricsAsJSON()
}

const isList = (part: unknown): part is object[] => Array.isArray(part)

/**
 * The text of a scrape from what each actor's `json()` gave. A part that is not a list of metrics
 * (its actor was down) is left out; the others are still shown.
 */
export async function mergeMetrics(parts: readonly unknown[]): Promise<string> {
  return await AggregatorRegistry.aggregate(parts.filter(isList)).metrics()
}

/** Content type of that text. */
export const metricsContentType: string = Registry.PROMETHEUS_CONTENT_TYPE
