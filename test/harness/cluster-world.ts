/**
 * A cluster in one thread: on each node the real registry, replica, fence and lease, over a model
 * of etcd in which a call is answered only once a quorum confirmed it.
 *
 * A node that is killed forgets all but its disk. A pause stops its etcd and its process, a cut its
 * links to others; clients reach it all the time. Every wall clock may be set.
 */
import { Client } from '../../src/actors/cluster/client.ts'
import type { CallOutcome, Gateway } from '../../src/actors/cluster/contract.ts'
import { Fence } from '../../src/actors/cluster/fence.ts'
import { Replica } from '../../src/actors/cluster/replica.ts'
import { type ClusterCtx, Standing } from '../../src/actors/cluster/standing.ts'
import { registry } from '../../src/actors/registry/actor.ts'
import type { RegistryConfig } from '../../src/actors/registry/contract.ts'
import { emptyDisk, memoryPorts } from '../../src/actors/registry/ports-memory.ts'
import { limits } from '../../src/core/base/limits.ts'
import { ok } from '../../src/core/base/result.ts'
import { leaseMemory } from '../../src/core/cluster/lease.ts'
import { paths } from '../../src/core/cluster/gateway.ts'
import { raftTimes } from '../../src/core/cluster/raft-fence.ts'
import { seededRandom } from '../../src/core/base/random.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { EtcdModel } from './etcd-model.ts'
import { fakeCtx } from './ctx.ts'
import { gatewayOf, Machine } from './fence-world.ts'
import { type ModelMember, RaftModel } from './raft-model.ts'
import { virtualClock } from './virtual-clock.ts'

const NODES = 3
const ELECTION_MS = 500
/** How late a member tells a watch. */
const WATCH_MS = 20

type Registry = Awaited<ReturnType<typeof registry.start>>
type Record = Parameters<Replica['told']>[0]

/** What one start of the process holds. */
interface Life {
  isAlive: boolean
  readonly standing: Standing
  readonly replica: Replica
  readonly fence: Fence
  behaviour?: Registry
}

export class ClusterNode {
  readonly name: string
  readonly member: ModelMember
  readonly machine: Machine
  readonly rate: number
  readonly disk = emptyDisk()
  skewMs = 0
  /** What it published of what is served: the last epoch and version. */
  told = { epoch: -1, version: -1 }
  /** A statement of it that may not be; undefined for none. */
  misstatement: string | undefined
  life: Life | undefined
  #lives = 0
  readonly #world: ClusterWorld
  readonly #watches = new Set<() => void>()

  constructor(world: ClusterWorld, member: ModelMember, rate: number) {
    this.#world = world
    this.member = member
    this.rate = rate
    this.name = `n${member.number + 1}`
    this.machine = new Machine(world.clock, rate, member)
  }

  get standing(): Standing | undefined {
    return this.life?.standing
  }

  async start(): Promise<void> {
    const alive = { isAlive: true }
    const clock = this.#clockOf(alive)
    const client = new Client(this.#gateway(clock, alive))
    const ctx = { ...fakeCtx('cluster').ctx, clock, publish: this.#learned } as unknown
    const standing = new Standing(
      ctx as ClusterCtx,
      {
        ...{
          self: this.name,
          followerDns: 'refuse',
          onLostLease: 'refuse',
          silenceMs: 10_000,
          lease: leaseMemory(),
        },
      } as never,
    )
    const world = { ctx: ctx as ClusterCtx, client: () => client }
    const replica = new Replica({ ...world, present: new Map() })
    const fence = new Fence({
      ...{ ...world, standing, times: this.#world.times, nameOf: (id: string) => id },
    })
    const life: Life = Object.assign(alive, { standing, replica, fence })
    this.life = life
    standing.mayLead = () => life.behaviour !== undefined && replica.counts.reads > 0
    await this.#startRegistry(life, clock)
    if (!life.isAlive) return
    replica.start()
    fence.start()
    life.behaviour?.onPeerStarted?.('cluster')
  }

  kill(): void {
    const { life } = this
    if (life === undefined) return
    life.isAlive = false
    this.life = undefined
    this.member.isDown = true
    this.breakWatches()
  }

  breakWatches(): void {
    for (const end of [...this.#watches]) end()
  }

  verdict(key: string, verdict: 'up' | 'down'): void {
    const atMs = this.#world.clock.nowMs() + this.skewMs
    const reason = verdict === 'up' ? '' : 'refused'
    this.life?.behaviour?.receive['prober.verdict-changed']({ target: key, verdict, atMs, reason })
  }

  /** True once the order was acknowledged; never, where the process ends before. */
  async order(address: string, healthy: boolean, reason: string): Promise<boolean> {
    const { life } = this
    if (life?.behaviour === undefined) return false
    const words = { service: 'app', address, healthy, reason, by: this.name, force: true }
    const { outcome } = await life.behaviour.receive['api.set-override'](words)
    return life.isAlive && outcome === 'done'
  }

  /** The same of an order's end; undefined where there was none to end. */
  async clear(address: string): Promise<boolean | undefined> {
    const { life } = this
    if (life?.behaviour === undefined) return undefined
    const words = { service: 'app', address, by: this.name }
    const { outcome } = await life.behaviour.receive['api.clear-override'](words)
    if (outcome === 'not-found') return undefined
    return life.isAlive && outcome === 'done'
  }

  async servers() {
    const listed = await this.life?.behaviour?.receive['api.list-backends']({})
    return listed?.backends ?? []
  }

  async #startRegistry(life: Life, clock: Clock): Promise<void> {
    const publish = (id: string, message: unknown) => {
      if (!life.isAlive) return
      if (id === 'registry.record-told') life.replica.told(message as Record)
      this.#heard(id, message as { epoch: number; version: number })
    }
    const ask = async (id: string) => {
      if (id !== 'registry.await-stored') return ok({})
      return ok({ stored: await life.replica.stored(limits.clusterWriteMs.default) })
    }
    const { ctx } = fakeCtx('registry', { incarnation: ++this.#lives })
    const own = { ...ctx, clock, publish, ask } as unknown as typeof ctx
    const ports = memoryPorts(this.disk, clock)
    this.told = { epoch: -1, version: -1 }
    const { config } = this.#world
    // Two orders of one moment are told apart by the name of their node.
    const chorus = { ...config.agents.chorus, self: this.name }
    const named = { ...config, agents: { ...config.agents, chorus } }
    life.behaviour = await registry.start(own, ports, named)
  }

  /** Law: nothing that is told of what is served is older than what was told before. */
  #heard(id: string, { epoch, version }: { epoch: number; version: number }): void {
    if (id !== 'registry.snapshot-set' && id !== 'registry.word-changed') return
    const { told } = this
    const isOlder = epoch < told.epoch || (epoch === told.epoch && version < told.version)
    if (isOlder) this.misstatement = `${id} ${epoch}/${version} after ${told.epoch}/${told.version}`
    this.told = { epoch, version }
  }

  readonly #learned = (id: string, record: Record): void => {
    if (id === 'cluster.record-learned')
      this.life?.behaviour?.receive['cluster.record-learned'](record)
  }

  /** The machine's clock as a process sees it: nothing fires after its end. */
  #clockOf(life: { readonly isAlive: boolean }): Clock {
    const { clock } = this.machine
    const alone = (run: () => void) => () => {
      if (life.isAlive) run()
    }
    return {
      nowMs: () => clock.nowMs() + this.skewMs,
      monotonicMs: () => clock.monotonicMs(),
      after: (delayMs, run) => clock.after(delayMs, alone(run)),
      every: (intervalMs, phaseMs, run) => {
        const cancel = clock.every(intervalMs, phaseMs, () => {
          if (life.isAlive) run()
          else cancel()
        })
        return () => cancel()
      },
    }
  }

  #gateway(clock: Clock, life: { readonly isAlive: boolean }): Gateway {
    const { member } = this
    const status = gatewayOf(member, clock)
    const store = this.#world.etcd.gateway()
    const pause = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve))
    const confirmed = async (path: string, body: unknown): Promise<CallOutcome> => {
      await pause(1)
      const term = await member.read()
      if (!life.isAlive) return { code: 'timed-out', message: 'gone' }
      const outcome = await store.call(path, body, 0)
      await pause(1)
      if (outcome.code !== 'answered') return outcome
      const header = { ...(outcome.answer['header'] as object), raft_term: String(term) }
      return { code: 'answered', answer: { ...outcome.answer, header } }
    }
    return {
      ...store,
      call: (path, body, timeoutMs) => {
        if (path === paths.status) return status.call(path, body, timeoutMs)
        return new Promise((resolve) => {
          if (!member.isDown) void confirmed(path, body).then(resolve)
          clock.after(timeoutMs, () => resolve({ code: 'timed-out', message: 'late' }))
        })
      },
      watch: (body, line, ended) => this.#watch(store, clock, { body, line, ended }),
    }
  }

  /** A watch of a member that lost the others is ended, and goes on from where it was. */
  #watch(
    store: Gateway,
    clock: Clock,
    {
      body,
      line,
      ended,
    }: Readonly<{ body: unknown }> &
      Readonly<{
        line: (text: string) => void
        ended: (why: string) => void
      }>,
  ): () => void {
    let isOver = false
    let isClosed = false
    let stop = () => {}
    const close = () => {
      isOver = true
      isClosed = true
      this.#watches.delete(end)
      stop()
    }
    const later = (run: () => void) =>
      clock.after(WATCH_MS, () => {
        if (!isClosed) run()
      })
    /** What was said before reaches the reader still. */
    const end = () => {
      if (isOver) return
      isOver = true
      this.#watches.delete(end)
      stop()
      later(() => ended('no leader'))
    }
    const heard = (text: string) => {
      if (isOver) return
      if (this.#world.raft.hasQuorum(this.member.number)) later(() => line(text))
      else end()
    }
    if (this.#world.raft.hasQuorum(this.member.number)) {
      this.#watches.add(end)
      stop = store.watch(body, heard, end)
      if (isOver) stop()
    } else end()
    return close
  }
}

export class ClusterWorld {
  readonly clock = virtualClock()
  readonly times = raftTimes(100, ELECTION_MS)
  readonly random: ReturnType<typeof seededRandom>
  readonly etcd = new EtcdModel()
  readonly raft: RaftModel
  readonly nodes: readonly ClusterNode[]
  readonly config: RegistryConfig

  constructor(seed: number, config: RegistryConfig) {
    this.config = { ...config, isClustered: true }
    this.random = seededRandom(seed)
    const rates = Array.from({ length: NODES }, () => 0.98 + this.random.next() * 0.04)
    this.raft = new RaftModel(this.clock, this.random, this.times, rates)
    this.nodes = this.raft.members.map(
      (member) => new ClusterNode(this, member, rates[member.number]!),
    )
  }

  async start(): Promise<void> {
    for (const node of this.nodes) {
      node.skewMs = this.random.below(200) - 100
      await node.start()
    }
  }

  /** A node whose process starts no sooner than an election timeout after its end. */
  restart(node: ClusterNode): void {
    if (node.life !== undefined) return
    this.clock.after(ELECTION_MS + this.random.below(500), () => {
      if (node.life !== undefined) return
      node.member.restart()
      void node.start()
    })
  }

  cutOff(node: ClusterNode, isCut: boolean): void {
    const own = node.member.number
    for (const { number } of this.raft.members)
      if (number !== own) this.raft.cut(number, own, isCut)
    if (isCut) node.breakWatches()
  }

  pause(node: ClusterNode): void {
    this.raft.pause(node.member.number)
  }

  resume(node: ClusterNode): void {
    if (!node.member.isPaused) return
    this.raft.resume(node.member.number)
    node.machine.wake()
  }

  /** Some member could answer: two of them hear each other. */
  get hasQuorum(): boolean {
    return this.raft.members.some(({ number }) => this.raft.hasQuorum(number))
  }
}
