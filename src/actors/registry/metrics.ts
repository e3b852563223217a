/**
 * What the registry counts. Labels are service names of the topology and words of this program.
 */
import type { GuardedChange } from '../../core/health/events.ts'
import type { Fleet } from '../../core/health/fleet.ts'
import { type Cause, causes } from '../../core/steer/words.ts'
import type { Metrics } from '../../kernel/metrics.ts'
import { counterOf, gaugeOf } from '../../kernel/metrics-alias.ts'
import type { Chorus } from '../../core/health/chorus.ts'
import { type AgentCounts, agentMetrics } from './metrics-agents.ts'
import type { Sharing } from './sharing.ts'
import type { DiskFaults } from './contract.ts'

/** The names operators know for two of the rules. */
const authorityOf = (cause: Cause) =>
  cause === 'age' ? 'stale' : cause === 'none' ? 'unknown' : cause

/** Every override comes in by the API, which names this authority in its answers. */
const OVERRIDE_AUTHORITY = 'external_tool'

export interface RegistryMetrics extends AgentCounts {
  verdictIgnored(reason: 'unknown-server' | 'out-of-date'): void
  overrideChanged(service: string, action: 'set' | 'clear' | 'expire'): void
  guardHeld(change: GuardedChange): void
  rowsDropped(count: number): void
}

/** Overrides in force, under each name and division they are known by. */
function overrideGauges(metrics: Metrics): (byService: ReadonlyMap<string, number>) => void {
  const all = metrics.gauge({
    name: 'opengslb_overwatch_overrides_active',
    help: 'Servers under an override.',
  })
  const active = metrics.gauge({
    name: 'opengslb_overrides_active',
    help: 'Overrides in force.',
    labels: ['service'],
  })
  const whose = metrics.gauge({
    name: 'opengslb_overwatch_overrides_by_authority',
    help: 'Overrides in force, by who may set such.',
    labels: ['authority'],
  })
  return (byService) => {
    const count = [...byService.values()].reduce((sum, one) => sum + one, 0)
    all.set(count)
    whose.set(count, { authority: OVERRIDE_AUTHORITY })
    active.reset()
    for (const [service, one] of byService) active.set(one, { service })
  }
}

function gauges(metrics: Metrics, fleet: Fleet): () => void {
  const gauge = (name: string, help: string, labels?: readonly string[]) =>
    metrics.gauge({ name, help, ...(labels === undefined ? {} : { labels }) })
  const domains = gauge('opengslb_configured_domains', 'Names that are steered.')
  const servers = gauge('opengslb_configured_servers', 'Servers in the configuration.')
  const total = gaugeOf(metrics, {
    names: ['opengslb_overwatch_backends_total', 'opengslb_backends_total'],
    help: 'Servers known, those kept by the guard-rail too.',
  })
  const healthy = gaugeOf(metrics, {
    names: ['opengslb_overwatch_backends_healthy', 'opengslb_backends_healthy'],
    help: 'Servers that may serve.',
  })
  const authority = gauge(
    'opengslb_overwatch_backends_by_authority',
    'Servers by the rule that decided.',
    ['authority'],
  )
  const showOverrides = overrideGauges(metrics)
  const guests = gauge(
    'opengslb_guard_rail_guests',
    'Servers that the guard-rail keeps in service.',
    ['domain'],
  )

  return () => {
    guests.reset()
    for (const { spec, hold } of fleet.pools) {
      if (hold.guests.length > 0) guests.set(hold.guests.length, { domain: spec.name })
    }
    const byCause = new Map<Cause, number>(causes.map((cause) => [cause, 0]))
    const byService = new Map<string, number>()
    let declared = 0
    let serving = 0
    for (const { spec, health, judged, declared: isDeclared } of fleet.servers.values()) {
      if (isDeclared) declared++
      if (judged.serving) serving++
      byCause.set(judged.cause, (byCause.get(judged.cause) ?? 0) + 1)
      if (health.override === undefined) continue
      byService.set(spec.service, (byService.get(spec.service) ?? 0) + 1)
    }
    domains.set(fleet.topology.pools.length)
    servers.set(declared)
    total.set(fleet.servers.size)
    healthy.set(serving)
    for (const [cause, count] of byCause) authority.set(count, { authority: authorityOf(cause) })
    showOverrides(byService)
  }
}

export interface Watched {
  readonly fleet: Fleet
  readonly chorus: Chorus
  readonly sharing: Sharing
  readonly faults: DiskFaults
  readonly nowMs: () => number
}

export function registryMetrics(metrics: Metrics, watched: Watched): RegistryMetrics {
  const { fleet, faults } = watched
  const counter = (name: string, help: string, labels?: readonly string[]) =>
    metrics.counter({ name, help, ...(labels === undefined ? {} : { labels }) })
  const ignored = counter(
    'opengslb_registry_verdicts_ignored_total',
    'Verdicts that changed nothing.',
    ['reason'],
  )
  const changes = counter(
    'opengslb_overrides_changes_total',
    'Overrides set, cleared and expired.',
    ['service', 'action'],
  )
  const orders = counterOf(metrics, {
    names: ['opengslb_gossip_overrides_total', 'opengslb_gossip_override_operations_total'],
    help: 'Overrides set and cleared by operators.',
    labels: ['action'],
  })
  const held = counter('opengslb_guard_rail_held_total', 'Changes that the guard-rail held back.', [
    'change',
  ])
  const rows = counter(
    'opengslb_registry_rows_dropped_total',
    'Rows on disk that could not be read.',
  )
  const commits = counter('opengslb_registry_commit_failures_total', 'Writes to disk that failed.')
  const lost = counter(
    'opengslb_registry_writes_dropped_total',
    'Changes that the disk was too slow for.',
  )
  const copyGauges = gauges(metrics, fleet)
  const agents = agentMetrics(metrics, watched)
  const seen = { failedCommits: 0, dropped: 0 }
  metrics.onCollect(() => {
    copyGauges()
    agents.collect()
    commits.add(faults.failedCommits - seen.failedCommits)
    lost.add(faults.dropped - seen.dropped)
    Object.assign(seen, faults)
  })
  return {
    verdictIgnored: (reason) => ignored.add(1, { reason }),
    overrideChanged: (service, action) => {
      changes.add(1, { service, action })
      if (action !== 'expire') orders.add(1, { action })
    },
    guardHeld: (change) => held.add(1, { change }),
    rowsDropped: (count) => rows.add(count),
    ...agents.counts,
  }
}
