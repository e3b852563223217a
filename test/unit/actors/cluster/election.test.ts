// Goal: with an etcd of others one node holds the key, and never two have a lease to answer.
import { expect, test } from 'vitest'
import { Client } from '../../../../src/actors/cluster/client.ts'
import { Election } from '../../../../src/actors/cluster/election.ts'
import { Replica } from '../../../../src/actors/cluster/replica.ts'
import { Standing } from '../../../../src/actors/cluster/standing.ts'
import { paths } from '../../../../src/core/cluster/gateway.ts'
import { leaseMemory } from '../../../../src/core/cluster/lease.ts'
import { fakeCtx } from '../../../harness/ctx.ts'
import { EtcdModel } from '../../../harness/etcd-model.ts'

function node(model: EtcdModel, self: string) {
  const world = fakeCtx('cluster')
  const standing = new Standing(world.ctx, {
    ...{
      self,
      followerDns: 'refuse',
      onLostLease: 'refuse',
      silenceMs: 10_000,
      lease: leaseMemory(),
    },
  } as never)
  const client = new Client(model.gateway())
  const election = new Election(world.ctx, standing, client, { self, leaseSeconds: 2 })
  election.start()
  return { ...world, standing, election }
}

async function pass(nodes: readonly ReturnType<typeof node>[], ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 50) for (const { clock } of nodes) await clock.advanceAsync(50)
}

test('the first that makes the key leads, and the other follows it', async () => {
  const model = new EtcdModel()
  const nodes = [node(model, 'a'), node(model, 'b')]
  await pass(nodes, 1_000)
  expect(nodes.map(({ standing }) => standing.answers)).toEqual([true, false])
  expect(nodes[1]!.standing.leadership.leader).toBe('a')
})

test('without answers it refuses before its lease is over at the servers', async () => {
  const model = new EtcdModel()
  const [one] = [node(model, 'a')]
  await pass([one!], 1_000)
  model.hasQuorum = false
  await pass([one!], 2_000)
  expect(one!.standing.answers).toBe(false)
})

test('the next leads when the lease of the first has run out', async () => {
  const model = new EtcdModel()
  const [one, other] = [node(model, 'a'), node(model, 'b')]
  await pass([one, other], 1_000)
  one.election.stop()
  model.expire('1')
  await pass([other], 1_000)
  expect(other.standing.answers).toBe(true)
})

test('a node that was not told that it made the key leads with the next answer', async () => {
  const model = new EtcdModel()
  Object.assign(model, { losesAnswers: 1, losesOnly: paths.txn })
  const nodes = [node(model, 'a'), node(model, 'b')]
  const [one] = nodes
  await pass(nodes, 1_000)
  expect(model.losesAnswers).toBe(0)
  expect(nodes.map(({ standing }) => standing.answers)).toEqual([true, false])
  // It gives back what it made, whatever it was told.
  one!.standing.yield()
  await one!.election.yield()
  expect([...model.rows.keys()]).toEqual([])
})

test('who gives the key back is followed at once, and takes it no more', async () => {
  const model = new EtcdModel()
  const [one, other] = [node(model, 'a'), node(model, 'b')]
  await pass([one, other], 1_000)
  one.standing.yield()
  await one.election.yield()
  await pass([one, other], 1_000)
  expect([one, other].map(({ standing }) => standing.answers)).toEqual([false, true])
})

test('a key that is given back is taken as soon as the watch tells, not at the next beat', async () => {
  const model = new EtcdModel()
  const [one, other] = [node(model, 'a'), node(model, 'b')]
  const replica = new Replica({
    ...{ ctx: other.ctx, client: () => new Client(model.gateway()), present: new Map() },
    vacated: () => other.election.look(),
  })
  replica.start()
  await pass([one, other], 1_000)
  // Just after a beat of both.
  await pass([one, other], 250)
  one.standing.yield()
  await one.election.yield()
  await pass([one, other], 50)
  expect([one, other].map(({ standing }) => standing.answers)).toEqual([false, true])
})

test('a follower that serves does so once it knows what the store holds', () => {
  const world = fakeCtx('cluster')
  const standing = new Standing(world.ctx, {
    ...{ self: 'a', followerDns: 'serve', onLostLease: 'refuse', silenceMs: 10_000 },
    lease: leaseMemory(),
  } as never)
  let isFit = false
  standing.mayLead = () => isFit
  standing.followed('b', 5, world.clock.monotonicMs() + 1_000)
  expect(standing.answers).toBe(false)
  isFit = true
  standing.followed('b', 5, world.clock.monotonicMs() + 1_000)
  expect(standing.answers).toBe(true)
})

test('a node that has nothing to answer with yet lets another lead', async () => {
  const model = new EtcdModel()
  const [one, other] = [node(model, 'a'), node(model, 'b')]
  let isFit = false
  one.standing.mayLead = () => isFit
  await pass([one, other], 1_000)
  expect([one, other].map(({ standing }) => standing.answers)).toEqual([false, true])
  // What is proved of it gives it no lease either.
  one.standing.led(9, one.clock.monotonicMs() + 1_000)
  expect(one.standing.answers).toBe(false)
  isFit = true
  one.standing.led(9, one.clock.monotonicMs() + 1_000)
  expect(one.standing.answers).toBe(true)
})
