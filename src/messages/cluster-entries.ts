/**
 * Messages about the cluster and its engine; a part of the catalogue.
 */
import type { ClusterView } from './cluster-views.ts'
import { recordFields } from './agent-entries.ts'
import type { Catalogue } from './entry.ts'
import { ASKED_BYTES, field } from './fields.ts'

const KIB = 1_024

/** What became of a request to change the cluster. */
export type ClusterOutcome = 'done' | 'not-found' | 'refused' | 'unavailable'

const changed = {
  outcome: field.text<ClusterOutcome>('what became of it'),
  message: field.text('one sentence for the operator'),
}

export const clusterEntries = {
  'cluster.find-engine': {
    kind: 'request',
    id: 134,
    from: 'cluster',
    to: ['engine'],
    maxBytes: KIB * 4,
    fields: { binary: field.text('the program, by path or name') },
    reply: {
      message: field.text('why it cannot be started; empty when it can'),
      version: field.text('of the program; empty where it is not known'),
    },
    doc: 'Whether etcd is there and fits, before anybody is asked to count on it.',
  },
  'cluster.start-engine': {
    kind: 'request',
    id: 150,
    from: 'cluster',
    to: ['engine'],
    maxBytes: 64 * KIB,
    fields: {
      binary: field.text('the program, by path or name'),
      args: field.list<string>('its arguments'),
      folder: field.text('where it is started'),
      watcher: field.list<string>('arguments of node for a program that watches this process'),
    },
    reply: {
      outcome: field.text<
        'started' | 'running' | 'not-found' | 'not-permitted' | 'bad-version' | 'failed'
      >('`running`: it ran already, with these arguments'),
      message: field.text('why not; empty when it runs'),
      pid: field.number('of the process; 0 for none'),
      version: field.text('of the program; empty where it is not known'),
    },
    doc: 'Start etcd beside this process.',
  },
  'cluster.read-engine': {
    kind: 'request',
    id: 151,
    from: 'cluster',
    to: ['engine'],
    maxBytes: KIB,
    fields: {},
    reply: {
      state: field.text<'absent' | 'running' | 'ended'>('whether it runs'),
      pid: field.number('of the process; 0 for none'),
      lines: field.list<string>('the last lines it wrote'),
    },
    doc: 'Whether etcd runs, and its last words.',
  },
  'cluster.stop-engine': {
    kind: 'request',
    id: 152,
    from: 'cluster',
    to: ['engine'],
    maxBytes: KIB,
    fields: {},
    reply: { state: field.text<'absent' | 'ended'>('whether there was one') },
    doc: 'End etcd; answered once it is gone.',
  },
  'cluster.record-learned': {
    kind: 'fact',
    id: 153,
    from: 'cluster',
    to: ['registry'],
    delivery: 'latest',
    key: ['kind', 'id'],
    maxBytes: 128 * KIB,
    fields: recordFields,
    doc: 'A record that the cluster has stored.',
  },
  'api.read-cluster': {
    kind: 'request',
    id: 154,
    from: 'api',
    to: ['cluster'],
    maxBytes: KIB,
    fields: {},
    reply: { cluster: field.object<ClusterView>('as this node knows it') },
    doc: 'Who leads, and who is a member.',
  },
  'api.leave-cluster': {
    kind: 'request',
    id: 155,
    from: 'api',
    to: ['cluster'],
    maxBytes: ASKED_BYTES,
    fields: { by: field.text('who asked') },
    reply: changed,
    doc: 'Hand leadership over, and be a member no more.',
  },
  'api.remove-member': {
    kind: 'request',
    id: 156,
    from: 'api',
    to: ['cluster'],
    maxBytes: ASKED_BYTES,
    fields: { name: field.text('which member'), by: field.text('who asked') },
    reply: changed,
    doc: 'Remove a member that does not come back.',
  },
  'signer.record-told': {
    kind: 'fact',
    id: 180,
    from: 'signer',
    to: ['cluster'],
    delivery: 'latest',
    key: ['kind', 'id'],
    maxBytes: 128 * KIB,
    fields: recordFields,
    doc: 'Keys of a zone for the other nodes of the cluster, sealed.',
  },
  'cluster.keys-learned': {
    kind: 'fact',
    id: 181,
    from: 'cluster',
    to: ['signer'],
    delivery: 'latest',
    key: ['kind', 'id'],
    maxBytes: 128 * KIB,
    fields: recordFields,
    doc: 'Keys of a zone as a node of the cluster laid them down, sealed.',
  },
  'cluster.nodes-set': {
    kind: 'fact',
    id: 182,
    from: 'cluster',
    to: ['signer'],
    delivery: 'latest',
    key: [],
    maxBytes: 64 * KIB,
    fields: {
      live: field.list<string>(
        'nodes that gave a sign of life, this one among them; without a leader it alone',
      ),
      isCurrent: field.boolean('all records were read once, and there is a leader'),
    },
    doc: 'Who is alive, told each second.',
  },
  'registry.serving-issued': {
    kind: 'fact',
    id: 184,
    from: 'registry',
    to: ['cluster'],
    delivery: 'latest',
    key: [],
    maxBytes: KIB,
    fields: { epoch: field.number('of what is served') },
    doc: 'There is something to answer with: before it this node does not lead.',
  },
  'registry.summary-told': {
    kind: 'fact',
    id: 183,
    from: 'registry',
    to: ['cluster'],
    delivery: 'latest',
    key: ['kind', 'id'],
    maxBytes: 128 * KIB,
    fields: recordFields,
    doc: 'What the checks of this node found, in pages; that of a leader is stored.',
  },
  'registry.await-stored': {
    kind: 'request',
    id: 157,
    from: 'registry',
    to: ['cluster'],
    maxBytes: KIB,
    fields: {},
    reply: {
      stored: field.boolean('false: it is tried further'),
      why: field.optional(field.text('what keeps it from being stored until somebody helps')),
    },
    doc: 'Whether a quorum has stored every record told before.',
  },
} as const satisfies Catalogue
