/**
 * Messages about keys and signatures; a part of the catalogue. Private keys are in none of them but
 * `signer.online-keys-set`, which is said where `overwatch.dnssec.denial` is `compact`.
 */
import type { ServingParts } from '../core/dns/serving.ts'
import type { OnlineZoneParts } from '../core/dnssec/online.ts'
import type { SignedParts } from '../core/dnssec/parts.ts'
import type { ApexRecords, WantedSet } from '../core/dnssec/serving-plan.ts'
import type { Catalogue } from './entry.ts'
import { notedBy } from './feed-entries.ts'
import { ASKED_BYTES, field } from './fields.ts'
import type { DnssecOutcome, KeyView, SyncView, ZoneView } from './signer-views.ts'

const KIB = 1_024
const MIB = 1_024 * KIB

const orderReply = {
  outcome: field.text<DnssecOutcome>('what became of it'),
  message: field.text('one sentence for the operator'),
}

export const signerEntries = {
  'signer.keys-set': {
    kind: 'fact',
    id: 120,
    from: 'signer',
    to: ['registry'],
    delivery: 'latest',
    key: [],
    maxBytes: 64 * MIB,
    fields: {
      version: field.text('equal for equal records'),
      zones: field.list<ApexRecords>('what stands at each apex because the zone is signed'),
    },
    doc: 'The public side of all keys: said at the start, with each change, and to a new reader.',
  },
  'signer.online-keys-set': {
    kind: 'fact',
    id: 132,
    from: 'signer',
    to: ['dns'],
    delivery: 'latest',
    key: [],
    maxBytes: 64 * MIB,
    fields: {
      zones: field.list<OnlineZoneParts>('those with compact denial; none ends it'),
      signaturesPerSecond: field.number('how many each thread may make'),
    },
    doc: 'What DNS threads sign compact denials with: private keys, to threads of this process.',
  },
  'registry.serving-drafted': {
    kind: 'fact',
    id: 121,
    from: 'registry',
    to: ['signer'],
    delivery: 'latest',
    key: [],
    maxBytes: KIB,
    fields: {
      epoch: field.number('grows with every compiled topology'),
      keysVersion: field.text('of the keys at its apexes'),
      parts: field.shared<ServingParts>('names, records and addresses, compiled'),
    },
    doc: 'What is to be served once it is signed; the next one follows when this is answered.',
  },
  'signer.serving-signed': {
    kind: 'fact',
    id: 122,
    from: 'signer',
    to: ['registry'],
    delivery: 'latest',
    key: [],
    maxBytes: KIB,
    fields: {
      epoch: field.number('of what is signed'),
      version: field.number('grows with every set of signatures'),
      signed: field.shared<SignedParts>('signatures and proofs, ready to be copied'),
    },
    doc: 'A draft is signed, or what is served has newer signatures.',
  },
  'signer.serving-refused': {
    kind: 'fact',
    id: 123,
    from: 'signer',
    to: ['registry'],
    delivery: 'latest',
    key: [],
    maxBytes: 16 * KIB,
    fields: {
      epoch: field.number('of the draft'),
      reason: field.text('the fault; empty where newer keys will make another draft'),
    },
    doc: 'A draft was not signed: what is in force stays.',
  },
  'registry.signatures-set': {
    kind: 'fact',
    id: 124,
    from: 'registry',
    to: ['dns', 'api'],
    delivery: 'latest',
    key: [],
    maxBytes: KIB,
    fields: {
      epoch: field.number('of what is served; signatures of another one are dropped'),
      version: field.number('grows with every set of signatures'),
      signed: field.shared<SignedParts>('one for all readers'),
    },
    doc: 'Newer signatures of what is served.',
  },
  'dns.sets-wanted': {
    kind: 'fact',
    id: 125,
    from: 'dns',
    to: ['signer'],
    delivery: 'each',
    key: [],
    maxBytes: 256 * KIB,
    fields: {
      epoch: field.number('of what is served'),
      sets: field.list<WantedSet>('addresses counted in their pool, ascending'),
    },
    doc: 'Answers of several servers that were wanted and are not signed.',
  },
  'api.list-keys': {
    kind: 'request',
    id: 126,
    from: 'api',
    to: ['signer'],
    maxBytes: ASKED_BYTES,
    fields: { zone: field.optional(field.text('of this zone alone')) },
    reply: {
      enabled: field.boolean('zones are signed'),
      keys: field.list<KeyView>('every key, its public side'),
      zones: field.list<ZoneView>('every signed zone'),
      sync: field.object<SyncView>('how keys are shared'),
    },
    doc: 'Keys, DS records, and how signing is doing.',
  },
  'api.sync-keys': {
    kind: 'request',
    id: 127,
    from: 'api',
    to: ['signer'],
    maxBytes: ASKED_BYTES,
    fields: { by: field.text('who asked') },
    reply: orderReply,
    doc: 'Look for keys at the peers now.',
  },
  'api.roll-keys': {
    kind: 'request',
    id: 128,
    from: 'api',
    to: ['signer'],
    maxBytes: ASKED_BYTES,
    fields: {
      zone: field.text('apex of the zone'),
      role: field.optional(field.text('`csk`, `ksk` or `zsk`; absent means every key')),
      emergency: field.boolean('the key is taken for stolen: as fast as caches allow'),
      force: field.optional(
        field.boolean('nodes of the zone that are not heard are dead: nothing waits for them'),
      ),
      by: field.text('who asked'),
    },
    reply: orderReply,
    doc: 'Begin to replace a key.',
  },
  'api.exchange-keys': {
    kind: 'request',
    id: 130,
    from: 'api',
    to: ['signer'],
    maxBytes: 2 * MIB,
    fields: {
      message: field.text('of a peer: base64 of an envelope that only the signer opens'),
      client: field.text('address of whoever sent it'),
    },
    reply: {
      fault: field.text('why it is refused; empty when it is answered'),
      message: field.text('the reply for the peer, in the same form'),
    },
    doc: 'An overwatch that shares keys sent something.',
  },
  'api.tell-ds': {
    kind: 'request',
    id: 131,
    from: 'api',
    to: ['signer'],
    maxBytes: ASKED_BYTES,
    fields: {
      zone: field.text('apex of the zone'),
      keyTags: field.list<number>('of the keys that the parent has a DS of; none for no DS'),
      ttlSeconds: field.number('how long caches keep the DS set of before'),
      by: field.text('who says so'),
    },
    reply: orderReply,
    doc: 'An operator tells which DS the parent publishes, where it cannot be asked.',
  },
  'signer.event-noted': notedBy(
    'signer',
    129,
    'Something of keys or signatures is worth recording.',
  ),
} as const satisfies Catalogue
