// Goal: whatever is lost or restarted between the registry and the sockets, each reader hears every
// number once, in order, or is told of a gap, or is sent away to resume.
import { describe, expect, test } from 'vitest'
import type { FeedSocket } from '../../../../src/actors/shell/contract.ts'
import { Hub, type Page } from '../../../../src/actors/shell/feed/hub.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import { EVERYTHING, type Filter } from '../../../../src/core/events/filter.ts'
import {
  type FeedMessage,
  type ToldEvent,
  toldEvent,
} from '../../../../src/core/events/protocol.ts'
import { virtualClock } from '../../../harness/virtual-clock.ts'

const eventOf = (number: number, topic: 'health' | 'rate' = 'health'): ToldEvent =>
  toldEvent({ number, topic, kind: 'test', atMs: 1, data: {} })
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)
const eventsOf = (from: number, to: number) => range(from, to).map((number) => eventOf(number))

class Socket implements FeedSocket {
  readonly heard: number[] = []
  waiting = 0
  ended: string | undefined

  send(messages: readonly FeedMessage[]): number {
    this.heard.push(...messages.map(({ number }) => number))
    return this.waiting
  }

  waitingBytes(): number {
    return this.waiting
  }

  close(code: number, reason: string): void {
    this.ended = `${code} ${reason}`
  }
}

type Read = (from: number, filter: Filter) => Promise<Page | undefined>

function world(read: Read = async () => undefined) {
  const clock = virtualClock()
  const pages = { read }
  const hub = new Hub({
    read: (from, filter) => pages.read(from, filter),
    after: (delayMs, run) => clock.after(delayMs, run),
    monotonicMs: () => clock.monotonicMs(),
  })
  hub.begin(1)
  const add = (from?: number, filter = EVERYTHING) => {
    const socket = new Socket()
    return { socket, reader: hub.add(socket, filter, from) }
  }
  return { clock, hub, add, pages }
}

const settled = () => new Promise<void>((resolve) => void setImmediate(resolve))

describe('live readers', () => {
  test('are all sent away to come again where who may listen has changed', () => {
    const { hub, add } = world()
    const all = [add(), add(1)]
    hub.cutAll('who may listen has changed')
    for (const { socket } of all) expect(socket.ended).toBe('1013 who may listen has changed')
    const { socket } = add()
    hub.told(eventsOf(1, 2))
    expect(socket.heard).toEqual([1, 2])
  })

  test('hear each number once, though some are told twice', () => {
    const { hub, add } = world()
    const { socket } = add()
    hub.told(eventsOf(1, 3))
    hub.told(eventsOf(2, 5))
    expect(socket.heard).toEqual(range(1, 5))
  })

  test('a hole is filled for all who are live, from where they are', async () => {
    const log = eventsOf(1, 20)
    const { hub, add } = world(async (from) => ({
      events: log.filter(({ number }) => number >= from).slice(0, 4),
      next: Math.min(21, from + 4),
      isEnd: from + 4 >= 21,
    }))
    const all = add()
    const late = add()
    hub.told(log.slice(0, 5))
    hub.told(log.slice(9, 12))
    hub.told([eventOf(0)])
    hub.told(log.slice(12, 20))
    await settled()
    hub.told([eventOf(21)])
    expect(all.socket.heard.filter((number) => number > 0)).toEqual(range(1, 21))
    expect(late.socket.heard).toEqual(all.socket.heard)
  })

  test('what is told while the last page of a hole is under way is heard, though nothing follows', async () => {
    const log = eventsOf(1, 5)
    const { hub, add } = world(async (from) => ({
      events: log.filter(({ number }) => number >= from),
      next: log.length + 1,
      isEnd: true,
    }))
    const { socket } = add()
    hub.told([log[0]!])
    // The page is made here, up to 5.
    hub.told([log[4]!])
    log.push(eventOf(6))
    hub.told([log[5]!])
    await settled()
    expect(socket.heard).toEqual(range(1, 6))
  })

  test('a log that cannot be read sends everybody away, and the next ones start anew', async () => {
    const { hub, add, clock } = world()
    const { socket } = add()
    hub.told([eventOf(1)])
    hub.told([eventOf(5)])
    for (let tries = 0; tries <= limits.feedReadRetries.default; tries++) {
      await settled()
      clock.advance(limits.feedReadRetryMs.default)
    }
    await settled()
    expect(socket.ended).toBe('1013 the event log cannot be read')
    expect([hub.size, hub.counts.cut]).toEqual([0, 1])
    hub.begin(6)
    const next = add()
    hub.told([eventOf(6)])
    expect(next.socket.heard).toEqual([6])
  })

  test('one that lets too much wait is cut, and the others are not', () => {
    const { hub, add } = world()
    const [good, slow] = [add(), add()]
    slow.socket.waiting = limits.feedQueueBytes.default + 1
    hub.told(eventsOf(1, 2))
    expect(slow.socket.ended).toMatch(/^1013 too slow/)
    expect([good.socket.ended, hub.size, hub.counts.slow]).toEqual([undefined, 1, 1])
    expect(hub.waitingBytes).toBe(0)
  })

  test('while much waits for all together, each may hold less', () => {
    const { hub, add } = world()
    const { socket } = add()
    socket.waiting = limits.feedPauseBytes.default + 1
    hub.told([eventOf(1)])
    expect(socket.ended).toBeUndefined()
    hub.waitingBytes += limits.feedQueueTotalBytes.default
    hub.told([eventOf(2)])
    expect(socket.ended).toMatch(/^1013/)
  })
})

describe('topics that are held nowhere', () => {
  test('are named to who makes them as long as a reader names them', () => {
    const told: string[] = []
    const hub = new Hub({
      read: async () => undefined,
      after: () => () => {},
      monotonicMs: () => 0,
      heard: (topics) => told.push(topics.join()),
    })
    const listen = (topics: Filter['topics'], nothing = false) =>
      hub.add(new Socket(), { ...EVERYTHING, topics, nothing }, undefined)
    listen([])
    listen(['health'])
    listen(['decision'], true)
    expect([told, hub.heard]).toEqual([[], []])
    const first = listen(['decision', 'health'])
    const second = listen(['decision', 'health'])
    const third = listen(['rate'])
    expect(told).toEqual(['decision', 'decision,rate'])
    hub.remove(first)
    hub.remove(third)
    expect(told).toEqual(['decision', 'decision,rate', 'decision'])
    hub.remove(second)
    expect(hub.heard).toEqual([])
  })
})

describe('where writing takes long', () => {
  function slowWorld(writeMs: number) {
    const clock = virtualClock()
    const log = eventsOf(1, 40)
    let spentMs = 0
    const writes: number[][] = []
    const hub = new Hub({
      read: async (from) => ({ events: log.slice(from - 1), next: 41, isEnd: true }),
      after: (delayMs, run) => clock.after(delayMs, run),
      monotonicMs: () => clock.monotonicMs() + spentMs,
    })
    hub.begin(1)
    const socket = new Socket()
    socket.send = (messages) => {
      spentMs += writeMs
      writes.push(messages.map(({ number }) => number))
      return 0
    }
    hub.add(socket, EVERYTHING, undefined)
    return { clock, hub, writes, log }
  }

  test('events are gathered for twice as long as the last writing took', () => {
    const { clock, hub, writes } = slowWorld(5)
    for (let number = 1; number <= 4; number++) hub.told([eventOf(number)])
    expect(writes).toEqual([[1]])
    clock.advance(9)
    expect(writes).toHaveLength(1)
    clock.advance(1)
    expect(writes).toEqual([[1], [2, 3, 4]])
  })

  test('never for longer than the limit, and not at all where writing is quick', () => {
    const slow = slowWorld(500)
    slow.hub.told([eventOf(1)])
    slow.hub.told([eventOf(2)])
    slow.clock.advance(limits.feedPaceMs.default)
    expect(slow.writes).toEqual([[1], [2]])
    const quick = slowWorld(0.1)
    for (let number = 1; number <= 3; number++) quick.hub.told([eventOf(number)])
    expect(quick.writes).toEqual([[1], [2], [3]])
  })

  test('what was gathered goes out before a hole is filled, and before the end', async () => {
    const { hub, writes } = slowWorld(5)
    hub.told([eventOf(1)])
    hub.told([eventOf(2), eventOf(3)])
    hub.told([eventOf(30)])
    await settled()
    expect(writes.flat()).toEqual(range(1, 40))
    hub.told([eventOf(41)])
    hub.close()
    expect(writes.flat()).toEqual(range(1, 41))
  })
})

describe('readers that resume', () => {
  test('get what was before, then what is told, without a hole or a double', async () => {
    let give: (page: Page) => void = () => {}
    const { hub, add } = world(() => new Promise((resolve) => (give = resolve)))
    hub.told(eventsOf(1, 5))
    const { socket } = add(2)
    // Told while the page is on its way: it is in the page, or comes after it.
    hub.told(eventsOf(6, 7))
    await settled()
    give({ events: eventsOf(2, 5), next: 6, isEnd: false })
    await settled()
    hub.told([eventOf(8)])
    give({ events: eventsOf(6, 8), next: 9, isEnd: true })
    await settled()
    hub.told([eventOf(9)])
    expect(socket.heard).toEqual(range(2, 9))
  })

  test('are fed as they read, and one that reads nothing is sent away', async () => {
    let reads = 0
    const { add, clock } = world(async (from) => {
      reads++
      return { events: eventsOf(from, from + 9), next: from + 10, isEnd: from > 30 }
    })
    const { socket, reader } = add(1)
    socket.waiting = limits.feedPauseBytes.default
    await settled()
    expect(reads).toBe(1)
    reader.drained()
    expect(reads).toBe(1)
    socket.waiting = 0
    reader.drained()
    await settled()
    expect(socket.heard).toEqual(range(1, 40))
    const stuck = add(1)
    stuck.socket.waiting = limits.feedPauseBytes.default
    await settled()
    clock.advance(limits.feedStallMs.default)
    expect(stuck.socket.ended).toBe('1013 nothing was read for too long')
  })

  test('hear what is told in one batch with their last page', async () => {
    const log = eventsOf(1, 2)
    const { hub, add } = world(async (from) => ({
      events: log.filter(({ number }) => number >= from),
      next: log.length + 1,
      isEnd: true,
    }))
    hub.told(log)
    // The page is made here, up to 2; its reader goes on once the batch with it was handled.
    const { socket } = add(1)
    log.push(eventOf(3))
    hub.told([log[2]!])
    await settled()
    hub.told([eventOf(4)])
    expect(socket.heard).toEqual(range(1, 4))
  })

  test('who left before their turn are read for no more', async () => {
    const answers: ((page: Page) => void)[] = []
    const { hub, add } = world(() => new Promise((resolve) => void answers.push(resolve)))
    hub.told(eventsOf(1, 2))
    const most = limits.feedReadsAtOnce.default
    const readers = Array.from({ length: most + 5 }, () => add(1).reader)
    for (const reader of readers.slice(most, most + 4)) reader.closed()
    for (const answer of [...answers]) answer({ events: [], next: 3, isEnd: true })
    await settled()
    expect(answers.length).toBe(most + 1)
  })

  test('take turns at the log', async () => {
    let [now, most] = [0, 0]
    const { add } = world(async (from) => {
      most = Math.max(most, ++now)
      await settled()
      now--
      return { events: [], next: from, isEnd: true }
    })
    for (let count = 0; count < 100; count++) add(1)
    for (let turn = 0; turn < 20; turn++) await settled()
    expect([now, most]).toEqual([0, limits.feedReadsAtOnce.default])
  })

  test('a page of an earlier subscription is not told', async () => {
    const gives: ((page: Page) => void)[] = []
    const { add } = world(() => new Promise((resolve) => void gives.push(resolve)))
    const { socket, reader } = add(1)
    const order = { type: 'subscribe', topics: ['health'], from: 40 }
    reader.message(new TextEncoder().encode(JSON.stringify(order)), true)
    await settled()
    gives[0]!({ events: eventsOf(1, 3), next: 4, isEnd: true })
    gives[1]!({ events: eventsOf(40, 41), next: 42, isEnd: true })
    await settled()
    expect(socket.heard.filter((number) => number > 0)).toEqual([40, 41])
  })
})
