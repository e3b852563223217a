// Goal: what a node was told is stored once and over nothing newer, and whatever breaks meanwhile,
// every node ends with the same records.
import { describe, expect, test } from 'vitest'
import { Client } from '../../../../src/actors/cluster/client.ts'
import type { Gateway } from '../../../../src/actors/cluster/contract.ts'
import { Replica } from '../../../../src/actors/cluster/replica.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import { keyOfRecord, valueOfRecord } from '../../../../src/core/cluster/records.ts'
import type { SharedRecord } from '../../../../src/core/gossip/peers/record.ts'
import { fakeCtx } from '../../../harness/ctx.ts'
import { EtcdModel } from '../../../harness/etcd-model.ts'

const record = (id: string, stamp: number, origin = 'a', keepUntilMs = 0): SharedRecord => ({
  ...{ kind: 'override', id, origin, stamp, seq: 0, keepUntilMs },
  body: new TextEncoder().encode(
    JSON.stringify({ healthy: false, reason: `${stamp}`, by: origin }),
  ),
})

function node(model: EtcdModel, gateway = model.gateway()) {
  const world = fakeCtx('cluster')
  const client = new Client(gateway)
  const present = new Map()
  const replica = new Replica({ ctx: world.ctx, client: () => client, present })
  client.onOtherStore = () => replica.startOver()
  replica.start()
  /** The stamps learned, by id, in order. */
  const learned = () =>
    world.published.flatMap(([name, message]) =>
      name === 'cluster.record-learned' ? [`${message.id}@${message.stamp}`] : [],
    )
  return { ...world, replica, present, learned, pass: (ms: number) => world.clock.advanceAsync(ms) }
}

describe('records', () => {
  test('told here are stored, and read back by another node', async () => {
    const model = new EtcdModel()
    const [one, other] = [node(model), node(model)]
    await Promise.all([one.pass(10), other.pass(10)])
    one.replica.told(record('s1', 5))
    await one.pass(10)
    expect(await one.replica.stored(100)).toBe(true)
    await other.pass(10)
    expect(other.learned()).toEqual(['s1@5'])
  })

  test('of the moment are not stored', async () => {
    const model = new EtcdModel()
    const one = node(model)
    await one.pass(10)
    one.replica.told({ ...record('s1', 5), kind: 'verdict' })
    await one.pass(10)
    expect(model.rows.size).toBe(0)
  })

  test('that lag behind the store are dropped, and the newer ones learned', async () => {
    const model = new EtcdModel()
    const [one, other] = [node(model), node(model)]
    await Promise.all([one.pass(10), other.pass(10)])
    one.replica.told(record('s1', 9))
    await one.pass(10)
    // It has not heard of that yet: its watch broke a moment ago.
    model.breakWatches()
    const late = node(model)
    late.replica.told(record('s1', 7, 'b'))
    await late.pass(1_000)
    expect(late.replica.pending).toBe(0)
    expect(late.learned()).toContain('s1@9')
    expect(late.learned()).not.toContain('s1@7')
    expect(model.rows.size).toBe(1)
  })

  test('that give way to a later order are not acknowledged, and the next one is', async () => {
    const model = new EtcdModel()
    const [one, other] = [node(model), node(model)]
    await Promise.all([one.pass(10), other.pass(10)])
    model.breakWatches()
    other.replica.told(record('s1', 9, 'b'))
    await other.pass(10)
    expect(await other.replica.stored(100)).toBe(true)
    // The clock of this node is behind, and it has not heard of the order that is stored.
    one.replica.told(record('s1', 7))
    const stored = one.replica.stored(100)
    await one.pass(10)
    expect(await stored).toBe(false)
    // Its registry has not heard of it either when the next one is given.
    one.replica.told(record('s1', 8))
    expect(await one.replica.stored(100)).toBe(false)
    one.replica.told(record('s1', 10))
    const next = one.replica.stored(100)
    await one.pass(10)
    expect(await next).toBe(true)
  })

  test('are tried until there is a quorum, and nobody is told before that they are stored', async () => {
    const model = new EtcdModel()
    const one = node(model)
    await one.pass(10)
    model.hasQuorum = false
    one.replica.told(record('s1', 5))
    const stored = one.replica.stored(1_000)
    await one.pass(1_200)
    expect(await stored).toBe(false)
    expect(one.replica.pending).toBe(1)
    model.hasQuorum = true
    await one.pass(1_000)
    expect(one.replica.pending).toBe(0)
    expect(await one.replica.stored(100)).toBe(true)
  })

  test('of a kind that this node may not write any more are dropped, and the others kept', async () => {
    const model = new EtcdModel()
    const one = node(model)
    await one.pass(10)
    model.hasQuorum = false
    // One is on its way, which nobody calls back.
    one.replica.told(record('s1', 5))
    await one.pass(10)
    one.replica.told({ ...record('n1', 5), kind: 'summary' })
    one.replica.told(record('s2', 5))
    one.replica.drop('summary')
    model.hasQuorum = true
    await one.pass(1_000)
    expect(await one.replica.stored(100)).toBe(true)
    expect([...model.rows.keys()].map((key) => key.split('/').at(-1))).toEqual(['s1', 's2'])
  })

  test('whose answer was lost are not written twice', async () => {
    const model = new EtcdModel()
    const one = node(model)
    await one.pass(10)
    const before = model.revision
    model.losesAnswers = 1
    one.replica.told(record('s1', 5))
    await one.pass(1_000)
    expect(one.replica.pending).toBe(0)
    expect(model.revision).toBe(before + 1)
  })

  /** One writes while the watch of the other is broken. */
  async function missed() {
    const model = new EtcdModel()
    const [one, other] = [node(model), node(model)]
    await Promise.all([one.pass(10), other.pass(10)])
    model.breakWatches()
    one.replica.told(record('s1', 5))
    await one.pass(10)
    return { model, other }
  }

  test('go on from the revision of a watch that broke', async () => {
    const { other } = await missed()
    await other.pass(1_000)
    expect(other.learned()).toEqual(['s1@5'])
    expect(other.replica.counts.reads).toBe(1)
  })

  test('that a watch missed are not passed over where it breaks before it tells them', async () => {
    const { model, other } = await missed()
    model.isLate = true
    await other.pass(1_000)
    expect(other.learned()).toEqual([])
    model.isLate = false
    model.breakWatches()
    await other.pass(1_000)
    expect(other.learned()).toEqual(['s1@5'])
    expect(other.replica.counts.reads).toBe(1)
  })

  test('are all read again where the history is no longer kept, and watched from there', async () => {
    const model = new EtcdModel()
    const [one, other] = [node(model), node(model)]
    await Promise.all([one.pass(10), other.pass(10)])
    model.breakWatches()
    one.replica.told(record('s1', 5))
    await one.pass(10)
    model.compact()
    await other.pass(2_000)
    expect(other.learned()).toEqual(['s1@5'])
    expect(other.replica.counts.reads).toBe(2)
    await one.pass(2_000)
    one.replica.told(record('s1', 6))
    await Promise.all([one.pass(10), other.pass(10)])
    expect(other.learned()).toEqual(['s1@5', 's1@6'])
    // The watch that was cancelled is closed.
    expect(model.watches).toBe(2)
  })

  test('that change while pages behind them are read are told by the watch', async () => {
    const model = new EtcdModel()
    const size = limits.clusterRecordsPage.default
    const names = Array.from({ length: size + 1 }, (_, at) => `s${String(at).padStart(4, '0')}`)
    const put = (put: SharedRecord) => model.put(keyOfRecord(put), btoa(valueOfRecord(put)))
    for (const name of names) put(record(name, 5))
    const own = model.gateway()
    const call: Gateway['call'] = async (path, body, timeoutMs) => {
      if (model.calls.length === 1) put(record('s0000', 6))
      return await own.call(path, body, timeoutMs)
    }
    const one = node(model, { ...own, call })
    await one.pass(10)
    expect(one.learned()).toHaveLength(names.length + 1)
    expect(one.learned().at(-1)).toBe('s0000@6')
  })

  test('are read in halves of a page where an answer is too long or too slow', async () => {
    const model = new EtcdModel()
    for (let at = 0; at < 40; at++) {
      const put = record(`s${at}`, 5)
      model.put(keyOfRecord(put), btoa(valueOfRecord(put)))
    }
    const own = model.gateway()
    const asked: number[] = []
    const call: Gateway['call'] = async (path, body, timeoutMs) => {
      const most = Number((body as { limit?: string }).limit)
      asked.push(most)
      if (asked.length === 1) return { code: 'timed-out', message: 'late' }
      if (most > 16) return { code: 'too-long', message: 'the answer is too long' }
      return await own.call(path, body, timeoutMs)
    }
    const one = node(model, { ...own, call })
    await one.pass(1_000)
    expect(one.learned()).toHaveLength(40)
    expect(asked.slice(0, 3)).toEqual([500, 250, 125])
  })

  test('of which a watch told a part are told again where it breaks there', async () => {
    const model = new EtcdModel()
    const own = model.gateway()
    const from: string[] = []
    const event = { kv: { key: btoa('/opengslb/records/x/1'), mod_revision: '9' } }
    const watch: Gateway['watch'] = (body, line, ended) => {
      from.push(
        (body as { create_request: { start_revision: string } }).create_request.start_revision,
      )
      const part = { fragment: true, header: { revision: '12' }, events: [event] }
      queueMicrotask(() => {
        if (from.length === 1) line(JSON.stringify({ result: part }))
        ended('broken')
      })
      return () => {}
    }
    const one = node(model, { ...own, watch })
    await one.pass(400)
    expect(from.slice(0, 2)).toEqual(['2', '9'])
  })

  test('are told to a store that was put back, or replaced, while a node ran', async () => {
    const model = new EtcdModel()
    const one = node(model)
    await one.pass(10)
    for (let at = 0; at < 5; at++) one.replica.told(record(`s${at}`, 5))
    await one.pass(1_000)
    model.replace()
    await one.pass(1_000)
    one.replica.told(record('new', 5))
    await one.pass(2_000)
    expect(model.rows.size).toBe(6)
    // The watch is of the new store.
    const other = node(model)
    await other.pass(10)
    other.replica.told(record('s0', 6, 'b'))
    await Promise.all([one.pass(10), other.pass(10)])
    expect(one.learned()).toContain('s0@6')
  })

  test('that are over are swept from the store', async () => {
    const model = new EtcdModel()
    const one = node(model)
    await one.pass(10)
    one.replica.told(record('s1', 5, 'a', one.clock.nowMs() + 500))
    one.replica.told(record('s2', 5))
    await one.pass(1_000)
    await one.replica.sweep()
    await one.pass(10)
    expect([...model.rows.keys()]).toEqual(['/opengslb/records/override/s2'])
  })
})

test('a node is present while its key is, and a registry that starts anew hears everything', async () => {
  const model = new EtcdModel()
  const one = node(model)
  await one.pass(10)
  const value = btoa(JSON.stringify({ name: 'b', address: '10.0.1.2:7000' }))
  model.put('/opengslb/nodes/b', value, '7')
  one.replica.told(record('s1', 5))
  await one.pass(10)
  expect([...one.present.keys()]).toEqual(['b'])
  model.expire('7')
  await one.pass(10)
  expect(one.present.size).toBe(0)
  one.published.length = 0
  one.replica.tellAll('registry')
  expect(one.learned()).toEqual(['s1@5'])
})
