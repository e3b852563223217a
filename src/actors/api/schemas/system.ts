/** What the process says of itself. */
import { z } from 'zod'
import type { RouteSchema } from '../schema.ts'
import { count, named, timestamp } from './common.ts'
import { system } from './settings.ts'

const ready = named(
  'Ready',
  z.object({
    ready: z.boolean(),
    message: z.string().optional(),
    dns_ready: z.boolean(),
    health_ready: z.boolean(),
    guard_rail_domains: count.optional().describe('names that the guard-rail keeps servers for'),
    down_domains: count.optional().describe('names of which no server serves; the node is ready'),
    late_checks: count
      .optional()
      .describe(
        'servers that wait to be checked, as more hang than may at once; the node is ready',
      ),
  }),
)

const endpoint = named(
  'Endpoint',
  z.object({ path: z.string(), description: z.string(), methods: z.array(z.string()).optional() }),
)

export const systemSchemas = {
  live: { tag: 'system', answers: { 200: z.object({ alive: z.literal(true) }) } },
  ready: { tag: 'system', answers: { 200: ready, 503: ready } },
  health: {
    tag: 'system',
    answers: {
      200: z.object({
        status: z.enum(['healthy', 'degraded', 'unhealthy']),
        version: z.string(),
        mode: z.string(),
        uptime_seconds: count,
        timestamp,
      }),
    },
  },
  version: {
    tag: 'system',
    etag: true,
    answers: {
      200: z.object({
        version: z.string(),
        go_version: z.string(),
        node_version: z.string(),
        platform: z.string(),
        dns_front: z.string().optional(),
        generated_at: timestamp,
      }),
    },
  },
  versions: {
    tag: 'system',
    etag: true,
    answers: { 200: z.object({ versions: z.array(endpoint), generated_at: timestamp }) },
  },
  index: {
    tag: 'system',
    etag: true,
    answers: { 200: z.object({ endpoints: z.array(endpoint), generated_at: timestamp }) },
  },
  config: {
    tag: 'config',
    etag: true,
    answers: {
      200: z.object({ config: system, endpoints: z.array(endpoint), generated_at: timestamp }),
    },
  },
  document: {
    tag: 'system',
    etag: true,
    answers: { 200: z.record(z.string(), z.unknown()).describe('an OpenAPI 3.1 document') },
  },
} as const satisfies Record<string, RouteSchema>
