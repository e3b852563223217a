import { describe, expect, test } from 'vitest'
import {
  mergeMetrics,
  metricsContentType,
  processMetrics,
  prometheusMetrics,
} from '../../../src/kernel/metrics-prometheus.ts'

/** As an actor's series cross to the main thread. */
const crossed = async (metrics: { json(): Promise<unknown> }): Promise<unknown> =>
  structuredClone(await metrics.json())

describe('one actor', () => {
  test('counters, gauges and histograms come out as text', async () => {
    const metrics = prometheusMetrics()
    const counter = metrics.counter({ name: 'opengslb_a_total', help: 'A.', labels: ['type'] })
    counter.add(1, { type: 'A' })
    counter.add(2, { type: 'A' })
    metrics.gauge({ name: 'opengslb_g', help: 'G.' }).set(7)
    const spec = { name: 'opengslb_h_seconds', help: 'H.', buckets: [0.1, 1] }
    metrics.histogram(spec).observe(0.5)
    const text = await mergeMetrics([await crossed(metrics)])
    expect(text).toMatch(/^# HELP opengslb_a_total A\.$/m)
    expect(text).toMatch(/^# TYPE opengslb_a_total counter$/m)
    expect(text).toMatch(/^opengslb_a_total\{type="A"\} 3$/m)
    expect(text).toMatch(/^opengslb_g 7$/m)
    expect(text).toMatch(/^opengslb_h_seconds_bucket\{le="0.1"\} 0$/m)
    expect(text).toMatch(/^opengslb_h_seconds_bucket\{le="1"\} 1$/m)
    expect(text).toMatch(/^opengslb_h_seconds_count 1$/m)
  })

  test('observations counted elsewhere read like those made one by one', async () => {
    const spec = { name: 'opengslb_h', help: 'H.', labels: ['name'], buckets: [0.125, 1] }
    const [single, together] = [prometheusMetrics(), prometheusMetrics()]
    const ones = [0.125, 0.0625, 0.5, 7]
    for (const one of ones) single.histogram(spec).observe(one, { name: 'a' })
    together.histogram(spec).addAll([1, 0, 1], 7.125, { name: 'a' })
    together.histogram(spec).addAll([1, 1, 0], 0.5625, { name: 'a' })
    const text = await mergeMetrics([await crossed(single)])
    expect(await mergeMetrics([await crossed(together)])).toBe(text)
    expect(text).toMatch(/^opengslb_h_bucket\{le="0.125",name="a"\} 2$/m)
    expect(text).toMatch(/^opengslb_h_bucket\{le="\+Inf",name="a"\} 4$/m)
    expect(text).toMatch(/^opengslb_h_sum\{name="a"\} 7.6875$/m)
  })

  test('a counter without labels is there from the start, at 0', async () => {
    const metrics = prometheusMetrics()
    metrics.counter({ name: 'opengslb_refused_total', help: 'R.' })
    expect(await mergeMetrics([await crossed(metrics)])).toMatch(/^opengslb_refused_total 0$/m)
  })

  test('copies run just before the series are read', async () => {
    const metrics = prometheusMetrics()
    const gauge = metrics.gauge({ name: 'opengslb_g', help: 'G.', labels: ['id'] })
    let ids = ['a', 'b']
    metrics.onCollect(() => {
      gauge.reset()
      for (const id of ids) gauge.set(1, { id })
    })
    expect(await mergeMetrics([await crossed(metrics)])).toMatch(/id="b"/)
    ids = ['a']
    expect(await mergeMetrics([await crossed(metrics)])).not.toMatch(/id="b"/)
  })

  test('asking for the same name again gives the same metric', async () => {
    const metrics = prometheusMetrics()
    const spec = { name: 'opengslb_a_total', help: 'A.' }
    metrics.counter(spec).add(1)
    metrics.counter(spec).add(1)
    expect(await mergeMetrics([await crossed(metrics)])).toMatch(/^opengslb_a_total 2$/m)
  })

  test('past the bound of series, new label values are counted as other', async () => {
    const metrics = prometheusMetrics(2)
    const counter = metrics.counter({ name: 'opengslb_a_total', help: 'A.', labels: ['name'] })
    for (const name of ['a', 'b', 'c', 'd', 'a', 'e']) counter.add(1, { name })
    const text = await mergeMetrics([await crossed(metrics)])
    expect(text).toMatch(/name="a"\} 2/)
    expect(text).toMatch(/name="other"\} 3/)
    expect(text).not.toMatch(/name="[cde]"/)
  })

  test('a forgotten series is gone, and makes room for another', async () => {
    const metrics = prometheusMetrics(1)
    const counter = metrics.counter({ name: 'opengslb_a_total', help: 'A.', labels: ['name'] })
    const spec = { name: 'opengslb_h', help: 'H.', labels: ['name'], buckets: [1] }
    const histogram = metrics.histogram(spec)
    counter.add(1, { name: 'a' })
    histogram.observe(1, { name: 'a' })
    counter.forget?.({ name: 'a' })
    histogram.forget?.({ name: 'a' })
    counter.add(1, { name: 'b' })
    const text = await mergeMetrics([await crossed(metrics)])
    expect(text).toMatch(/name="b"} 1/)
    expect(text).not.toMatch(/name="(a|other)"/)
  })

  test('a label value cannot break out of its line', async () => {
    const metrics = prometheusMetrics()
    const gauge = metrics.gauge({ name: 'opengslb_g', help: 'G.', labels: ['id'] })
    gauge.set(1, { id: 'a"} 1\nopengslb_forged 1' })
    expect(await mergeMetrics([await crossed(metrics)])).not.toMatch(/^opengslb_forged/m)
  })
})

describe('several actors', () => {
  test('their names stand side by side, and threads of one kind add up', async () => {
    const parts = []
    for (const amount of [1, 2]) {
      const metrics = prometheusMetrics()
      const counter = metrics.counter({ name: 'opengslb_q_total', help: 'Q.', labels: ['type'] })
      counter.add(amount, { type: 'A' })
      parts.push(await crossed(metrics))
    }
    const other = prometheusMetrics()
    other.gauge({ name: 'opengslb_g', help: 'G.' }).set(5)
    parts.push(await crossed(other), await crossed(processMetrics()))
    const text = await mergeMetrics(parts)
    expect(text).toMatch(/^opengslb_q_total\{type="A"\} 3$/m)
    expect(text).toMatch(/^opengslb_g 5$/m)
    expect(text).toMatch(/^process_resident_memory_bytes \d+/m)
    expect(text).toMatch(/^nodejs_/m)
  })

  test('a part that is missing costs only its own series', async () => {
    const metrics = prometheusMetrics()
    metrics.gauge({ name: 'opengslb_g', help: 'G.' }).set(5)
    const text = await mergeMetrics([
      undefined,
      null,
      { code: 'timed-out' },
      await crossed(metrics),
    ])
    expect(text).toMatch(/^opengslb_g 5$/m)
    expect(await mergeMetrics([])).toBe('\n')
  })
})

test('the content type is that of the text format', () => {
  expect(metricsContentType).toMatch(/^text\/plain; version=0\.0\.4/)
})
