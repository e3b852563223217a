// Goal: the explanation names the answer that decide gives, and a true reason for every server.
import { expect, test } from 'vitest'
import { explain } from '../../../../src/core/steer/explain.ts'
import { DOWN, poolOf, UP, WAS_UP, wordOf } from '../../../harness/pools.ts'

const question = { family: 4 as const, turn: 0, client: new Uint8Array(4) }

test('every server gets a reason, and exactly the chosen ones a rank', () => {
  const pool = poolOf(
    [
      { address: '10.0.0.1', word: DOWN },
      { address: '10.0.0.2', word: UP },
      { address: '10.0.0.3', word: UP },
      { address: '10.0.0.4', weight: 0 },
      { address: '2001:db8::1' },
      { address: '10.0.0.5', word: wordOf({ serving: false, status: 'unknown', cause: 'none' }) },
      { address: '10.0.0.6', word: wordOf({ serving: false, heldDown: true }) },
      {
        address: '10.0.0.7',
        word: wordOf({ serving: false, status: 'unhealthy', cause: 'override' }),
      },
    ],
    { policy: 'failover' },
  )
  const told = explain(pool, question)
  expect(told.outcome).toBe('answer')
  expect(told.chosen).toEqual(['10.0.0.2'])
  expect(told.candidates.map(({ reason }) => reason)).toEqual([
    'unhealthy by its health check',
    'the first healthy server in the order',
    'healthy, but a server before it in the order is healthy too',
    'weight 0 takes no traffic',
    'its address is IPv6, the question is not',
    'not served before its first verdict',
    'healthy again, waiting out the hold-down before traffic returns',
    'unhealthy by an override',
  ])
  expect(told.candidates.filter(({ rank }) => rank !== undefined)).toHaveLength(1)
})

test('when all are down it tells what when_all_down did', () => {
  const pool = poolOf([{ address: '10.0.0.1', word: WAS_UP }], { whenAllDown: 'last_healthy' })
  const told = explain(pool, question)
  expect(told.fallback).toBe('last_healthy')
  expect(told.candidates[0]?.reason).toContain('among the last that were')
})
