/**
 * Messages to and from the gossip actor; parts of the catalogue.
 *
 * They are split by who is at the other end, since an entry may only name actors that handle it.
 */
import type { ConnectionsSeen, Drain, AgentReport, Vitals } from '../core/health/report.ts'
import type { Catalogue, FactEntry } from './entry.ts'
import { field } from './fields.ts'
import type { AgentOutcome, AgentView, DrainDeclared, MemberView } from './views.ts'

const KIB = 1_024
const MIB = 1_024 * KIB

const record = () => ({
  kind: field.text('what it is about: agent, pin, override, drain, verdict, …'),
  id: field.text('unique within the kind'),
  origin: field.text('name of the node that made it'),
  stamp: field.number('start of the maker, or time of the order, Unix milliseconds'),
  seq: field.number('orders records of one stamp'),
  keepUntilMs: field.number('when it is forgotten, Unix milliseconds; 0 for never'),
  body: field.bytes('the thing itself; empty when it is gone'),
})

/** To the registry, the API and the vitals of an agent. */
export const gossipFacts = {
  'gossip.agent-reported': {
    kind: 'fact',
    id: 30,
    from: 'gossip',
    to: ['registry'],
    delivery: 'latest',
    key: ['agentId'],
    maxBytes: 8 * MIB,
    fields: {
      agentId: field.text('id of the agent'),
      report: field.object<AgentReport>('everything it says of itself'),
      hearsay: field.boolean('another overwatch passed it on; it was not heard here'),
      atMs: field.number('when it was heard, Unix milliseconds'),
    },
    doc: 'An agent that is believed announced something else.',
  },
  'gossip.agent-seen': {
    kind: 'fact',
    id: 31,
    from: 'gossip',
    to: ['registry'],
    delivery: 'latest',
    key: ['agentId'],
    maxBytes: KIB,
    fields: {
      agentId: field.text('id of the agent'),
      atMs: field.number('when it was heard, Unix milliseconds'),
    },
    doc: 'A sign of life of an agent whose report did not change.',
  },
  'gossip.agent-left': {
    kind: 'fact',
    id: 32,
    from: 'gossip',
    to: ['registry'],
    delivery: 'latest',
    key: ['agentId'],
    maxBytes: KIB,
    fields: {
      agentId: field.text('id of the agent'),
      boot: field.number('the start of the agent that ended, Unix milliseconds; 0 unknown'),
      atMs: field.number('when it was heard, Unix milliseconds'),
      reason: field.text<'deregistered' | 'revoked' | 'forgotten'>('why'),
    },
    doc: 'What an agent announced holds no longer.',
  },
  'gossip.record-learned': {
    kind: 'fact',
    id: 33,
    from: 'gossip',
    to: ['registry'],
    delivery: 'latest',
    key: ['kind', 'id'],
    maxBytes: 128 * KIB,
    fields: record(),
    doc: 'A record of another overwatch, a pin, a signed report or an address to be remembered.',
  },
  'gossip.members-set': {
    kind: 'fact',
    id: 34,
    from: 'gossip',
    to: ['registry', 'api', 'vitals'],
    delivery: 'latest',
    key: [],
    maxBytes: 64 * MIB,
    fields: {
      members: field.list<MemberView>('everyone known, this node included'),
      liveOverwatches: field.list<string>('names of the overwatches that are alive, sorted'),
    },
    doc: 'Who is in the cluster; at most a few times a second.',
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

/** From the registry to gossip. */
export const registryToGossip = {
  'registry.record-told': {
    kind: 'fact',
    id: 40,
    from: 'registry',
    to: ['gossip'],
    delivery: 'latest',
    key: ['kind', 'id'],
    maxBytes: 128 * KIB,
    fields: record(),
    doc: 'What this node tells the others; after a start of gossip all that was persisted.',
  },
  'registry.drains-set': {
    kind: 'fact',
    id: 42,
    from: 'registry',
    to: ['gossip'],
    delivery: 'latest',
    key: [],
    maxBytes: 16 * MIB,
    fields: { drains: field.list<DrainDeclared>('every drain declared on overwatches') },
    doc: 'Drains that agents are to be told of.',
  },
} as const satisfies Catalogue

/** From the vitals of an agent to gossip. */
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
} as const satisfies Catalogue

/** Questions and orders of the API about agents. */
export const gossipRequests = {
  'api.list-agents': {
    kind: 'request',
    id: 50,
    from: 'api',
    to: ['gossip'],
    maxBytes: KIB,
    fields: {},
    reply: { agents: field.list<AgentView>('every agent with a pin or heard of, by id') },
    doc: 'Who the agents are and what is known of their keys.',
  },
  'api.revoke-agent': {
    kind: 'request',
    id: 51,
    from: 'api',
    to: ['gossip'],
    maxBytes: 16 * KIB,
    fields: {
      agentId: field.text('id of the agent'),
      reason: field.text('why, for people'),
      by: field.text('who asked'),
    },
    reply: {
      outcome: field.text<AgentOutcome>('what became of it'),
      message: field.text('one sentence for the operator'),
    },
    doc: 'Refuse the key of an agent from now on; what it announced leaves at once, everywhere.',
  },
  'api.forget-agent': {
    kind: 'request',
    id: 52,
    from: 'api',
    to: ['gossip'],
    maxBytes: 16 * KIB,
    fields: { agentId: field.text('id of the agent'), by: field.text('who asked') },
    reply: {
      outcome: field.text<AgentOutcome>('what became of it'),
      message: field.text('one sentence for the operator'),
    },
    doc: 'Forget the key of an agent: its next message is a first contact.',
  },
} as const satisfies Catalogue

type Unheard<C extends Readonly<Record<string, FactEntry>>> = {
  readonly [Id in keyof C]: Omit<C[Id], 'to'> & { readonly to: readonly [] }
}

/** The same facts where nobody handles them: they may be published and go nowhere. */
export function unheard<const C extends Readonly<Record<string, FactEntry>>>(
  entries: C,
): Unheard<C> {
  const silent = Object.entries(entries).map(([id, entry]) => [id, { ...entry, to: [] }] as const)
  return Object.fromEntries(silent) as unknown as Unheard<C>
}
