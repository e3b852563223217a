/**
 * The metric names that operators of earlier generations know (prefix `opengslb_` left out), and
 * those among them whose feature is not there yet. A test drives all others from outside.
 */
export const knownNames: readonly string[] = `
dns_queries_total dns_query_duration_seconds dns_refused_total

health_check_results_total health_check_duration_seconds health_check_latency_seconds
healthy_servers

routing_decisions_total routing_geo_decisions_total routing_geo_fallback_total
routing_geo_custom_hits_total routing_latency_selected_ms routing_latency_rejected_total
routing_latency_fallback_total backend_smoothed_latency_ms backend_latency_samples
geo_routing_decision geo_fallback geo_custom_mapping_hit latency_routing_decision
latency_rejection geoip_database_timestamp geoip_database_age_seconds

app_info config_load_timestamp_seconds configured_domains configured_servers
config_reloads_total config_reload_timestamp_seconds runtime_mode runtime_mode_info

dnssec_signing_operations_total dnssec_keys_imported_total dnssec_managed_zones dnssec_enabled
dnssec_signing_latency_seconds dnssec_key_age_seconds dnssec_key_age_by_zone_seconds
dnssec_signatures_total dnssec_key_sync_success_total dnssec_key_sync_failures_total
dnssec_last_sync_timestamp dnssec_sync_success dnssec_key_age

predictive_cpu_percent predictive_memory_percent predictive_error_rate predictive_bleeding
agent_predictive_state_active

agent_backends_registered agent_backend_health_checks_total agent_heartbeats_sent_total
agent_heartbeat_failures_total agent_overwatch_connections_active

overwatch_agents_registered overwatch_backends_total overwatch_backends_healthy
overwatch_stale_agents_total overwatch_stale_agents overwatch_overrides_active
overwatch_backends_by_authority overwatch_validation_checks_total overwatch_validation_total
overwatch_validation_latency_seconds overwatch_vetoes_total overwatch_veto_total
overwatch_overrides_by_authority overwatch_agent_heartbeat_age_seconds
overwatch_agent_certs_pinned overwatch_agent_auth_success_total
overwatch_agent_auth_failures_total tofu_authentication_failures_total
backends_total backends_healthy agents agent_certificate_expiry_days

gossip_messages_received_total gossip_overrides_total gossip_override_operations_total
gossip_members_total gossip_members gossip_healthy_members gossip_messages_sent_total
gossip_message_send_failures_total gossip_node_joins_total gossip_node_leaves_total
gossip_health_updates_received_total gossip_health_updates_broadcast_total
gossip_predictive_signals_total gossip_propagation_latency_seconds gossip_queue_depth
gossip_encryption_enabled gossip_decryption_failures_total
gossip_messages_decryption_failures_total gossip_heartbeats_sent_total
gossip_heartbeats_received_total gossip_heartbeat_failures_total
gossip_message_processing_errors_total gossip_connected_overwatches gossip_agents_registered

agent_connected agent_backends_registered_per_agent agent_stale_events_total
agent_heartbeat_age_seconds overrides_active overrides_changes_total

overwatch_latency_table_entries_total overwatch_latency_entries_evicted_total
overwatch_latency_entries_pruned_total overwatch_latency_routing_hits_total
overwatch_latency_reports_received_total agent_latency_observations_total
agent_latency_observations_dropped_total agent_latency_subnets_pruned_total
agent_latency_subnets_evicted_total agent_latency_reports_sent_total agent_latency_rtt_seconds
agent_latency_subnets_tracked agent_latency_poll_duration_seconds
agent_latency_collector_errors_total

cluster_is_leader cluster_state cluster_leader_changes_total cluster_members cluster_raft_state
cluster_members_total cluster_healthy_members cluster_elections_total
cluster_last_election_timestamp
`
  .trim()
  .split(/\s+/)

/** Series of a metrics page: the value of each, by its name and labels as written. */
export type Scrape = ReadonlyMap<string, readonly Series[]>

export interface Series {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Reads the Prometheus text format; a histogram is there by the number of its observations. */
export function readMetrics(text: string): Scrape {
  const all = new Map<string, Series[]>()
  for (const line of text.split('\n')) {
    const found = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([^ ]+)$/.exec(line)
    if (found === null) continue
    const [, name = '', words = '', value = ''] = found
    const labels = Object.fromEntries(
      [...words.matchAll(/([a-zA-Z0-9_]+)="((?:[^"\\]|\\.)*)"/g)].map((one) => [one[1], one[2]]),
    )
    const key = name.endsWith('_seconds_count') ? name.slice(0, -'_count'.length) : name
    all.set(key, [...(all.get(key) ?? []), { labels, value: Number(value) }])
  }
  return all
}

/** The sum of the series that have these labels; undefined when there is none. */
export function sumOf(
  scrape: Scrape,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const found = (scrape.get(`opengslb_${name}`) ?? []).filter((series) =>
    Object.entries(labels).every(([label, value]) => series.labels[label] === value),
  )
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0)
}
