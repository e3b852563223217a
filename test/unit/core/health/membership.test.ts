// Goal: what a row remembers of a server's place is read whole or not at all, and never costs the
// health that stands beside it.
import { expect, test } from 'vitest'
import { limits } from '../../../../src/core/base/limits.ts'
import { parseMembership } from '../../../../src/core/health/membership.ts'
import { parseRow } from '../../../../src/core/health/rows.ts'
import { memberOf } from './sample.ts'

const seat = { pool: 'app', place: 2, lastHealthy: true, guest: false }
const member = memberOf('app', '10.0.0.1')
const whole = { member, seats: [seat] }

test('it is read back as it was written, without what else lay beside it', () => {
  expect(parseMembership(structuredClone(whole))).toEqual(whole)
  const more = { member: { ...member, more: 1 }, seats: [{ ...seat, more: 1 }], more: 1 }
  expect(parseMembership(more)).toEqual(whole)
})

test('a TTL that is none is left out alone', () => {
  const withTtl = { member, seats: [{ ...seat, ttlSeconds: 300 }] }
  expect(parseMembership(structuredClone(withTtl))).toEqual(withTtl)
  for (const ttlSeconds of [-1, 2 ** 31, 0.5, '300', null])
    expect(parseMembership({ member, seats: [{ ...seat, ttlSeconds }] })).toEqual(whole)
})

for (const [what, wrong] of [
  ['no object', 7],
  ['no seats', { member }],
  ['a seat without a place', { member, seats: [{ ...seat, place: -1 }] }],
  ['too many seats', { member, seats: Array.from({ length: limits.rowSeatsMax.max }, () => seat) }],
  ['an address that is none', { ...whole, member: { ...member, address: 'nowhere' } }],
  ['an address in another spelling', { ...whole, member: { ...member, address: '010.0.0.1' } }],
  ['another family', { ...whole, member: { ...member, family: 6 } }],
  ['port 0', { ...whole, member: { ...member, port: 0 } }],
  ['no check', { ...whole, member: { ...member, check: undefined } }],
  [
    'an unknown check',
    { ...whole, member: { ...member, check: { ...member.check, type: 'icmp' } } },
  ],
  [
    'an interval of 0',
    { ...whole, member: { ...member, check: { ...member.check, intervalMs: 0 } } },
  ],
  [
    'statuses that are no ranges',
    { ...whole, member: { ...member, check: { ...member.check, expectedStatus: [[200]] } } },
  ],
] as const)
  test(`${what}: it is left out, and the health of the row stays`, () => {
    expect(parseMembership(wrong)).toBeUndefined()
    const health = { verdict: 'up', verdictAtMs: 1, verdictReason: '' }
    const row = {
      health: { ...health, overrideStampMs: 0, overrideRank: 0 },
      ...{ status: 'healthy', sinceMs: 1, recoveredAtMs: 0, lastHealthy: true },
    }
    expect(parseRow({ ...row, membership: wrong }, 5)).toEqual(row)
  })
