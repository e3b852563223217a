/** How answers are chosen, and why one was. */
import { z } from 'zod'
import type { RouteSchema } from '../schema.ts'
import { geographySchema } from './geo.ts'
import { count, filled, listed, named, paged, text, timestamp } from './common.ts'

const algorithm = named(
  'Algorithm',
  z.object({
    id: z.string(),
    name: z.string(),
    description: z.string(),
    type: z.string(),
    enabled: z.boolean(),
    default: z.boolean(),
  }),
)

const chosen = z.object({
  address: z.string(),
  port: z.number().int(),
  region: z.string(),
  weight: z.number(),
  priority: z.number(),
  healthy: z.boolean(),
  score: z.number(),
})

const candidate = named(
  'Candidate',
  chosen.extend({
    id: z.string(),
    family: z.union([z.literal(4), z.literal(6)]),
    chosen: z.boolean(),
    rank: z.number().optional(),
    reason: z.string(),
    status: z.string(),
    cause: z.string(),
    serving: z.boolean(),
    held_down: z.boolean().optional(),
    guarded: z.boolean().optional(),
  }),
)

const result = named(
  'RoutingTestResult',
  z.object({
    domain: z.string(),
    client_ip: z.string(),
    query_type: z.string(),
    algorithm: z.string(),
    selected_backend: chosen.optional(),
    alternatives: z.array(chosen),
    factors: z.array(
      z.object({
        name: z.string(),
        type: z.string(),
        value: z.string(),
        weight: z.number(),
        impact: z.number(),
      }),
    ),
    decision: z.enum(['selected', 'no_healthy_backend', 'no_address_of_this_family']),
    answers: z.array(z.string()),
    geography: geographySchema.optional(),
    when_all_down: z.string().optional(),
    turn: z.number(),
    ttl: z.number(),
    candidates: z.array(candidate),
    decision_time_us: count,
    timestamp,
  }),
)

/** A count of turns is 32 bits wide. */
const TURN_MAX = 0xffff_ffff

export const routingSchemas = {
  algorithms: {
    tag: 'routing',
    etag: true,
    query: paged,
    answers: { 200: z.object({ algorithms: z.array(algorithm), ...listed }) },
  },
  algorithm: { tag: 'routing', etag: true, answers: { 200: z.object({ algorithm }) } },
  test: {
    tag: 'routing',
    body: named(
      'RoutingTest',
      z.object({
        domain: filled,
        client_ip: text.optional(),
        query_type: text.optional().describe('A (the default) or AAAA'),
        turn: z.number().int().min(0).max(TURN_MAX).optional(),
        edns: z
          .object({ client_subnet: text.optional(), source_scope: z.unknown().optional() })
          .optional(),
      }),
    ),
    answers: { 200: z.object({ result }) },
  },
} as const satisfies Record<string, RouteSchema>
