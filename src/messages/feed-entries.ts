/**
 * Messages about the numbered events that operators follow; a part of the catalogue.
 */
import type { EventData, FeedEvent, VolatileTopic } from '../core/events/event.ts'
import type { Filter } from '../core/events/filter.ts'
import type { HelloFacts, ToldEvent } from '../core/events/protocol.ts'
import type { Catalogue } from './entry.ts'
import { field } from './fields.ts'

const KIB = 1_024
const MIB = 1_024 * KIB

const noted = {
  topic: field.text('what it is about'),
  event: field.text('what happened, unique within the topic'),
  service: field.text('the service concerned; empty for none'),
  region: field.text('the region concerned; empty for none'),
  atMs: field.number('when, Unix milliseconds'),
  data: field.object<EventData>('what there is to tell'),
}

export const notedBy = <Name extends string, Id extends number>(from: Name, id: Id, doc: string) =>
  ({
    kind: 'fact',
    id,
    from,
    to: ['registry'],
    delivery: 'each',
    key: [],
    maxBytes: 64 * KIB,
    fields: noted,
    doc,
  }) as const

export const feedEntries = {
  'registry.events-recorded': {
    kind: 'fact',
    id: 60,
    from: 'registry',
    to: ['api'],
    delivery: 'each',
    key: [],
    // A commit of a great burst travels as several.
    maxBytes: 4 * MIB,
    fields: { events: field.list<FeedEvent>('in order; number 0 for what the disk refused') },
    doc: 'Events that are on disk now; a restarted reader hears the last one again.',
  },
  'api.read-events': {
    kind: 'request',
    id: 61,
    from: 'api',
    to: ['registry'],
    maxBytes: KIB,
    fields: {
      from: field.number('the first number wanted'),
      limit: field.number('at most so many'),
    },
    reply: {
      events: field.list<FeedEvent>('in order; a page ends early where its bytes are many'),
      first: field.number('the oldest number that is held'),
      next: field.number('the number of the next event to come'),
    },
    doc: 'Events that are older than what the API holds.',
  },
  'api.events-told': {
    kind: 'fact',
    id: 62,
    from: 'api',
    to: ['shell'],
    delivery: 'each',
    key: [],
    maxBytes: 8 * MIB,
    fields: { events: field.list<ToldEvent>('encoded, in order') },
    doc: 'Events for those who listen; a hole in the numbers is filled by asking.',
  },
  'api.listeners-changed': {
    kind: 'fact',
    id: 133,
    from: 'api',
    to: ['shell'],
    delivery: 'latest',
    key: [],
    maxBytes: KIB,
    fields: { changes: field.number('times it was said since the API was started') },
    doc: 'Who may listen to events is not who it was: every reader has to come again.',
  },
  'shell.open-feed': {
    kind: 'request',
    id: 63,
    from: 'shell',
    to: ['api'],
    maxBytes: 128 * KIB,
    fields: {
      transport: field.text<'websocket' | 'sse'>('how it is to be told'),
      method: field.text('HTTP method, upper case'),
      path: field.text('path, still percent-encoded'),
      query: field.text('query string without the question mark'),
      headers: field.object<Readonly<Record<string, string>>>('header fields, names in lower case'),
      remoteAddress: field.text('canonical address of the peer'),
    },
    reply: {
      status: field.number('HTTP status; 200 lets the reader in'),
      headers: field.object<Readonly<Record<string, string>>>('header fields of a refusal'),
      body: field.bytes('the body of a refusal'),
      protocol: field.text('the subprotocol chosen; empty for none'),
      filter: field.object<Filter>('what it wants to hear'),
      from: field.number('the first number wanted; -1 for from now on'),
      next: field.number('the number of the next event to come'),
      hello: field.object<HelloFacts>('who speaks'),
    },
    doc: 'Whether somebody may listen to the feed, and to what.',
  },
  'shell.read-feed': {
    kind: 'request',
    id: 64,
    from: 'shell',
    to: ['api'],
    maxBytes: 128 * KIB,
    fields: {
      from: field.number('the first number wanted'),
      filter: field.object<Filter>('what is wanted'),
    },
    reply: {
      events: field.list<ToldEvent>('encoded, in order, with gaps where numbers are missing'),
      next: field.number('where to go on'),
      isEnd: field.boolean('all later events are told without asking'),
      isRead: field.boolean('false: the log cannot be read now, ask again'),
    },
    doc: 'A page of older events for one who resumes.',
  },
  'shell.topics-heard': {
    kind: 'fact',
    id: 171,
    from: 'shell',
    to: ['api'],
    delivery: 'latest',
    key: [],
    maxBytes: KIB,
    fields: { topics: field.list<VolatileTopic>('volatile topics that a reader names now') },
    doc: 'What is worth making: a topic that is held nowhere is made for readers only.',
  },
  'api.event-noted': notedBy('api', 65, 'Something happened to the API that is worth recording.'),
  'shell.event-noted': notedBy(
    'shell',
    66,
    'Something happened on the main thread that is worth recording.',
  ),
  'gossip.event-noted': notedBy('gossip', 67, 'Something of gossip is worth recording.'),
  'prober.event-noted': notedBy('prober', 68, 'Something of the checks is worth recording.'),
  'cluster.event-noted': notedBy('cluster', 159, 'Something of the cluster is worth recording.'),
} as const satisfies Catalogue
