/**
 * The metrics of gossip, under the names dashboards know, with aliases where two names are known.
 *
 * An alias is a metric of its own with the same value. Label values are agents that are believed,
 * fixed words and codes; the series of an agent end when it leaves.
 */
import type { AgentReport } from '../../core/health/report.ts'
import type { MembershipCounts } from '../../core/gossip/swim/membership.ts'
import type { MembershipEvent } from '../../core/gossip/swim/outputs.ts'
import type { Pin } from '../../core/gossip/app/pins.ts'
import type { Metrics } from '../../kernel/metrics.ts'
import type { AgentHeard } from './agents-known.ts'
import { collectAgents } from './metrics-agents.ts'
import { following, gauges } from './series.ts'
import { count, type TransportCounts } from './transport.ts'

/** What is read off the parts when metrics are collected. */
export interface Levels {
  readonly members: MembershipCounts
  readonly transport: TransportCounts
  readonly socket: { readonly streams: number; readonly refused: number; readonly dropped: number }
  readonly queued: number
  readonly queueDropped: number
  readonly overwatch:
    | {
        readonly pins: readonly Pin[]
        readonly heard: ReadonlyMap<string, AgentHeard>
        readonly refusals: ReadonlyMap<string, number>
        readonly unsigned: number
        readonly unanswered: number
        readonly peersAgree: boolean
        readonly records: number
        readonly framesRefused: number
      }
    | undefined
  readonly nowMs: number
}

/** Kept by the agent's half. */
export interface AgentCounts {
  backends: number
  overwatches: number
  failures: number
}

export interface GossipMetrics {
  readonly agent: AgentCounts
  /** A message of the application came. */
  heard(payload: Uint8Array): void
  saidToOverwatch(payload: Uint8Array): void
  /** A frame went to a peer. */
  told(): void
  member(event: MembershipEvent): void
  reported(report: AgentReport, before: AgentReport | undefined, hearsay: boolean): void
  pinned(revoked: boolean): void
  stale(agentId: string): void
  agentLeft(agentId: string): void
}

const TYPES = new Set([
  'heartbeat',
  'register',
  'deregister',
  'leave',
  'agent_auth',
  'latency_report',
  'predictive',
  'ack',
  'challenge',
  'refused',
  'drains',
])
/** Enough to hold the type, which every writer puts first. */
const HEAD_OCTETS = 48

/** The type of a message without reading all of it; `other` for what does not say. */
export function typeOf(payload: Uint8Array): string {
  const head = String.fromCharCode(...payload.subarray(0, HEAD_OCTETS))
  const type = /^\{"type":"([a-z_]{1,24})"/.exec(head)?.[1] ?? ''
  return TYPES.has(type) ? type : 'other'
}

export function gossipMetrics(metrics: Metrics, levels: () => Levels | undefined): GossipMetrics {
  const agent: AgentCounts = { backends: 0, overwatches: 0, failures: 0 }
  const counts = { joins: 0, leaves: 0, updates: 0, broadcast: 0, told: 0, authorized: 0 }
  const received = new Map<string, number>()
  const sent = new Map<string, number>()
  const signals = metrics.counter({
    name: 'opengslb_gossip_predictive_signals_total',
    help: 'Predictive signals heard of agents',
    labels: ['signal'],
  })
  const staleEvents = metrics.counter({
    name: 'opengslb_agent_stale_events_total',
    help: 'Times an agent fell silent for longer than overwatch.stale.threshold',
    labels: ['agent_id'],
  })
  const propagation = metrics.histogram({
    name: 'opengslb_gossip_propagation_latency_seconds',
    help: 'From the time an agent wrote a vitals reading to the moment it was heard',
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
  })
  const collect = [
    collectMembers(metrics, counts),
    collectMessages(metrics, received, sent, counts),
    collectQueues(metrics),
    collectAgents(metrics, counts),
    collectOwn(metrics, agent, sent),
  ]
  metrics.onCollect(() => {
    const now = levels()
    if (now !== undefined) for (const one of collect) one(now)
  })
  return {
    agent,
    heard: (payload) => count(received, typeOf(payload)),
    saidToOverwatch: (payload) => count(sent, typeOf(payload)),
    told: () => void counts.told++,
    member: ({ kind }) => {
      if (kind === 'joined') counts.joins++
      else if (kind === 'left' || kind === 'failed') counts.leaves++
    },
    reported: (report, before, hearsay) => {
      if (hearsay) return
      counts.updates++
      const { vitals } = report
      if (vitals === undefined) return
      if (vitals.signal !== 'none' && vitals.signal !== before?.vitals?.signal)
        signals.add(1, { signal: vitals.signal })
      if (vitals.atMs !== before?.vitals?.atMs)
        propagation.observe(Math.max(0, report.atMs - vitals.atMs) / 1_000)
    },
    pinned: (revoked) => {
      if (!revoked) counts.authorized++
    },
    stale: (agentId) => staleEvents.add(1, { agent_id: agentId }),
    agentLeft: (agentId) => staleEvents.forget?.({ agent_id: agentId }),
  }
}

export type Collect = (now: Levels) => void

function collectMembers(metrics: Metrics, counts: { joins: number; leaves: number }): Collect {
  const all = gauges(
    metrics,
    ['opengslb_gossip_members_total', 'opengslb_gossip_members'],
    'Members known and alive',
  )
  const healthy = gauges(
    metrics,
    ['opengslb_gossip_healthy_members'],
    'Members alive and not suspected',
  )
  const awareness = gauges(
    metrics,
    ['opengslb_gossip_awareness'],
    'How much this node doubts itself; 0 is well',
  )
  const joins = following(
    metrics,
    ['opengslb_gossip_node_joins_total'],
    'Members that joined or came back',
  )
  const leaves = following(
    metrics,
    ['opengslb_gossip_node_leaves_total'],
    'Members that left or failed',
  )
  return ({ members }) => {
    all.set(members.alive + members.suspect)
    healthy.set(members.alive)
    awareness.set(members.awareness)
    joins(counts.joins)
    leaves(counts.leaves)
  }
}

function collectMessages(
  metrics: Metrics,
  received: ReadonlyMap<string, number>,
  sent: ReadonlyMap<string, number>,
  counts: { told: number; updates: number },
): Collect {
  const help = 'Messages of membership and of agents, by type'
  const inward = following(metrics, ['opengslb_gossip_messages_received_total'], help, ['type'])
  const outward = following(metrics, ['opengslb_gossip_messages_sent_total'], help, ['type'])
  const failures = following(
    metrics,
    ['opengslb_gossip_message_send_failures_total'],
    'Datagrams that were not taken and connections that failed',
  )
  const decryption = [
    'opengslb_gossip_decryption_failures_total',
    'opengslb_gossip_messages_decryption_failures_total',
  ]
  const undecryptable = following(metrics, decryption, 'Messages that no key opens')
  const errors = following(
    metrics,
    ['opengslb_gossip_message_processing_errors_total'],
    'Messages that could not be read',
  )
  const told = following(
    metrics,
    ['opengslb_gossip_health_updates_broadcast_total'],
    'Frames sent to other overwatches',
  )
  const updates = following(
    metrics,
    ['opengslb_gossip_health_updates_received_total'],
    'Reports of agents with something new',
  )
  const beats = following(
    metrics,
    ['opengslb_gossip_heartbeats_received_total'],
    'Heartbeats and reports of agents that came in',
  )
  return ({ transport }) => {
    beats(received.get('heartbeat') ?? 0)
    for (const [type, value] of [...transport.received, ...received]) inward(value, { type })
    for (const [type, value] of [...transport.sent, ...sent]) outward(value, { type })
    failures(transport.sendFailures)
    undecryptable(transport.decryptionFailures)
    errors(transport.malformed)
    told(counts.told)
    updates(counts.updates)
  }
}

function collectQueues(metrics: Metrics): Collect {
  const depth = gauges(
    metrics,
    ['opengslb_gossip_queue_depth'],
    'Messages of agents and peers that wait',
  )
  const drops = following(
    metrics,
    ['opengslb_gossip_queue_dropped_total'],
    'Messages and datagrams dropped because too many waited',
  )
  const encrypted = gauges(
    metrics,
    ['opengslb_gossip_encryption_enabled'],
    '1 while gossip is encrypted',
  )
  const streams = gauges(metrics, ['opengslb_gossip_streams'], 'Connections open now')
  const turnedAway = following(
    metrics,
    ['opengslb_gossip_streams_refused_total'],
    'Connections turned away',
  )
  return ({ queued, queueDropped, socket }) => {
    depth.set(queued)
    drops(queueDropped + socket.dropped)
    encrypted.set(1)
    streams.set(socket.streams)
    turnedAway(socket.refused)
  }
}

function collectOwn(
  metrics: Metrics,
  agent: AgentCounts,
  sent: ReadonlyMap<string, number>,
): Collect {
  const backends = gauges(
    metrics,
    ['opengslb_agent_backends_registered'],
    'Backends this agent announces',
  )
  const beats = following(
    metrics,
    ['opengslb_agent_heartbeats_sent_total', 'opengslb_gossip_heartbeats_sent_total'],
    'Heartbeats and reports this agent sent',
  )
  const failures = following(
    metrics,
    ['opengslb_agent_heartbeat_failures_total', 'opengslb_gossip_heartbeat_failures_total'],
    'Heartbeats an overwatch did not answer',
  )
  const connections = gauges(
    metrics,
    ['opengslb_agent_overwatch_connections_active', 'opengslb_gossip_connected_overwatches'],
    'Overwatches this agent reports to',
  )
  return ({ overwatch }) => {
    if (overwatch !== undefined) return
    backends.set(agent.backends)
    beats(sent.get('heartbeat') ?? 0)
    failures(agent.failures)
    connections.set(agent.overwatches)
  }
}
