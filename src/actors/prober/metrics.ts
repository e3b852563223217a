/**
 * The prober's metrics. Label values are regions and servers of the topology, nothing else, and the
 * series of a server that is no longer checked are dropped.
 */
import type { Outcome } from '../../core/health/outcome.ts'
import { formatEndpoint } from '../../core/net/address.ts'
import type { MemberSpec } from '../../core/steer/topology.ts'
import type { Labels, Metrics } from '../../kernel/metrics.ts'

export interface Levels {
  /** Servers up, for each region that has servers. */
  readonly healthyByRegion: ReadonlyMap<string, number>
  readonly targets: number
  readonly running: number
}

export interface ProberMetrics {
  checked(member: MemberSpec, outcome: Outcome): void
  started(lagMs: number): void
  /** The servers that exist now: all other series end. */
  keep(members: Iterable<MemberSpec>): void
}

const results = ['success', 'failure', 'inconclusive'] as const

const resultOf = (outcome: Outcome): (typeof results)[number] => {
  if (outcome.inconclusive === true) return 'inconclusive'
  return outcome.ok ? 'success' : 'failure'
}

/** The buckets of the histograms, seconds. */
const durations = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const lags = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5]

const labelsOf = (member: MemberSpec): Labels => ({
  region: member.region,
  server: formatEndpoint(member.address, member.port),
})

const seriesOf = (labels: Labels) => `${labels['region']} ${labels['server']}`

export function proberMetrics(metrics: Metrics, levels: () => Levels): ProberMetrics {
  const counted = metrics.counter({
    name: 'opengslb_health_check_results_total',
    help: 'Health checks by result: success, failure, or inconclusive for a fault of our own',
    labels: ['region', 'server', 'result'],
  })
  const lasted = metrics.histogram({
    name: 'opengslb_health_check_duration_seconds',
    help: 'How long health checks took',
    labels: ['region', 'server'],
    buckets: durations,
  })
  const lagged = metrics.histogram({
    name: 'opengslb_health_check_lag_seconds',
    help: 'How much later than due health checks started',
    buckets: lags,
  })
  collectLevels(metrics, levels)

  // Two services may share a server; its series live as long as one of them.
  let kept = new Map<string, Labels>()
  return {
    checked: (member, outcome) => {
      const labels = labelsOf(member)
      counted.add(1, { ...labels, result: resultOf(outcome) })
      if (outcome.inconclusive !== true) lasted.observe(outcome.latencyMs / 1000, labels)
    },
    started: (lagMs) => lagged.observe(lagMs / 1000),
    keep: (members) => {
      const now = new Map<string, Labels>()
      for (const member of members) {
        const labels = labelsOf(member)
        now.set(seriesOf(labels), labels)
      }
      for (const [series, labels] of kept) {
        if (now.has(series)) continue
        for (const result of results) counted.forget?.({ ...labels, result })
        lasted.forget?.(labels)
      }
      kept = now
    },
  }
}

/** Gauges are copied only when somebody reads them. */
function collectLevels(metrics: Metrics, levels: () => Levels): void {
  const healthy = metrics.gauge({
    name: 'opengslb_healthy_servers',
    help: 'Servers whose health checks say up',
    labels: ['region'],
  })
  const targets = metrics.gauge({
    name: 'opengslb_health_check_targets',
    help: 'Servers being checked',
  })
  const running = metrics.gauge({
    name: 'opengslb_health_checks_in_flight',
    help: 'Health checks running at this moment',
  })
  metrics.onCollect(() => {
    const now = levels()
    healthy.reset()
    for (const [region, count] of now.healthyByRegion) healthy.set(count, { region })
    targets.set(now.targets)
    running.set(now.running)
  })
}
