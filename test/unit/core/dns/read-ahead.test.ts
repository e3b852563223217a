// Goal: reading ahead reads the nodes of the names that are asked for, whatever else lies in the
// batch, and changes no answer. Method: a zone of many names; a word of a node is changed and what
// was read must change by it; batches of whole, cut and random queries, answered with and without.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ReadAhead } from '../../../../src/core/dns/read-ahead.ts'
import type { NameTable } from '../../../../src/core/zone/table.ts'
import { buildQuery } from '../../../harness/dns-query.ts'
import { authorityOf, snapshotOf } from '../../../harness/dns-world.ts'

const NAMES = 8_000
const STRIDE = 512
const nameOf = (index: number): string => `n${String(index).padStart(7, '0')}.example.com`
const zone = (names: number): string =>
  Array.from({ length: names }, (_, at) => `n${String(at).padStart(7, '0')} A 192.0.2.1`).join('\n')

function serve(names: number) {
  const authority = authorityOf({})
  authority.applySnapshot(snapshotOf({ zones: { 'example.com': zone(names) } }))
  return authority
}

const large = serve(NAMES)
const table = large.serving!.table

interface Batch {
  readonly queries: Uint8Array
  readonly lengths: Uint32Array
}

function batchOf(all: readonly Uint8Array[]): Batch {
  const queries = new Uint8Array(all.length * STRIDE)
  for (const [at, one] of all.entries()) queries.set(one.subarray(0, STRIDE), at * STRIDE)
  return { queries, lengths: Uint32Array.from(all, ({ length }) => Math.min(length, STRIDE)) }
}

function seenOf(of: NameTable, { queries, lengths }: Batch): number {
  const ahead = new ReadAhead(() => of)
  ahead.look(queries, STRIDE, lengths, lengths.length)
  return ahead.seen
}

const asked = (index: number) => buildQuery({ name: nameOf(index), type: 'A' })

function nodeOf(index: number): number {
  const out = new Uint8Array(512)
  const query = asked(index)
  const client = { bytes: Uint8Array.of(192, 0, 2, 9), transport: 'udp' } as const
  large.answer(query, 0, query.length, out, 0, client)
  return large.last.node
}

describe('what is read', () => {
  test.each([0, 1, 4_711, NAMES - 1])('the node of name %i, and what lies behind it', (index) => {
    const batch = batchOf([Uint8Array.of(1, 2, 3), asked(index), asked(17)])
    const node = nodeOf(index)
    for (const at of [node, node + 16]) {
      const before = seenOf(table, batch)
      table.words[at]! ^= 0x4000_0000
      const after = seenOf(table, batch)
      table.words[at]! ^= 0x4000_0000
      expect(after ^ before).toBe(0x4000_0000)
    }
  })

  test('every name of the zone, however their hashes fall', () => {
    for (let index = 0; index < NAMES; index += 37) {
      const batch = batchOf([asked(index)])
      const before = seenOf(table, batch)
      const node = nodeOf(index)
      table.words[node]! ^= 1 << 30
      expect(seenOf(table, batch)).not.toBe(before)
      table.words[node]! ^= 1 << 30
    }
  })

  test('nothing where the table is small', () => {
    expect(seenOf(serve(3).serving!.table, batchOf([asked(1)]))).toBe(0)
  })
})

const query = fc.oneof(
  fc.integer({ min: 0, max: NAMES + 50 }).map(asked),
  fc
    .record({ index: fc.integer({ min: 0, max: NAMES }), length: fc.integer({ min: 0, max: 40 }) })
    .map(({ index, length }) => asked(index).slice(0, length)),
  fc.uint8Array({ maxLength: 600 }),
)

test('answers are the same with it and without', () => {
  const client = { bytes: Uint8Array.of(192, 0, 2, 9), transport: 'udp' } as const
  const ahead = new ReadAhead(() => table)
  fc.assert(
    fc.property(fc.array(query, { minLength: 1, maxLength: 70 }), (all) => {
      const { queries, lengths } = batchOf(all)
      const answers = () =>
        all.map((_, at) => {
          const out = new Uint8Array(STRIDE)
          const written = large.answer(queries, at * STRIDE, lengths[at]!, out, 0, client)
          return Buffer.from(out.subarray(0, written)).toString('hex')
        })
      const without = answers()
      ahead.look(queries, STRIDE, lengths, all.length)
      expect(answers()).toEqual(without)
    }),
    { numRuns: 200 },
  )
})
