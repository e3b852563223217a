/**
 * The queue of what waits to be told: its order, its limits, and what fits into a packet.
 */
import { describe, expect, test } from 'vitest'
import type { PacketMessage, UserMessage } from '../../../../../src/core/gossip/messages.ts'
import { Broadcasts } from '../../../../../src/core/gossip/swim/broadcasts.ts'
import { sizeOf } from '../../../../harness/gossip-world.ts'
import { alive, Lab, text } from './lab.ts'

/** A message of `length` octets that shows its name in its first octet. */
const word = (name: string, length: number): UserMessage => ({
  type: 'user',
  payload: text(name.padEnd(length - 1, '.')),
})

const nameOf = (message: PacketMessage) =>
  message.type === 'user' ? String.fromCharCode(message.payload[0]!) : '?'

const rules = { budget: 1_000, partsMax: 255, overheadEach: 2, timesMax: 3 }

function queueOf(words: string, most = 100): Broadcasts<UserMessage> {
  const queue = new Broadcasts<UserMessage>(most, sizeOf)
  for (const one of words.split(' ')) queue.queue(one[0]!, word(one[0]!, Number(one.slice(1))))
  return queue
}

const take = (queue: Broadcasts<UserMessage>, more: Partial<typeof rules> = {}): string => {
  const into: PacketMessage[] = []
  queue.take(into, { ...rules, ...more })
  return into.map(nameOf).join('')
}

describe('order', () => {
  test('the longest first, and the newest of equally long ones', () => {
    expect(take(queueOf('a10 b30 c20 d20'))).toBe('bdca')
  })

  test('the least often sent before the longest', () => {
    const queue = queueOf('a30 b20')
    expect(take(queue)).toBe('ab')
    queue.queue('c', word('c', 10))
    expect(take(queue)).toBe('cab')
  })

  test('a shorter one is taken where a longer one does not fit', () => {
    const queue = queueOf('a50 b40 c30 d4')
    // 52 + 42 leave 6 of 100, which d takes.
    expect(take(queue, { budget: 100 })).toBe('abd')
    expect(take(queue, { budget: 100 })).toBe('cad')
  })

  test('each costs its length and its overhead, to the octet', () => {
    expect(take(queueOf('a50 b46'), { budget: 100 })).toBe('ab')
    expect(take(queueOf('a50 b46'), { budget: 99 })).toBe('a')
    expect(take(queueOf('a50'), { budget: 51 })).toBe('')
    expect(take(queueOf('a5'), { budget: -3 })).toBe('')
  })

  test('no more parts than a packet may hold', () => {
    expect(take(queueOf('a5 b5 c5'), { partsMax: 2 })).toBe('cb')
    expect(take(queueOf('a5 b5 c5'), { partsMax: 0 })).toBe('')
  })
})

describe('limits', () => {
  test('a message is sent so many times and then done', () => {
    const queue = queueOf('a10')
    expect([1, 2, 3, 4].map(() => take(queue))).toEqual(['a', 'a', 'a', ''])
    expect(queue.size).toBe(0)
  })

  test('a message may have a limit of its own', () => {
    const queue = queueOf('a10')
    queue.queue('b', word('b', 5), { timesMax: 1 })
    expect([1, 2].map(() => take(queue))).toEqual(['ab', 'a'])
  })

  test('new replaces old of the same name and starts afresh; the old one is told it is done', () => {
    const queue = new Broadcasts<UserMessage>(10, sizeOf)
    let done = 0
    queue.queue('a', word('a', 10), { onDone: () => done++ })
    take(queue)
    queue.queue('a', word('A', 10))
    expect([done, queue.size]).toEqual([1, 1])
    expect([1, 2, 3, 4].map(() => take(queue))).toEqual(['A', 'A', 'A', ''])
    expect(done).toBe(1)
  })

  test('a full queue drops what was sent most', () => {
    const queue = queueOf('a10 b10', 2)
    take(queue, { partsMax: 1 })
    queue.queue('c', word('c', 10))
    expect(queue.waiting('b')).toBeUndefined()
    expect(take(queue)).toBe('ca')
  })

  test('thousands wait and leave in full packets', () => {
    const queue = new Broadcasts<UserMessage>(5_000, sizeOf)
    for (let at = 0; at < 5_000; at++) queue.queue(`n${at}`, word('x', 20 + (at % 60)))
    let taken = 0
    let packets = 0
    while (queue.size > 0) {
      const into: PacketMessage[] = []
      const used = queue.take(into, { ...rules, budget: 1_369, timesMax: 2 })
      expect(used).toBeLessThanOrEqual(1_369)
      expect(used).toBe(into.reduce((sum, message) => sum + sizeOf(message) + 2, 0))
      taken += into.length
      packets++
    }
    expect(taken).toBe(10_000)
    // 49.5 octets and 2 each on average: no packet is less than nearly full.
    expect(packets).toBeLessThan((10_000 * 51.5) / 1_369 + 10)
  })
})

describe('in packets', () => {
  test('no packet is longer than the setting less its framing', () => {
    const lab = new Lab().hear(
      Array.from({ length: 100 }, (_, at) =>
        alive(`node-with-a-long-name-${at}`, 1, { port: 1_000 + at, meta: new Uint8Array(at) }),
      ),
    )
    lab.pass(3_000)
    const packets = lab.packets()
    expect(packets.length).toBeGreaterThan(20)
    for (const { messages } of packets) {
      const octets = messages.reduce((sum, message) => sum + sizeOf(message) + 2, 2)
      expect(octets).toBeLessThanOrEqual(1_400 - 29)
      expect(messages.length).toBeLessThanOrEqual(127)
    }
  })

  test('user broadcasts fill what news of members leaves', () => {
    const lab = new Lab().hear([alive('b'), alive('c')])
    expect(lab.membership.queueUserBroadcast('x', text('hello')).ok).toBe(true)
    lab.membership.queueUserBroadcast('x', text('again'))
    lab.pass(200)
    const gossip = lab.packets().find(({ messages }) => messages[0]?.type === 'alive')
    expect(gossip?.messages.at(-1)).toEqual({ type: 'user', payload: text('again') })
    lab.pass(5_000)
    expect(lab.membership.counts).toMatchObject({ newsWaiting: 0, userNewsWaiting: 0 })
  })

  test('a user broadcast that fits no packet is refused', () => {
    const lab = new Lab()
    expect(lab.membership.queueUserBroadcast('x', new Uint8Array(1_366)).ok).toBe(true)
    expect(lab.membership.queueUserBroadcast('x', new Uint8Array(1_367)).ok).toBe(false)
  })
})
