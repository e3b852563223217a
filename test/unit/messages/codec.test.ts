/** Goal: the codec holds senders to the catalogue, and a bad catalogue is refused. */
import { describe, expect, test } from 'vitest'
import { type Codec, codecOf } from '../../../src/messages/codec.ts'
import {
  askCycle,
  catalogueFaults,
  edgesOf,
  presentIn,
  publishersTo,
} from '../../../src/messages/edges.ts'
import type { Catalogue, Entry } from '../../../src/messages/entry.ts'
import { field } from '../../../src/messages/fields.ts'

const fact = (id: number, more: Partial<Entry> = {}): Entry =>
  ({
    kind: 'fact',
    id,
    from: 'a',
    to: ['b'],
    delivery: 'each',
    key: [],
    maxBytes: 64,
    fields: { n: field.number(''), text: field.optional(field.text('')) },
    doc: '',
    ...more,
  }) as Entry

const request = (id: number, from: string, to: string): Entry => ({
  kind: 'request',
  id,
  from,
  to: [to],
  maxBytes: 64,
  fields: {},
  reply: { list: field.list('') },
  doc: '',
})

const catalogue: Catalogue = { 'a.number-set': fact(1), 'a.list': request(2, 'a', 'b') }

const decoded = (codec: Codec, ...items: Uint8Array[]) => codec.decode(codec.batch(items))

describe('encoding', () => {
  const codec = codecOf(catalogue)

  test.each([
    ['a missing field', {}, 'n is number'],
    ['a field of another kind', { n: '1' }, 'n is number'],
    ['a value that is no message', undefined, 'is an object'],
    ['more than its bytes', { n: 1, text: 'x'.repeat(80) }, 'at most 64 bytes'],
  ])('%s is an assertion', (_, message, why) => {
    expect(() => codec.fact('a.number-set', message)).toThrow(why)
  })

  test('a name that is not in the catalogue is an assertion', () => {
    expect(() => codec.fact('a.other', {})).toThrow('a.other is in the catalogue')
  })

  test('a reply over its bound is undefined, and the encoder goes on', () => {
    const list = Array.from({ length: 70 }, () => 'x'.repeat(1_048_576))
    expect(codec.reply('a.list', 1, { list })).toBeUndefined()
    expect(codec.fact('a.number-set', { n: 1 }).buffer.byteLength).toBeLessThan(20_000)
  })

  test('items stay valid while others, large ones too, are encoded', () => {
    const first = codec.fact('a.number-set', { n: 1 })
    const big = codec.reply('a.list', 2, { list: ['y'.repeat(3_000_000)] })!
    const last = codec.fact('a.number-set', { n: 3 })
    const { items, dropped } = decoded(codec, first, big, last)
    expect(dropped).toBe(0)
    expect(items.map(({ kind }) => kind)).toEqual(['fact', 'reply', 'fact'])
    expect(items[0]).toMatchObject({ message: { n: 1 } })
    expect(items[2]).toMatchObject({ message: { n: 3 } })
  })
})

describe('decoding', () => {
  const codec = codecOf(catalogue)
  const newer = codecOf({
    ...catalogue,
    'a.number-set': fact(1, { fields: { n: field.text('') } }),
    'a.new-thing-set': fact(9),
  })

  test('what does not fit the catalogue is left out and counted, the rest arrives', () => {
    const { items, dropped } = decoded(
      newer,
      newer.fact('a.number-set', { n: 'text' }),
      newer.fact('a.new-thing-set', { n: 1 }),
      codec.failure(7, 'why'),
    )
    expect([items.length, dropped]).toEqual([3, 0])
    const seen = decoded(
      codec,
      newer.fact('a.number-set', { n: 'text' }),
      newer.fact('a.new-thing-set', { n: 1 }),
      codec.failure(7, 'why'),
    )
    expect(seen).toEqual({ items: [{ kind: 'failure', call: 7, why: 'why' }], dropped: 2 })
  })
})

describe('a catalogue', () => {
  test('joins each pair with a message between them once', () => {
    expect(edgesOf(catalogue)).toEqual([['a', 'b']])
    expect(publishersTo(catalogue, 'b')).toEqual(['a'])
    expect(publishersTo(catalogue, 'a')).toEqual([])
  })

  test('of a system that lacks an actor sends it nothing and keeps every id', () => {
    const lacking = presentIn(catalogue, new Set(['a']))
    expect(edgesOf(lacking)).toEqual([])
    expect(catalogueFaults(lacking)).toEqual([])
    expect(Object.keys(lacking)).toEqual(Object.keys(catalogue))
    expect(presentIn(catalogue, new Set(['a', 'b']))).toEqual(catalogue)
  })

  test.each<[string, Catalogue, string]>([
    ['an id used twice', { 'a.x-set': fact(1), 'a.y-set': fact(1) }, 'share the id 1'],
    ['an id below 1', { 'a.x-set': fact(0) }, 'not positive'],
    ['an actor that sends to itself', { 'a.x-set': fact(1, { to: ['a'] }) }, 'sends to itself'],
    ['a name without its sender', { 'b.x-set': fact(1) }, 'does not begin with its sender'],
    ['a key that is no plain field', { 'a.x-set': fact(1, { key: ['list'] }) }, 'key list'],
    [
      'requests in a circle',
      { 'a.do': request(1, 'a', 'b'), 'b.do': request(2, 'b', 'c'), 'c.do': request(3, 'c', 'a') },
      'cycle: a, b, c',
    ],
  ])('with %s is refused', (_, broken, why) => {
    expect(catalogueFaults(broken).join()).toContain(why)
    expect(() => codecOf(broken)).toThrow('the catalogue is sound')
  })

  test('with requests in a line has no cycle', () => {
    expect(askCycle({ 'a.do': request(1, 'a', 'b'), 'b.do': request(2, 'b', 'c') })).toEqual([])
  })
})
