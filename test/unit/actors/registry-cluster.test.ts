// Goal: in cluster mode an order is acknowledged once the cluster has stored it, and an order of
// another node takes effect here.
import { expect, test } from 'vitest'
import { registry } from '../../../src/actors/registry/actor.ts'
import { emptyDisk, memoryPorts } from '../../../src/actors/registry/ports-memory.ts'
import { fakeCtx } from '../../harness/ctx.ts'
import { keyOf, poolOf, topologyOf } from '../core/health/sample.ts'
import { A, B, configOf } from './registry-world.ts'

async function start(isClustered = true) {
  const world = fakeCtx('registry')
  const ports = memoryPorts(emptyDisk(), world.clock)
  const config = { ...configOf(topologyOf(poolOf('app', [A, B]))), isClustered }
  const { receive } = await registry.start(world.ctx, ports, config)
  return { ...world, receive }
}

const order = (service: string) => ({
  ...{ service, address: A, healthy: false, reason: 'x', by: 'ops', force: true },
})

test('an order is done once it is stored, and told as not stored otherwise', async () => {
  const world = await start()
  world.answers['registry.await-stored'] = () => ({ stored: true })
  const first = world.receive['api.set-override'](order('app'))
  await world.clock.advanceAsync(200)
  expect(await first).toMatchObject({ outcome: 'done' })
  world.answers['registry.await-stored'] = () => ({ stored: false })
  const second = world.receive['api.set-override'](order('app'))
  await world.clock.advanceAsync(200)
  expect(await second).toMatchObject({ outcome: 'not-stored' })
  expect(world.asked.length).toBe(2)
})

test('an order that a full store does not take says so', async () => {
  const world = await start()
  world.answers['registry.await-stored'] = () => ({ stored: false, why: 'its store is full' })
  const done = world.receive['api.set-override'](order('app'))
  await world.clock.advanceAsync(200)
  const { outcome, message } = await done
  expect(outcome).toBe('not-stored')
  expect(message).toContain('not stored by the cluster: its store is full')
})

test('a node that is alone asks nobody', async () => {
  const world = await start(false)
  const done = world.receive['api.set-override'](order('app'))
  await world.clock.advanceAsync(200)
  expect(await done).toMatchObject({ outcome: 'done' })
  expect(world.asked).toEqual([])
})

test('an order of another node is in force here', async () => {
  const world = await start()
  const body = new TextEncoder().encode(
    JSON.stringify({ healthy: false, reason: 'there', by: 'ops' }),
  )
  world.receive['cluster.record-learned']({
    ...{ kind: 'override', id: keyOf('app', A), origin: 'node-2', body },
    ...{ stamp: world.clock.nowMs(), seq: 0, keepUntilMs: 0 },
  })
  const { backends } = await world.receive['api.list-backends']({})
  expect(backends.find(({ key }) => key === keyOf('app', A))).toMatchObject({
    override: { reason: 'there' },
    status: 'unhealthy',
  })
})
