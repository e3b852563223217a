/**
 * The metrics of learned round-trip times, of an agent and of an overwatch.
 */
import type { Metrics } from '../../kernel/metrics.ts'

export interface AgentCounts {
  /** Samples of this round-trip time, seconds. */
  rtt(seconds: number, samples: number): void
  /** The kernel had to drop connections that ended. */
  dropped(): void
  polled(seconds: number): void
  /** One message of a report. */
  reported(): void
  errors(type: 'poll' | 'capability' | 'parse'): void
}

export interface AgentLevels {
  readonly tracked: number
  readonly evicted: number
  readonly pruned: number
}

export interface OverwatchCounts {
  reports: number
  refused: number
}

export interface OverwatchLevels {
  readonly entries: number
  readonly rows: number
  readonly evicted: number
  readonly pruned: number
  readonly changes: number
  readonly resolvers: number
  readonly networksBehind: number
}

const RTT_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]
const POLL_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1]

/** A counter that follows a number kept elsewhere. */
function following(metrics: Metrics, name: string, help: string): (value: number) => void {
  const counter = metrics.counter({ name, help })
  let told = 0
  counter.add(0)
  return (value) => {
    // A table that was made anew counts from nothing.
    counter.add(value >= told ? value - told : value)
    told = value
  }
}

export function agentMetrics(metrics: Metrics, levels: () => AgentLevels | undefined): AgentCounts {
  const samples = metrics.counter({
    name: 'opengslb_agent_latency_observations_total',
    help: 'Samples of round-trip times taken from the kernel',
  })
  const dropped = metrics.counter({
    name: 'opengslb_agent_latency_observations_dropped_total',
    help: 'Times the kernel dropped news of connections that ended',
  })
  const reports = metrics.counter({
    name: 'opengslb_agent_latency_reports_sent_total',
    help: 'Messages with learned round-trip times',
  })
  const errors = metrics.counter({
    name: 'opengslb_agent_latency_collector_errors_total',
    help: 'Faults in reading the TCP table: poll, capability, parse',
    labels: ['type'],
  })
  const rtt = metrics.histogram({
    name: 'opengslb_agent_latency_rtt_seconds',
    help: 'Round-trip times of clients',
    buckets: RTT_SECONDS,
  })
  const poll = metrics.histogram({
    name: 'opengslb_agent_latency_poll_duration_seconds',
    help: 'How long one reading of the TCP table took',
    buckets: POLL_SECONDS,
  })
  const tracked = metrics.gauge({
    name: 'opengslb_agent_latency_subnets_tracked',
    help: 'Client networks with an average',
  })
  const evicted = following(
    metrics,
    'opengslb_agent_latency_subnets_evicted_total',
    'Client networks given up for others',
  )
  const pruned = following(
    metrics,
    'opengslb_agent_latency_subnets_pruned_total',
    'Client networks forgotten for their age',
  )
  metrics.onCollect(() => {
    const now = levels()
    if (now === undefined) return
    tracked.set(now.tracked)
    evicted(now.evicted)
    pruned(now.pruned)
  })
  return {
    rtt: (seconds, count) => {
      samples.add(count)
      rtt.observe(seconds)
    },
    dropped: () => dropped.add(1),
    polled: (seconds) => poll.observe(seconds),
    reported: () => reports.add(1),
    errors: (type) => errors.add(1, { type }),
  }
}

export function overwatchMetrics(metrics: Metrics, levels: () => OverwatchLevels): OverwatchCounts {
  const counts = { reports: 0, refused: 0 }
  const gauge = (name: string, help: string) => metrics.gauge({ name, help })
  const entries = gauge(
    'opengslb_overwatch_latency_table_entries_total',
    'Learned round-trip times by network, service and region',
  )
  const rows = gauge('opengslb_overwatch_latency_rows', 'Words of agents they are merged from')
  const evicted = following(
    metrics,
    'opengslb_overwatch_latency_entries_evicted_total',
    'Rows given up for others',
  )
  const pruned = following(
    metrics,
    'opengslb_overwatch_latency_entries_pruned_total',
    'Rows forgotten for their age',
  )
  const reports = following(
    metrics,
    'opengslb_overwatch_latency_reports_received_total',
    'Messages of agents with learned round-trip times',
  )
  const refused = following(
    metrics,
    'opengslb_overwatch_latency_rows_refused_total',
    'Rows that made no sense',
  )
  const changes = following(
    metrics,
    'opengslb_overwatch_latency_changes_total',
    'Rows far outside of what was known, whose trust starts again',
  )
  const resolvers = gauge(
    'opengslb_overwatch_latency_resolvers',
    'Resolvers without client subnets whose clients are looked for',
  )
  const networks = gauge(
    'opengslb_overwatch_latency_catchment_networks',
    'Networks taken to be behind them, each by its part',
  )
  metrics.onCollect(() => {
    const now = levels()
    resolvers.set(now.resolvers)
    networks.set(now.networksBehind)
    entries.set(now.entries)
    rows.set(now.rows)
    evicted(now.evicted)
    pruned(now.pruned)
    reports(counts.reports)
    refused(counts.refused)
    changes(now.changes)
  })
  return counts
}
