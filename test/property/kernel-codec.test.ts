/** Goal: what is encoded arrives equal, and no bytes make the decoder throw. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codecOf } from '../../src/messages/codec.ts'
import type { Catalogue } from '../../src/messages/entry.ts'
import { field } from '../../src/messages/fields.ts'

const catalogue = {
  'a.all-kinds-set': {
    kind: 'fact',
    id: 300,
    from: 'a',
    to: ['b'],
    delivery: 'latest',
    key: ['text', 'number'],
    maxBytes: 1_048_576,
    fields: {
      text: field.text(''),
      number: field.number(''),
      boolean: field.boolean(''),
      bytes: field.bytes(''),
      list: field.list<unknown>(''),
      object: field.object<unknown>(''),
      maybe: field.optional(field.number('')),
    },
    doc: '',
  },
} as const satisfies Catalogue

const codec = codecOf(catalogue)

const plain = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 4, noNullPrototype: true },
    ),
  ),
})).value

const message = fc.record(
  {
    text: fc.string(),
    number: fc.maxSafeInteger(),
    boolean: fc.boolean(),
    bytes: fc.uint8Array({ maxLength: 100 }),
    list: fc.array(plain, { maxLength: 5 }),
    object: fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      plain,
      { noNullPrototype: true },
    ),
    maybe: fc.integer(),
  },
  { requiredKeys: ['text', 'number', 'boolean', 'bytes', 'list', 'object'] },
)

const sent = (messages: readonly unknown[]) =>
  codec.batch(messages.map((one) => codec.fact('a.all-kinds-set', one)))

describe('codec', () => {
  test('a batch arrives as it was sent, in a buffer of exactly its size', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 20 }), (messages) => {
        const batch = sent(messages)
        expect(batch.buffer.byteLength).toBe(batch.length)
        const { items, dropped } = codec.decode(structuredClone(batch))
        expect(dropped).toBe(0)
        const arrived = items.map((item) => (item.kind === 'fact' ? item.message : undefined))
        expect(arrived).toEqual(messages)
      }),
    )
  })

  test('bytes changed on the way never throw, and lose only what they touch', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 5 }),
        changes,
        fc.nat(),
        (messages, edits, cut) => {
          const batch = sent(messages)
          for (const [at, byte] of edits) batch[at % batch.length] = byte
          const bytes = cut % 3 === 0 ? batch.subarray(0, cut % batch.length) : batch
          const { items, dropped } = codec.decode(bytes)
          expect(items.length + dropped).toBeGreaterThanOrEqual(0)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('any bytes at all never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => codec.decode(bytes)).not.toThrow()
      }),
      { numRuns: 5_000 },
    )
  })

  test('keys are equal exactly when the key fields are', () => {
    fc.assert(
      fc.property(message, message, (one, other) => {
        const same = one.text === other.text && one.number === other.number
        const keys = [one, other].map((each) => codec.keyOf('a.all-kinds-set', each))
        expect(keys[0] === keys[1]).toBe(same)
      }),
    )
  })
})
