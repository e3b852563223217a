// Goal: what is learned of the cluster gives one role, one lease, and each change once.
import { limits } from '../../../../src/core/base/limits.ts'
import { describe, expect, test } from 'vitest'
import { Leadership, type LeadershipSettings } from '../../../../src/core/cluster/leadership.ts'

const make = (settings: Partial<LeadershipSettings> = {}) =>
  new Leadership({ self: 'a', followerDns: 'refuse', onLostLease: 'refuse', ...settings })

const kinds = (changes: readonly { kind: string }[]) => changes.map(({ kind }) => kind)

test('epochs begin anew where the store is another one', () => {
  const one = new Leadership({ self: 'a', followerDns: 'refuse', onLostLease: 'refuse' })
  one.led(900, 1_000)
  one.tick(1_000)
  expect(one.led(4, 5_000)).toEqual([])
  one.forget()
  expect(one.led(4, 5_000).map(({ kind }) => kind)).toEqual(['elected', 'became-leader'])
  expect(one.leave).toBe(5_000)
})

describe('leadership', () => {
  test('gained by a proof is told once, and its lease only grows', () => {
    const one = make()
    expect(kinds(one.led(2, 350))).toEqual(['elected', 'became-leader'])
    expect(one.led(2, 400)).toEqual([])
    // An answer that overtook another must not shorten what was proved.
    expect(one.led(2, 300)).toEqual([])
    expect([one.role, one.leader, one.epoch, one.leave]).toEqual(['leader', 'a', 2, 400])
  })

  test('ends with its lease, and goes on in the same epoch without another election', () => {
    const one = make()
    one.led(2, 350)
    expect(one.tick(349)).toEqual([])
    expect(one.tick(350)).toEqual([{ kind: 'stepped-down', why: 'lease-over' }])
    expect([one.role, one.leave]).toEqual(['candidate', 'none'])
    expect(kinds(one.led(2, 700))).toEqual(['became-leader'])
  })

  test('ends at once where another leads or nobody does', () => {
    const one = make()
    one.led(2, 350)
    expect(kinds(one.followed('b', 3, 400))).toEqual(['elected', 'stepped-down', 'became-follower'])
    expect([one.role, one.leader, one.leave]).toEqual(['follower', 'b', 'none'])
    one.led(4, 900)
    expect(kinds(one.leaderless())).toEqual(['leader-lost', 'stepped-down'])
    expect(one.leave).toBe('none')
  })

  test('of an earlier epoch counts for nothing', () => {
    const one = make()
    one.followed('b', 5, 400)
    expect(one.led(4, 10_000)).toEqual([])
    expect(one.followed('c', 4, 10_000)).toEqual([])
    expect([one.role, one.leader, one.leave]).toEqual(['follower', 'b', 'none'])
  })

  test('given away is not taken again until it resumes', () => {
    const one = make()
    one.led(2, 350)
    expect(one.yield()).toEqual([{ kind: 'stepped-down', why: 'handed-over' }])
    expect(one.led(2, 400)).toEqual([])
    expect(one.leave).toBe('none')
    one.resume()
    expect(kinds(one.led(2, 500))).toEqual(['became-leader'])
  })

  test('a follower that serves goes on through an election, and no longer', () => {
    const one = make({ followerDns: 'serve' })
    const graceMs = limits.clusterFollowerGraceMs.default
    one.followed('b', 2, 350)
    expect(one.leave).toBe(350 + graceMs)
    one.leaderless()
    one.leaderless()
    expect(one.leave).toBe(350 + graceMs)
    expect(one.tick(350 + graceMs)).toEqual([])
    expect(one.leave).toBe('none')
  })

  test('a follower that served and leads now has the lease of a leader', () => {
    const one = make({ followerDns: 'serve' })
    one.followed('b', 2, 350)
    one.led(3, 900)
    expect(one.leave).toBe(900)
    one.leaderless()
    expect(one.leave).toBe('none')
  })

  test('with on_lost_lease serve the leader goes on until it hears of another', () => {
    const one = make({ onLostLease: 'serve' })
    one.led(2, 350)
    one.tick(10_000)
    one.leaderless()
    expect(one.leave).toBe('endless')
    one.followed('b', 3, 400)
    expect(one.leave).toBe('none')
  })
})
