/** Where clients are. */
import { z } from 'zod'
import type { RouteSchema } from '../schema.ts'
import { named, paged, text, timestamp } from './common.ts'

const tag = 'geo'

const mapping = named(
  'GeoMapping',
  z.object({
    cidr: z.string(),
    region: z.string(),
    comment: z.string(),
    source: z.enum(['config', 'api']),
  }),
)

/** What is wrong with a value is said by the kinds of the configuration. */
const mappingPut = z.object({ cidr: z.string(), region: z.string(), comment: text.optional() })

const located = z.object({
  ip: z.string(),
  region: z.string(),
  match_type: z.enum(['custom_mapping', 'geoip', 'default', 'none']),
  matched_cidr: z.string().optional(),
  comment: z.string().optional(),
  country: z.string().optional(),
  continent: z.string().optional(),
  /** All regions, nearest first. */
  ranking: z.array(z.string()),
  /** Bits of the widest prefix around the address that is told apart from nothing. */
  scope: z.number().int(),
})

/** The steps of a decision that depends on where the client is. */
export const geographySchema = named(
  'Geography',
  z.object({
    client: z.string(),
    match: z.enum(['custom_mapping', 'geoip', 'default', 'none']),
    cidr: z.string().optional(),
    country: z.string(),
    continent: z.string(),
    scope: z.number().int(),
    steps: z.array(
      z.object({
        region: z.string(),
        outcome: z.enum([
          'answers',
          'no-servers',
          'other-part',
          'none-healthy',
          'further',
          'fenced-off',
        ]),
      }),
    ),
  }),
)

/** The steps of a decision by learned latency, and the data they rest on. */
export const learnedSchema = named(
  'LearnedSteps',
  z.object({
    method: z.enum(['learned', 'geo_fallback', 'cold_start']),
    exploring: z.boolean(),
    /** What its rows are called, where a part of a policy has rows of its own. */
    rows: z.string().optional(),
    steps: z.array(
      z.object({
        region: z.string(),
        share: z.number(),
        outcome: z.enum([
          'answers',
          'shares',
          'no-servers',
          'other-part',
          'none-healthy',
          'further',
        ]),
      }),
    ),
    /** How far up the tree the measurements come from; absent where nothing is known. */
    source: z
      .enum(['world', 'country', 'system', 'wider network', 'network', 'catchment'])
      .optional(),
    /** Of a catchment: networks taken to be behind the resolver, each by its part. */
    networks_behind: z.number().optional(),
    network: z.string().optional(),
    data: z
      .array(
        z.object({
          region: z.string(),
          expected_ms: z.number(),
          deviation_ms: z.number(),
          measured_ms: z.number().optional(),
        }),
      )
      .optional(),
  }),
)

/** One step of a policy made of others: which part goes on, and whom that removes. */
export const policyStepSchema = named(
  'PolicyStep',
  z.object({
    path: z.string(),
    kind: z.enum(['geofence', 'failover', 'weighted', 'choose']),
    reason: z.string(),
    removed: z.array(z.string()),
    left: z.number().int(),
  }),
)

export const geoSchemas = {
  mappings: {
    tag,
    query: paged,
    answers: {
      200: z.object({
        mappings: z.array(mapping),
        total: z.number().int(),
        generated_at: timestamp,
      }),
    },
  },
  put: { tag, body: mappingPut, answers: { 201: mapping } },
  unmap: { tag, answers: { 204: 'none' } },
  test: { tag, query: { ip: z.string().optional() }, answers: { 200: located } },
} as const satisfies Record<string, RouteSchema>
