/** The nodes of the deployment, and the gossip among them. */
import { z } from 'zod'
import { limits } from '../../../core/base/limits.ts'
import type { RouteSchema } from '../schema.ts'
import {
  count,
  done,
  filled,
  listed,
  named,
  numberText,
  paged,
  problem,
  text,
  timestamp,
} from './common.ts'

const agentState = z.enum(['healthy', 'unhealthy', 'stale'])

const clusterState = z.enum(['leader', 'follower', 'candidate', 'learner', 'stopped'])

const clusterNode = z.object({
  name: z.string(),
  address: z.string(),
  status: z.enum(['alive', 'failed']),
})

const clusterMember = named(
  'ClusterMember',
  z.object({
    id: z.string(),
    address: z.string(),
    state: z.enum(['Leader', 'Follower', 'Learner']),
    is_voter: z.boolean(),
    is_alive: z.boolean(),
    version: z.string().describe('empty where it is not known'),
  }),
)

const clusterStatus = named(
  'ClusterStatus',
  z.object({
    mode: z.literal('cluster').optional().describe('absent, like all of these, where it is alone'),
    node_id: z.string().optional(),
    node_name: z.string().optional(),
    is_leader: z.boolean().optional(),
    leader_id: z.string().optional().describe('empty where none is known'),
    leader_address: z.string().optional(),
    cluster_size: count.optional(),
    state: clusterState.optional(),
    answers: z.boolean().optional().describe('whether it answers DNS queries now'),
    members: z.array(clusterNode).optional(),
    raft: z.object({ state: clusterState, term: count, commit_index: count }).optional(),
    engine: z.object({ kind: z.string(), version: z.string() }).optional(),
    pending_records: count.optional().describe('orders that the cluster has not stored yet'),
    cluster_healthy: z.boolean(),
    overwatch: z.object({ node_id: z.string(), status: z.string(), uptime_seconds: count }),
    overwatches: z.array(z.string()),
    agents: z.array(
      z.object({
        agent_id: z.string(),
        region: z.string(),
        status: agentState,
        last_seen: timestamp,
        backend_count: count,
      }),
    ),
    expected_agents: count.optional(),
    healthy_agents: count,
    gossip_members: count,
    backend_summary: z.object({
      total: count,
      healthy: count,
      unhealthy: count,
      stale: count,
      draining: count,
      unknown: count,
    }),
    generated_at: timestamp,
  }),
)

const overwatchNode = named(
  'OverwatchNode',
  z.object({
    id: z.string(),
    name: z.string(),
    address: z.string(),
    port: z.number().int().describe('of gossip; 0 where it has none'),
    api_port: z.number().int().nullable().describe('null where it is not known here'),
    region: z.string(),
    status: z.enum(['active', 'suspect', 'dead', 'left']),
    version: z.string(),
    uptime_seconds: count,
    last_seen: timestamp,
    queries_total: count.nullable().describe('null for another node: ask that one'),
    queries_per_sec: count.nullable(),
    dnssec_enabled: z.boolean().nullable(),
    self: z.boolean(),
  }),
)

const agentNode = named(
  'AgentNode',
  z.object({
    id: z.string(),
    name: z.string(),
    address: z.string(),
    port: z.number().int(),
    region: z.string(),
    status: z.enum(['connected', 'disconnected', 'revoked']),
    version: z.string(),
    uptime_seconds: count,
    last_seen: timestamp,
    checks_total: count.nullable().describe('null: agents do not tell how often they checked'),
    checks_per_sec: count.nullable(),
    active_checks: count.describe('backends that it checks'),
    target_count: count,
    certificate_expiry: timestamp.optional(),
    registered_at: timestamp,
  }),
)

const certificate = named(
  'AgentCertificate',
  z.object({
    agent_id: z.string(),
    fingerprint: z.string(),
    algorithm: z.enum(['ed25519', 'p256', 'none']),
    not_after: timestamp.optional(),
    first_seen: timestamp,
    revoked: z.boolean(),
    revoked_at: timestamp.optional(),
    revoked_reason: z.string().optional(),
    services: z.array(z.string()),
  }),
)

const gossipNode = named(
  'GossipNode',
  z.object({
    id: z.string(),
    name: z.string(),
    address: z.string(),
    port: z.number().int(),
    role: z.enum(['agent', 'overwatch', 'unknown']),
    region: z.string(),
    self: z.boolean(),
    status: z.enum(['alive', 'suspect', 'dead', 'left']),
    state: z.enum(['alive', 'suspect', 'dead', 'left']),
    version: z.string(),
    rtt_ms: z.number().nullable().describe('null: not measured for each member'),
    last_seen: timestamp,
    joined_at: timestamp,
  }),
)

const gossipConfig = z.record(z.string(), z.unknown())
const EXPECTED_MAX = 1_000_000

const pem = z
  .string()
  .min(1)
  .max(limits.certificateBytes.default * 2)

export const clusterSchemas = {
  members: { tag: 'cluster', answers: { 200: z.object({ members: z.array(clusterMember) }) } },
  leader: {
    tag: 'cluster',
    answers: {
      200: z.object({ is_leader: z.boolean(), leader_id: z.string() }),
      503: z.object({ is_leader: z.boolean(), leader_id: z.string() }),
    },
  },
  leave: { tag: 'cluster', answers: { 200: done, 409: problem } },
  removeMember: { tag: 'cluster', answers: { 200: done, 409: problem } },
  status: {
    tag: 'cluster',
    query: { expected_agents: numberText(0, EXPECTED_MAX).optional() },
    answers: { 200: clusterStatus },
  },
  overwatches: {
    tag: 'nodes',
    query: { status: text.optional(), region: text.optional(), ...paged },
    answers: { 200: z.object({ nodes: z.array(overwatchNode), ...listed }) },
  },
  overwatch: { tag: 'nodes', answers: { 200: z.object({ node: overwatchNode }) } },
  agents: {
    tag: 'nodes',
    query: { status: text.optional(), region: text.optional(), ...paged },
    answers: { 200: z.object({ nodes: z.array(agentNode), ...listed }) },
  },
  agent: { tag: 'nodes', answers: { 200: z.object({ node: agentNode }) } },
  pinAgent: {
    tag: 'nodes',
    body: named(
      'AgentToPin',
      z.object({
        id: filled,
        region: filled,
        certificate: pem.optional().describe('PEM; without it there is nothing to pin'),
        name: text.optional(),
        address: text.optional(),
      }),
    ),
    answers: { 201: done, 409: problem },
  },
  forgetAgent: { tag: 'nodes', answers: { 200: done } },
  certificate: { tag: 'nodes', etag: true, answers: { 200: z.object({ certificate }) } },
  pinCertificate: {
    tag: 'nodes',
    body: z.object({ certificate: pem.describe('PEM') }),
    answers: { 200: done, 409: problem },
  },
  revokeCertificate: { tag: 'nodes', answers: { 200: done } },
  gossipNodes: {
    tag: 'gossip',
    query: paged,
    answers: { 200: z.object({ nodes: z.array(gossipNode), healthy: count, ...listed }) },
  },
  gossipNode: { tag: 'gossip', answers: { 200: z.object({ node: gossipNode }) } },
  gossipConfig: {
    tag: 'gossip',
    etag: true,
    answers: { 200: z.object({ config: gossipConfig }) },
  },
  changeGossip: { tag: 'gossip', body: gossipConfig, answers: { 409: problem } },
  generateKey: {
    tag: 'gossip',
    answers: {
      200: z.object({
        key: z.string().describe('32 octets in base64'),
        algorithm: z.literal('AES-256-GCM'),
        bits: z.literal(256),
      }),
    },
  },
} as const satisfies Record<string, RouteSchema>
