// Goal: a node that cannot come up says why in a sentence that names the key; one that is told to
// found asks those it knows first; two clusters that meet say so; a member that ends starts again.
import { describe, expect, test } from 'vitest'
import type { ClusterPorts, Knocked } from '../../../../src/actors/cluster/contract.ts'
import { Embedded } from '../../../../src/actors/cluster/embedded.ts'
import { fakeCtx } from '../../../harness/ctx.ts'

const OTHER = '10.0.0.2:7000'
const member = (name: string, address: string, id = 1) => ({
  ...{ id, name, peerURLs: [`http://${address}`], clientURLs: ['http://10.0.0.2:7001'] },
})
type Page = Extract<Knocked, { code: 'answered' }>
/** The page that etcd shows its peers, of another cluster than that of this node. */
const page = (...members: readonly object[]): Page => ({
  ...{ code: 'answered', status: 200, text: JSON.stringify(members), clusterId: 'cafe' },
})
const ownPage = (...members: readonly object[]): Page => ({
  ...page(...members),
  clusterId: '48276a8f75b6a87',
})
const STATUS = {
  header: { cluster_id: '324952591200643719', member_id: '9', revision: '7', raft_term: '2' },
  ...{ leader: '9', version: '3.4.23' },
}

/** Node 2 lets in whoever asks. */
const admits = (url: string): Knocked =>
  url.endsWith('/join')
    ? {
        ...{ code: 'answered', status: 200 },
        text: JSON.stringify({ members: [member('node-2', OTHER)] }),
      }
    : page(member('node-2', OTHER))

interface Wish {
  readonly bootstrap?: boolean
  readonly join?: readonly string[]
  readonly hasData?: boolean
  /** Text of the file that keeps the members known last. */
  readonly memory?: string
  readonly knock?: (url: string) => Knocked
  /** Last words of an etcd that ends at once. */
  readonly lastWords?: readonly string[]
  /** Why etcd cannot be started here. */
  readonly noEngine?: string
  readonly forceNew?: boolean
  readonly isDiskFull?: boolean
  /** Other files by their paths. */
  readonly notes?: Readonly<Record<string, string>>
  /** Of the actor; where it is not the first, its etcd has ended meanwhile. */
  readonly incarnation?: number
}

function worldOf({ bootstrap = false, join = [], hasData = false, ...wish }: Wish) {
  const { forceNew = false, incarnation = 1 } = wish
  const world = fakeCtx('cluster', { incarnation })
  const started: (readonly string[])[] = []
  let isRunning = false
  const disk = { hasData, notes: new Map(Object.entries(wish.notes ?? {})) }
  world.answers['cluster.find-engine'] = () => ({
    ...{ message: wish.noEngine ?? '', version: '3.4.23' },
  })
  world.answers['cluster.start-engine'] = ({ args }) => {
    started.push(args)
    isRunning = wish.lastWords === undefined
    return { outcome: 'started', message: '', pid: 7, version: '3.4.23' }
  }
  world.answers['cluster.read-engine'] = () => {
    const isKnown = started.length > 0 || incarnation > 1
    const state = isRunning ? 'running' : isKnown ? 'ended' : 'absent'
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
    hasData: () => disk.hasData,
    prepare: async () => undefined,
    watcher: (folder: string, silenceMs: number) => [folder, String(silenceMs)],
    openBeat: async () => undefined,
    setAside: async () => undefined,
    readText: async (path: string) => (path === '/m' ? wish.memory : disk.notes.get(path)),
    writeText: async (path: string, text: string) => {
      if (wish.isDiskFull) return 'no space left on device'
      disk.notes.set(path, text)
      return undefined
    },
    ownAddress: () => '10.0.0.1',
  } as unknown as ClusterPorts
  const config = {
    ...{ kind: 'embedded' as const, binary: 'etcd', folder: '/raft', bind: '10.0.0.1:7000' },
    ...{ advertise: '', door: '', bootstrap, join, forceNew, memoryPath: '/m' },
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
  return { ...world, embedded, start, started, disk, end: () => (isRunning = false) }
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

  test('without an etcd that fits asks nobody to be let in', async () => {
    const asked: string[] = []
    const knock = (url: string): Knocked => {
      asked.push(url)
      return admits(url)
    }
    const noEngine = 'etcd: version 2.3.8 does not fit: 3.4 or a later 3.x is needed'
    const world = worldOf({ join: [OTHER], knock, noEngine })
    expect(await world.start()).toBe(noEngine)
    expect(asked).toEqual([])
    expect(world.started).toEqual([])
  })

  test('that is to found joins those who answer, and founds where nobody does', async () => {
    const joins = worldOf({ bootstrap: true, join: [OTHER], knock: admits })
    expect(await joins.start()).toBe('up')
    expect(joins.started[0]).toContain('--initial-cluster-state=existing')
    const founds = worldOf({ bootstrap: true, join: [OTHER] })
    expect(await founds.start()).toBe('up')
    expect(founds.started[0]).toContain('--initial-cluster-state=new')
  })

  test('that is to found waits for those who are late, or hidden behind a fault', async () => {
    let knocks = 0
    const late = worldOf({
      ...{ bootstrap: true, join: [OTHER] },
      knock: (url) =>
        url.endsWith('/join') || ++knocks > 20
          ? admits(url)
          : { code: 'unreachable', message: 'connection refused' },
    })
    expect(await late.start()).toBe('up')
    expect(late.started[0]).toContain('--initial-cluster-state=existing')
    const knock = (): Knocked => ({ code: 'failed', message: 'certificate has expired' })
    const hidden = worldOf({ bootstrap: true, join: [OTHER], knock })
    expect(await hidden.start()).toContain('no member lets this node in')
    expect(hidden.started).toEqual([])
  })

  test('that is to found and knew members founds none beside them, and says so', async () => {
    const world = worldOf({ bootstrap: true, memory: JSON.stringify({ peers: [OTHER] }) })
    expect(await world.start()).toContain('without the members in /m')
    expect(world.started).toEqual([])
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

describe('a node whose address is not the one by which it was added', () => {
  const startWith = async (list: Knocked, isHeard = true) => {
    const knock = (): Knocked => list
    const world = worldOf({ hasData: true, join: [OTHER], knock })
    const answers = world.embedded.client
    if (!isHeard) answers.identity = async () => undefined
    expect(await world.start()).toBe('up')
    return logged(world, 'two clusters').length
  }
  const other = member('node-2', OTHER)

  test('is a member of its cluster by its id, wherever the list says that it is', async () => {
    expect(await startWith(ownPage(other, member('node-1', '172.17.0.1:7000', 9)))).toBe(0)
    // As where a lost quorum was given up, and not all were stopped.
    expect(await startWith(ownPage(other))).toBe(1)
    expect(await startWith(page(other, member('node-1', '10.0.0.1:7000', 9)))).toBe(1)
  })

  test('says nothing of a page that names no cluster, or while its own member is silent', async () => {
    const { clusterId, ...nameless } = page(other)
    expect(clusterId).toBe('cafe')
    expect(await startWith(nameless)).toBe(0)
    expect(await startWith(page(other), false)).toBe(0)
  })
})

describe('a member whose etcd ended while it was being removed', () => {
  const self = member('node-1', '172.17.0.1:7000', 9)
  const asked = async (...pages: readonly Knocked[]) => {
    let asks = 0
    const knock = () => pages[Math.min(asks++, pages.length - 1)]!
    const world = worldOf({ bootstrap: true, memory: '', knock })
    await world.start()
    await world.embedded.client.get('a')
    world.embedded.remember([{ peerUrls: [`http://${OTHER}`] } as never])
    const answer = world.embedded.isRemoved('9')
    await world.clock.advanceAsync(5_000)
    return await answer
  }
  const silent: Knocked = { code: 'timed-out', message: 'no answer' }

  test('is removed where another no longer lists it, though it learns that late', async () => {
    const other = member('node-2', OTHER)
    expect(await asked(ownPage(other))).toBe(true)
    expect(await asked(ownPage(other, self), silent, ownPage(other))).toBe(true)
  })

  test('is a member as far as anybody knows where it is listed, or nobody says', async () => {
    expect(await asked(ownPage(member('node-2', OTHER), self))).toBe(false)
    expect(await asked(silent)).toBe(false)
    expect(await asked(ownPage())).toBe(false)
    expect(await asked(page(member('node-2', OTHER)))).toBe(false)
  })
})

describe('two nodes that were both told to found', () => {
  /** The other one is there from some moment on, and knows nobody but itself. */
  const late = (join: readonly string[]) => {
    const found = { isThere: false }
    const knock = (url: string): Knocked =>
      found.isThere && url === `http://${OTHER}/members`
        ? page(member('node-2', OTHER))
        : { code: 'unreachable', message: 'connection refused' }
    return { found, world: worldOf({ bootstrap: true, join, knock }) }
  }

  test('say so where one lists the other, though it came up later; once each time', async () => {
    const { found, world } = late([OTHER])
    expect(await world.start()).toBe('up')
    await world.clock.advanceAsync(120_000)
    expect(logged(world, 'two clusters')).toHaveLength(0)
    found.isThere = true
    await world.clock.advanceAsync(180_000)
    expect(logged(world, 'two clusters')).toMatchObject([{ fields: { node: OTHER } }])
    found.isThere = false
    await world.clock.advanceAsync(60_000)
    found.isThere = true
    await world.clock.advanceAsync(60_000)
    expect(logged(world, 'two clusters')).toHaveLength(2)
  })

  test('say so where they only gossip with each other', async () => {
    const { found, world } = late([])
    expect(await world.start()).toBe('up')
    found.isThere = true
    await world.clock.advanceAsync(60_000)
    expect(logged(world, 'two clusters')).toHaveLength(0)
    world.embedded.others.heard(['10.0.0.1', '10.0.0.2', '10.0.0.3'])
    await world.clock.advanceAsync(60_000)
    const said = 'a node that gossips with this one is a member of another one'
    expect(logged(world, said)).toMatchObject([{ fields: { node: OTHER } }])
  })

  test('are not asked once they are members, or stopped', async () => {
    const { found, world } = late([OTHER])
    expect(await world.start()).toBe('up')
    found.isThere = true
    const peer = { ...member('node-2', OTHER), peerUrls: [`http://${OTHER}`] }
    world.embedded.remember([peer as never])
    await world.clock.advanceAsync(120_000)
    world.embedded.remember([])
    await world.embedded.stop()
    await world.clock.advanceAsync(120_000)
    expect(logged(world, 'two clusters')).toHaveLength(0)
  })
})

test('a member whose data was taken away while it ran joins again, and founds nothing', async () => {
  let isThere = false
  const knock = (url: string): Knocked =>
    isThere ? admits(url) : { code: 'unreachable', message: 'connection refused' }
  const world = worldOf({ hasData: true, bootstrap: true, knock })
  await world.start()
  world.embedded.remember([{ ...member('node-2', OTHER), peerUrls: [`http://${OTHER}`] } as never])
  world.disk.hasData = false
  world.end()
  let forgotten = 0
  world.embedded.onNewMember = () => forgotten++
  void world.embedded.check()
  await world.clock.advanceAsync(60_000)
  expect(world.started).toHaveLength(1)
  isThere = true
  void world.embedded.check()
  await world.clock.advanceAsync(5_000)
  // The cluster may be one that was founded anew: its terms are no later ones.
  expect(forgotten).toBeGreaterThan(0)
  expect(world.started).toHaveLength(2)
  expect(world.started[1]).toContain('--initial-cluster-state=existing')
  expect(world.started[1]!.join(' ')).toContain('node-2=http://10.0.0.2:7000')
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

describe('--force-new-cluster', () => {
  const NOTE = '/raft/founded-anew.json'
  const forced = ({ started }: ReturnType<typeof worldOf>) =>
    started.flat().includes('--force-new-cluster=true')

  test('throws members out once, and not as the actor restarts', async () => {
    for (const incarnation of [1, 2]) {
      const world = worldOf({ hasData: true, forceNew: true, incarnation })
      expect(await world.start()).toBe('up')
      expect([forced(world), world.disk.notes.has(NOTE)]).toEqual(Array(2).fill(incarnation === 1))
    }
  })

  test('that cannot be noted says that the next start would obey it again', async () => {
    const world = worldOf({ hasData: true, forceNew: true, isDiskFull: true })
    expect(await world.start()).toBe('up')
    const said = logged(world, 'it is not on disk that --force-new-cluster was obeyed')
    expect(said[0]?.fields).toMatchObject({ error: 'no space left on device' })
  })

  test('left in place is ignored by every later start, which says so', async () => {
    const world = worldOf({ hasData: true, forceNew: true, notes: { [NOTE]: '{}' } })
    expect(await world.start()).toBe('up')
    expect(forced(world)).toBe(false)
    expect(logged(world, 'is ignored')[0]?.fields?.['hint']).toContain(`remove ${NOTE}`)
  })

  test('is refused while a member that is known runs, joined or remembered', async () => {
    const own = member('node-1', '10.0.0.1:7000')
    const knock = () => page(own, member('node-2', OTHER))
    const memory = JSON.stringify({ version: 1, peers: [OTHER] })
    for (const wish of [{ memory }, { join: [OTHER] }]) {
      const world = worldOf({ hasData: true, forceNew: true, knock, ...wish })
      expect(await world.start()).toContain(`${OTHER} is a member of this cluster and runs`)
      expect(world.started).toEqual([])
    }
    const strange = () => page(member('node-2', OTHER))
    const world = worldOf({ hasData: true, forceNew: true, knock: strange, memory })
    expect([await world.start(), forced(world)]).toEqual(['up', true])
  })
})

test('a node that was removed stays out as the actor restarts', async () => {
  const lastWords = ['the member has been permanently removed from the cluster']
  const world = worldOf({ hasData: true, join: [OTHER], knock: admits, lastWords, incarnation: 2 })
  expect(await world.start()).toBe('up')
  expect([world.embedded.state, world.started]).toEqual(['stopped', []])
})
