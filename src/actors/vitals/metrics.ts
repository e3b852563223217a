/**
 * The metrics of an agent's machine, its drains and its clients. Labels are backends of the
 * configuration and words of fixed lists.
 */
import type { ConnectionsSeen, PredictiveSignal, Vitals } from '../../core/health/report.ts'
import type { Metrics } from '../../kernel/metrics.ts'

export interface Levels {
  readonly vitals: Vitals | undefined
  /** Services of the agent's backends. */
  readonly services: ReadonlySet<string>
  readonly draining: readonly string[]
  readonly connections: ReadonlyMap<string, ConnectionsSeen>
}

const signals: readonly PredictiveSignal[] = ['none', 'bleed', 'drain', 'recovered']

/** What made the share fall, by the reason that goes to the overwatches. */
const signalTypes: Readonly<Record<string, string>> = {
  cpu_threshold_exceeded: 'cpu',
  memory_threshold_exceeded: 'memory',
  error_rate_threshold_exceeded: 'error_rate',
}

export function vitalsMetrics(metrics: Metrics, levels: () => Levels): void {
  const gauge = (name: string, help: string, labels?: readonly string[]) =>
    metrics.gauge({ name, help, ...(labels === undefined ? {} : { labels }) })
  const cpu = gauge(
    'opengslb_predictive_cpu_percent',
    'Processor in use, percent of what is allowed',
  )
  const memory = gauge(
    'opengslb_predictive_memory_percent',
    'Memory in use, percent of what is allowed',
  )
  const errors = gauge('opengslb_predictive_error_rate', 'Checks or requests that failed, percent')
  const bleeding = gauge(
    'opengslb_predictive_bleeding',
    '1 while the share of this agent is low for its own load: signal bleed or drain',
  )
  const share = gauge(
    'opengslb_predictive_share_thousandths',
    'Share of its weight that each backend of the agent takes',
  )
  const signal = gauge('opengslb_predictive_signal', '1 for the signal that holds', ['signal'])
  const draining = gauge('opengslb_agent_draining', '1 for each backend that drains', ['backend'])
  const remaining = gauge(
    'opengslb_agent_drain_connections',
    'Connections of clients of a draining backend',
    ['backend'],
  )
  const state = gauge(
    'opengslb_agent_predictive_state_active',
    '1 while the share of a service is low for this signal',
    ['service', 'signal_type'],
  )
  metrics.onCollect(() => {
    const now = levels()
    const { signal: said, reason = '' } = now.vitals ?? {}
    const isLow = said === 'bleed' || said === 'drain'
    for (const service of now.services)
      for (const [cause, type] of Object.entries(signalTypes))
        state.set(isLow && cause === reason ? 1 : 0, { service, signal_type: type })
    if (now.vitals?.cpuPercent !== undefined) cpu.set(now.vitals.cpuPercent)
    if (now.vitals?.memoryPercent !== undefined) memory.set(now.vitals.memoryPercent)
    if (now.vitals?.errorPercent !== undefined) errors.set(now.vitals.errorPercent)
    if (now.vitals !== undefined) {
      share.set(now.vitals.share)
      bleeding.set(now.vitals.signal === 'bleed' || now.vitals.signal === 'drain' ? 1 : 0)
      for (const one of signals) signal.set(one === now.vitals.signal ? 1 : 0, { signal: one })
    }
    draining.reset()
    for (const backend of now.draining) draining.set(1, { backend })
    remaining.reset()
    for (const [backend, seen] of now.connections) remaining.set(seen.remaining, { backend })
  })
}
