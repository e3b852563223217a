/** Drains, and whether their servers may be stopped. */
import { z } from 'zod'
import type { RouteSchema } from '../schema.ts'
import {
  count,
  done,
  expiresInSeconds,
  filled,
  listed,
  named,
  paged,
  port,
  text,
  timestamp,
} from './common.ts'

const connections = z.object({
  at: timestamp,
  remaining: count,
  arrived: count,
  quiet_since: timestamp,
  networks: z.array(z.object({ network: z.string(), connections: count })),
})

const drain = named(
  'Drain',
  z.object({
    id: z.string(),
    reason: z.string(),
    by: z.enum(['file', 'api', 'signal', 'shutdown', 'overwatch']),
    since: timestamp,
    expires_at: timestamp.optional(),
    declared_by: z.string().optional(),
    backend: z.string(),
    service: z.string().optional(),
    address: z.string().optional(),
    port: z.number().int().optional(),
    agent_id: z.string().optional(),
    safe: z.union([z.boolean(), z.literal('unknown')]).optional(),
    why: z.string().optional(),
    waiting_for: z
      .array(z.object({ what: z.string(), detail: z.string(), until: timestamp.optional() }))
      .optional(),
    safe_by_time: timestamp.optional(),
    connections: connections.optional(),
  }),
)

const order = named(
  'DrainOrder',
  z.object({
    reason: filled,
    force: z.boolean().optional().describe('pass the guard-rail'),
    expires_in_seconds: expiresInSeconds.optional(),
    service: text.optional(),
    address: text.optional(),
    port: port.optional(),
    agent_id: text.optional(),
    backends: z
      .union([z.literal('all'), z.array(z.string())])
      .optional()
      .describe('on an agent: keys of its backends'),
  }),
)

export const drainSchemas = {
  set: {
    tag: 'drains',
    body: order,
    answers: { 201: done.extend({ ids: z.array(z.string()) }) },
  },
  list: {
    tag: 'drains',
    query: paged,
    answers: { 200: z.object({ drains: z.array(drain), ...listed }) },
  },
  one: { tag: 'drains', answers: { 200: z.object({ drain }) } },
  lift: { tag: 'drains', answers: { 204: 'none' } },
} as const satisfies Record<string, RouteSchema>
