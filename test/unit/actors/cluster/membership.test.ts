// Goal: a member that joined gets its vote from the leader alone, as soon as etcd allows it; one
// that is reached at another address than before says so itself.
import { expect, test } from 'vitest'
import { Client } from '../../../../src/actors/cluster/client.ts'
import type { CallOutcome, Gateway } from '../../../../src/actors/cluster/contract.ts'
import { Membership } from '../../../../src/actors/cluster/membership.ts'
import { paths } from '../../../../src/core/cluster/gateway.ts'
import { fakeCtx } from '../../../harness/ctx.ts'

const NOT_YET = 'etcdserver: can only promote a learner member which is in sync with leader'

/** A cluster of a leader and one that joined, which is in step after so many questions. */
function worldOf(
  role: 'leader' | 'follower',
  refusals: number,
  { peerUrl = 'http://10.0.0.1:7000', isNamed = true } = {},
) {
  const world = fakeCtx('cluster')
  const asked: string[] = []
  let address = 'http://10.0.0.1:7000'
  let isVoter = false
  const answers: Record<string, (body: unknown) => CallOutcome> = {
    [paths.members]: () => ({
      code: 'answered',
      answer: {
        members: [
          { ID: '1', name: 'node-1', peerURLs: [address] },
          { ID: '2', name: 'node-2', peerURLs: ['http://10.0.0.2:7000'], isLearner: !isVoter },
        ],
      },
    }),
    [paths.promote]: () => {
      if (asked.filter((path) => path === paths.promote).length <= refusals)
        return { code: 'refused', message: NOT_YET }
      isVoter = true
      return { code: 'answered', answer: {} }
    },
    [paths.updateMember]: (body) => {
      expect(body).toEqual({ ID: '1', peerURLs: [peerUrl] })
      if (asked.filter((path) => path === paths.updateMember).length <= refusals)
        return { code: 'refused', message: 'etcdserver: no leader' }
      address = peerUrl
      return { code: 'answered', answer: {} }
    },
  }
  const gateway = {
    call: async (path: string, body: unknown) => {
      asked.push(path)
      return answers[path]?.(body) ?? { code: 'refused', message: 'not of this test' }
    },
  } as unknown as Gateway
  const client = new Client(gateway)
  const membership = new Membership({
    ...{
      ctx: world.ctx,
      client: () => client,
      isExternal: false,
      reached: { peerUrl, isNamed },
      changed: () => {},
    },
    standing: { leadership: { role, leader: 'node-1' }, hasLeader: true, knew() {} } as never,
    self: { name: 'node-1', address: '10.0.0.1:7000', version: '2', startedAtMs: 0 },
  })
  membership.start()
  const promotions = () => asked.filter((path) => path === paths.promote).length
  const updates = () => asked.filter((path) => path === paths.updateMember).length
  return { ...world, membership, promotions, updates }
}

test('one that is not in step is asked for again each second, and votes once it is', async () => {
  const { clock, membership, promotions, logs } = worldOf('leader', 3)
  await clock.advanceAsync(2_500)
  expect(promotions()).toBe(3)
  expect(membership.views().map(({ isVoter }) => isVoter)).toEqual([true, false])
  await clock.advanceAsync(1_000)
  expect(promotions()).toBe(4)
  expect(membership.views().map(({ isVoter }) => isVoter)).toEqual([true, true])
  expect(logs.map(({ message }) => message)).toEqual(['member votes from now on'])
  await clock.advanceAsync(5_000)
  expect(promotions()).toBe(4)
})

test('a follower promotes nobody', async () => {
  const { clock, promotions } = worldOf('follower', 0)
  await clock.advanceAsync(3_000)
  expect(promotions()).toBe(0)
})

test('a member whose address is another one tells the list, until it is taken', async () => {
  const peerUrl = 'http://10.0.0.9:7000'
  const moved = worldOf('follower', 2, { peerUrl })
  await moved.clock.advanceAsync(10_000)
  expect(moved.updates()).toBe(3)
  expect(moved.membership.views().map(({ address }) => address)).toContain('10.0.0.9:7000')
  const fields = { address: peerUrl, former: 'http://10.0.0.1:7000' }
  expect(moved.logs).toMatchObject([
    {
      message: 'members know another address of this node',
      fields: { ...fields, reason: 'etcdserver: no leader' },
    },
    { message: 'members told of a new address', fields },
  ])
  const stayed = worldOf('follower', 0)
  await stayed.clock.advanceAsync(10_000)
  expect([stayed.updates(), stayed.logs]).toEqual([0, []])
})

test('an address that nobody named is not told, and the log says so once', async () => {
  const guessed = worldOf('leader', 0, { peerUrl: 'http://172.17.0.1:7000', isNamed: false })
  await guessed.clock.advanceAsync(10_000)
  expect(guessed.updates()).toBe(0)
  const said = guessed.logs.filter(({ message }) => message.startsWith('members know another'))
  expect(said).toMatchObject([{ level: 'warn', fields: { former: 'http://10.0.0.1:7000' } }])
})
