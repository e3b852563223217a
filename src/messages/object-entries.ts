/**
 * Messages about what the API makes and edits of the configuration; a part of the catalogue.
 */
import type { EditFields } from '../core/config/overlay/edit.ts'
import type { ObjectKind, OverlayEntry } from '../core/config/overlay/entry.ts'
import type { Difference, ObjectView } from '../core/config/overlay/views.ts'
import type { Catalogue } from './entry.ts'
import { ASKED_BYTES, field } from './fields.ts'
import type { EditOutcome } from './views.ts'

const KIB = 1_024

export const objectEntries = {
  'api.edit-object': {
    kind: 'request',
    id: 80,
    from: 'api',
    to: ['registry'],
    maxBytes: 256 * KIB,
    fields: {
      kind: field.text<ObjectKind>('what is edited'),
      id: field.text('its name; of a server `service:address:port`'),
      action: field.text<'create' | 'patch' | 'delete'>('what is done to it'),
      fields: field.object<EditFields>('keys as the file writes them; null takes an edit back'),
      notes: field.object<EditFields>('what only the API knows: description, tags'),
      by: field.text('who asked'),
      ifMatch: field.optional(field.text('tag or revision that the object must have')),
      force: field.boolean('pass the guard-rail'),
    },
    reply: {
      outcome: field.text<EditOutcome>('what became of it'),
      field: field.text('the key at fault; empty for none'),
      message: field.text('one sentence for the operator'),
      object: field.optional(field.object<ObjectView>('as it is now; absent when it is gone')),
      before: field.optional(field.object<ObjectView>('as it was; absent when there was none')),
      note: field.optional(field.text('what it lacks though it is in force, for the operator')),
    },
    doc: 'Make, edit or take away a domain, a server, a region or settings.',
  },
  'api.list-objects': {
    kind: 'request',
    id: 81,
    from: 'api',
    to: ['registry'],
    maxBytes: ASKED_BYTES,
    fields: {
      kind: field.text<ObjectKind>('which objects'),
      id: field.optional(field.text('only this one')),
    },
    reply: { objects: field.list<ObjectView>('what the file declares and what the API made') },
    doc: 'Domains, servers, regions or settings as they are in force.',
  },
  'api.list-differences': {
    kind: 'request',
    id: 82,
    from: 'api',
    to: ['registry'],
    maxBytes: KIB,
    fields: { whole: field.optional(field.boolean('with the edits as they are kept')) },
    reply: {
      differences: field.list<Difference>('every edit, oldest first'),
      entries: field.optional(field.list<OverlayEntry>('the same as they are kept')),
    },
    doc: 'What the API made or edited beside the file.',
  },
  'registry.log-level-set': {
    kind: 'fact',
    id: 83,
    from: 'registry',
    to: ['shell'],
    delivery: 'latest',
    key: [],
    maxBytes: KIB,
    fields: {
      level: field.text<'debug' | 'info' | 'warn' | 'error'>('least severe that is written'),
    },
    doc: 'The API has set how much is logged, or taken that back.',
  },
} as const satisfies Catalogue
