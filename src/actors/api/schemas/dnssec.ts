/** Keys, DS records and rollovers, with the fields of the original and those of its documents. */
import { z } from 'zod'
import type { RouteSchema } from '../schema.ts'
import { count, filled, named, timestamp } from './common.ts'

const key = named(
  'DnssecKey',
  z.object({
    zone: z.string(),
    key_tag: count,
    algorithm: z.string().describe('its mnemonic'),
    algorithm_number: count,
    flags: count,
    role: z.enum(['csk', 'ksk', 'zsk']),
    phase: z.string().describe('where it is in its life'),
    public_key: z.string().describe('base64, as the DNSKEY record has it'),
    created_at: timestamp,
    age_seconds: count,
    node_id: z.string().describe('the node that tells it'),
    can_sign: z.boolean().describe('it signs now'),
    parent_ds: z.string().describe('whether the parent has a DS of it, as it was seen last'),
    offered: z.boolean().describe('CDS asks the parent for a DS of it'),
    published: z.boolean().describe('it is in the DNSKEY set'),
  }),
)

const ds = named(
  'DsRecord',
  z.object({
    zone: z.string(),
    key_tag: count,
    algorithm: z.string(),
    algorithm_number: count,
    digest_type: count,
    digest: z.string().describe('hexadecimal'),
    ds_record: z.string().describe('the record as a zone file has it'),
    created_at: timestamp,
  }),
)

const zone = named(
  'SignedZone',
  z.object({
    zone: z.string(),
    denial: z.enum(['nsec', 'nsec3', 'compact']),
    steps: z.array(z.string()).describe('what its keys wait for, a sentence each'),
  }),
)

const sync = named(
  'KeySync',
  z.object({
    enabled: z.boolean(),
    running: z.boolean(),
    poll_interval: z.string(),
    last_sync: timestamp.nullable(),
    last_sync_error: z.string().nullable(),
    next_sync: timestamp.nullable(),
    peer_count: count,
    peers: z.array(
      z.object({
        peer: z.string(),
        last_sync: timestamp.nullable(),
        last_success: timestamp.nullable(),
        last_error: z.string().nullable(),
      }),
    ),
  }),
)

const message = z.string().optional().describe('why nothing is signed')

const ofZone = { zone: z.string().optional().describe('of this zone alone') } as const

const status = named(
  'DnssecStatus',
  z.object({
    enabled: z.boolean(),
    message,
    keys: z.array(key),
    zones: z.array(zone),
    sync,
    generated_at: timestamp,
  }),
)

const done = named('DnssecDone', z.object({ status: z.literal('ok'), message: z.string() }))

const roll = named(
  'KeyRollover',
  z.object({
    zone: filled,
    role: z.enum(['csk', 'ksk', 'zsk']).optional(),
    emergency: z.boolean().optional().describe('the key is taken for stolen'),
    force: z
      .boolean()
      .optional()
      .describe('overwatches of the zone that are not heard are dead, and answer no DNS'),
  }),
)

const tell = named(
  'ParentDs',
  z.object({
    zone: filled,
    key_tags: z.array(z.number().int().min(0).max(65_535)).max(16),
    none: z.boolean().optional().describe('the parent has no DS; key_tags is empty then'),
    ttl_seconds: z
      .number()
      .int()
      .min(0)
      .max(604_800)
      .optional()
      .describe('how long caches hold a DS of the parent; a week where it is not told'),
  }),
)

const envelope = named(
  'SealedKeys',
  z.object({
    message: z.string().min(1).describe('base64 of a sealed message between overwatches'),
  }),
)

export const dnssecSchemas = {
  status: { tag: 'dnssec', query: ofZone, answers: { 200: status } },
  keys: {
    tag: 'dnssec',
    query: ofZone,
    answers: {
      200: named(
        'DnssecKeys',
        z.object({ enabled: z.boolean(), message, keys: z.array(key), generated_at: timestamp }),
      ),
    },
  },
  ds: {
    tag: 'dnssec',
    query: ofZone,
    answers: {
      200: named(
        'DsRecords',
        z.object({
          enabled: z.boolean(),
          message,
          ds_records: z.array(ds),
          generated_at: timestamp,
        }),
      ),
    },
  },
  sync: { tag: 'dnssec', answers: { 200: done } },
  peer: { tag: 'dnssec', body: envelope, answers: { 200: envelope } },
  tell: { tag: 'dnssec', body: tell, answers: { 200: done } },
  roll: { tag: 'dnssec', body: roll, answers: { 200: done } },
} as const satisfies Record<string, RouteSchema>
