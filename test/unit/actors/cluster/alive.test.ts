// Goal: a node tells others to be alive only by what the store says of now. Without a leader no
// sign of life ends there: a node whose member knows none, or hears nothing, counts itself alone.
import { expect, test } from 'vitest'
import { Client } from '../../../../src/actors/cluster/client.ts'
import type { CallOutcome, Gateway } from '../../../../src/actors/cluster/contract.ts'
import { Fence } from '../../../../src/actors/cluster/fence.ts'
import { Membership } from '../../../../src/actors/cluster/membership.ts'
import { Standing } from '../../../../src/actors/cluster/standing.ts'
import { paths } from '../../../../src/core/cluster/gateway.ts'
import { leaseMemory } from '../../../../src/core/cluster/lease.ts'
import { raftTimes } from '../../../../src/core/cluster/raft-fence.ts'
import { fakeCtx } from '../../../harness/ctx.ts'

const NAMES = ['node-1', 'node-2', 'node-3']

/** Node 1 of three, over a member or a store that says what the test has it say. */
function world(isExternal: boolean) {
  const base = fakeCtx('cluster')
  const { ctx } = base
  const state = { leader: '2', answers: true }
  const header = { member_id: '1', raft_term: '7' }
  const members = NAMES.map((name, at) => ({ ID: String(at + 1), name, peerURLs: [] }))
  const answerOf = (path: string): CallOutcome => {
    if (!state.answers) return { code: 'timed-out', message: 'nobody answers' }
    if (path === paths.members) return { code: 'answered', answer: { header, members } }
    if (path === paths.status)
      return { code: 'answered', answer: { header, raftTerm: '7', leader: state.leader } }
    // All else takes a quorum.
    if (state.leader === '0') return { code: 'refused', message: 'etcdserver: no leader' }
    return {
      code: 'answered',
      answer: { header, ID: '5', TTL: '3', result: { ID: '5', TTL: '3' } },
    }
  }
  const client = new Client({ call: async (path: string) => answerOf(path) } as unknown as Gateway)
  const standing = new Standing(ctx, {
    ...{ self: 'node-1', followerDns: 'refuse', onLostLease: 'refuse', silenceMs: 10_000 },
    lease: leaseMemory(),
  } as never)
  const membership = new Membership({
    ...{ ctx, standing, isExternal, client: () => client, reached: undefined, changed: () => {} },
    self: { name: 'node-1', address: '10.0.0.1:7000', version: '2', startedAtMs: 0 },
  })
  // No watch tells that they are gone: their leases do not end without a leader.
  for (const name of NAMES)
    membership.present.set(name, { name, address: '', version: '2', startedAtMs: 0 })
  if (!isExternal) {
    const times = raftTimes(100, 500)
    new Fence({ ctx, standing, times, client: () => client, nameOf: (id) => id }).start()
  }
  membership.start()
  const alive = () => membership.views().flatMap(({ name, isAlive }) => (isAlive ? [name] : []))
  return { ...base, state, alive, membership }
}

test('where the member lost its leader the node counts itself, and all again once it knows one', async () => {
  const { clock, state, alive, membership } = world(false)
  await clock.advanceAsync(1_500)
  expect(alive()).toEqual(NAMES)
  state.leader = '0'
  await clock.advanceAsync(100)
  expect(alive()).toEqual(['node-1'])
  expect(membership.alive()).toEqual(['node-1'])
  await clock.advanceAsync(60_000)
  expect(alive()).toEqual(['node-1'])
  state.leader = '3'
  await clock.advanceAsync(100)
  expect(alive()).toEqual(NAMES)
})

test.each([false, true])(
  'where nothing answers the others count for three seconds more (etcd of others: %s)',
  async (isExternal) => {
    const { clock, state, alive } = world(isExternal)
    await clock.advanceAsync(5_500)
    expect(alive()).toEqual(NAMES)
    state.answers = false
    await clock.advanceAsync(2_000)
    expect(alive()).toEqual(NAMES)
    await clock.advanceAsync(1_600)
    expect(alive()).toEqual(['node-1'])
    state.answers = true
    await clock.advanceAsync(1_500)
    expect(alive()).toEqual(NAMES)
  },
)

test('where a store of others has no leader the others count for three seconds more', async () => {
  const { clock, state, alive } = world(true)
  await clock.advanceAsync(5_500)
  state.leader = '0'
  await clock.advanceAsync(4_000)
  expect(alive()).toEqual(['node-1'])
})
