/** How this node is set up, and how its dashboard looks to its operators. */
import { z } from 'zod'
import type { RouteSchema } from '../schema.ts'
import { count, named, text, timestamp } from './common.ts'

export const system = named(
  'SystemConfig',
  z.object({
    version: z.string(),
    build_info: z.object({
      version: z.string(),
      git_commit: z.string(),
      build_date: z.string(),
      go_version: z.string(),
      node_version: z.string(),
    }),
    mode: z.string(),
    node_id: z.string(),
    node_name: z.string(),
    region: z.string(),
    features: z.array(z.string()),
    start_time: timestamp,
  }),
)

const dns = named(
  'DnsConfig',
  z.object({
    listen_address: z.string(),
    listen_port: count,
    enable_tcp: z.boolean(),
    enable_udp: z.boolean(),
    enable_dot: z.boolean(),
    enable_doh: z.boolean(),
    max_udp_size: count,
    default_ttl: count,
    min_ttl: count,
    max_ttl: count,
    negative_ttl: count,
    cache_enabled: z.boolean(),
    cache_size: count,
    recursion_enabled: z.boolean(),
    rate_limit_enabled: z.boolean(),
    rate_limit_qps: count,
    // Of this program: what holds for names that say nothing of their own.
    default_routing_policy: z.string().optional(),
    default_answers: count.optional(),
    when_all_down: z.string().optional(),
  }),
)

const healthCheck = named(
  'HealthCheckConfig',
  z.object({
    default_interval_seconds: count,
    default_timeout_seconds: count,
    healthy_threshold: count,
    unhealthy_threshold: count,
    max_concurrent_checks: count,
    enable_passive_checks: z.boolean(),
    default_protocol: z.string(),
    tcp_connect_timeout_ms: count,
    http_follow_redirects: z.boolean(),
    http_max_redirects: count,
    retry_enabled: z.boolean(),
    retry_count: count,
    retry_delay_ms: count,
  }),
)

const logging = named(
  'LoggingConfig',
  z.object({
    level: z.enum(['debug', 'info', 'warn', 'error']),
    format: z.enum(['json', 'text']),
    output: z.string(),
    file_path: z.string().optional(),
    enable_audit: z.boolean(),
    audit_retention_days: count,
  }),
)

const preferences = {
  theme: z.enum(['auto', 'light', 'dark']),
  language: z.string().max(35),
  timezone: z.string().max(64),
  date_format: z.string().max(64),
  time_format: z.string().max(64),
  refresh_interval_seconds: z.number().int().min(1).max(3_600),
  notifications_enabled: z.boolean(),
  default_view: text,
  custom_settings: z.record(z.string().max(128), z.unknown()),
} as const

export const preferencesHeld = named(
  'Preferences',
  z.object({ ...preferences, updated_at: timestamp }),
)

export const preferencesPatch = z.object(preferences).partial()

export const settingsSchemas = {
  system: { tag: 'config', etag: true, answers: { 200: z.object({ config: system }) } },
  dns: { tag: 'config', etag: true, answers: { 200: z.object({ config: dns }) } },
  healthCheck: { tag: 'config', etag: true, answers: { 200: z.object({ config: healthCheck }) } },
  logging: { tag: 'config', etag: true, answers: { 200: z.object({ config: logging }) } },
  preferences: {
    tag: 'preferences',
    etag: true,
    answers: { 200: z.object({ preferences: preferencesHeld }) },
  },
  changePreferences: {
    tag: 'preferences',
    headers: { 'if-match': z.string().optional().describe('ETag that must still hold') },
    body: named('PreferencesChange', preferencesPatch),
    answers: { 200: z.object({ preferences: preferencesHeld }) },
  },
} as const satisfies Record<string, RouteSchema>
