// Goal: a list of drains reads back as it was written, and nothing else is taken for one.
import { expect, test } from 'vitest'
import { octetsOf } from '../../../../../src/core/gossip/app/crypto.ts'
import { parseOrders, writeOrders } from '../../../../../src/core/gossip/app/orders.ts'

const orders = {
  overwatch: 'ow1',
  overwatchBoot: 5,
  turn: 6,
  agentId: 'eu-1',
  drains: [
    {
      backend: 'web:10.0.0.1:80',
      drain: { id: 'd1', reason: 'deploy', by: 'overwatch', sinceMs: 7, untilMs: 8 },
    },
    { backend: 'web:[::1]:80', drain: { id: 'd2', reason: '', by: 'overwatch', sinceMs: 9 } },
  ],
} as const

test('a list reads back as it was written', () => {
  expect(parseOrders(writeOrders(orders))).toEqual({ ok: true, value: orders })
})

test('a key that is to go is named beside it; what is no fingerprint is passed over', () => {
  const rotate = 'ab'.repeat(32)
  const asked = { ...orders, drains: [], rotate }
  expect(parseOrders(writeOrders(asked))).toEqual({ ok: true, value: asked })
  const read = parseOrders(writeOrders({ ...asked, rotate: 'x'.repeat(64) }))
  expect(read.ok && read.value.rotate).toBe(undefined)
})

test('whoever writes it, the drain is one of an overwatch', () => {
  const text = new TextDecoder().decode(writeOrders(orders)).replaceAll('deploy', 'x","by":"file')
  const read = parseOrders(octetsOf(text))
  expect(read.ok && read.value.drains.map(({ drain }) => drain.by)).toEqual([
    'overwatch',
    'overwatch',
  ])
})

for (const text of [
  '',
  '{}',
  '{"type":"ack","overwatch":"ow1","agent_id":"eu-1"}',
  '{"type":"drains","overwatch":"","agent_id":"eu-1"}',
  '{"type":"drains","overwatch":"ow1","agent_id":"../x"}',
  '{"type":"drains","overwatch":"ow1","agent_id":"eu-1","drains":[{"backend":"","id":"x"}]}',
  '{"type":"drains","overwatch":"ow1","agent_id":"eu-1","drains":[{"backend":"b","id":""}]}',
  `{"type":"drains","overwatch":"ow1","agent_id":"eu-1","x":"${'y'.repeat(70_000)}"}`,
])
  test(`${text.slice(0, 80)} is no list of drains`, () => {
    expect(parseOrders(octetsOf(text)).ok).toBe(false)
  })
