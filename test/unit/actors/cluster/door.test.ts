// Goal: a node that was let in and never came up keeps nobody out for good.
import { expect, test } from 'vitest'
import { Client } from '../../../../src/actors/cluster/client.ts'
import type { CallOutcome } from '../../../../src/actors/cluster/contract.ts'
import { answerDoor } from '../../../../src/actors/cluster/door.ts'
import { Membership } from '../../../../src/actors/cluster/membership.ts'
import { paths } from '../../../../src/core/cluster/gateway.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import { fakeCtx } from '../../../harness/ctx.ts'

const member = (ID: string, name: string, host: string) => ({
  ...{ ID, name, peerURLs: [`http://${host}:7000`] },
  ...(ID === '1' ? {} : { isLearner: true }),
})

/** Members of etcd as it is: it takes one learner. */
function world() {
  const fake = fakeCtx('cluster')
  let rows = [member('1', 'node-1', '10.0.1.1')]
  const call = async (path: string, body: unknown): Promise<CallOutcome> => {
    const { ID, peerURLs = [] } = body as { ID?: string; peerURLs?: readonly string[] }
    if (path === paths.removeMember) rows = rows.filter((row) => row.ID !== ID)
    if (path !== paths.addMember) return { code: 'answered', answer: { members: rows } }
    if (rows.some((row) => 'isLearner' in row))
      return { code: 'refused', message: 'etcdserver: too many learner members in cluster' }
    const added = member(String(rows.length + 1), '', peerURLs[0]!.slice(7, -5))
    rows.push(added)
    return { code: 'answered', answer: { member: added } }
  }
  const client = new Client({ call, watch: () => () => {}, close: () => {} })
  const membership = new Membership({
    ...{
      ctx: fake.ctx,
      client: () => client,
      isExternal: false,
      reached: undefined,
      changed: () => {},
    },
    ...{ standing: { leadership: { leader: '' } } as never, self: { name: 'node-1' } as never },
  })
  const ask = async (name: string, host: string) => {
    await membership.refresh()
    const text = JSON.stringify({ name, peerUrl: `http://${host}:7000` })
    return await answerDoor(fake.ctx, client, text, membership)
  }
  return { ...fake, membership, ask, names: () => rows.map(({ peerURLs }) => peerURLs[0]) }
}

test('the one in the way is named, with what to do, and goes by its address', async () => {
  const { ask, membership } = world()
  expect((await ask('node-2', '172.17.0.1')).status).toBe(200)
  const { status, text } = await ask('node-2', '10.0.1.2')
  expect(status).toBe(503)
  expect(text).toContain('172.17.0.1:7000 was let in and has not started')
  expect(text).toContain('cluster remove 172.17.0.1:7000')
  expect(membership.meant('172.17.0.1:7000')?.id).toBe('2')
  expect(membership.meant('10.0.1.1:7000')).toBeUndefined()
  expect(membership.meant('node-1')?.id).toBe('1')
})

test('who asks under the name and address of a member that lives is told so, and waits', async () => {
  const { ask, membership, names } = world()
  membership.present.set('node-1', { name: 'node-1' } as never)
  const { status, text } = await ask('node-1', '10.0.1.1')
  expect([status, text]).toEqual([503, expect.stringContaining('node-1 is alive')])
  expect(names()).toEqual(['http://10.0.1.1:7000'])
  membership.present.clear()
  expect((await ask('node-1', '10.0.1.1')).status).toBe(200)
})

test('it is removed for the next that asks once it had the time to come up', async () => {
  const { ask, clock, names } = world()
  await ask('node-2', '172.17.0.1')
  await ask('node-2', '10.0.1.2')
  clock.advance(limits.clusterServePatienceMs.default * 2)
  const { status, text } = await ask('node-2', '10.0.1.2')
  expect([status, text.includes('172.17.0.1')]).toEqual([200, false])
  expect(names()).toEqual(['http://10.0.1.1:7000', 'http://10.0.1.2:7000'])
})
