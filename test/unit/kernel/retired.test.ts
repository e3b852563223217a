// Goal: the sum over several threads never falls because one of them does.
// Method: the series of real registries, merged as a scrape does.
import { expect, test } from 'vitest'
import {
  mergeMetrics,
  mergeSeries,
  prometheusMetrics,
} from '../../../src/kernel/metrics-prometheus.ts'
import { RetiredSeries } from '../../../src/kernel/retired.ts'

const registryOf = (count: number, level: number) => {
  const metrics = prometheusMetrics()
  metrics.counter({ name: 'queries_total', help: 'q', labels: ['type'] }).add(count, { type: 'A' })
  metrics.gauge({ name: 'open', help: 'o' }).set(level)
  metrics.gauge({ name: 'front', help: 'f', merge: 'max' }).set(1)
  metrics.histogram({ name: 'seconds', help: 's', buckets: [1] }).observe(count)
  return metrics.json()
}

test('counts of what fell are kept, gauges are not, and falls add up', async () => {
  const retired = new RetiredSeries(mergeSeries)
  retired.seen('dns', await registryOf(10, 3))
  retired.seen('dns#2', await registryOf(5, 2))
  retired.fell('dns')
  retired.fell('dns#2')
  // The second life of a thread that nobody asked counts nothing.
  retired.fell('dns')
  retired.seen('dns', await registryOf(7, 1))
  const now = [await registryOf(7, 1), await registryOf(1, 1)]
  const before = await mergeMetrics([...now, await retired.series()])
  expect(before).toContain('queries_total{type="A"} 23')
  expect(before).toContain('seconds_sum 23')
  expect(before).toContain('seconds_count 4')
  expect(before).toMatch(/^open 2$/m)
  expect(before).toMatch(/^front 1$/m)
  retired.fell('dns')
  const after = await mergeMetrics([await registryOf(1, 1), await retired.series()])
  expect(after).toContain('queries_total{type="A"} 23')
})

test('nothing retired adds nothing', async () => {
  const retired = new RetiredSeries(mergeSeries)
  const text = await mergeMetrics([await registryOf(1, 1), await retired.series()])
  expect(text).toContain('queries_total{type="A"} 1')
})
