/**
 * Messages about agents and what overwatches share; a part of the catalogue.
 */
import type { AgentReport } from '../core/health/report.ts'
import type { AgentOutcome, AgentView, MemberView, RotateOutcome } from './agent-views.ts'
import type { Catalogue } from './entry.ts'
import { ASKED_BYTES, field } from './fields.ts'

const KIB = 1_024
const MIB = 1_024 * KIB

export const recordFields = {
  kind: field.text('what it is about'),
  id: field.text('unique within the kind'),
  origin: field.text('name of the node that made it'),
  stamp: field.number('start of its maker, or time of the order, Unix milliseconds'),
  seq: field.number('counts the versions of one stamp'),
  keepUntilMs: field.number('when it is forgotten, Unix milliseconds; 0 for never'),
  body: field.bytes('what it says; empty when the thing is gone'),
}

export const agentEntries = {
  'gossip.agent-reported': {
    kind: 'fact',
    id: 30,
    from: 'gossip',
    to: ['registry'],
    delivery: 'latest',
    key: ['agentId'],
    // A thousand backends with their checks, drains and clients.
    maxBytes: 8 * MIB,
    fields: {
      agentId: field.text('who reports'),
      report: field.object<AgentReport>('the whole of what it says'),
      hearsay: field.boolean('it came by another overwatch, so it does not show that it lives'),
      atMs: field.number('when it was heard, Unix milliseconds'),
    },
    doc: 'An agent said something new of itself and its backends.',
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
      agentId: field.text('who was heard'),
      atMs: field.number('when, Unix milliseconds'),
    },
    doc: 'An agent gave a sign of life without news.',
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
      agentId: field.text('who left'),
      boot: field.number('start of the process that left, Unix milliseconds; a later one stays'),
      atMs: field.number('when, Unix milliseconds'),
      reason: field.text<'deregistered' | 'revoked' | 'forgotten'>('why it is gone'),
    },
    doc: 'An agent is gone by its own word or that of an operator; its backends go at once.',
  },
  'gossip.record-learned': {
    kind: 'fact',
    id: 33,
    from: 'gossip',
    to: ['registry'],
    delivery: 'latest',
    key: ['kind', 'id'],
    maxBytes: 128 * KIB,
    fields: recordFields,
    doc: 'A record of another overwatch, or one of the gossip actor itself to be kept.',
  },
  'gossip.members-set': {
    kind: 'fact',
    id: 34,
    from: 'gossip',
    to: ['api', 'registry'],
    delivery: 'latest',
    key: [],
    maxBytes: 16 * MIB,
    fields: {
      members: field.list<MemberView>('every member of the cluster, this node too'),
      turn: field.number('grows with each word about members'),
    },
    doc: 'Who is in the cluster; said to a reader that starts.',
  },
  'gossip.member-changed': {
    kind: 'fact',
    id: 100,
    from: 'gossip',
    to: ['api', 'registry'],
    delivery: 'latest',
    key: ['name'],
    maxBytes: 4 * KIB,
    fields: {
      name: field.text('which member'),
      member: field.optional(field.object<MemberView>('absent: it is forgotten')),
      turn: field.number('a reader drops a word older than its list'),
    },
    doc: 'A member of the cluster is new, another than before, or forgotten.',
  },
  'gossip.overwatches-set': {
    kind: 'fact',
    id: 101,
    from: 'gossip',
    to: ['cluster', 'registry', 'signer', 'vitals'],
    delivery: 'latest',
    key: [],
    maxBytes: MIB,
    fields: {
      live: field.list<string>('names of the overwatches that are alive'),
      addresses: field.list<string>('addresses of all overwatches, the dead ones too'),
    },
    doc: 'The overwatches among the members; said when that changes.',
  },
  'registry.record-told': {
    kind: 'fact',
    id: 40,
    from: 'registry',
    to: ['gossip', 'cluster'],
    delivery: 'latest',
    key: ['kind', 'id'],
    maxBytes: 128 * KIB,
    fields: recordFields,
    doc: 'A record to share; a restarted gossip actor is told everything that is kept.',
  },
  'registry.check-wanted': {
    kind: 'fact',
    id: 41,
    from: 'registry',
    to: ['prober'],
    delivery: 'each',
    key: [],
    maxBytes: 4 * KIB,
    fields: {
      key: field.text('key of the server'),
      doubt: field.boolean('the verdict is contested: thresholds are counted anew'),
    },
    doc: 'Check a server now and quickly on, until its verdict is said again.',
  },
  'api.list-agents': {
    kind: 'request',
    id: 50,
    from: 'api',
    to: ['gossip'],
    maxBytes: KIB,
    fields: {},
    reply: { agents: field.list<AgentView>('every agent whose key is pinned') },
    doc: 'The agents this node knows.',
  },
  'api.revoke-agent': {
    kind: 'request',
    id: 51,
    from: 'api',
    to: ['gossip'],
    maxBytes: ASKED_BYTES,
    fields: {
      agentId: field.text('whom'),
      reason: field.text('why, for the audit trail'),
      by: field.text('who asked'),
    },
    reply: {
      outcome: field.text<AgentOutcome>('what became of it'),
      message: field.text('one sentence for the operator'),
    },
    doc: 'Never believe this agent again; its backends leave at once.',
  },
  'api.forget-agent': {
    kind: 'request',
    id: 52,
    from: 'api',
    to: ['gossip'],
    maxBytes: ASKED_BYTES,
    fields: {
      agentId: field.text('whom'),
      by: field.text('who asked'),
    },
    reply: {
      outcome: field.text<AgentOutcome>('what became of it'),
      message: field.text('one sentence for the operator'),
    },
    doc: 'Forget the key of an agent, so that its next contact pins one anew.',
  },
  'api.rotate-agent': {
    kind: 'request',
    id: 190,
    from: 'api',
    to: ['gossip'],
    maxBytes: ASKED_BYTES,
    fields: {
      agentId: field.text('whom'),
      by: field.text('who asked'),
    },
    reply: {
      outcome: field.text<RotateOutcome>('what became of it'),
      message: field.text('one sentence for the operator'),
      fingerprint: field.text('the key that is to go; empty where nothing was asked'),
    },
    doc: 'Ask an agent for another key, which the present one introduces.',
  },
} as const satisfies Catalogue
