/**
 * Goal: a backend drains while anybody declares it, under one id, and what must survive a restart
 * does.
 */
import { describe, expect, test } from 'vitest'
import { limits } from '../../../../src/core/base/limits.ts'
import { readDrainFile } from '../../../../src/core/health/drain-file.ts'
import { Drains } from '../../../../src/core/health/drains.ts'

const a = 'web:192.0.2.1:80'
const b = 'web:192.0.2.2:80'
const drainsOf = () => new Drains('eu-abc', [a, b])
const since = (sinceMs: number, reason = 'why') => ({ reason, sinceMs })

describe('several declarers', () => {
  test('it drains until the last of them lifts, under the id of the first', () => {
    const drains = drainsOf()
    drains.declare('file', 'all', since(1_000, 'deploy'))
    expect(drains.changes(1_000).map(({ backend }) => backend)).toEqual([a, b])
    const first = drains.drainOf(a)
    expect(first).toEqual({ id: 'eu-abc-rs', reason: 'deploy', by: 'file', sinceMs: 1_000 })
    drains.declare('api', [a], since(2_000, 'disk'))
    expect(drains.changes(2_000)).toEqual([
      { backend: a, drain: { ...first, reason: 'disk', by: 'api' } },
    ])
    drains.lift('file', 'all')
    expect(drains.changes(3_000)).toEqual([{ backend: b }])
    expect(drains.drainOf(a)?.id).toBe(first?.id)
    expect(drains.lift('api', 'all')).toBe(1)
    expect(drains.changes(4_000)).toEqual([{ backend: a }])
    expect(drains.changes(5_000)).toEqual([])
  })

  test('the end is that of the last, and none while one has none', () => {
    const drains = drainsOf()
    drains.declare('api', [a], { ...since(0), untilMs: 5_000 })
    drains.declare('overwatch', [a], { ...since(0), untilMs: 9_000 })
    drains.changes(0)
    expect(drains.drainOf(a)?.untilMs).toBe(9_000)
    expect(drains.nextDueMs()).toBe(5_000)
    expect(drains.changes(5_000)).toMatchObject([{ drain: { by: 'overwatch' } }])
    expect(drains.changes(9_000)).toEqual([{ backend: a }])
    drains.declare('signal', 'all', since(9_000))
    drains.declare('api', [a], { ...since(9_000), untilMs: 9_500 })
    drains.changes(9_000)
    expect(drains.drainOf(a)?.untilMs).toBeUndefined()
    drains.changes(9_500)
    expect(drains.drainOf(a)).toMatchObject({ by: 'signal' })
  })

  test('lifting one of all leaves the others draining', () => {
    const drains = drainsOf()
    drains.declare('api', 'all', since(0))
    drains.changes(0)
    expect(drains.lift('api', [a])).toBe(1)
    expect(drains.changes(1)).toEqual([{ backend: a }])
    expect(drains.draining()).toEqual([b])
  })

  test('orders of overwatches are a whole word: what is missing is lifted', () => {
    const drains = drainsOf()
    drains.replace('overwatch', new Map([[a, since(1)]]))
    drains.changes(1)
    drains.replace(
      'overwatch',
      new Map([
        [b, since(2)],
        ['gone:192.0.2.9:1', since(2)],
      ]),
    )
    expect(drains.changes(2).map(({ backend, drain }) => [backend, drain?.by])).toEqual([
      [a, undefined],
      [b, 'overwatch'],
    ])
  })

  test('an unknown backend, and one declaration too many, are refused', () => {
    const drains = drainsOf()
    expect(drains.declare('api', ['nobody'], since(0))).toEqual({
      ok: false,
      error: 'unknown-backend',
    })
    const many = Array.from({ length: limits.drainDeclarationsMax.default + 1 }, (_, i) => `s${i}`)
    const crowded = new Drains('x', many)
    expect(crowded.declare('api', many, since(0))).toEqual({ ok: false, error: 'too-many' })
  })
})

describe('a restart', () => {
  test('declarations of the API and the ids survive; file and signal are looked for again', () => {
    const before = drainsOf()
    before.declare('file', 'all', since(1_000))
    before.declare('api', [b], { ...since(2_000, 'kept'), untilMs: 99_000 })
    before.changes(2_000)
    const after = drainsOf()
    expect(after.restore(before.saved())).toBe('restored')
    // Nothing is said of the first backend while its file has not been looked at.
    expect(after.changes(3_000, false).map(({ backend }) => backend)).toEqual([b])
    after.declare('file', 'all', since(3_000))
    after.changes(3_000, false)
    expect(after.drainOf(a)?.id).toBe(before.drainOf(a)?.id)
    expect(after.drainOf(b)).toMatchObject({ reason: 'kept', by: 'api', sinceMs: 1_000 })
    expect(after.saved()).toBe(before.saved())
  })

  test.each(['', '[]', '{"declarations":1,"runs":{}}', '{', 'null'])(
    '%j is no saved state',
    (text) => {
      const drains = drainsOf()
      expect(drains.restore(text)).toBe('malformed')
      expect(drains.changes(0)).toEqual([])
    },
  )

  test('entries that are none are left out', () => {
    const drains = drainsOf()
    const declarations = [1, { scope: a }, { scope: a, reason: 'x', sinceMs: -1 }]
    expect(drains.restore(JSON.stringify({ declarations, runs: { [a]: 7 } }))).toBe('restored')
    expect(drains.changes(0)).toEqual([])
  })
})

describe('a drain file', () => {
  test.each([
    ['', { reason: 'drain file' }],
    ['rolling deploy\n', { reason: 'rolling deploy' }],
    ['reason: disk\nuntil: 2030-01-01T00:00:00Z\n', { reason: 'disk', untilMs: 1_893_456_000_000 }],
    ['UNTIL:2030-01-01T01:00:00+01:00', { reason: 'drain file', untilMs: 1_893_456_000_000 }],
    ['until: tomorrow\nx', { reason: 'x', badUntil: 'tomorrow' }],
    ['a\u0000\u001b[31m\r\n\tb', { reason: 'a [31m b' }],
  ])('%j says %j', (text, expected) => expect(readDrainFile(text)).toEqual(expected))

  test('a reason is cut to its limit', () => {
    expect(readDrainFile('é'.repeat(4_000)).reason.length).toBe(limits.drainReasonCharsMax.default)
  })
})
