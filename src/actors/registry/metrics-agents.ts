/**
 * What the registry counts of agents, drains and the other overwatches.
 *
 * Series by agent have at most `limits.agentSeriesMax` agents, those of the lowest names, so that a
 * scrape stays small; the totals count all.
 */
import { limits } from '../../core/base/limits.ts'
import type { Verdict } from '../../core/health/fold.ts'
import type { Metrics } from '../../kernel/metrics.ts'
import type { Watched } from './metrics.ts'

export interface AgentCounts {
  /** What became of a report of an agent. */
  reported(outcome: 'heard' | 'hearsay' | 'stale'): void
  learned(kind: string): void
  fellSilent(agentId: string): void
  drained(action: 'set' | 'lift', count: number): void
  /** Whether a verdict overrules the claim of an agent; counted when that begins. */
  vetoed(key: string, service: string | undefined, verdict: Verdict): void
}

const KINDS = ['agent', 'pin', 'override', 'drain', 'verdict', 'heard', 'draining']

function gauges(metrics: Metrics, { fleet, chorus, sharing, nowMs }: Watched): () => void {
  const gauge = (name: string, help: string, labels?: readonly string[]) =>
    metrics.gauge({ name, help, ...(labels === undefined ? {} : { labels }) })
  const registered = gauge('opengslb_overwatch_agents_registered', 'Agents on the roll.')
  const silent = gauge('opengslb_overwatch_agents_silent', 'Agents that are not heard.')
  const stale = gauge('opengslb_overwatch_stale_agents_total', 'Backends whose agent is silent.')
  const doubted = gauge(
    'opengslb_overwatch_backends_doubted',
    'Backends checked anew after a claim.',
  )
  const draining = gauge('opengslb_overwatch_backends_draining', 'Backends with a drain in force.')
  const bleeding = gauge('opengslb_overwatch_backends_bleeding', 'Backends that ask for less.')
  const records = gauge('opengslb_overwatch_shared_records', 'Records shared by overwatches.')
  const age = gauge(
    'opengslb_overwatch_agent_heartbeat_age_seconds',
    'Time since the agent was heard last.',
    ['agent_id', 'region'],
  )
  const connected = gauge('opengslb_agent_connected', '1 while the agent is heard.', [
    'agent_id',
    'region',
  ])
  const backends = gauge(
    'opengslb_agent_backends_registered_per_agent',
    'Backends that the agent speaks for.',
    ['agent_id'],
  )

  return () => {
    let silentAgents = 0
    const now = nowMs()
    const named = [...chorus.roll.agents()].sort(([one], [two]) => (one < two ? -1 : 1))
    for (const series of [age, connected, backends]) series.reset()
    for (const [index, [agentId, row]] of named.entries()) {
      const isSilent = row.silent && !chorus.votes.hears(agentId)
      if (isSilent) silentAgents++
      if (index >= limits.agentSeriesMax.default) continue
      const labels = { agent_id: agentId, region: row.report.region }
      age.set(Math.max(0, now - row.lastSeenMs) / 1_000, labels)
      connected.set(isSilent ? 0 : 1, labels)
      backends.set(row.keys.length, { agent_id: agentId })
    }
    const counts = { stale: 0, doubted: 0, draining: 0, bleeding: 0 }
    for (const [key, { share }] of fleet.servers) {
      if (chorus.voiceOf(key)?.silent === true) counts.stale++
      if (chorus.isDoubted(key)) counts.doubted++
      if (chorus.drainOf(key) !== undefined) counts.draining++
      if (share < 1000) counts.bleeding++
    }
    registered.set(chorus.roll.size)
    silent.set(silentAgents)
    stale.set(counts.stale)
    doubted.set(counts.doubted)
    draining.set(counts.draining)
    bleeding.set(counts.bleeding)
    records.set(sharing.size)
  }
}

export function agentMetrics(
  metrics: Metrics,
  watched: Watched,
): { readonly collect: () => void; readonly counts: AgentCounts } {
  const counter = (name: string, help: string, labels: readonly string[]) =>
    metrics.counter({ name, help, labels })
  const reports = counter('opengslb_overwatch_agent_reports_total', 'Reports of agents.', [
    'outcome',
  ])
  const learned = counter(
    'opengslb_overwatch_records_learned_total',
    'Records taken from other overwatches.',
    ['kind'],
  )
  const drains = counter(
    'opengslb_overwatch_drains_changes_total',
    'Backends whose drain an operator declared or lifted.',
    ['action'],
  )
  const vetoes = counter(
    'opengslb_overwatch_vetoes_total',
    'Claims of agents that checks overruled.',
    ['service', 'reason'],
  )
  const dropped = counter('opengslb_overwatch_records_dropped_total', 'Records without room.', [])
  const silences = counter('opengslb_agent_stale_events_total', 'Times the agent fell silent.', [
    'agent_id',
  ])
  const copyGauges = gauges(metrics, watched)
  const vetoed = new Set<string>()
  const named = new Set<string>()
  let lost = 0
  return {
    collect: () => {
      copyGauges()
      dropped.add(watched.sharing.dropped - lost)
      lost = watched.sharing.dropped
    },
    counts: {
      reported: (outcome) => reports.add(1, { outcome }),
      learned: (kind) => learned.add(1, { kind: KINDS.includes(kind) ? kind : 'other' }),
      fellSilent: (agentId) => {
        if (named.size < limits.agentSeriesMax.default) named.add(agentId)
        silences.add(1, { agent_id: named.has(agentId) ? agentId : 'others' })
      },
      drained: (action, count) => drains.add(count, { action }),
      vetoed: (key, service, verdict) => {
        if (service === undefined) {
          vetoed.delete(key)
          return
        }
        if (vetoed.has(key)) return
        vetoed.add(key)
        const reason = verdict === 'up' ? 'validation_healthy' : 'validation_unhealthy'
        vetoes.add(1, { service, reason })
      },
    },
  }
}
