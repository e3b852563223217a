// Goal: messages that wait keep their order, take turns, and never take more than their room.
import { expect, test } from 'vitest'
import { type Arrived, Inbox } from '../../../../src/actors/gossip/inbox.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import { virtualClock } from '../../../harness/virtual-clock.ts'

const from = { addr: Uint8Array.of(127, 0, 0, 1), port: 1 }
const message = (number: number, bytes = 4): Arrived => {
  const payload = new Uint8Array(bytes)
  new DataView(payload.buffer).setUint32(0, number)
  return { payload, from, via: 'packet' }
}
const numberIn = ({ payload }: Arrived) => new DataView(payload.buffer).getUint32(0)

test('messages are taken in order, some in each turn', () => {
  const clock = virtualClock()
  const taken: number[] = []
  const inbox = new Inbox(clock, (arrived) => void taken.push(numberIn(arrived)))
  const turn = limits.gossipInboxTurn.default
  const count = 5_000
  for (let number = 0; number < count; number++) inbox.put(message(number))
  expect(taken).toEqual([])
  let turns = 0
  for (; clock.pending() > 0; turns++) {
    const [next] = [clock.nextDueMs()!]
    expect(next).toBe(0)
    clock.advance(0)
    if (turns > count) break
  }
  expect(taken).toEqual(Array.from({ length: count }, (_, number) => number))
  expect(inbox.size).toBe(0)
  expect(turn).toBeLessThan(count)
})

test('what does not fit is dropped and counted, by messages and by octets', () => {
  const clock = virtualClock()
  const inbox = new Inbox(clock, () => {})
  for (let number = 0; number < limits.gossipInbox.default + 7; number++) inbox.put(message(number))
  expect([inbox.size, inbox.dropped]).toEqual([limits.gossipInbox.default, 7])
  clock.advance(0)
  expect(inbox.size).toBe(0)
  const large = limits.gossipInboxBytes.default / 2
  for (let number = 0; number < 4; number++) inbox.put(message(number, large))
  expect([inbox.size, inbox.dropped]).toEqual([2, 9])
})

test('a closed inbox takes nothing more', () => {
  const clock = virtualClock()
  let taken = 0
  const inbox = new Inbox(clock, () => {
    taken++
    inbox.close()
  })
  inbox.put(message(1))
  inbox.put(message(2))
  clock.advance(10)
  expect(taken).toBe(1)
})
