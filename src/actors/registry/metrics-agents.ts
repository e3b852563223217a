/**
 * What the registry counts of agents, drains and the other overwatches. Series by agent belong to
 * the gossip actor, which hears them.
 */
import type { Verdict } from '../../core/health/fold.ts'
import type { Metrics } from '../../kernel/metrics.ts'
import { counterOf, gaugeOf } from '../../kernel/metrics-alias.ts'
import type { Watched } from './metrics.ts'

export interface AgentCounts {
  /** What became of a report of an agent. */
  reported(outcome: 'heard' | 'hearsay' | 'stale'): void
  learned(kind: string): void
  drained(action: 'set' | 'lift', count: number): void
  /** Whether a verdict overrules the claim of an agent; counted when that begins. */
  vetoed(key: string, service: string | undefined, verdict: Verdict): void
}

const KINDS = ['agent', 'pin', 'override', 'drain', 'verdict', 'heard', 'draining']

function gauges(metrics: Metrics, { fleet, chorus, sharing }: Watched): () => void {
  const gauge = (name: string, help: string, labels?: readonly string[]) =>
    metrics.gauge({ name, help, ...(labels === undefined ? {} : { labels }) })
  const registered = gaugeOf(metrics, {
    names: ['opengslb_overwatch_agents_registered', 'opengslb_agents'],
    help: 'Agents on the roll.',
  })
  const silent = gaugeOf(metrics, {
    names: ['opengslb_overwatch_agents_silent', 'opengslb_overwatch_stale_agents'],
    help: 'Agents that are not heard.',
  })
  const stale = gauge('opengslb_overwatch_stale_agents_total', 'Backends whose agent is silent.')
  const doubted = gauge(
    'opengslb_overwatch_backends_doubted',
    'Backends checked anew after a claim.',
  )
  const draining = gauge('opengslb_overwatch_backends_draining', 'Backends with a drain in force.')
  const bleeding = gauge('opengslb_overwatch_backends_bleeding', 'Backends that ask for less.')
  const records = gauge('opengslb_overwatch_shared_records', 'Records shared by overwatches.')

  return () => {
    let silentAgents = 0
    for (const [agentId, row] of chorus.roll.agents())
      if (row.silent && !chorus.votes.hears(agentId)) silentAgents++
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
  const vetoes = counterOf(metrics, {
    names: ['opengslb_overwatch_vetoes_total', 'opengslb_overwatch_veto_total'],
    help: 'Claims of agents that checks overruled.',
    labels: ['service', 'reason'],
  })
  const dropped = counter('opengslb_overwatch_records_dropped_total', 'Records without room.', [])
  const copyGauges = gauges(metrics, watched)
  const vetoed = new Set<string>()
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
