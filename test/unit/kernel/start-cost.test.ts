// Goal: a thread that starts loads no more than it needs; the first answer after a start waits
// for it. Method: which modules the registry of CommonJS knows after the import.
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { processMetrics } from '../../../src/kernel/metrics-prometheus.ts'

const require = createRequire(import.meta.url)
const loaded = (part: string) => Object.keys(require.cache).filter((path) => path.includes(part))

test('the metrics of a thread bring neither process metrics nor a tracing API', async () => {
  expect(loaded('/prom-client/').length).toBeGreaterThan(0)
  expect(loaded('/@opentelemetry/')).toEqual([])
  expect(loaded('/prom-client/lib/pushgateway')).toEqual([])
  // The main thread has them, once it asks.
  const series = (await processMetrics().json()) as { name: string }[]
  expect(series.map(({ name }) => name)).toContain('process_cpu_seconds_total')
})
