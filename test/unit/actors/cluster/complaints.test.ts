// Goal: what the store refuses for longer than an election is in the log, once, and so is its end.
import { expect, test } from 'vitest'
import { Client } from '../../../../src/actors/cluster/client.ts'
import { Complaints } from '../../../../src/actors/cluster/complaints.ts'
import type { CallOutcome } from '../../../../src/actors/cluster/contract.ts'
import { paths } from '../../../../src/core/cluster/gateway.ts'
import type { MemberStatus } from '../../../../src/core/cluster/raft-fence.ts'
import { fakeCtx } from '../../../harness/ctx.ts'

function world({ quotaBytes }: { quotaBytes?: number } = { quotaBytes: 1_000 }) {
  const fake = fakeCtx('cluster')
  const store: { fault?: string } = {}
  const disarmed: unknown[] = []
  const call = async (path: string, body: unknown): Promise<CallOutcome> => {
    if (path === paths.alarm) disarmed.push(body)
    return store.fault === undefined
      ? { code: 'answered', answer: {} }
      : { code: 'refused', message: store.fault }
  }
  const client = new Client({ call, watch: () => () => {}, close: () => {} })
  const complaints = new Complaints(fake.ctx, client, quotaBytes)
  const look = async (seconds: number, status?: Partial<MemberStatus>) => {
    for (let at = 0; at < seconds; at++) {
      await client.put('/x', '', '')
      complaints.look(status as MemberStatus | undefined)
      fake.clock.advance(1_000)
    }
  }
  const said = () => fake.logs.map(({ level, message }) => `${level} ${message}`)
  return { ...fake, client, complaints, store, disarmed, look, said }
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

test('an alarm of etcd is an error that names the remedy', async () => {
  const { look, said, logs, complaints } = world()
  const errors = ['memberID:7 alarm:NOSPACE ']
  await look(3, { errors, dbBytes: 0 })
  expect(complaints.hasAlarm).toBe(true)
  expect(logs[0]?.fields['hint']).toContain('compact and defragment it')
  await look(2, { errors: [] })
  expect(said()).toEqual([
    'error etcd raises an alarm, and stores nothing until it is disarmed',
    'info etcd raises no alarm any more',
  ])
})

test('a file that fills up is told once, before it is full', async () => {
  const { look, said } = world()
  await look(3, { errors: [], dbBytes: 801 })
  expect(said()).toEqual([
    'warn the store of the cluster fills up: past its quota it takes no writes',
  ])
})

test('the alarm of the own member is taken back once there is room, and no other', async () => {
  const { look, disarmed, said, clock } = world()
  const errors = ['memberID:7 alarm:NOSPACE ']
  await look(3, { errors, dbBytes: 1_001, memberId: '7' })
  await look(3, { errors, dbBytes: 300, memberId: '8' })
  await look(3, { errors: ['memberID:77 alarm:NOSPACE '], dbBytes: 300, memberId: '7' })
  await look(3, { errors: ['memberID:7 alarm:CORRUPT '], dbBytes: 300, memberId: '7' })
  expect(disarmed).toEqual([])
  await look(1, { errors, dbBytes: 300, memberId: '7' })
  expect(disarmed).toEqual([{ action: 'DEACTIVATE', memberID: '7', alarm: 'NOSPACE' }])
  await clock.advanceAsync(0)
  expect(said().at(-1)).toBe('info there is room in the store again: its alarm is taken back')
})

test('the alarm of an etcd of others is told, and left to them', async () => {
  const { look, disarmed, said } = world({})
  await look(3, { errors: ['memberID:7 alarm:NOSPACE '], dbBytes: 300, memberId: '7' })
  expect(disarmed).toEqual([])
  expect(said()).toEqual(['error etcd raises an alarm, and stores nothing until it is disarmed'])
})

test('whoever asked for a write hears that the store is full', async () => {
  const { store, client } = world()
  store.fault = 'no answer within 1500 ms'
  await client.put('/x', '', '')
  expect(client.writeFault).toBeUndefined()
  store.fault = 'etcdserver: mvcc: database space exceeded'
  await client.put('/x', '', '')
  expect(client.writeFault).toBe('its store is full')
})
