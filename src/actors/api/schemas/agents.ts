/** Agents: their keys, and the end of trust in one. */
import { z } from 'zod'
import type { RouteSchema } from '../schema.ts'
import { count, done, filled, listed, named, numberText, paged, timestamp } from './common.ts'

const agent = named(
  'Agent',
  z.object({
    agent_id: z.string(),
    fingerprint: z.string().describe('SHA-256 of its certificate, hex; empty for none'),
    region: z.string(),
    first_seen: timestamp,
    last_seen: timestamp,
    not_after: timestamp.optional(),
    revoked: z.boolean(),
    revoked_at: timestamp.optional(),
    revoked_reason: z.string().optional(),
    expires_in_hours: z.number().optional(),
    algorithm: z.enum(['ed25519', 'p256', 'none']),
    services: z.array(z.string()),
    connected: z.boolean(),
    backends: count,
    address: z.string().optional(),
    member_state: z.enum(['alive', 'suspect', 'dead', 'left']).optional(),
  }),
)

const rotated = z.object({
  success: z.literal(true),
  message: z.string(),
  fingerprint: z.string().describe('of the key that is believed now'),
})

const DAYS_MAX = 3_650

export const agentSchemas = {
  list: {
    tag: 'agents',
    query: paged,
    answers: {
      200: z.object({ agents: z.array(agent), revoked: count, expiring: count, ...listed }),
    },
  },
  expiring: {
    tag: 'agents',
    query: {
      threshold_days: numberText(0, DAYS_MAX).optional().describe('30 unless given'),
      ...paged,
    },
    answers: {
      200: z.object({
        expiring: z.array(agent),
        count,
        threshold_days: z.number(),
        ...listed,
      }),
    },
  },
  one: { tag: 'agents', answers: { 200: agent } },
  forget: { tag: 'agents', answers: { 200: done } },
  rotate: {
    tag: 'agents',
    answers: { 200: rotated, 202: rotated },
  },
  revoke: { tag: 'agents', body: z.object({ reason: filled }), answers: { 200: done } },
} as const satisfies Record<string, RouteSchema>
