// Goal: whether etcd is there and fits is told without starting it, in the words of a start.
import { expect, test } from 'vitest'
import { engine } from '../../../src/actors/engine/actor.ts'
import type { EnginePorts } from '../../../src/actors/engine/contract.ts'
import { fakeCtx } from '../../harness/ctx.ts'

async function worldOf(version: string | undefined) {
  const started: string[] = []
  const ports: EnginePorts = {
    start: async ({ command }) => {
      started.push(command)
      return { code: 'started', pid: 7 }
    },
    read: () => ({ state: 'absent' }),
    stop: async () => {},
    version: async () => version,
  }
  const { receive } = await engine.start(fakeCtx('engine').ctx, ports, {})
  const find = async () => await receive['cluster.find-engine']({ binary: 'etcd' })
  const start = async () =>
    await receive['cluster.start-engine']({ binary: 'etcd', args: [], folder: '/', watcher: [] })
  return { find, start, started }
}

test.each([
  [undefined, 'install etcd (Debian: etcd-server) or set cluster.raft.etcd_path'],
  ['etcd Version: 2.3.8', 'version 2.3.8 does not fit: 3.4 or a later 3.x is needed'],
])('%s is a fault that a start has as well', async (said, fault) => {
  const { find, start, started } = await worldOf(said)
  const { message } = await find()
  expect(message).toContain(fault)
  expect((await start()).message).toBe(message)
  expect(started).toEqual([])
})

test('one that fits is found, and not started by that', async () => {
  const { find, start, started } = await worldOf('etcd Version: 3.4.23')
  expect(await find()).toEqual({ message: '', version: '3.4.23' })
  expect(started).toEqual([])
  expect(await start()).toMatchObject({ outcome: 'started', pid: 7 })
})
