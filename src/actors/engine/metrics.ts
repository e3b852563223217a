/** Series of the process beside this one. */
import type { Metrics } from '../../kernel/metrics.ts'
import type { ProcessState } from './contract.ts'

export function engineMetrics(metrics: Metrics, read: () => ProcessState) {
  const up = metrics.gauge({
    name: 'opengslb_cluster_engine_up',
    help: '1 while etcd runs beside this process.',
  })
  const starts = metrics.counter({
    name: 'opengslb_cluster_engine_starts_total',
    help: 'How often etcd was started beside this process.',
  })
  metrics.onCollect(() => up.set(read().state === 'running' ? 1 : 0))
  return { started: () => starts.add(1) }
}
