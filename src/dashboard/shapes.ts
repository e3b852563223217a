/**
 * What the API tells, as far as the page uses it.
 *
 * Every field may be missing: an older or newer program answers with fewer or more, and a view
 * shows what there is. Field names are those of the API.
 */

type Told<T> = { readonly [K in keyof T]?: T[K] | undefined }

export type Facts = Readonly<Record<string, unknown>>

export const statuses = ['healthy', 'draining', 'unhealthy', 'stale', 'unknown'] as const

export type LayerTold = Told<{ layer: string; says: string; because: string; decided: boolean }>

export type BackendTold = Told<{
  service: string
  address: string
  port: number
  weight: number
  region: string
  source: string
  agent_id: string
  effective_status: string
  cause: string
  serving: boolean
  since: string
  restored: boolean
  agent_healthy: boolean
  agent_last_seen: string
  agent_silent: boolean
  agent_reason: string
  validation_healthy: boolean
  validation_last_check: string
  validation_error: string
  latency_ms: number
  override_status: boolean
  override_reason: string
  override_by: string
  override_at: string
  override_expires_at: string
  drain_id: string
  draining_reason: string
  draining_at: string
  drain_expires_at: string
  cpu_percent: number
  mem_percent: number
  error_rate: number
  predictive_signal: string
  share: number
  peers_up: number
  peers_down: number
  connections: number
  queries_per_sec: number
  traffic_percent: number
  layers: readonly LayerTold[]
}>

export type RegionTold = Told<{
  name: string
  total_servers: number
  healthy_count: number
  unhealthy_count: number
  health_percent: number
}>

export type HoldTold = Told<{
  domain: string
  family: string
  reason: string
  servers: readonly string[]
  since: string
}>

export type WaitTold = Told<{ what: string; detail: string; until: string }>

export type ConnectionsTold = Told<{
  at: string
  remaining: number
  arrived: number
  quiet_since: string
  networks: readonly Told<{ network: string; connections: number }>[]
}>

export type DrainTold = Told<{
  id: string
  reason: string
  by: string
  since: string
  expires_at: string
  declared_by: string
  backend: string
  service: string
  address: string
  port: number
  agent_id: string
  safe: boolean | 'unknown'
  why: string
  waiting_for: readonly WaitTold[]
  safe_by_time: string
  connections: ConnectionsTold
}>

export type AgentTold = Told<{
  agent_id: string
  fingerprint: string
  region: string
  first_seen: string
  last_seen: string
  not_after: string
  revoked: boolean
  revoked_reason: string
  expires_in_hours: number
  algorithm: string
  services: readonly string[]
  connected: boolean
  backends: number
  address: string
  member_state: string
}>

export type NodeTold = Told<{
  id: string
  name: string
  address: string
  port: number
  role: string
  region: string
  self: boolean
  status: string
  state: string
  last_seen: string
  joined_at: string
}>

export type DomainTold = Told<{
  id: string
  name: string
  ttl: number
  routing_policy: string
  dnssec_enabled: boolean
  enabled: boolean
  backend_count: number
  healthy_backends: number
  source: string
}>

export type CandidateTold = Told<{
  id: string
  address: string
  port: number
  region: string
  weight: number
  chosen: boolean
  rank: number
  reason: string
  status: string
  cause: string
  serving: boolean
  score: number
}>

export type DecisionTold = Told<{
  domain: string
  client_ip: string
  query_type: string
  algorithm: string
  decision: string
  answers: readonly string[]
  when_all_down: string
  turn: number
  ttl: number
  decision_time_us: number
  /** Of `explain`, from here on. */
  policy: string
  outcome: string
  source: string
  at: string
  epoch: number
  version: number
  verified: boolean
  unknown: string
  wire: Told<{ text: readonly string[] }>
  candidates: readonly CandidateTold[]
}>

export type LatencyTold = Told<{
  avg_ms: number
  p50_ms: number
  p95_ms: number
  p99_ms: number
  max_ms: number
}>

export type MetricsTold = Told<{
  uptime_seconds: number
  queries_total: number
  queries_per_sec: number
  health_checks_per_sec: number
  error_rate: number
  response_times: LatencyTold
  memory: Told<{ used_bytes: number; percent: number }>
  cpu: Told<{ used_percent: number; cores: number }>
}>

export type ClusterTold = Told<{
  mode: string
  state: string
  leader_id: string
  answers: boolean
  members: readonly Told<{ name: string; address: string; status: string }>[]
  cluster_healthy: boolean
  overwatch: Told<{ node_id: string; status: string; uptime_seconds: number }>
  overwatches: readonly string[]
  agents: readonly Told<{ agent_id: string; region: string; status: string; last_seen: string }>[]
  healthy_agents: number
  gossip_members: number
}>

export const factsOf = (value: unknown): Facts =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Facts) : {}

/** The list of a field; empty when it is none. */
export function listIn<T>(value: unknown, field: string): readonly T[] {
  const list = factsOf(value)[field]
  return Array.isArray(list) ? (list.filter((one) => one !== null) as readonly T[]) : []
}

/** The object of a field; empty when it is none. */
export const objectIn = <T>(value: unknown, field: string): T => factsOf(factsOf(value)[field]) as T

export function numberIn(value: unknown, field: string): number | undefined {
  const number = factsOf(value)[field]
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

export function textIn(value: unknown, field: string): string | undefined {
  const text = factsOf(value)[field]
  return typeof text === 'string' ? text : undefined
}

/** `service:address:port`, an IPv6 address in brackets. */
export function keyOf({ service, address, port }: BackendTold): string {
  const host = address?.includes(':') === true ? `[${address}]` : (address ?? '')
  return `${service ?? ''}:${host}:${port ?? ''}`
}
