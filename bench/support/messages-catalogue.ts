/** A fact of the size of a verdict, and a request that tells what has arrived. */
import type { Catalogue } from '../../src/messages/entry.ts'
import { field } from '../../src/messages/fields.ts'

export const benchCatalogue = {
  'near.verdict-changed': {
    kind: 'fact',
    id: 1,
    from: 'near',
    to: ['far'],
    delivery: 'each',
    key: [],
    maxBytes: 4_096,
    fields: {
      target: field.text('key of the server'),
      verdict: field.text('what was concluded'),
      atMs: field.number('when'),
      reason: field.text('why'),
    },
    doc: 'A verdict.',
  },
  'near.count': {
    kind: 'request',
    id: 2,
    from: 'near',
    to: ['far'],
    maxBytes: 4_096,
    fields: {},
    reply: { seen: field.number('messages'), checksum: field.number('sum of their times') },
    doc: 'What has arrived?',
  },
} as const satisfies Catalogue
