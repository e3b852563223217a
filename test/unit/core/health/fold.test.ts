// Goal: which event an override or verdict gives way to, where events do not arrive in the order
// of their times.
import { expect, test } from 'vitest'
import { parseEvent, type ServerEvent } from '../../../../src/core/health/events.ts'
import { replay } from '../../../../src/core/health/fold.ts'
import { canonicalServer } from '../../../../src/core/health/keys.ts'
import { parseRow } from '../../../../src/core/health/rows.ts'

const key = 'app:10.0.0.1:80'
const set = (atMs: number, healthy = true): ServerEvent => ({
  ...{ kind: 'override-set', key, healthy, reason: '', by: 'ann', atMs },
})
const cleared = (atMs: number): ServerEvent => ({ kind: 'override-cleared', key, by: 'ann', atMs })
const expired = (setAtMs: number, atMs: number): ServerEvent => ({
  ...{ kind: 'override-expired', key, setAtMs, atMs },
})
const overrideOf = (...events: ServerEvent[]) => replay(events).get(key)!.override?.atMs

const table: readonly [string, ServerEvent[], number | undefined][] = [
  ['a later order replaces an earlier one', [set(1), set(2, false)], 2],
  ['an earlier order that arrives later does not', [set(2), set(1)], 2],
  ['a clearance ends what was set before it', [set(1), cleared(2)], undefined],
  ['an order after the clearance stands', [cleared(2), set(3)], 3],
  ['an order before a clearance that came first stays cleared', [cleared(2), set(1)], undefined],
  ['an expiry ends the override it names', [set(1), expired(1, 10)], undefined],
  ['an expiry does not end a later override', [set(1), set(5), expired(1, 10)], 5],
  ['nor one that was set before the expiry was read', [expired(1, 10), set(5)], 5],
  ['an override that arrives after its own expiry is over', [expired(1, 10), set(1)], undefined],
]

for (const [title, events, expected] of table) {
  test(`fold: ${title}`, () => expect(overrideOf(...events)).toBe(expected))
}

test('of two verdicts of one millisecond the cautious one wins', () => {
  const verdict = (verdict: 'up' | 'down'): ServerEvent => ({
    ...{ kind: 'verdict-changed', key, verdict, atMs: 1, reason: '' },
  })
  for (const events of [
    [verdict('up'), verdict('down')],
    [verdict('down'), verdict('up')],
  ]) {
    expect(replay(events).get(key)!.verdict).toBe('down')
  }
})

test('events that do not fit are none', () => {
  const whole = { kind: 'verdict-changed', key, verdict: 'up', atMs: 1, reason: '' }
  expect(parseEvent(whole)).toEqual(whole)
  for (const wrong of [
    { kind: 'unheard-of' },
    { key: '' },
    { key: 'x'.repeat(2_000) },
    { verdict: 'sideways' },
    { atMs: -1 },
    { atMs: Number.NaN },
    { atMs: 1.5 },
    { reason: 7 },
  ]) {
    expect(parseEvent({ ...whole, ...wrong })).toBeUndefined()
  }
})

test('times of a row that lie in the future are brought to now', () => {
  const health = { verdict: 'up', verdictAtMs: 900, verdictReason: '', overrideRank: 0 }
  const override = { healthy: true, reason: '', by: '', atMs: 800, expiresAtMs: 950 }
  const row = parseRow(
    {
      health: { ...health, overrideStampMs: 800, override },
      ...{ status: 'healthy', sinceMs: 900, recoveredAtMs: 900, lastHealthy: true },
    },
    500,
  )!
  expect([row.sinceMs, row.recoveredAtMs, row.health.verdictAtMs]).toEqual([500, 500, 500])
  expect(row.health.override).toMatchObject({ atMs: 500, expiresAtMs: 950 })
  expect(row.health.overrideStampMs).toBe(500)
})

test('a server has one name however it is written', () => {
  expect(canonicalServer('App.Example.', '[2001:DB8::0:1]')).toEqual({
    ...{ service: 'app.example', address: '2001:db8::1' },
  })
  expect(canonicalServer('app', '::ffff:10.0.0.1')?.address).toBe('10.0.0.1')
  expect(canonicalServer('app', 'nowhere')).toBeUndefined()
})
