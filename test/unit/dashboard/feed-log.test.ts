import { describe, expect, test } from 'vitest'
import { happeningOf, isWanted, joined, KEPT } from '../../../src/dashboard/feed-log.ts'

const event = (number: number, over: object = {}) =>
  happeningOf({
    type: 'event',
    number,
    at: '2026-11-21T12:00:00.000Z',
    topic: 'health',
    kind: 'status-changed',
    service: 'app.test',
    data: { address: '10.0.0.1' },
    ...over,
  })!

describe('reading an event', () => {
  test('what is no event is none', () => {
    for (const value of [undefined, null, 7, [], {}, { topic: 1, kind: 'x' }, { kind: 'x' }])
      expect(happeningOf(value)).toBeUndefined()
  })

  test('fields of another type are left out', () => {
    const odd = happeningOf({ topic: 'a', kind: 'b', number: '7', at: 5, service: {}, data: [1] })
    expect(odd).toEqual({
      ...{ number: 0, atMs: 0, topic: 'a', kind: 'b', service: '', region: '', data: {} },
    })
  })
})

describe('keeping events', () => {
  test('each number is held once, newest first, whatever the order of arrival', () => {
    const held = joined(joined([], [event(3), event(1)]), [event(2), event(3), event(4)])
    expect(held.map(({ number }) => number)).toEqual([4, 3, 2, 1])
  })

  test('nothing new is the same list, so that nothing is drawn', () => {
    const held = joined([], [event(1)])
    expect(joined(held, [event(1)])).toBe(held)
  })

  test('the oldest go when there are too many', () => {
    const many = Array.from({ length: KEPT + 5 }, (_, at) => event(at + 1))
    const held = joined([], many)
    expect([held.length, held[0]!.number, held.at(-1)!.number]).toEqual([KEPT, KEPT + 5, 6])
  })
})

describe('filtering events', () => {
  test('by topic, and by any word of it', () => {
    const all = { topics: new Set<string>(), text: '' }
    expect(isWanted(event(1), all)).toBe(true)
    expect(isWanted(event(1), { ...all, topics: new Set(['drain']) })).toBe(false)
    expect(isWanted(event(1), { ...all, text: ' 10.0.0.1 ' })).toBe(true)
    expect(isWanted(event(1), { ...all, text: 'APP.test' })).toBe(true)
    expect(isWanted(event(1), { ...all, text: 'other' })).toBe(false)
  })
})
