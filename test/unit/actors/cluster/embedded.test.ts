// Goal: a node that cannot come up says why in a sentence that names the key; one that is told to
// found asks those it knows first; two clusters that meet say so; a member that ends starts again.
import { describe, expect, test } from 'vitest'
import type { ClusterPorts, Knocked } from '../../../../src/actors/cluster/contract.ts'
import { Embedded } from '../../../../src/actors/cluster/embedded.ts'
import { fakeCtx } from '../../../harness/ctx.ts'

const OTHER = '10.0.0.2:7000'
const member = (name: string, address: string) => ({
  ...{ id: '1', name, peerURLs: [`http://${address}`], clientURLs: ['http://10.0.0.2:7001'] },
})
/** The page that etcd shows its peers. */
const page = (...members: readonly object[]): Knocked => ({
  ...{ code: 'answered', status: 200, text: JSON.stringify(members) },
})
const STATUS = { header: { member_id: '9', raft_term: '2' }, leader: '9', version: '3.4.23' }

interface Wish {
  readonly bootstrap?: boolean
  readonly join?: readonly string[]
  readonly hasData?: boolean
  readonly knock?: (url: string) => Knocked
  /** Last words of an etcd that ends at once. */
  readonly lastWords?: readonly string[]
}

function worldOf({ bootstrap = false, join = [], hasData = false, ...wish }: Wish) {
  const world = fakeCtx('cluster')
  const started: (readonly string[])[] = []
  let isRunning = false
  world.answers['cluster.start-engine'] = ({ args }) => {
    started.push(args)
    isRunning = wish.lastWords === undefined
    return { outcome: 'started', message: '', pid: 7, version: '3.4.23' }
  }
  world.answers['cluster.read-engine'] = () => {
    const state = isRunning ? 'running' : started.length > 0 ? 'ended' : 'absent'
    return { state, pid: 7, lines: [...(wish.lastWords ?? [])] }
  }
  const ports = {
    gateway: () => ({
      call: async () =>
        isRunning
          ? { code: 'answered', answer: STATUS }
          : { code: 'unreachable', message: 'refused' },
      watch: () => () => {},
      close: () => {},
    }),
    knock: async (url: string) =>
      wish.knock?.(url) ?? { code: 'unreachable' as const, message: 'connection refused' },
    openDoor: async () => ({ code: 'open', close: async () => {} }),
    hasData: () => hasData,
    prepare: async () => undefined,
    setAside: async () => undefined,
    readText: async () => undefined,
    writeText: async () => {},
    ownAddress: () => '10.0.0.1',
  } as unknown as ClusterPorts
  const config = {
    ...{ kind: 'embedded' as const, binary: 'etcd', folder: '/raft', bind: '10.0.0.1:7000' },
    ...{ advertise: '', door: '', bootstrap, join, forceNew: false, memoryPath: '' },
    ...{ times: { heartbeatMs: 100, electionMs: 500 }, snapshotCount: 8_192, snapshotMs: 120_000 },
  } as const
  const embedded = new Embedded(world.ctx, ports, { self: 'node-1' } as never, config, {} as never)
  /** What came of the start, as a text. */
  const start = async () => {
    const outcome = embedded.start().then(
      () => 'up',
      (error: Error) => error.message,
    )
    await world.clock.advanceAsync(120_000)
    return await outcome
  }
  return { ...world, embedded, start, started, end: () => (isRunning = false) }
}

const logged = (world: ReturnType<typeof worldOf>, text: string) =>
  world.logs.filter(({ message }) => message.includes(text))

describe('a start', () => {
  test('with an address to join at which nobody is says which, once it has waited', async () => {
    const world = worldOf({ join: [OTHER] })
    const said = await world.start()
    expect(said).toContain('cluster.join: no member lets this node in')
    expect(said).toContain(`${OTHER}: connection refused`)
    expect(logged(world, 'waiting to be let into the cluster')).toHaveLength(1)
  })

  test('under a name that another node has is refused with what to do', async () => {
    const refusal = { error: 'a member named node-1 is at 10.0.0.9:7000: choose another' }
    const knock = (url: string): Knocked =>
      url.endsWith('/join')
        ? { code: 'answered', status: 409, text: JSON.stringify(refusal) }
        : page(member('node-2', OTHER))
    const said = await worldOf({ join: [OTHER], knock }).start()
    expect(said).toContain('the cluster does not take this node: a member named node-1')
  })

  test('on a port that is taken names cluster.bind_address', async () => {
    const lastWords = ['listen tcp 10.0.0.1:7000: bind: address already in use']
    const said = await worldOf({ bootstrap: true, lastWords }).start()
    expect(said).toContain('cluster.bind_address is taken by another program')
  })

  test('that is to found joins those who answer, and founds where nobody does', async () => {
    const knock = (url: string): Knocked =>
      url.endsWith('/join')
        ? {
            ...{ code: 'answered', status: 200 },
            text: JSON.stringify({ members: [member('node-2', OTHER)] }),
          }
        : page(member('node-2', OTHER))
    const joins = worldOf({ bootstrap: true, join: [OTHER], knock })
    expect(await joins.start()).toBe('up')
    expect(joins.started[0]).toContain('--initial-cluster-state=existing')
    const founds = worldOf({ bootstrap: true, join: [OTHER] })
    expect(await founds.start()).toBe('up')
    expect(founds.started[0]).toContain('--initial-cluster-state=new')
  })

  test('beside a cluster of others, with data of its own, says that there are two', async () => {
    const world = worldOf({
      ...{ bootstrap: true, hasData: true, join: [OTHER] },
      knock: () => page(member('node-2', OTHER)),
    })
    expect(await world.start()).toBe('up')
    expect(logged(world, 'two clusters')).toHaveLength(1)
  })
})

test('a member that ended is started again with its data, and the log says why it did', async () => {
  const world = worldOf({ hasData: true, bootstrap: true })
  await world.start()
  world.answers['cluster.read-engine'] = () => ({
    ...{ state: 'ended' as const, pid: 0 },
    lines: ['write /raft/etcd/member/wal/0.tmp: no space left on device'],
  })
  void world.embedded.check()
  await world.clock.advanceAsync(5_000)
  expect(logged(world, 'etcd ended')[0]?.fields).toMatchObject({ fault: 'disk-full' })
  expect(world.started).toHaveLength(2)
})
