/** Messages to and from the vitals actor of an agent; a part of the catalogue. */
import type { ConnectionsSeen, Drain, Vitals } from '../core/health/report.ts'
import type { Catalogue } from './entry.ts'
import { field } from './fields.ts'
import type { LocalDrainOutcome, LocalDrainView } from './views.ts'

const KIB = 1_024
const MIB = 1_024 * KIB

const backendKeys = () =>
  field.optional(
    field.list<string>('keys (`service:address:port`) of the backends; absent means all'),
  )

/** Checks of one server that was in service. */
export interface ChecksCounted {
  /** Key of the server. */
  readonly backend: string
  readonly passed: number
  readonly failed: number
  /** When the first of them was made, Unix milliseconds. */
  readonly fromMs: number
}

export const vitalsRequests = {
  'api.set-local-drain': {
    kind: 'request',
    id: 23,
    from: 'api',
    to: ['vitals'],
    maxBytes: MIB,
    fields: {
      backends: backendKeys(),
      reason: field.text('why, for people'),
      untilMs: field.optional(field.number('when it ends by itself, Unix milliseconds')),
    },
    reply: {
      outcome: field.text<LocalDrainOutcome>('what became of it'),
      drains: field.list<LocalDrainView>('every backend of the agent'),
    },
    doc: 'Take backends of this agent out of service until they are lifted, or until a moment.',
  },
  'api.lift-local-drain': {
    kind: 'request',
    id: 24,
    from: 'api',
    to: ['vitals'],
    maxBytes: MIB,
    fields: { backends: backendKeys() },
    reply: {
      lifted: field.number('backends the API no longer drains'),
      drains: field.list<LocalDrainView>(
        'every backend: one may still drain by file, signal or overwatch',
      ),
    },
    doc: 'Take the declaration of the API back.',
  },
  'api.list-local-drains': {
    kind: 'request',
    id: 25,
    from: 'api',
    to: ['vitals'],
    maxBytes: KIB,
    fields: {},
    reply: {
      drains: field.list<LocalDrainView>('every backend, its clients counted now'),
      vitals: field.optional(field.object<Vitals>('the latest reading; absent when switched off')),
    },
    doc: 'Drains, clients and vitals of this agent.',
  },
  'prober.checks-counted': {
    kind: 'fact',
    id: 26,
    from: 'prober',
    to: ['vitals'],
    delivery: 'each',
    key: [],
    // A thousand backends with their keys.
    maxBytes: MIB,
    fields: {
      counts: field.list<ChecksCounted>(
        'checks since the last such message, by server; faults of our own are in no count',
      ),
      atMs: field.number('when counted, Unix milliseconds'),
    },
    doc: 'How many checks of servers that are up passed and failed, at most once a second.',
  },
  'shell.drain-signalled': {
    kind: 'fact',
    id: 27,
    from: 'shell',
    to: ['vitals'],
    delivery: 'latest',
    key: [],
    maxBytes: KIB,
    fields: {
      signals: field.number('SIGUSR1 received since the process started: odd means drain'),
      stopping: field.boolean('the process was asked to end: everything drains for that reason'),
      atMs: field.number('when the last of them came, Unix milliseconds'),
    },
    doc: 'Signals of the process, as a count, so that hearing one twice changes nothing.',
  },
} as const satisfies Catalogue

/** Between the vitals of an agent and its gossip. */
export const vitalsToGossip = {
  'vitals.reading-changed': {
    kind: 'fact',
    id: 20,
    from: 'vitals',
    to: ['gossip'],
    delivery: 'latest',
    key: [],
    maxBytes: KIB,
    fields: { vitals: field.object<Vitals>('the reading, its signal and its share') },
    doc: 'What the agent measures of its machine changed worth a message.',
  },
  'vitals.drain-changed': {
    kind: 'fact',
    id: 21,
    from: 'vitals',
    to: ['gossip'],
    delivery: 'latest',
    key: ['backend'],
    maxBytes: 8 * KIB,
    fields: {
      backend: field.text('key of the backend; empty for all'),
      drain: field.optional(field.object<Drain>('absent: it does not drain')),
    },
    doc: 'A backend began to drain, or ended, or its drain has another reason or expiry.',
  },
  'vitals.clients-counted': {
    kind: 'fact',
    id: 22,
    from: 'vitals',
    to: ['gossip'],
    delivery: 'latest',
    key: ['backend'],
    maxBytes: 8 * KIB,
    fields: {
      backend: field.text('key of the backend'),
      connections: field.optional(
        field.object<ConnectionsSeen>('absent: they cannot be counted, or no longer are'),
      ),
    },
    doc: 'Clients of a draining backend; said again each second.',
  },
  'gossip.drains-wanted': {
    kind: 'fact',
    id: 35,
    from: 'gossip',
    to: ['vitals'],
    delivery: 'latest',
    key: [],
    maxBytes: MIB,
    fields: {
      drains: field.list<{ readonly backend: string; readonly drain: Drain }>(
        'all that overwatches declared for backends of this agent; what is missing is lifted',
      ),
    },
    doc: 'Drains that overwatches declared: the agent counts the clients of these backends.',
  },
} as const satisfies Catalogue
