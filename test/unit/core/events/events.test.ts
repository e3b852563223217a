// Goal: what readers ask for is bounded and understood or refused with a sentence, what is recorded
// fits its bounds, and both encodings say the same.
import fc from 'fast-check'
import { pack, unpack } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { limits } from '../../../../src/core/base/limits.ts'
import { events, partsOf, type EventName } from '../../../../src/core/events/definitions.ts'
import { eventsJsonSchema } from '../../../../src/core/events/document.ts'
import {
  boundedData,
  type EventDraft,
  type Json,
  parseDraft,
  parseStored,
  storedEvent,
  topics,
} from '../../../../src/core/events/event.ts'
import {
  EVERYTHING,
  type Filter,
  filterKey,
  matches,
  subscriptionOfMessage,
  subscriptionOfQuery,
} from '../../../../src/core/events/filter.ts'
import { packJson, unpackJson } from '../../../../src/core/events/msgpack.ts'
import { toldEvent, toldGap } from '../../../../src/core/events/protocol.ts'

const draft: EventDraft = {
  ...{ topic: 'health', kind: 'status-changed', atMs: 1_750_000_000_000 },
  ...{ service: 'app', region: 'eu', data: { backend: 'app:10.0.0.1:80' } },
}
const filterOf = (query: string): Filter => {
  const found = subscriptionOfQuery(new URLSearchParams(query))
  if (!found.ok) throw new Error(found.error)
  return found.value.filter
}

describe('filters', () => {
  for (const [query, event, passes] of [
    ['', { topic: 'health' }, true],
    // Volatile topics must be asked for.
    ['', { topic: 'rate' }, false],
    ['topics=rate', { topic: 'rate' }, true],
    ['topics=health,drain', { topic: 'drain' }, true],
    ['topics=health&topic=drain', { topic: 'drain' }, true],
    ['topics=health', { topic: 'drain' }, false],
    ['topics=none', { topic: 'health' }, false],
    ['services=app', { topic: 'health', service: 'app' }, true],
    ['services=APP', { topic: 'health', service: 'app' }, true],
    ['services=app', { topic: 'health', service: 'db' }, false],
    ['services=app', { topic: 'config' }, false],
    ['regions=eu, us', { topic: 'health', region: 'us' }, true],
    ['services=app&regions=eu', { topic: 'health', service: 'app', region: 'us' }, false],
  ] as const)
    test(`"${query}" lets ${JSON.stringify(event)} ${passes ? 'through' : 'not through'}`, () => {
      expect(matches(filterOf(query), event)).toBe(passes)
    })

  test('filters that let the same through are one group', () => {
    expect(filterKey(filterOf('topics=drain,health,drain'))).toBe(
      filterKey(filterOf('topics=health,drain')),
    )
    expect(filterKey(filterOf('topics=health'))).not.toBe(filterKey(EVERYTHING))
    expect(filterKey(filterOf('topics=none'))).not.toBe(filterKey(EVERYTHING))
  })

  test('what makes no sense is refused with a sentence', () => {
    const many = Array.from({ length: 65 }, (_, index) => `s${index}`)
    for (const query of [
      'topics=weather',
      'from=-1',
      'from=x',
      'from=',
      'from=99999999999999999',
      `services=${many.join(',')}`,
      `regions=${'x'.repeat(300)}`,
    ])
      expect(subscriptionOfQuery(new URLSearchParams(query)), query).toMatchObject({ ok: false })
    for (const message of [
      null,
      [],
      'subscribe',
      {},
      { type: 'hello' },
      { type: 'subscribe', topics: 'health' },
      { type: 'subscribe', topics: [1] },
      { type: 'subscribe', from: 1.5 },
      { type: 'subscribe', services: many },
    ])
      expect(subscriptionOfMessage(message), JSON.stringify(message)).toMatchObject({ ok: false })
  })

  test('any message is understood or refused, and never throws', () => {
    fc.assert(fc.property(fc.anything(), (value) => subscriptionOfMessage(value).ok !== undefined))
  })
})

describe('events', () => {
  test('a stored event is read back as it was', () => {
    const event = { ...draft, number: 7 }
    expect(parseStored(unpack(pack(storedEvent(event))))).toEqual(event)
    const { service: _, region: __, ...bare } = event
    expect(parseStored(unpack(pack(storedEvent(bare))))).toEqual(bare)
  })

  test('nothing read from disk throws, and what is no event is none', () => {
    fc.assert(fc.property(fc.anything(), (value) => parseStored(value) === undefined))
    const good = storedEvent({ ...draft, number: 7 })
    for (const at of good.keys()) {
      if (at > 6) continue
      const bad = good.map((value, index) => (index === at ? Symbol('bad') : value))
      expect(parseStored(bad), `field ${at}`).toBeUndefined()
    }
  })

  test('data over its bound is cut to whole fields, and says so', () => {
    const most = limits.feedDataBytes.default
    const data = { small: 1, large: 'ü'.repeat(most), last: true }
    expect(boundedData(data)).toEqual({ cut: true, small: 1, last: true })
    expect(boundedData({ text: 'x'.repeat(most - 20) })).not.toHaveProperty('cut')
  })

  test('a draft of another actor is checked, and long labels are cut', () => {
    expect(parseDraft({ ...draft, service: 's'.repeat(999) })?.service).toHaveLength(255)
    for (const bad of [{ topic: 'weather' }, { kind: 'No' }, { kind: '' }, { atMs: 9e15 }])
      expect(parseDraft({ ...draft, ...bad } as EventDraft)).toBeUndefined()
  })

  test('every definition has a known topic and a kind that can be recorded', () => {
    for (const name of Object.keys(events) as EventName[]) {
      const { topic, kind } = partsOf(name)
      expect(topics).toContain(topic)
      expect(parseDraft({ ...draft, topic, kind }), name).toBeDefined()
    }
    expect(eventsJsonSchema().oneOf.length).toBe(Object.keys(events).length + 4)
  })
})

describe('encodings', () => {
  const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>
  // JSON has no minus zero, and reads it as zero.
  const plain = (value: Json) => JSON.parse(JSON.stringify(value)) as Json

  test('msgpack of any JSON value is read by others and by us', () => {
    fc.assert(
      fc.property(json, (value) => {
        const bytes = packJson(plain(value))
        // The other reader gives a key that could change a prototype another name; we keep it.
        const isTold = !JSON.stringify(value).includes('__proto__')
        if (isTold) expect(unpack(bytes)).toEqual(plain(value))
        expect(unpackJson(bytes)).toEqual({ ok: true, value: plain(value) })
      }),
    )
  })

  test('what others write as msgpack is read', () => {
    const value = { type: 'subscribe', from: 5_000_000_000, topics: ['a'.repeat(300)], x: -1.5 }
    expect(unpackJson(pack(value))).toEqual({ ok: true, value })
  })

  test('no bytes make the reader throw, nor nest deep, nor allocate what is not there', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void unpackJson(bytes)))
    expect(unpackJson(new Uint8Array(1_000).fill(0x91))).toMatchObject({ ok: false })
    expect(unpackJson(Uint8Array.from([0xdd, 255, 255, 255, 255]))).toMatchObject({ ok: false })
    expect(unpackJson(Uint8Array.from([0xdb, 255, 255, 255, 255]))).toMatchObject({ ok: false })
  })

  test('an event and a gap say the same in both', () => {
    for (const { json: text, msgpack } of [
      toldEvent({ ...draft, number: 3 }),
      toldEvent({ ...draft, number: 0 }),
      toldGap(3, 9, 'expired'),
    ])
      expect(unpack(msgpack)).toEqual(JSON.parse(new TextDecoder().decode(text)))
  })
})
