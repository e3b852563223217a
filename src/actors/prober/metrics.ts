/**
 * The prober's metrics. Label values are regions and servers of the topology, nothing else, and the
 * series of a server that is no longer checked are dropped.
 *
 * A histogram is a dozen series, so servers have one of their own only while they are few; past
 * the limit they share one for each region, under the server `all`, and a gauge says so. The same
 * holds for services. Counters are kept for each server however many there are.
 */
import { limits } from '../../core/base/limits.ts'
import type { Outcome } from '../../core/health/outcome.ts'
import { formatEndpoint } from '../../core/net/address.ts'
import type { MemberSpec } from '../../core/steer/topology.ts'
import type { Labels, Metrics } from '../../kernel/metrics.ts'
import { counterOf } from '../../kernel/metrics-alias.ts'

export interface Levels {
  /** Servers up, for each region that has servers. */
  readonly healthyByRegion: ReadonlyMap<string, number>
  readonly targets: number
  readonly running: number
  readonly late: number
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

/** Stands for every server, or every service, where they are too many for series of their own. */
const ALL = 'all'

/** @param isAgent an agent checks its own backends, an overwatch validates those of all */
export function proberMetrics(
  metrics: Metrics,
  levels: () => Levels,
  isAgent = false,
): ProberMetrics {
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
  const byRegion = metrics.histogram({
    name: 'opengslb_health_check_latency_seconds',
    help: 'How long health checks took, all servers of a region together',
    labels: ['region'],
    buckets: durations,
  })
  const byService = serviceMetrics(metrics, isAgent)
  const shared = metrics.gauge({
    name: 'opengslb_health_check_series_shared',
    help: '1 while there are too many of a kind for duration histograms of their own, else 0',
    labels: ['kind'],
  })
  collectLevels(metrics, levels)

  // Two services may share a server; its series live as long as one of them.
  let kept = new Map<string, Labels>()
  let isShared = false
  const sharedBy = (labels: Labels) => ({ ...labels, server: ALL })
  /** Ends the series of servers that are gone, and those that a shared one replaces or replaced. */
  const forget = (now: ReadonlyMap<string, Labels>) => {
    const regions = new Set([...now.values()].map((labels) => labels['region']))
    for (const { region } of kept.values())
      if (region !== undefined && !regions.has(region)) byRegion.forget?.({ region })
    for (const [series, labels] of kept) {
      const isGone = !now.has(series)
      if (isGone) for (const result of results) counted.forget?.({ ...labels, result })
      if (isGone || isShared) lasted.forget?.(labels)
      if (!isShared || !regions.has(labels['region'])) lasted.forget?.(sharedBy(labels))
    }
  }
  return {
    checked: (member, outcome) => {
      const labels = labelsOf(member)
      counted.add(1, { ...labels, result: resultOf(outcome) })
      byService.checked(member.service, outcome)
      if (outcome.inconclusive === true) return
      lasted.observe(outcome.latencyMs / 1000, isShared ? sharedBy(labels) : labels)
      byRegion.observe(outcome.latencyMs / 1000, { region: member.region })
    },
    started: (lagMs) => lagged.observe(lagMs / 1000),
    keep: (members) => {
      const all = [...members]
      const now = new Map(all.map(labelsOf).map((labels) => [seriesOf(labels), labels]))
      isShared = now.size > limits.probeSeries.default
      forget(now)
      kept = now
      shared.set(isShared ? 1 : 0, { kind: 'server' })
      const services = new Set(all.map(({ service }) => service))
      shared.set(byService.keep(services) ? 1 : 0, { kind: 'service' })
    },
  }
}

/** The checks as the validation of a service. */
function serviceMetrics(metrics: Metrics, isAgent: boolean) {
  const counted = counterOf(metrics, {
    names: isAgent
      ? ['opengslb_agent_backend_health_checks_total']
      : ['opengslb_overwatch_validation_checks_total', 'opengslb_overwatch_validation_total'],
    help: 'Checks of servers by the service they are of, and result',
    labels: ['service', 'result'],
  })
  const lasted = metrics.histogram({
    name: 'opengslb_overwatch_validation_latency_seconds',
    help: 'How long checks took, by service',
    labels: ['service'],
    buckets: durations,
  })
  let kept: ReadonlySet<string> = new Set()
  let isShared = false
  return {
    checked: (service: string, outcome: Outcome): void => {
      counted.add(1, { service, result: resultOf(outcome) })
      if (outcome.inconclusive === true) return
      lasted.observe(outcome.latencyMs / 1000, { service: isShared ? ALL : service })
    },
    /** Ends the series of other services; true when those that are there share one. */
    keep: (now: ReadonlySet<string>): boolean => {
      isShared = now.size > limits.probeSeries.default
      for (const service of kept) {
        if (!now.has(service)) for (const result of results) counted.forget?.({ service, result })
        if (!now.has(service) || isShared) lasted.forget?.({ service })
      }
      if (!isShared) lasted.forget?.({ service: ALL })
      kept = now
      return isShared
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
  const late = metrics.gauge({
    name: 'opengslb_health_checks_late',
    help: 'Servers whose check is due and waits since both lanes are full, else 0',
  })
  metrics.onCollect(() => {
    const now = levels()
    healthy.reset()
    for (const [region, count] of now.healthyByRegion) healthy.set(count, { region })
    targets.set(now.targets)
    running.set(now.running)
    late.set(now.late)
  })
}
