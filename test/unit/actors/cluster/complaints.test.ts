// Goal: what the store refuses for longer than an election is in the log, once, and so is its end.
import { expect, test } from 'vitest'
import { Client } from '../../../../src/actors/cluster/client.ts'
import { Complaints } from '../../../../src/actors/cluster/complaints.ts'
import type { CallOutcome } from '../../../../src/actors/cluster/contract.ts'
import type { MemberStatus } from '../../../../src/core/cluster/raft-fence.ts'
import { fakeCtx } from '../../../harness/ctx.ts'

function world() {
  const fake = fakeCtx('cluster')
  const store: { fault?: string } = {}
  const call = async (): Promise<CallOutcome> =>
    store.fault === undefined
      ? { code: 'answered', answer: {} }
      : { code: 'refused', message: store.fault }
  const client = new Client({ call, watch: () => () => {}, close: () => {} })
  const complaints = new Complaints(fake.ctx, client)
  const look = async (seconds: number, status?: Partial<MemberStatus>) => {
    for (let at = 0; at < seconds; at++) {
      await client.put('/x', '', '')
      complaints.look(status as MemberStatus | undefined)
      fake.clock.advance(1_000)
    }
  }
  const said = () => fake.logs.map(({ level, message }) => `${level} ${message}`)
  return { ...fake, store, look, said }
}

test('writes that are refused are told once, and that they are taken again', async () => {
  const { store, look, said, logs } = world()
  store.fault = 'etcdserver: mvcc: database space exceeded'
  await look(3)
  expect(said()).toEqual([])
  await look(10)
  expect(said()).toEqual(['warn the store of the cluster takes no writes'])
  expect(logs[0]?.fields).toEqual({ error: store.fault })
  delete store.fault
  await look(2)
  expect(said().slice(1)).toEqual(['info the store of the cluster takes no writes: that is over'])
})

test('an alarm of etcd is an error', async () => {
  const { look, said } = world()
  const errors = ['memberID:7 alarm:NOSPACE ']
  await look(3, { errors })
  await look(2, { errors: [] })
  expect(said()).toEqual([
    'error etcd raises an alarm, and stores nothing until it is disarmed',
    'info etcd raises no alarm any more',
  ])
})
