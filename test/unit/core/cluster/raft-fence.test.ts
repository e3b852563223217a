// Goal: times and readings of a member mean what the proof of leadership needs them to mean.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  leaseMs,
  type MemberStatus,
  proves,
  raftTimes,
  verdictOf,
} from '../../../../src/core/cluster/raft-fence.ts'
import { root } from '../../../harness/source.ts'

const status = (fields: Partial<MemberStatus>): MemberStatus => ({
  ...{ memberId: '1', leaderId: '1', term: 7, index: 9, appliedIndex: 9, isLearner: false },
  ...{ dbBytes: 0, version: '3.4.23', errors: [] },
  ...fields,
})

describe('times', () => {
  test.each([
    ['the defaults', 100, 500, { heartbeatMs: 100, electionMs: 500 }, 350],
    ['those of the guide', 1_000, 1_000, { heartbeatMs: 100, electionMs: 1_000 }, 800],
    ['a heartbeat of half the timeout', 500, 1_000, { heartbeatMs: 100, electionMs: 1_000 }, 800],
    ['a short heartbeat', 50, 500, { heartbeatMs: 50, electionMs: 500 }, 400],
  ] as const)('%s', (_name, heartbeat, election, times, lease) => {
    expect(raftTimes(heartbeat, election)).toEqual(times)
    expect(leaseMs(times)).toBe(lease)
  })
})

test('the guide tells the default and the length of the lease as they are', () => {
  const read = (path: string) => readFileSync(join(root, path), 'utf8')
  expect(read('config/reference.yaml')).toMatch(/election_timeout: "?500ms/)
  const lease = (heartbeat: number, election: number) => leaseMs(raftTimes(heartbeat, election))
  const [first, second] = [lease(100, 500), lease(1_000, 1_000)]
  expect(read('docs/guides/cluster.md')).toContain(
    `\`election_timeout: 500ms\`) it lasts ${first} ms; with 1 s and 1 s, ${second} ms.`,
  )
})

describe('a reading', () => {
  test('that names the member itself is to be proved', () => {
    expect(verdictOf(status({}))).toEqual({ kind: 'to-prove', term: 7 })
  })

  test('that names another is followed', () => {
    const verdict = { kind: 'follows', leaderId: '2', term: 7 }
    expect(verdictOf(status({ leaderId: '2' }))).toEqual(verdict)
  })

  test.each([
    ['no leader', { leaderId: '' }],
    ['leader zero', { leaderId: '0' }],
    ['the error of etcd', { errors: ['etcdserver: no leader'] }],
  ])('without a leader: %s', (_name, fields) => {
    expect(verdictOf(status(fields))).toEqual({ kind: 'no-leader' })
  })

  test('is proved only by an answer of its own term', () => {
    expect([proves(7, 7), proves(7, 8), proves(8, 7)]).toEqual([true, false, false])
  })
})
