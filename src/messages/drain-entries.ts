/**
 * Messages about drains declared on an overwatch, and checks asked for; a part of the catalogue.
 */
import type { Drain } from '../core/health/report.ts'
import type { DrainView } from './agent-views.ts'
import type { Catalogue } from './entry.ts'
import { ASKED_BYTES, field } from './fields.ts'
import type { OverrideOutcome } from './views.ts'

const KIB = 1_024
const MIB = 1_024 * KIB

/** One drain for the agent of the backend. */
export interface DrainForAgent {
  readonly agentId: string
  /** `service:address:port`, as the agent names it. */
  readonly backend: string
  readonly drain: Drain
}

const named = {
  service: field.optional(field.text('service of the servers')),
  address: field.optional(field.text('address of the servers')),
  port: field.optional(field.number('port of the servers')),
}

export const drainEntries = {
  'registry.drains-set': {
    kind: 'fact',
    id: 42,
    from: 'registry',
    to: ['gossip'],
    delivery: 'latest',
    key: [],
    maxBytes: 16 * MIB,
    fields: { drains: field.list<DrainForAgent>('all in force; what is missing was lifted') },
    doc: 'Drains declared on overwatches, to be told to the agents of the backends.',
  },
  'api.set-drain': {
    kind: 'request',
    id: 53,
    from: 'api',
    to: ['registry'],
    maxBytes: ASKED_BYTES,
    fields: {
      ...named,
      agentId: field.optional(field.text('agent that speaks for the servers')),
      reason: field.text('why, for people'),
      by: field.text('who asked'),
      untilMs: field.optional(field.number('when it ends by itself, Unix milliseconds')),
      force: field.boolean('pass the guard-rail'),
    },
    reply: {
      outcome: field.text<OverrideOutcome>('what became of it'),
      message: field.text('one sentence for the operator'),
      ids: field.list<string>('one drain for each server'),
    },
    doc: 'Take the servers that all given fields name out of service, until lifted.',
  },
  'api.lift-drain': {
    kind: 'request',
    id: 54,
    from: 'api',
    to: ['registry'],
    maxBytes: ASKED_BYTES,
    fields: {
      id: field.text('the drain'),
      by: field.text('who asked'),
    },
    reply: {
      outcome: field.text<OverrideOutcome>('what became of it'),
      message: field.text('one sentence for the operator'),
      note: field.optional(field.text('what it lacks though it is in force, for the operator')),
    },
    doc: 'End a drain that was declared on an overwatch.',
  },
  'api.list-drains': {
    kind: 'request',
    id: 55,
    from: 'api',
    to: ['registry'],
    maxBytes: KIB,
    fields: {},
    reply: { drains: field.list<DrainView>('every drain in force, also those of agents') },
    doc: 'What is going out of service, and whether it may be stopped.',
  },
  'api.validate-now': {
    kind: 'request',
    id: 58,
    from: 'api',
    to: ['registry'],
    maxBytes: ASKED_BYTES,
    fields: named,
    reply: {
      count: field.number('servers that are checked now'),
      message: field.text('one sentence for the operator'),
    },
    doc: 'Check servers now; all when nothing is named.',
  },
} as const satisfies Catalogue
