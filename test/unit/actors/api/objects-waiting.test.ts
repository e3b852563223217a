// Goal: edits that wait for the compiler count as well for what would empty a pool.
// Method: the registry with a compiler that answers when the test says so.
import { expect, test } from 'vitest'
import type { CompileOutcome, RegistryPorts } from '../../../../src/actors/registry/contract.ts'
import { sharedMemory } from '../../../../src/core/base/memory.ts'
import { tableOf } from '../../../../src/core/zone/table-source.ts'
import { settle } from '../../../harness/virtual-clock.ts'
import { FILE, objectsWorld } from './objects-world.ts'

const SERVERS = ['192.0.2.1', '192.0.2.2', '[2001:db8::1]'].map(
  (address) => `app.example.com:${address}:80`,
)

test('of two edits that would empty a pool together the second is held back', async () => {
  const open: (() => void)[] = []
  let isFirst = true
  const compile: RegistryPorts['compile'] = (source) => {
    const outcome: CompileOutcome = { code: 'compiled', table: tableOf(source, sharedMemory) }
    if (!isFirst) return new Promise((resolve) => void open.push(() => resolve(outcome)))
    isFirst = false
    return outcome
  }
  const world = await objectsWorld(FILE, undefined, 1, { compile })
  for (const target of SERVERS) world.verdict(target, 'up')
  const remove = (target: string) =>
    world.call('PATCH', `/servers/${encodeURIComponent(target)}`, { enabled: false })
  const name = 'new.example.com'
  const domain = world.call('POST', '/domains', { name, regions: ['us'] })
  await settle()
  expect(open).toHaveLength(1)
  // Two of three may not leave at once, nor one after the other before the first has left.
  const first = remove(SERVERS[0]!)
  await settle()
  const second = remove(SERVERS[1]!)
  await settle()
  while (open.length > 0) {
    open.shift()!()
    await settle()
  }
  const statuses = [(await domain).status, (await first).status, (await second).status]
  expect(statuses).toEqual([201, 200, 409])
})
