// Goal: a node whose connection, clock of versions or queue lags behind the store comes to what the
// store holds, and does not wear it out meanwhile.
import { expect, test } from 'vitest'
import { Client } from '../../../../src/actors/cluster/client.ts'
import type { Gateway } from '../../../../src/actors/cluster/contract.ts'
import { Replica } from '../../../../src/actors/cluster/replica.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import type { SharedRecord } from '../../../../src/core/gossip/peers/record.ts'
import { fakeCtx } from '../../../harness/ctx.ts'
import { EtcdModel } from '../../../harness/etcd-model.ts'

const record = (id: string, stamp: number, origin = 'a', kind = 'override'): SharedRecord => ({
  ...{ kind, id, origin, stamp, seq: 0, keepUntilMs: 0 },
  body: new TextEncoder().encode(JSON.stringify({ healthy: false, reason: '', by: origin })),
})

function node(model: EtcdModel, change: (own: Gateway) => Partial<Gateway> = () => ({})) {
  const world = fakeCtx('cluster')
  const own = model.gateway()
  const calls: string[] = []
  const gateway: Gateway = { ...own, ...change(own) }
  const client = new Client({
    ...gateway,
    call: (path, body, timeoutMs) => {
      calls.push(path)
      return gateway.call(path, body, timeoutMs)
    },
  })
  const replica = new Replica({ ctx: world.ctx, client: () => client, present: new Map() })
  client.onOtherStore = () => replica.startOver()
  replica.start()
  const learned = () =>
    world.published.flatMap(([name, message]) =>
      name === 'cluster.record-learned' ? [`${message.id}@${message.stamp}`] : [],
    )
  return { ...world, replica, calls, learned, pass: (ms: number) => world.clock.advanceAsync(ms) }
}

test('a watch that somebody between has forgotten is begun again where it left off', async () => {
  const model = new EtcdModel()
  let isForgotten = false
  const one = node(model, ({ watch }) => ({
    watch: (body, line, ended) => {
      const isFirst = !isForgotten
      return watch(body, (text) => (isFirst && isForgotten ? undefined : line(text)), ended)
    },
  }))
  const other = node(model)
  await Promise.all([one.pass(10), other.pass(10)])
  isForgotten = true
  other.replica.told(record('s1', 5))
  await Promise.all([one.pass(1_000), other.pass(1_000)])
  expect(one.learned()).toEqual([])
  await one.pass(limits.clusterWatchSilenceMs.default)
  expect([one.learned(), model.watches]).toEqual([['s1@5'], 2])
})

test('the answer to a write puts nothing back that the watch told since', async () => {
  const model = new EtcdModel()
  let free = () => {}
  let held: Promise<void> | undefined
  const one = node(model, ({ call }) => ({
    call: async (path, body, timeoutMs) => {
      const outcome = await call(path, body, timeoutMs)
      if (path.endsWith('txn')) await held
      return outcome
    },
  }))
  const other = node(model)
  await Promise.all([one.pass(10), other.pass(10)])
  held = new Promise((resolve) => {
    free = resolve
  })
  one.replica.told(record('x', 5))
  await Promise.all([one.pass(5), other.pass(5)])
  other.replica.told(record('x', 6, 'b'))
  await Promise.all([other.pass(5), one.pass(5)])
  free()
  await one.pass(5)
  one.published.length = 0
  one.replica.tellAll('registry')
  expect(one.learned()).toEqual(['x@6'])
})

test('a store that was put back and told anew by others is known by a lower revision', async () => {
  const model = new EtcdModel()
  const one = node(model)
  await one.pass(10)
  for (let stamp = 5; stamp < 25; stamp++) {
    one.replica.told(record('x', stamp))
    await one.pass(10)
  }
  model.replace()
  // Somebody else is first, and the revision of the store is past that of this node again.
  const other = node(model)
  for (let at = 0; at < 40; at++) {
    other.replica.told(record(at === 0 ? 'x' : `s${at}`, 6, 'b'))
    await other.pass(10)
  }
  one.calls.length = 0
  one.replica.told(record('x', 50))
  await one.pass(3_000)
  expect(await one.replica.stored(100)).toBe(true)
  expect(one.calls.length).toBeLessThan(40)
  await other.pass(100)
  expect(other.learned()).toContain('x@50')
})

test('an order is stored before the pages of a summary that were told before it', async () => {
  const model = new EtcdModel()
  const one = node(model, ({ call }) => ({
    call: async (path, body, timeoutMs) => {
      if (path.endsWith('txn')) await new Promise<void>((done) => one.ctx.clock.after(20, done))
      return await call(path, body, timeoutMs)
    },
  }))
  await one.pass(10)
  for (let page = 0; page < 131; page++) one.replica.told(record(`p${page}`, 5, 'a', 'summary'))
  one.replica.told(record('x', 5))
  const stored = one.replica.stored(limits.clusterWriteMs.default)
  await one.pass(limits.clusterWriteMs.default)
  expect(await stored).toBe(true)
})
