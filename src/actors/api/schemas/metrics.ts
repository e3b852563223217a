/** Figures for people. */
import { z } from 'zod'
import type { RouteSchema } from '../schema.ts'
import { count, listed, named, paged, percent, text, timestamp } from './common.ts'

const responseTimes = named(
  'ResponseTimes',
  z.object({ avg_ms: count, p50_ms: count, p95_ms: count, p99_ms: count, max_ms: count }),
)

const unknownOr = (schema: z.ZodType) => schema.nullable()

const memory = z.object({
  used_bytes: unknownOr(count).describe('of this process'),
  available_bytes: unknownOr(count).describe('of the machine'),
  total_bytes: unknownOr(count),
  percent: unknownOr(percent),
})

const cpu = z.object({
  used_percent: unknownOr(percent).describe('of the whole machine, over the last five seconds'),
  system_percent: unknownOr(percent),
  user_percent: unknownOr(percent),
  idle_percent: unknownOr(percent),
  process_percent: unknownOr(percent).describe('of the whole machine, by this process'),
  cores: unknownOr(count),
})

const errorRate = percent.describe('percent of the replies of the last minute that were SERVFAIL')

const overview = named(
  'MetricsOverview',
  z.object({
    timestamp,
    uptime_seconds: count,
    queries_total: count,
    queries_per_sec: count,
    health_checks_total: count,
    health_checks_per_sec: count,
    active_domains: count,
    active_servers: count,
    healthy_servers: count,
    unhealthy_servers: count,
    active_regions: count,
    overwatch_nodes: count,
    agent_nodes: count,
    dnssec_enabled: z.boolean(),
    gossip_enabled: z.boolean(),
    response_times: responseTimes,
    error_rate: errorRate,
    cache_hit_rate: percent,
    memory,
    cpu,
  }),
)

const node = named(
  'NodeMetrics',
  z.object({
    node_id: z.string(),
    node_type: z.enum(['overwatch', 'agent']),
    timestamp,
    status: z.enum(['active', 'disconnected']),
    uptime_seconds: count,
    queries_total: count.optional(),
    queries_per_sec: count.optional(),
    response_times: responseTimes,
    error_rate: unknownOr(percent),
    memory,
    cpu,
    connections_active: unknownOr(count),
  }),
)

const region = named(
  'RegionMetrics',
  z.object({
    region_id: z.string(),
    timestamp,
    total_servers: count,
    healthy_servers: count,
    queries_total: count.describe('answers that held a server of the region'),
    queries_per_sec: count,
    response_times: responseTimes,
    error_rate: percent.describe('percent of its servers whose latest check failed'),
    traffic_percent: percent,
  }),
)

const routing = named(
  'RoutingStats',
  z.object({
    timestamp,
    total_decisions: count,
    by_algorithm: z.record(z.string(), count),
    by_region: z.record(z.string(), count),
    by_backend: z.record(z.string(), count).describe('answers with each server, by its id'),
    by_outcome: z.record(z.string(), count),
    geo_routing_hits: count,
    failover_events: count.describe('answers of failover names by another server than the first'),
    avg_decision_time_us: count,
  }),
)

const point = named('Point', z.object({ timestamp, values: z.record(z.string(), z.number()) }))

export const metricsSchemas = {
  overview: { tag: 'metrics', answers: { 200: z.object({ overview }) } },
  history: {
    tag: 'metrics',
    query: {
      start_time: text.optional().describe('RFC 3339 or Unix seconds'),
      end_time: text.optional().describe('the same; now unless given'),
      duration: text
        .optional()
        .describe('such as 15m, instead of start_time; an hour unless given'),
      resolution: text.optional().describe('step, such as 30s; the finest there is unless given'),
      metrics: text.optional().describe('names to give, by commas'),
      node_id: text.optional(),
      region_id: text.optional(),
      ...paged,
    },
    answers: { 200: z.object({ data_points: z.array(point), ...listed }) },
  },
  node: { tag: 'metrics', answers: { 200: z.object({ metrics: node }) } },
  region: { tag: 'metrics', answers: { 200: z.object({ metrics: region }) } },
  routing: { tag: 'metrics', answers: { 200: z.object({ stats: routing }) } },
} as const satisfies Record<string, RouteSchema>
