/**
 * Every message between actors, declared once.
 *
 * From this table come the types, the codec, the channels that exist (an edge that is not here has
 * no channel) and docs/reference/messages.md. Facts are past tense and self-contained: each
 * carries its version or time, and receiving one twice changes nothing. Requests are imperative.
 */
import type { BackendView, CheckView, HoldView, OverrideBefore, OverrideOutcome } from './views.ts'
import type { ClientCertificate } from '../core/access/credentials.ts'
import type { ServingParts } from '../core/dns/serving.ts'
import type { ServingPool } from '../core/steer/snapshot.ts'
import type { MemberSpec } from '../core/steer/topology.ts'
import { agentEntries } from './agent-entries.ts'
import { apiEntries } from './api-entries.ts'
import { drainEntries } from './drain-entries.ts'
import { clusterEntries } from './cluster-entries.ts'
import type { Catalogue } from './entry.ts'
import { feedEntries } from './feed-entries.ts'
import { ASKED_BYTES, field } from './fields.ts'
import { latencyEntries } from './latency-entries.ts'
import { objectEntries } from './object-entries.ts'
import { replayEntries } from './replay-entries.ts'
import { signerEntries } from './signer-entries.ts'
import { vitalsRequests, vitalsToGossip } from './vitals-entries.ts'

const KIB = 1_024
const MIB = 1_024 * KIB

export const catalogue = {
  'registry.snapshot-set': {
    kind: 'fact',
    id: 1,
    from: 'registry',
    to: ['api'],
    delivery: 'latest',
    key: [],
    // 10,000 servers are about 1.5 MB.
    maxBytes: 64 * MIB,
    fields: {
      epoch: field.number('grows with every compiled topology'),
      version: field.number('grows with every change of a word'),
      pools: field.list<ServingPool>('pools with their servers'),
      words: field.list<readonly number[]>(
        'words[pool][member], as core/steer/words.ts packs them',
      ),
    },
    doc: 'Every pool with its words: sent at start, after a reload, and to a restarted reader.',
  },
  'registry.word-changed': {
    kind: 'fact',
    id: 2,
    from: 'registry',
    to: ['dns', 'api'],
    delivery: 'latest',
    key: ['epoch', 'pool', 'member'],
    maxBytes: KIB,
    fields: {
      epoch: field.number('epoch of the snapshot the indices belong to'),
      version: field.number('a reader drops a word older than the one it holds'),
      pool: field.number('index of the pool in the snapshot'),
      member: field.number('index of the server in the pool'),
      word: field.number('the new health word'),
    },
    doc: 'One server of one pool has a new health word.',
  },
  'registry.targets-set': {
    kind: 'fact',
    id: 3,
    from: 'registry',
    to: ['prober'],
    delivery: 'latest',
    key: [],
    maxBytes: 64 * MIB,
    fields: {
      targets: field.list<{
        member: MemberSpec
        lastVerdict: 'up' | 'down' | 'unknown'
        timed?: boolean
      }>('every server to check, with the verdict its thresholds go on from'),
    },
    doc: 'The complete list of what to check; a target not in it is no longer checked.',
  },
  'prober.verdict-changed': {
    kind: 'fact',
    id: 4,
    from: 'prober',
    to: ['registry', 'gossip'],
    delivery: 'latest',
    key: ['target'],
    maxBytes: 4 * KIB,
    fields: {
      target: field.text('key of the server'),
      verdict: field.text<'up' | 'down'>('what its thresholds concluded'),
      atMs: field.number('when, Unix milliseconds'),
      reason: field.text('outcome of the deciding check, empty when it passed'),
    },
    doc: 'A server crossed its failure or success threshold (or said again to a restarted reader).',
  },
  'api.set-override': {
    kind: 'request',
    id: 5,
    from: 'api',
    to: ['registry'],
    maxBytes: ASKED_BYTES,
    fields: {
      service: field.text('service of the server'),
      address: field.text('its address'),
      port: field.optional(field.number('its port; absent means every port of the address')),
      healthy: field.boolean('the state to force'),
      reason: field.text('why, for the audit trail'),
      by: field.text('who asked'),
      expiresAtMs: field.optional(field.number('when it ends by itself, Unix milliseconds')),
      force: field.boolean('pass the guard-rail'),
      source: field.optional(field.text('external tool it comes from; absent for an operator')),
    },
    reply: {
      outcome: field.text<OverrideOutcome>('what became of it'),
      message: field.text('one sentence for the operator'),
      before: field.optional(field.list<OverrideBefore>('the overrides that held until then')),
      note: field.optional(field.text('what it lacks though it is in force, for the operator')),
    },
    doc: 'Force a server healthy or unhealthy.',
  },
  'api.clear-override': {
    kind: 'request',
    id: 6,
    from: 'api',
    to: ['registry'],
    maxBytes: ASKED_BYTES,
    fields: {
      service: field.text('service of the server'),
      address: field.text('its address'),
      port: field.optional(field.number('its port; absent means every port of the address')),
      by: field.text('who asked'),
    },
    reply: {
      outcome: field.text<OverrideOutcome>('what became of it'),
      message: field.text('one sentence for the operator'),
      before: field.optional(field.list<OverrideBefore>('the overrides that held until then')),
      note: field.optional(field.text('what it lacks though it is in force, for the operator')),
    },
    doc: 'End an override.',
  },
  'api.list-backends': {
    kind: 'request',
    id: 7,
    from: 'api',
    to: ['registry'],
    maxBytes: KIB,
    fields: {
      layers: field.optional(field.boolean('with every layer of the precedence of each server')),
      service: field.optional(field.text('servers of this service alone')),
    },
    reply: {
      backends: field.list<BackendView>('every server with its state'),
      settled: field.boolean('every pool has a server with a verdict'),
      regions: field.list<string>('names of the configured regions, in file order'),
      holds: field.list<HoldView>('what the guard-rail keeps in service, and why'),
    },
    doc: 'The state of every server.',
  },
  'api.list-checks': {
    kind: 'request',
    id: 8,
    from: 'api',
    to: ['prober'],
    maxBytes: KIB,
    fields: { service: field.optional(field.text('targets of this service alone')) },
    reply: { checks: field.list<CheckView>('the latest check of every target') },
    doc: 'What the prober last saw of every target.',
  },
  'shell.handle-request': {
    kind: 'request',
    id: 9,
    from: 'shell',
    to: ['api'],
    maxBytes: 4 * MIB,
    fields: {
      method: field.text('HTTP method, upper case'),
      path: field.text('path, still percent-encoded'),
      query: field.text('query string without the question mark'),
      headers: field.object<Readonly<Record<string, string>>>('header fields, names in lower case'),
      body: field.bytes('the body'),
      remoteAddress: field.text('canonical address of the peer'),
      certificate: field.optional(
        field.object<ClientCertificate>('what the client showed and TLS verified'),
      ),
    },
    reply: {
      status: field.number('HTTP status'),
      headers: field.object<Readonly<Record<string, string>>>('header fields of the answer'),
      body: field.bytes('the body of the answer'),
    },
    doc: 'One HTTP request, taken off the socket by the shell on the main thread.',
  },
  'registry.serving-set': {
    kind: 'fact',
    id: 10,
    from: 'registry',
    to: ['dns', 'api'],
    delivery: 'latest',
    key: [],
    // Four bytes for each address of a pool.
    maxBytes: 16 * MIB,
    fields: {
      epoch: field.number('grows with every compiled topology'),
      version: field.number('grows with every change of a word'),
      parts: field.shared<ServingParts>(
        'names, records and addresses, compiled; one for all readers',
      ),
      words: field.bytes('health words by address, 32 bits each in the order of the machine'),
    },
    doc: 'The whole serving state: sent at start, after a reload, and to a restarted reader.',
  },
  ...agentEntries,
  ...apiEntries,
  ...drainEntries,
  ...feedEntries,
  ...latencyEntries,
  ...objectEntries,
  ...replayEntries,
  ...signerEntries,
  ...vitalsRequests,
  ...vitalsToGossip,
  ...clusterEntries,
} as const satisfies Catalogue

export type ProductCatalogue = typeof catalogue
