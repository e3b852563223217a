/** Health of servers and regions, and backends with every voice on them. */
import { z } from 'zod'
import { causes, statuses } from '../../../core/steer/words.ts'
import type { RouteSchema } from '../schema.ts'
import {
  booleanText,
  count,
  done,
  listed,
  named,
  numberText,
  paged,
  percent,
  timestamp,
} from './common.ts'

const status = z.enum(statuses)
const source = z.enum(['static', 'agent', 'api'])
// Beside the causes of a word a view may name the guard-rail.
const cause = z.enum([...causes, 'guard-rail'])

const serverHealth = named(
  'ServerHealth',
  z.object({
    address: z.string(),
    port: z.number().int(),
    region: z.string(),
    service: z.string(),
    source,
    healthy: z.boolean(),
    status,
    serving: z.boolean(),
    since: timestamp,
    restored: z.boolean().optional(),
    guarded: z.boolean().optional(),
    last_check: timestamp.optional(),
    last_healthy: timestamp.optional(),
    consecutive_failures: count,
    consecutive_successes: count,
    last_error: z.string().optional(),
    latency_ms: z.number().optional(),
    certificate_expires: timestamp.optional(),
  }),
)

const regionHealth = named(
  'RegionHealth',
  z.object({
    name: z.string(),
    total_servers: count,
    healthy_count: count,
    unhealthy_count: count,
    health_percent: percent,
  }),
)

const layer = named(
  'Layer',
  z.object({
    layer: z.string(),
    says: z.string().optional(),
    because: z.string(),
    decided: z.boolean(),
  }),
)

const backend = named(
  'Backend',
  z.object({
    service: z.string(),
    address: z.string(),
    port: z.number().int(),
    weight: z.number(),
    agent_id: z.string(),
    region: z.string(),
    source,
    effective_status: status,
    cause,
    serving: z.boolean(),
    since: timestamp,
    restored: z.boolean().optional(),
    agent_healthy: z.boolean(),
    agent_last_seen: timestamp,
    agent_silent: z.boolean().optional(),
    agent_reason: z.string().optional(),
    validation_healthy: z.boolean().optional(),
    validation_last_check: timestamp.optional(),
    validation_error: z.string().optional(),
    latency_ms: z.number().optional(),
    override_status: z.boolean().optional(),
    override_reason: z.string().optional(),
    override_by: z.string().optional(),
    override_source: z.string().optional(),
    override_authority: z.string().optional(),
    override_at: timestamp.optional(),
    override_expires_at: timestamp.optional(),
    draining: z.boolean().optional(),
    drain_id: z.string().optional(),
    draining_reason: z.string().optional(),
    draining_at: timestamp.optional(),
    drain_expires_at: timestamp.optional(),
    cpu_percent: z.number().optional(),
    mem_percent: z.number().optional(),
    error_rate: z.number().optional(),
    predictive_signal: z.enum(['none', 'bleed', 'drain', 'recovered']).optional(),
    share: z.number().optional(),
    doubted: z.boolean().optional(),
    peers_up: count.optional(),
    peers_down: count.optional(),
    layers: z.array(layer).optional(),
  }),
)

const stats = named(
  'Stats',
  z.object({
    total_backends: count,
    healthy_backends: count,
    unhealthy_backends: count,
    stale_backends: count,
    draining_backends: count,
    unknown_backends: count,
    serving_backends: count,
    active_overrides: count,
    validation_enabled: z.boolean(),
    validated_backends: count,
    disagreement_count: count,
    active_agents: count,
    unique_services: count,
    backends_by_service: z.record(z.string(), count),
    backends_by_region: z.record(z.string(), count),
    generated_at: timestamp,
  }),
)

const held = named(
  'Held',
  z.object({
    domain: z.string(),
    family: z.enum(['IPv4', 'IPv6']),
    reason: z.string(),
    servers: z.array(z.string()),
    since: timestamp,
  }),
)

export const healthSchemas = {
  servers: {
    tag: 'health',
    query: paged,
    answers: { 200: z.object({ servers: z.array(serverHealth), ...listed }) },
  },
  regions: {
    tag: 'health',
    query: paged,
    answers: { 200: z.object({ regions: z.array(regionHealth), ...listed }) },
  },
} as const satisfies Record<string, RouteSchema>

export const overwatchSchemas = {
  backends: {
    tag: 'overwatch',
    query: {
      service: z.string().optional(),
      region: z.string().optional(),
      status: status.optional(),
      layers: booleanText.optional().describe('false leaves out the layers of the precedence'),
      ...paged,
    },
    answers: { 200: z.object({ backends: z.array(backend), ...listed }) },
  },
  stats: { tag: 'overwatch', answers: { 200: stats } },
  validate: {
    tag: 'overwatch',
    query: {
      service: z.string().optional(),
      address: z.string().optional(),
      port: numberText(1, 65_535).optional(),
    },
    answers: { 200: done.extend({ count }) },
  },
  guardRail: {
    tag: 'overwatch',
    query: paged,
    answers: { 200: z.object({ held: z.array(held), ...listed }) },
  },
} as const satisfies Record<string, RouteSchema>
