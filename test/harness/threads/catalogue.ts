/** The messages of the actors in toys.mjs. */
import type { Catalogue } from '../../../src/messages/entry.ts'
import { field } from '../../../src/messages/fields.ts'

const heapBytes = field.number('bytes on its heap and beside it')

export const floodCatalogue = {
  'flooder.event-happened': {
    kind: 'fact',
    id: 1,
    from: 'flooder',
    to: ['sink'],
    delivery: 'each',
    key: [],
    maxBytes: 65_536,
    fields: { number: field.number('which'), text: field.text('ballast') },
    doc: 'One of many.',
  },
  'flooder.latest-set': {
    kind: 'fact',
    id: 2,
    from: 'flooder',
    to: ['sink'],
    delivery: 'latest',
    key: ['key'],
    maxBytes: 65_536,
    fields: {
      key: field.number('which'),
      number: field.number('what'),
      text: field.text('ballast'),
    },
    doc: 'A value.',
  },
  'tester.look': {
    kind: 'request',
    id: 3,
    from: 'tester',
    to: ['flooder'],
    maxBytes: 1_024,
    fields: {},
    reply: {
      number: field.number('published so far'),
      heapBytes,
      ports: field.number('channel ends it holds'),
    },
    doc: 'How is the flooder?',
  },
  'tester.peek': {
    kind: 'request',
    id: 4,
    from: 'tester',
    to: ['sink'],
    maxBytes: 1_024,
    fields: {},
    reply: { last: field.number('last read'), count: field.number('how many read'), heapBytes },
    doc: 'How is the sink?',
  },
} as const satisfies Catalogue

export const echoCatalogue = {
  'tester.say': {
    kind: 'request',
    id: 1,
    from: 'tester',
    to: ['echo'],
    maxBytes: 65_536,
    fields: { text: field.text('what') },
    reply: { text: field.text('what came back') },
    doc: 'Say it back.',
  },
  'tester.number-set': {
    kind: 'fact',
    id: 2,
    from: 'tester',
    to: ['echo'],
    delivery: 'latest',
    key: [],
    maxBytes: 1_024,
    fields: { number: field.number('any') },
    doc: 'Makes the tester a publisher.',
  },
} as const satisfies Catalogue
