/**
 * The metrics of an overwatch about agents and about other overwatches.
 */
import type { Metrics } from '../../kernel/metrics.ts'
import type { Collect } from './metrics.ts'
import { following, gauges } from './series.ts'

const DAY_MS = 86_400_000

export function collectAgents(metrics: Metrics, counts: { authorized: number }): Collect {
  const registered = gauges(
    metrics,
    ['opengslb_gossip_agents_registered'],
    'Agents whose reports are held',
  )
  const pinned = gauges(
    metrics,
    ['opengslb_overwatch_agent_certs_pinned'],
    'Agents with a pinned key',
  )
  const success = following(
    metrics,
    ['opengslb_overwatch_agent_auth_success_total'],
    'Keys of agents that were pinned or renewed',
  )
  const failures = following(
    metrics,
    ['opengslb_overwatch_agent_auth_failures_total', 'opengslb_tofu_authentication_failures_total'],
    'Messages of agents that were refused, by reason',
    ['reason'],
  )
  const unsigned = following(
    metrics,
    ['opengslb_gossip_unsigned_messages_total'],
    'Messages nobody signed',
  )
  const unanswered = following(
    metrics,
    ['opengslb_gossip_replies_unsaid_total'],
    'Answers to agents left unsaid because too many were due',
  )
  const shared = collectShared(metrics)
  const perAgent = collectEachAgent(metrics)
  return (now) => {
    const { overwatch } = now
    if (overwatch === undefined) return
    registered.set(overwatch.heard.size)
    pinned.set(overwatch.pins.length)
    success(counts.authorized)
    for (const [reason, value] of overwatch.refusals) failures(value, { reason })
    unsigned(overwatch.unsigned)
    unanswered(overwatch.unanswered)
    shared(now)
    perAgent(now)
  }
}

function collectShared(metrics: Metrics): Collect {
  const agree = gauges(
    metrics,
    ['opengslb_gossip_peers_agree'],
    '1 while all overwatches hold the same',
  )
  const records = gauges(
    metrics,
    ['opengslb_gossip_records'],
    'Records shared with other overwatches',
  )
  const frames = following(
    metrics,
    ['opengslb_gossip_frames_refused_total'],
    'Frames that are no peer’s',
  )
  return ({ overwatch }) => {
    if (overwatch === undefined) return
    agree.set(overwatch.peersAgree ? 1 : 0)
    records.set(overwatch.records)
    frames(overwatch.framesRefused)
  }
}

function collectEachAgent(metrics: Metrics): Collect {
  const both = ['agent_id', 'region']
  const age = gauges(
    metrics,
    ['opengslb_overwatch_agent_heartbeat_age_seconds'],
    'Since an agent was heard here',
    both,
  )
  const ageAlone = gauges(
    metrics,
    ['opengslb_agent_heartbeat_age_seconds'],
    'Since an agent was heard here',
    ['agent_id'],
  )
  const connected = gauges(
    metrics,
    ['opengslb_agent_connected'],
    '1 while an agent is heard here',
    both,
  )
  const backends = gauges(
    metrics,
    ['opengslb_agent_backends_registered_per_agent'],
    'Backends of an agent that are admitted',
    ['agent_id'],
  )
  const expiry = gauges(
    metrics,
    ['opengslb_agent_certificate_expiry_days'],
    'Days until the certificate of an agent ends',
    ['agent_id'],
  )
  return ({ overwatch, nowMs }) => {
    for (const gauge of [age, ageAlone, connected, backends, expiry]) gauge.reset()
    for (const [agentId, heard] of overwatch?.heard ?? []) {
      const id = { agent_id: agentId }
      const of = { ...id, region: heard.report.region }
      const seconds = Math.max(0, nowMs - heard.heardMs) / 1_000
      age.set(seconds, of)
      ageAlone.set(seconds, id)
      connected.set(heard.connected ? 1 : 0, of)
      backends.set(heard.report.backends.length, id)
    }
    for (const { agentId, notAfterMs, revoked } of overwatch?.pins ?? [])
      if (!revoked) expiry.set((notAfterMs - nowMs) / DAY_MS, { agent_id: agentId })
  }
}
