// Goal: what the API makes and edits on one node of a cluster is in force on all of them, whatever
// order the nodes hear of it in; the file of a node goes on to win on that node.
// Method: two registries, with what each tells handed to the other by hand.
import { expect, test } from 'vitest'
import { registry } from '../../../src/actors/registry/actor.ts'
import type { RegistryConfig } from '../../../src/actors/registry/contract.ts'
import { emptyDisk, memoryPorts } from '../../../src/actors/registry/ports-memory.ts'
import type { EditFields } from '../../../src/core/config/overlay/edit.ts'
import type { SharedRecord } from '../../../src/core/gossip/peers/record.ts'
import type { PoolSnapshot } from '../../../src/core/steer/snapshot.ts'
import { fakeCtx } from '../../harness/ctx.ts'
import { FILE, registryConfig } from './api/objects-world.ts'
import { START_MS } from './registry-world.ts'

const configOf = (file: string, self: string): RegistryConfig => {
  const config = registryConfig(file)
  const { agents } = config
  return {
    ...config,
    isClustered: true,
    agents: { ...agents, chorus: { ...agents.chorus, self } },
  }
}

async function node(self: string, file = FILE, disk = emptyDisk(), atMs = START_MS) {
  const world = fakeCtx('registry', { startUnixMs: atMs })
  world.answers['registry.await-stored'] = () => ({ stored: true })
  const ports = memoryPorts(disk, world.clock)
  const behaviour = await registry.start(world.ctx, ports, configOf(file, self))
  const { receive } = behaviour
  const told = () =>
    world.published.flatMap(([id, message]) =>
      id === 'registry.record-told' && message.kind === 'object' ? [message] : [],
    )
  const pools = () => {
    const last = world.published.filter(([id]) => id === 'registry.snapshot-set').at(-1)
    const snapshot = last![1] as unknown as PoolSnapshot
    return snapshot.pools
  }
  return {
    ...world,
    ...{ disk, told, behaviour },
    edit: async (
      kind: 'domain' | 'server' | 'region' | 'mapping' | 'setting',
      id: string,
      action: 'create' | 'patch' | 'delete',
      fields: EditFields = {},
    ) => {
      const reply = receive['api.edit-object']({
        ...{ kind, id, action, fields, notes: {}, by: 'ann', force: true },
      })
      await world.clock.advanceAsync(300)
      return await reply
    },
    hear: async (records: readonly SharedRecord[]) => {
      for (const record of records) receive['cluster.record-learned'](record)
      await world.clock.advanceAsync(100)
    },
    entries: async () => {
      const { entries = [] } = await receive['api.list-differences']({ whole: true })
      return entries.map(({ kind, id }) => `${kind}/${id}`).sort()
    },
    pool: (name: string) => pools().find((one) => one.name === name),
    names: () => pools().map(({ name }) => name),
    addresses: (name: string) =>
      pools()
        .find((one) => one.name === name)
        ?.members.map(({ address }) => address),
  }
}

const NEW = 'new.example.com'

test('what no quorum has stored is in force here, and its operator is told', async () => {
  const one = await node('a')
  one.answers['registry.await-stored'] = () => ({ stored: false })
  const reply = await one.edit('domain', 'new.example.com', 'create')
  expect(reply).toMatchObject({ outcome: 'not-stored', object: { id: 'new.example.com' } })
  expect(reply.message).toBe(
    'domain new.example.com: create done (in force here, and not stored by the cluster yet)',
  )
  expect(one.names()).toContain('new.example.com')
})

test('whether an edit is stored is asked as it is told, before it is compiled', async () => {
  const one = await node('a')
  const last: unknown[] = []
  one.answers['registry.await-stored'] = () => {
    last.push(one.published.at(-1)?.[0])
    return { stored: true }
  }
  await one.edit('domain', NEW, 'create')
  // Another order that asks meanwhile would hear of the loss of this one.
  expect(last).toEqual(['registry.record-told'])
})

const SERVER = `${NEW}:10.0.0.9:80`

test('a domain and its server made on one node are served by the other, and go with it', async () => {
  const [one, other] = [await node('a'), await node('b')]
  expect(await one.edit('domain', NEW, 'create')).toMatchObject({ outcome: 'done' })
  await one.edit('server', SERVER, 'create', { region: 'us', weight: 10 })
  await other.hear(one.told())
  expect(other.names()).toContain(NEW)
  expect(other.addresses(NEW)).toEqual(['10.0.0.9'])
  expect(await other.entries()).toEqual(await one.entries())
  await one.edit('domain', NEW, 'delete')
  await other.hear(one.told())
  expect(other.names()).not.toContain(NEW)
  expect(await other.entries()).toEqual([])
})

test('what was heard twice, or late, changes nothing', async () => {
  const [one, other] = [await node('a'), await node('b')]
  await one.edit('domain', NEW, 'create')
  const [made] = one.told()
  await one.clock.advanceAsync(10)
  await one.edit('domain', NEW, 'delete')
  await other.hear([...one.told().slice(1), made!, made!])
  expect(await other.entries()).toEqual([])
})

test('an edit goes on where another node left it', async () => {
  const [one, other] = [await node('a'), await node('b')]
  await one.edit('domain', NEW, 'create', { ttl: '20' })
  await other.hear(one.told())
  // Its clock is behind: what it knows of is outdone all the same.
  expect(await other.edit('domain', NEW, 'patch', { ttl: '40' })).toMatchObject({ outcome: 'done' })
  await one.hear(other.told())
  const { object } = await one.edit('domain', NEW, 'patch', { ttl: '50' })
  expect(object).toMatchObject({ revision: 3 })
})

test('edits survive the start of a node, and reach those that start empty', async () => {
  const one = await node('a')
  await one.edit('domain', NEW, 'create')
  await one.edit('server', SERVER, 'create', { region: 'us' })
  const again = await node('a', FILE, one.disk, START_MS + 60_000)
  again.behaviour.onPeerStarted?.('cluster')
  const empty = await node('c')
  await empty.hear(again.told())
  expect(empty.addresses(NEW)).toEqual(['10.0.0.9'])
})

test('an edit of a file that this node no longer has gives way here, and is kept for the others', async () => {
  const [one, other] = [await node('a'), await node('b', FILE.replace('ttl: 20', 'ttl: 77'))]
  await one.edit('domain', 'app.example.com', 'patch', { ttl: '5' })
  await other.hear(one.told())
  expect(await one.entries()).toEqual(['domain/app.example.com'])
  expect(await other.entries()).toEqual([])
  expect(other.logs.map(({ message }) => message)).toContain(
    'the file stands against an edit of another overwatch',
  )
  expect(other.told().filter(({ body }) => body.length === 0)).toEqual([])
})

test('what the file overruled stays out when the file goes on, also where it was edited here', async () => {
  const web = 'web.example.com'
  const bare = FILE.replace(`  - { name: ${web}, regions: [eu] }\n`, '').replace(web, '')
  const [one, other] = [await node('a'), await node('b', bare)]
  await one.edit('domain', web, 'patch', { ttl: '5' })
  await one.clock.advanceAsync(1_000)
  expect(await other.edit('domain', web, 'create')).toMatchObject({ outcome: 'done' })
  await one.hear(other.told())
  expect(await one.entries()).toEqual([])
  await one.behaviour.onReconfigured?.(configOf(bare, 'a'))
  await one.clock.advanceAsync(1_000)
  expect(one.names()).not.toContain(web)
})

test('settings are those of the cluster, also when they are taken back; the log level is not', async () => {
  const [one, other] = [await node('a'), await node('b')]
  const ttl = (of: typeof one) => of.pool('web.example.com')?.ttlSeconds
  const before = ttl(one)
  expect(await one.edit('setting', 'dns', 'patch', { default_ttl: 99 })).toMatchObject({
    outcome: 'done',
  })
  await one.edit('setting', 'logging', 'patch', { level: 'debug' })
  await other.hear(one.told())
  expect(await other.entries()).toEqual(['setting/dns'])
  expect([ttl(one), ttl(other)]).toEqual([99, 99])
  await other.edit('setting', 'dns', 'delete')
  await one.hear(other.told())
  expect([ttl(one), ttl(other)]).toEqual([before, before])
  expect(await one.entries()).toEqual(['setting/logging'])
})
