/**
 * What the routes of plan.ts take and give.
 */
import { z } from 'zod'
import { capsuleSchema } from '../../../core/replay/capsule.ts'
import type { RouteSchema } from '../schema.ts'
import { problem } from '../schemas/common.ts'

const text = z.string()
const number = z.number()

/** Every fault of the other configuration, each a line; none where the fault is of the request. */
const refusedPlan = z.object({ ...problem.shape, problems: z.array(text).optional() })

const plan: RouteSchema = {
  tag: 'plan',
  otherBody: 'application/yaml',
  body: z.object({
    config: text.describe('the other configuration, YAML'),
    files: z.record(text, text).optional().describe('zone files that it names'),
    capacities: z
      .record(text, number)
      .optional()
      .describe('queries a second that a server can take, by its key'),
  }),
  answers: {
    200: z.object({
      samples: number,
      queries: number,
      moved_share: number,
      services: z.array(
        z.object({
          service: text,
          queries: number,
          moved: number,
          moved_share: number,
          clients: number,
          clients_moved: number,
        }),
      ),
      flows: z.array(
        z.object({ service: text, from: text, to: text, queries: number, share: number }),
      ),
      load: z.array(z.object({ server: text, region: text, before: number, after: number })),
      vanished: z.object({ names: z.array(text), zones: z.array(text) }),
      assumed_healthy: z.array(text),
      over_capacity: z
        .array(z.object({ server: text, capacity: number, queries_per_second: number }))
        .optional(),
      edits: z
        .object({
          given_way: z.array(text).describe('edits that the other file takes the place of'),
          set_aside: z.array(text).describe('edits that would not fit it'),
        })
        .describe('what would become of the edits of the API'),
      warnings: z.array(text),
      generated_at: text,
    }),
    409: problem,
    422: refusedPlan,
  },
}

const rehearse: RouteSchema = {
  tag: 'plan',
  body: z.object({
    regions: z.array(text).optional(),
    backends: z.array(text).optional().describe('address, address:port or key of each'),
    detection_ms: number.optional().describe('until the loss is seen; 0 by default'),
  }),
  answers: {
    200: z.object({
      killed: z.array(text),
      moved_share: number,
      converged_ms: number,
      timeline: z.array(z.object({ at_ms: number, still_sent: number })),
      services: z.array(
        z.object({
          service: text,
          ttl_seconds: number,
          moved_share: number,
          half_ms: number,
          converged_ms: number,
          after: z.enum(['answer', 'no-data', 'all-down']),
        }),
      ),
      load: z.array(
        z.object({
          server: text,
          region: text,
          killed: z.boolean(),
          before: number,
          after: number,
          queries_per_second_before: number.optional(),
          queries_per_second_after: number.optional(),
        }),
      ),
      generated_at: text,
    }),
  },
}

const capsule: RouteSchema = {
  tag: 'plan',
  otherBody: 'none',
  body: z.object({ minutes: number.optional().describe('how far back; 15 by default') }),
  answers: {
    200: capsuleSchema,
    409: problem,
  },
}

export const planShapes = { plan, rehearse, capsule }
