/**
 * Goal: what a fact shares arrives with it, in order, whatever is replaced or dropped on the way;
 * and memory that an actor lent is given back once, at the latest when the actor ends.
 * Method: hosts whose peer is played by the test, and small actors in a simulated world.
 */
import { describe, expect, test } from 'vitest'
import type { AnyActor, AnyCtx } from '../../../src/kernel/erased.ts'
import type { Loan } from '../../../src/kernel/supervisor.ts'
import { codecOf } from '../../../src/messages/codec.ts'
import { catalogueFaults } from '../../../src/messages/edges.ts'
import type { Catalogue } from '../../../src/messages/entry.ts'
import { field } from '../../../src/messages/fields.ts'
import { playHost } from '../../harness/pair.ts'
import { settle } from '../../harness/virtual-clock.ts'
import { World } from '../../harness/world.ts'

const fields = { n: field.number('any'), table: field.shared<Int32Array>('large') }
const fact = { kind: 'fact', maxBytes: 32, doc: '', from: 'a', to: ['b'] } as const
const catalogue = {
  'a.table-set': { ...fact, id: 1, delivery: 'latest', key: ['n'], fields },
  'a.plain-set': { ...fact, id: 2, delivery: 'each', key: [], fields: { n: fields.n } },
} as const satisfies Catalogue

const tableOf = (value: number) => new Int32Array(new SharedArrayBuffer(4)).fill(value)

describe('what a fact shares', () => {
  const codec = codecOf(catalogue)

  test('does not count in its bytes, and is put back where it was', () => {
    const table = new Int32Array(new SharedArrayBuffer(1_000_000))
    const bytes = codec.fact('a.table-set', { n: 1, table })
    expect(bytes.length).toBeLessThan(16)
    const batch = codec.batch([bytes, codec.fact('a.plain-set', { n: 2 })])
    const { items, dropped } = codec.decode(batch, codec.sharedOf('a.table-set', { n: 1, table }))
    expect(dropped).toBe(0)
    const [first, second] = items as unknown as { message: { n: number; table?: Int32Array } }[]
    expect(first!.message.table).toBe(table)
    expect(second!.message).toEqual({ n: 2 })
  })

  test('is required of the sender, and a message whose share is missing is dropped', () => {
    expect(() => codec.fact('a.table-set', { n: 1 })).toThrow('table is shared')
    const batch = codec.batch([codec.fact('a.table-set', { n: 1, table: tableOf(1) })])
    expect(codec.decode(batch)).toEqual({ items: [], dropped: 1 })
  })

  test('belongs to facts, always', () => {
    const optional = { table: field.optional(fields.table) }
    const asked = { ...fact, kind: 'request', id: 3, to: ['b'] as const, reply: {}, fields }
    expect(catalogueFaults({ 'a.x': { ...catalogue['a.plain-set'], fields: optional } })).toEqual([
      'a.x: a shared field is optional',
    ])
    expect(catalogueFaults({ 'a.do': asked as never })).toEqual([
      'a.do: only facts have shared fields',
    ])
  })

  test('travels with the message that is sent, not with one it replaced', async () => {
    const { host, ctx, wire } = await playHost(catalogue, 'a', () => ({ receive: {} }))
    const peer = wire()
    host.connect('b', peer.wire)
    const tables = [10, 11, 12, 13].map(tableOf)
    ctx.publish('a.table-set', { n: 1, table: tables[0] })
    ctx.publish('a.table-set', { n: 2, table: tables[1] })
    ctx.publish('a.plain-set', { n: 9 })
    ctx.publish('a.table-set', { n: 1, table: tables[2] })
    await settle()
    const got = peer.items() as unknown as { message: { n: number; table?: Int32Array } }[]
    expect(got.map(({ message }) => [message.n, message.table?.[0]])).toEqual([
      [2, 11],
      [9, undefined],
      [1, 12],
    ])
  })
})

describe('memory that is lent', () => {
  /** An actor `a` that lends a number at each start, and what the outside heard of it. */
  async function lender(act: (ctx: AnyCtx, giveBack: () => void) => void = () => {}) {
    const heard: string[] = []
    const actor: AnyActor = {
      name: 'a',
      start: (ctx) => {
        act(ctx, ctx.lend(100 + ctx.incarnation))
        return { receive: {} }
      },
    }
    const reader: AnyActor = {
      name: 'b',
      start: () => ({ receive: { 'a.table-set': () => {}, 'a.plain-set': () => {} } }),
    }
    const children = [
      { name: 'a', actor },
      { name: 'b', actor: reader },
    ]
    const text = ({ name, incarnation, loan }: Loan) => `${name}${incarnation} ${loan}`
    const world = new World({ catalogue, children, seed: 7 })
    world.supervisor.onLoan({
      lent: (loan, memory) => void heard.push(`${text(loan)} lent ${String(memory)}`),
      returned: (loan) => void heard.push(`${text(loan)} returned`),
    })
    await world.start()
    await world.runFor(10)
    return { world, heard }
  }

  test('is heard of once lent and once given back', async () => {
    const { heard } = await lender((ctx, giveBack) => {
      ctx.lend('more')
      giveBack()
      giveBack()
    })
    expect(heard).toEqual(['a1 1 lent 101', 'a1 2 lent more', 'a1 1 returned'])
  })

  test('comes back when its actor ends, before the next incarnation lends its own', async () => {
    const { world, heard } = await lender()
    world.kill('a')
    await world.runFor(1_000)
    expect(heard).toEqual(['a1 1 lent 101', 'a1 1 returned', 'a2 1 lent 102'])
    await world.stop()
    expect(heard.at(-1)).toBe('a2 1 returned')
  })
})
