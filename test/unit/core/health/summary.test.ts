// Goal: what a leader's checks found counts for a node without verdicts, and for no other.
import { describe, expect, test } from 'vitest'
import { limits } from '../../../../src/core/base/limits.ts'
import type { SharedRecord } from '../../../../src/core/gossip/peers/record.ts'
import { PeerVotes } from '../../../../src/core/health/peer-votes.ts'
import { encodeBody } from '../../../../src/core/health/shared-bodies.ts'
import { Summaries, summaryBodies } from '../../../../src/core/health/summary.ts'

const page = (origin: string, stamp: number, body: unknown, at = 0): SharedRecord => ({
  ...{ kind: 'summary', id: `${origin}/${at}`, origin, stamp, seq: 0, keepUntilMs: 0 },
  body: body === undefined ? new Uint8Array(0) : encodeBody(body),
})

describe('a summary', () => {
  test('names servers with a verdict, in the order of their keys', () => {
    const [only] = summaryBodies([
      ['c', 'up'],
      ['a', 'down'],
      ['b', 'unknown'],
      ['d', 'up'],
    ])
    expect(only?.said).toBe('{"up":["c","d"],"down":["a"]}')
  })

  test('has pages, of which a change touches one', () => {
    const most = limits.summaryPageServers.default
    const rows = Array.from({ length: 2 * most + 1 }, (_, at): [string, 'up' | 'down'] => [
      String(at).padStart(6, '0'),
      'up',
    ])
    const before = summaryBodies(rows)
    expect(before).toHaveLength(3)
    rows[most] = [rows[most]![0], 'down']
    const after = summaryBodies(rows)
    expect(after.map(({ said }, at) => said === before[at]!.said)).toEqual([true, false, true])
  })

  test('of a later moment is believed before an earlier one, in whatever order they come', () => {
    const summaries = new Summaries()
    summaries.take(page('b', 20, { up: [], down: ['s'] }))
    summaries.take(page('a', 10, { up: ['s'], down: [] }))
    expect(summaries.on('s')).toBe('down')
    expect(summaries.take(page('b', 30, undefined))).toEqual(['s'])
    expect(summaries.on('s')).toBe('up')
  })

  test('that is none says nothing', () => {
    const summaries = new Summaries()
    for (const body of [[], 'x', { up: 7, down: [{}] }, { up: ['x'.repeat(5_000)] }])
      expect(summaries.take(page('a', 1, body))).toEqual([])
    expect(summaries.take({ ...page('a', 1, { up: ['s'] }), id: 'b/0' })).toEqual([])
  })
})

test('a summary counts where no overwatch that is alive has a verdict, and not against one', () => {
  const votes = new PeerVotes('self')
  votes.take(page('a', 10, { up: ['s'], down: ['t'] }))
  expect(votes.on('s')).toEqual({ up: 1, down: 0 })
  expect(votes.on('t')).toEqual({ up: 0, down: 1 })
  votes.setLive(['peer'])
  const body = encodeBody({ verdict: 'down', atMs: 5 })
  votes.take({ ...page('peer', 5, {}), kind: 'verdict', id: 'peer/s', body })
  expect(votes.on('s')).toEqual({ up: 0, down: 1 })
})

test('a summary of this very node says nothing to it', () => {
  const votes = new PeerVotes('self')
  votes.take(page('self', 10, { up: ['s'], down: [] }))
  expect(votes.on('s')).toEqual({ up: 0, down: 0 })
})
