/**
 * Shapes of domains, servers, regions and settings: what clients send and what they get.
 *
 * Fields that the original names are here under its names; those of our own stand beside them. What
 * a value may be is decided by the kinds of the configuration, which say more than a schema can.
 */
import { z } from 'zod'

const time = z.string()
export const label = z.string().max(8_192)
const tags = z.array(label)

/** Members that every object has. */
const kept = {
  source: z.enum(['config', 'api', 'service', 'static', 'agent']).optional(),
  /** The API has edited what the file declares. */
  edited: z.boolean().optional(),
  /** 0 for what was never edited. */
  revision: z.number().optional(),
  /** Why it is not in force. */
  fault: z.string().optional(),
  created_at: time,
  updated_at: time,
}

/** As `domains[].policy` of the file: what a part may hold is told where it is read. */
const policy = z.record(z.string(), z.unknown())
const word = z.string().optional()
const count = z.number().optional()
const sticky = z.object({ by: word, ipv4_prefix: count, ipv6_prefix: count, balance: count })
const capacity = z.object({ by: word, band: count, step: count, least: count })

export const domain = z.object({
  id: z.string(),
  name: z.string(),
  ttl: z.number(),
  routing_policy: z.string(),
  dnssec_enabled: z.boolean(),
  enabled: z.boolean(),
  description: label.optional(),
  tags: tags.optional(),
  regions: z.array(z.string()),
  answers: z.number(),
  when_all_down: z.string(),
  fallback_addresses: z.array(z.string()),
  hold_down: z.string().optional(),
  geofence: z.string().optional(),
  policy: policy.optional(),
  sticky: sticky.optional(),
  capacity: capacity.optional(),
  backend_count: z.number(),
  healthy_backends: z.number(),
  ...kept,
})

const single = z.union([z.string(), z.number()])
const orNull = <T extends z.ZodType>(schema: T) => schema.nullable().optional()

const domainEdit = {
  ttl: orNull(z.number()),
  routing_policy: orNull(z.string()),
  enabled: orNull(z.boolean()),
  description: orNull(label),
  tags: orNull(tags),
  regions: orNull(z.array(z.string())),
  answers: orNull(z.number()),
  when_all_down: orNull(z.string()),
  fallback_addresses: orNull(z.array(z.string())),
  hold_down: orNull(z.string()),
  geofence: orNull(z.string()),
  policy: orNull(policy),
  sticky: orNull(sticky),
  capacity: orNull(capacity),
  bleed_floor: orNull(z.number()),
  dnssec_enabled: orNull(z.boolean()),
}

export const domainPatch = z.object({ name: z.string().optional(), ...domainEdit })
export const domainPost = z.object({ name: z.string(), ...domainEdit })

/** Durations are nanoseconds, as the original writes them, or texts such as `5s`. */
export const healthCheck = z.object({
  enabled: z.boolean(),
  type: z.string(),
  path: z.string(),
  interval: single,
  timeout: single,
  healthy_threshold: z.number(),
  unhealthy_threshold: z.number(),
  expected_status: z.union([single, z.array(single)]).optional(),
  expected_body: z.string().optional(),
  host: z.string().optional(),
})

export const healthCheckPatch = z.object({
  enabled: z.boolean().optional(),
  type: z.string().optional(),
  path: z.string().optional(),
  interval: single.optional(),
  timeout: single.optional(),
  healthy_threshold: z.number().optional(),
  unhealthy_threshold: z.number().optional(),
  expected_status: z.union([single, z.array(single)]).optional(),
  expected_body: z.string().optional(),
  host: z.string().optional(),
})

export const checked = z.object({ server_id: z.string(), health_check: healthCheck })

const placed = { address: z.string(), port: z.number() }

export const server = z.object({
  id: z.string(),
  name: z.string(),
  ...placed,
  protocol: z.string(),
  weight: z.number(),
  priority: z.number(),
  region: z.string(),
  enabled: z.boolean(),
  healthy: z.boolean(),
  description: label.optional(),
  tags: tags.optional(),
  metadata: z.record(z.string(), z.string()),
  health_check: healthCheck.optional(),
  status: z
    .object({
      healthy: z.boolean(),
      last_check: time.optional(),
      last_healthy: time.optional(),
      consecutive_failures: z.number(),
      consecutive_successes: z.number(),
      last_error: z.string().optional(),
      response_time_ms: z.number().optional(),
    })
    .optional(),
  ...kept,
})

const serverEdit = {
  weight: orNull(z.number()),
  region: orNull(z.string()),
  host: orNull(z.string()),
  enabled: orNull(z.boolean()),
  description: orNull(label),
  tags: orNull(tags),
  protocol: z.string().optional(),
  priority: z.number().optional(),
  health_check: healthCheckPatch.optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
}

export const serverPatch = z.object({
  name: z.string().optional(),
  service: z.string().optional(),
  address: z.string().optional(),
  port: z.number().optional(),
  ...serverEdit,
})
export const serverPost = z.object({
  name: z.string().optional(),
  service: z.string().optional(),
  ...placed,
  ...serverEdit,
})

export const domainBackend = z.object({
  id: z.string(),
  ...placed,
  weight: z.number(),
  priority: z.number(),
  region: z.string(),
  healthy: z.boolean(),
  enabled: z.boolean(),
  last_check: time,
})

export const region = z.object({
  id: z.string(),
  name: z.string(),
  code: z.string(),
  description: label.optional(),
  latitude: z.number().optional(),
  longitude: z.number().optional(),
  /** The first of `continents`. */
  continent: z.string().optional(),
  continents: z.array(z.string()),
  countries: z.array(z.string()),
  subdivisions: z.array(z.string()).optional(),
  asns: z.array(z.number()).optional(),
  enabled: z.boolean(),
  priority: z.number(),
  server_count: z.number(),
  healthy_servers: z.number(),
  ...kept,
})

const regionEdit = {
  code: orNull(z.string()),
  description: orNull(label),
  latitude: orNull(z.number()),
  longitude: orNull(z.number()),
  continent: orNull(z.string()),
  continents: orNull(z.array(z.string())),
  countries: orNull(z.array(z.string())),
  subdivisions: orNull(z.array(z.string())),
  asns: orNull(z.array(z.number())),
  enabled: orNull(z.boolean()),
  priority: z.number().optional(),
}

export const regionPatch = z.object({ name: z.string().optional(), ...regionEdit })
export const regionPost = z.object({ name: z.string(), ...regionEdit })

/** A page of a list beside its name: `{domains: [...], total, generated_at}`. */
export const listOf = (name: string, item: z.ZodType) =>
  z.object({ [name]: z.array(item), total: z.number(), generated_at: time })

export const oneOf = (name: string, item: z.ZodType) => z.object({ [name]: item })

export const paging = { limit: z.string().optional(), offset: z.string().optional() }
export const guarded = { force: z.enum(['true', 'false']).optional() }
export const conditional = { 'if-match': z.string().optional() }

export const difference = z.object({
  kind: z.string(),
  id: z.string(),
  change: z.enum(['made', 'edited', 'deleted']),
  fields: z.array(z.object({ name: z.string(), file: z.unknown().optional(), api: z.unknown() })),
  by: z.string(),
  at: time,
  fault: z.string().optional(),
})

export const override = z.object({
  service: z.string(),
  address: z.string(),
  port: z.number().optional(),
  healthy: z.boolean(),
  reason: z.string(),
  source: z.string(),
  owner: z.string(),
  authority: z.string(),
  created_at: time,
  expires_at: time.optional(),
})

export const overridePut = z.object({
  healthy: z.boolean(),
  reason: z.string().optional(),
  source: z.string().optional(),
  owner: z.string().optional(),
  force: z.boolean().optional(),
  expires_in: single.optional(),
  expires_in_seconds: z.number().optional(),
  expires_at: time.optional(),
})

/** A group of settings: the fields that may be edited among those that say what is settled. */
export const settings = z.record(z.string(), z.unknown())

export const overrides = z.object({ overrides: z.array(override), total: z.number() })

export const done = z.object({ success: z.boolean(), message: z.string() })
