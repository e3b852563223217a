/**
 * Messages about what was answered and what held at a past moment; a part of the catalogue.
 */
import type { AnswerSettings } from '../core/replay/execute.ts'
import type { PastServing } from '../core/replay/history.ts'
import type { Catalogue } from './entry.ts'
import { field } from './fields.ts'

const KIB = 1_024
const MIB = 1_024 * KIB

export const replayEntries = {
  'dns.decisions-sampled': {
    kind: 'fact',
    id: 70,
    from: 'dns',
    to: ['api'],
    delivery: 'each',
    key: [],
    maxBytes: 2 * MIB,
    fields: {
      bytes: field.bytes('samples one after another: core/replay/sample.ts'),
      count: field.number('how many they are'),
      queries: field.number('queries of the thread since the last such message'),
      settings: field.object<AnswerSettings>('what of its settings shows in answers'),
    },
    doc: 'Some of the answers a DNS thread gave, each with what it followed from.',
  },
  'api.read-history': {
    kind: 'request',
    id: 71,
    from: 'api',
    to: ['registry'],
    maxBytes: KIB,
    fields: { atMs: field.number('the moment, Unix milliseconds') },
    reply: {
      outcome: field.text<'found' | 'nothing-held' | 'failed'>('whether it is still held'),
      heldFromMs: field.optional(field.number('the earliest moment that is')),
      past: field.optional(field.object<PastServing>('what held then')),
    },
    doc: 'Pools and words as of a past moment.',
  },
  'api.read-log': {
    kind: 'request',
    id: 72,
    from: 'api',
    to: ['registry'],
    maxBytes: KIB,
    fields: {
      fromMs: field.number('the first moment, Unix milliseconds'),
      most: field.number('how many at most; the newest of them'),
    },
    reply: { events: field.list<object>('what happened, oldest first') },
    doc: 'The newest part of the event log, for a capsule.',
  },
} as const satisfies Catalogue
