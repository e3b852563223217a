/**
 * Goal: "safe to stop" is never said while an answer may still send somebody, somebody is
 * connected, or somebody came a moment ago; and never by count where nothing can be counted.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { safeToStop, type StopQuestion } from '../../../../src/core/health/drain-watch.ts'
import type { ConnectionsSeen } from '../../../../src/core/health/report.ts'

const NOW = 1_000_000
const drain = { id: 'd', reason: 'r', by: 'file', sinceMs: NOW - 60_000 } as const
const quiet: ConnectionsSeen = {
  atMs: NOW,
  remaining: 0,
  arrived: 3,
  quietSinceMs: NOW - 40_000,
  networks: [],
  endsHeard: true,
}
const good: StopQuestion = {
  drain,
  everyOverwatchAcknowledgedMs: NOW - 50_000,
  ttlSeconds: 30,
  connections: quiet,
  nowMs: NOW,
}
const network = { network: '192.0.2.0/24', connections: 2 }

test.each([
  ['everything holds', {}, 'yes', []],
  ['it does not drain', { drain: undefined }, 'no', ['acknowledgement']],
  ['its drain has ended', { drain: { ...drain, untilMs: NOW } }, 'no', ['acknowledgement']],
  [
    'an overwatch has not acknowledged',
    { everyOverwatchAcknowledgedMs: undefined },
    'no',
    ['acknowledgement'],
  ],
  ['the TTL has not passed', { everyOverwatchAcknowledgedMs: NOW - 30_500 }, 'no', ['ttl']],
  ['somebody is connected', { connections: { ...quiet, remaining: 1 } }, 'no', ['connections']],
  [
    'somebody came within a TTL',
    { connections: { ...quiet, quietSinceMs: NOW - 29_999 } },
    'no',
    ['quiet'],
  ],
  [
    'the last count was made before the quiet had lasted',
    { connections: { ...quiet, atMs: NOW - 3_000, quietSinceMs: NOW - 32_000 } },
    'no',
    ['quiet'],
  ],
  [
    'the kernel has yet to tell who came',
    { connections: { ...quiet, heardMs: NOW - 12_000 } },
    'no',
    ['quiet'],
  ],
  [
    'the kernel told of all until the quiet had lasted',
    { connections: { ...quiet, heardMs: NOW - 9_000 } },
    'yes',
    [],
  ],
  ['the quiet asked for is longer', { quietMs: 60_000 }, 'no', ['quiet']],
  ['short connections go unseen', { connections: { ...quiet, endsHeard: false } }, 'no', ['quiet']],
  [
    'several at once',
    {
      everyOverwatchAcknowledgedMs: NOW,
      connections: { ...quiet, remaining: 2, quietSinceMs: NOW, networks: [network] },
    },
    'no',
    ['ttl', 'connections', 'quiet'],
  ],
  ['nothing can be counted', { connections: undefined }, 'unknown', ['counting']],
  ['the counts are old', { connections: { ...quiet, atMs: NOW - 5_001 } }, 'unknown', ['counting']],
] as const)('%s: %s', (_title, changes, safe, waiting) => {
  const answer = safeToStop({ ...good, ...changes } as StopQuestion)
  expect([answer.safe, answer.waitingFor.map(({ what }) => what)]).toEqual([safe, waiting])
})

test('those still coming are named, and the time rule is said where counts are missing', () => {
  const connections = { ...quiet, remaining: 2, networks: [network] }
  expect(safeToStop({ ...good, connections }).why).toBe('2 connections remain, from 192.0.2.0/24')
  const unknown = safeToStop({ ...good, connections: undefined })
  // Acknowledged, a TTL, a second of grace, and a TTL of quiet that nobody saw.
  expect(unknown.byTimeMs).toBe(NOW - 50_000 + 30_000 + 1_000 + 30_000)
})

test('yes is only said when all three conditions hold, whatever is asked', () => {
  const past = fc.integer({ min: 0, max: 120_000 }).map((ago) => NOW - ago)
  fc.assert(
    fc.property(
      fc.option(past, { nil: undefined }),
      fc.integer({ min: 0, max: 60 }),
      fc.option(fc.record({ remaining: fc.nat(2), quietSinceMs: past, atMs: past }), {
        nil: undefined,
      }),
      (acknowledgedMs, ttlSeconds, counts) => {
        const connections = counts === undefined ? undefined : { ...quiet, ...counts }
        const { safe } = safeToStop({
          ...good,
          everyOverwatchAcknowledgedMs: acknowledgedMs,
          ttlSeconds,
          connections,
        })
        if (safe !== 'yes') return
        expect(connections?.remaining).toBe(0)
        expect(NOW - acknowledgedMs!).toBeGreaterThan(ttlSeconds * 1_000)
        expect(connections!.atMs - connections!.quietSinceMs).toBeGreaterThanOrEqual(
          ttlSeconds * 1_000,
        )
      },
    ),
  )
})
