/** Learned round-trip times, with the fields of the original and those of its documents. */
import { z } from 'zod'
import { limits } from '../../../core/base/limits.ts'
import type { RouteSchema } from '../schema.ts'
import { count, named, paged, timestamp } from './common.ts'

const entry = named(
  'LatencyEntry',
  z.object({
    subnet: z.string(),
    backend: z.string(),
    domain: z.string(),
    region: z.string(),
    ewma_ms: z.number(),
    rtt_ms: z.number(),
    deviation_ms: z.number(),
    min_ms: z.number(),
    sample_count: count,
    samples: count,
    weight: z.number(),
    last_updated: timestamp,
    source: z.string(),
    sources: z.array(z.string()),
  }),
)

const rtt = z.number().min(0).max(limits.latencyRttMsMax.default)

const latencyPut = named(
  'LatencyPut',
  z.object({
    subnet: z.string(),
    backend: z.string().optional(),
    domain: z.string().optional(),
    region: z.string().optional(),
    latency_ms: rtt.optional(),
    rtt_ms: rtt.optional(),
    samples: z.number().int().min(1).max(limits.latencySamplesTrusted.default).optional(),
  }),
)

const filter = z.string().optional()

export const latencySchemas = {
  list: {
    tag: 'overwatch',
    query: { backend: filter, domain: filter, region: filter, subnet: filter, ...paged },
    answers: {
      200: named(
        'LatencyEntries',
        z.object({
          entries: z.array(entry),
          count,
          total: count,
          subnet_count: count,
          generated_at: timestamp,
        }),
      ),
    },
  },
  put: {
    tag: 'overwatch',
    body: latencyPut,
    answers: {
      201: named('LatencyDone', z.object({ success: z.boolean(), message: z.string() })),
    },
  },
} as const satisfies Record<string, RouteSchema>
