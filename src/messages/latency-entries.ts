/** Messages about learned round-trip times; a part of the catalogue. */
import type { LatencyRow } from '../core/gossip/app/envelope.ts'
import type { AskerRow } from '../core/dns/askers.ts'
import type { GeoParts } from '../core/geo/parts.ts'
import type { LearnedView } from '../core/latency/compile.ts'
import type { SteeredService } from '../core/latency/ground.ts'
import type { LearnedEntry } from '../core/latency/table.ts'
import type { RouteParts } from '../core/steer/routes.ts'
import { recordFields } from './agent-entries.ts'
import type { Catalogue } from './entry.ts'
import { ASKED_BYTES, field } from './fields.ts'

const KIB = 1_024
const MIB = 1_024 * KIB

const optionalText = (doc: string) => field.optional(field.text(doc))

export const latencyEntries = {
  'latency.rows-measured': {
    kind: 'fact',
    id: 110,
    from: 'latency',
    to: ['gossip'],
    delivery: 'each',
    key: [],
    maxBytes: MIB,
    fields: {
      service: field.text('service whose clients these are'),
      rows: field.list<LatencyRow>('client networks, a page of them'),
    },
    doc: 'A page of what an agent learned of its clients; told to every overwatch once.',
  },
  'gossip.latency-reported': {
    kind: 'fact',
    id: 111,
    from: 'gossip',
    to: ['latency'],
    delivery: 'each',
    key: [],
    maxBytes: MIB,
    fields: {
      agentId: field.text('who measured'),
      region: field.text('its region'),
      services: field.list<string>('services the rows are of, as the agent calls them'),
      rows: field.list<LatencyRow>('client networks'),
    },
    doc: 'An agent that is believed told what it learned of its clients.',
  },
  'latency.rows-set': {
    kind: 'fact',
    id: 112,
    from: 'latency',
    to: ['registry'],
    delivery: 'latest',
    key: [],
    maxBytes: KIB,
    fields: {
      version: field.number('grows with every change'),
      parts: field.shared<RouteParts>('rows and maps of every name; one copy for all readers'),
    },
    doc: 'Which regions clients are sent to by what was learned: said when it changes.',
  },
  'prober.times-measured': {
    kind: 'fact',
    id: 140,
    from: 'prober',
    to: ['registry'],
    delivery: 'each',
    key: [],
    maxBytes: MIB,
    fields: {
      rows: field.list<readonly [string, number]>('key of the server, and milliseconds'),
    },
    doc: 'Checks that passed took so long, of servers whose pool is steered by that.',
  },
  'dns.loads-counted': {
    kind: 'fact',
    id: 170,
    from: 'dns',
    to: ['registry'],
    delivery: 'each',
    key: [],
    maxBytes: MIB,
    fields: {
      epoch: field.number('the numbers of pools and servers are those of it'),
      rows: field.list<readonly [number, number, number]>(
        'number of the pool, of the server in it, and answers since the last such message',
      ),
    },
    doc: 'A DNS thread answered so often with servers that clients stick to.',
  },
  'dns.askers-counted': {
    kind: 'fact',
    id: 191,
    from: 'dns',
    to: ['latency'],
    delivery: 'each',
    key: [],
    maxBytes: MIB,
    fields: {
      rows: field.list<AskerRow>(
        'name, network of the resolver, region it was told, and sampled answers',
      ),
    },
    doc: 'Who asked a DNS thread for clients that nothing tells, and where they were sent.',
  },
  'registry.routes-set': {
    kind: 'fact',
    id: 117,
    from: 'registry',
    to: ['dns', 'api'],
    delivery: 'latest',
    key: [],
    maxBytes: KIB,
    fields: {
      version: field.number('grows with every change'),
      parts: field.shared<RouteParts>('rows and maps of every name; one copy for all readers'),
    },
    doc: 'Which regions clients are sent to by what was learned: said when it changes.',
  },
  'registry.ground-set': {
    kind: 'fact',
    id: 118,
    from: 'registry',
    to: ['latency'],
    delivery: 'latest',
    key: [],
    maxBytes: 16 * MIB,
    fields: {
      version: field.number('grows with every change'),
      geo: field.shared<GeoParts>('where clients are'),
      services: field.list<SteeredService>('names that are steered by learned latency'),
    },
    doc: 'Which names are steered by what is learned, and where clients are.',
  },
  'latency.record-told': {
    kind: 'fact',
    id: 113,
    from: 'latency',
    to: ['gossip'],
    delivery: 'latest',
    key: ['kind', 'id'],
    maxBytes: 128 * KIB,
    fields: recordFields,
    doc: 'Rows that agents told here, for the other overwatches.',
  },
  'gossip.latency-record-learned': {
    kind: 'fact',
    id: 114,
    from: 'gossip',
    to: ['latency'],
    delivery: 'latest',
    key: ['kind', 'id'],
    maxBytes: 128 * KIB,
    fields: recordFields,
    doc: 'Rows that agents told another overwatch.',
  },
  'api.list-latency': {
    kind: 'request',
    id: 115,
    from: 'api',
    to: ['latency'],
    maxBytes: ASKED_BYTES,
    fields: {
      service: optionalText('of this service alone'),
      region: optionalText('of this region alone'),
      subnet: optionalText('of this client network alone'),
      offset: field.number('entries passed over'),
      count: field.number('entries given at most'),
    },
    reply: {
      entries: field.list<LearnedEntry>('by service, network and region'),
      total: field.number('how many there are'),
      subnets: field.number('client networks among all entries'),
    },
    doc: 'What is learned of round-trip times.',
  },
  'api.add-latency': {
    kind: 'request',
    id: 116,
    from: 'api',
    to: ['latency'],
    maxBytes: ASKED_BYTES,
    fields: {
      subnet: field.text('client network'),
      service: field.text('service it is a client of'),
      region: field.text('region it was measured from'),
      rttMs: field.number('round-trip time'),
      samples: field.number('how many samples it stands for'),
      by: field.text('who says so'),
    },
    reply: {
      outcome: field.text<'done' | 'refused'>('what became of it'),
      message: field.text('one sentence for the operator'),
    },
    doc: 'Take a row by the word of an operator.',
  },
  'api.explain-latency': {
    kind: 'request',
    id: 119,
    from: 'api',
    to: ['latency'],
    maxBytes: ASKED_BYTES,
    fields: {
      service: field.text('name that is steered'),
      client: field.text('address of the client, or of its network'),
    },
    reply: { view: field.optional(field.object<LearnedView>('absent: nothing is learned')) },
    doc: 'What is expected of each region for a client, and what that rests on.',
  },
} as const satisfies Catalogue
