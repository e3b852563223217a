/**
 * The member of this node: how it comes up, what becomes of it when it ends, and how it leaves.
 *
 * A start fails loud, with a sentence that names the key at fault; what goes wrong later is told in
 * the log and tried again, while the lease keeps the node from answering.
 */
import { limits } from '../../core/base/limits.ts'
import {
  engineArguments,
  faultOf,
  type Founding,
  lastWords,
  SOCKET,
} from '../../core/cluster/engine.ts'
import type { RaftMember } from '../../core/cluster/gateway.ts'
import { objectOf } from '../../core/cluster/gateway.ts'
import {
  addressOfUrl,
  advertisedOf,
  initialCluster,
  isNamed,
  type JoinRequest,
  planStart,
  type StartPlan,
} from '../../core/cluster/planning.ts'
import { Client } from './client.ts'
import type { ClusterConfig, ClusterPorts, EmbeddedConfig } from './contract.ts'
import { answerDoor, askEntry, type Doorkeeper, doorOf } from './door.ts'
import { foundAt, Others } from './others.ts'
import type { Pulse } from './pulse.ts'
import { Refounding } from './refound.ts'
import type { ClusterCtx } from './standing.ts'

/** Between two looks for another cluster. */
const LOOK_MS = 60_000

type State = 'starting' | 'running' | 'stopped'

function failStart(message: string): never {
  throw Object.assign(new Error(message), { code: 'cluster-start' })
}

export class Embedded {
  /** `host:port` where others reach this member. */
  readonly address: string
  state: State = 'starting'
  version = ''
  /** The members as they were told when this node joined; a learner may not ask for them. */
  admittedBy: readonly RaftMember[] = []
  readonly client: Client
  readonly others: Others
  readonly #refounding: Refounding
  /** This node is a new member, maybe of a cluster founded anew, whose terms began at one. */
  onNewMember: () => void = () => {}
  doorkeeper: Doorkeeper = { neverCame: () => undefined, isPresent: () => true }
  readonly #ctx: ClusterCtx
  readonly #ports: ClusterPorts
  readonly #self: string
  readonly #config: EmbeddedConfig
  readonly #request: JoinRequest
  readonly #pulse: Pulse
  #closeDoor: () => Promise<void> = async () => {}
  #isChecking = false
  /** Addresses of the other members, of the last list. */
  #peers: readonly string[] = []

  constructor(
    ctx: ClusterCtx,
    ports: ClusterPorts,
    config: ClusterConfig,
    own: EmbeddedConfig,
    pulse: Pulse,
  ) {
    this.#pulse = pulse
    this.#ctx = ctx
    this.#ports = ports
    this.#self = config.self
    this.#config = own
    const address = advertisedOf(own.bind, own.advertise, ports.ownAddress())
    if (address === undefined)
      failStart('cluster.advertise_address: this machine has no address to tell others; set it')
    this.address = address
    const scheme = own.tls === undefined ? 'http' : 'https'
    this.#request = { name: config.self, peerUrl: `${scheme}://${address}` }
    this.client = new Client(ports.gateway({ kind: 'socket', path: `${own.folder}/${SOCKET}` }))
    this.#refounding = new Refounding({ log: ctx.log, ports, config: own, self: this.#request })
    const peers = () => this.#peers
    this.others = new Others({ ctx, ports, config: own, client: this.client, address, peers })
  }

  /** Where others reach it, as its engine is told. */
  get reached() {
    const { bind, advertise } = this.#config
    return { peerUrl: this.#request.peerUrl, isNamed: isNamed(bind, advertise) }
  }

  /** Resolves once the member runs, and answers unless it has to wait for others. */
  async start(): Promise<void> {
    const fault = await this.#ports.prepare(this.#config.folder)
    if (fault !== undefined) failStart(`cluster.raft.data_dir ${this.#config.folder}: ${fault}`)
    if (this.#config.folder.length > 90)
      failStart('cluster.raft.data_dir: the path is longer than a socket in it may be (90)')
    await this.#openDoor()
    const deaf = await this.#ports.openBeat(this.#config.folder)
    if (deaf !== undefined) this.#ctx.log.warn('this node has no watcher', { error: deaf })
    const seen = await this.#ctx.ask('cluster.read-engine', {})
    // It outlived a former incarnation of this actor.
    if (seen.ok && seen.value.state === 'running') this.state = 'running'
    else if (seen.ok && faultOf(seen.value.lines).fault === 'removed') this.state = 'stopped'
    else await this.#come(await this.#plan(this.#isFirst && (await this.#isForced())), true)
    if (this.#isStopped) return
    this.#ctx.log.info('Raft node started', { address: this.address, version: this.version })
    this.#lookForOthers()
  }

  /** A later incarnation of this actor finds the cluster that was founded anew, and its members. */
  get #isFirst(): boolean {
    return this.#ctx.incarnation === 1
  }

  /** Whether the other members are to be thrown out at this start. */
  async #isForced(): Promise<boolean> {
    const { forceNew, join, folder } = this.#config
    if (!forceNew || (this.#ports.hasData(folder) && (await this.#refounding.isDone())))
      return false
    const known = new Set([...join, ...(await this.#lastKnown())])
    known.delete(this.address)
    const runs = await this.#refounding.whoRuns([...known])
    if (runs === undefined) return true
    failStart(
      `cluster.force_new_cluster: ${runs} is a member of this cluster and runs; this node would ` +
        'throw it out, with what it has stored. Take the flag away, or stop that node first',
    )
  }

  /** Now and then from the start on: others may come up later than this one. */
  #lookForOthers(): void {
    if (this.#isStopped) return
    void this.others.look()
    this.#ctx.clock.after(LOOK_MS, () => this.#lookForOthers())
  }

  /** Looks whether it still runs, and starts it again where it does not. */
  async check(): Promise<void> {
    if (this.#isChecking || this.state === 'stopped') return
    this.#isChecking = true
    const seen = await this.#ctx.ask('cluster.read-engine', {})
    if (seen.ok && seen.value.state !== 'running') {
      const { fault, text } = faultOf(seen.value.lines)
      const said = { fault, error: text, last: lastWords(seen.value.lines) }
      this.#ctx.log.error('etcd ended', said)
      // Whoever removed this node did so knowingly; it comes back when it is started again.
      if (fault === 'removed') this.state = 'stopped'
      else await this.#restart()
    }
    this.#isChecking = false
  }

  /** Keeps the list for a start with an empty disk. */
  remember(members: readonly RaftMember[]): void {
    const { memoryPath } = this.#config
    const peers = members
      .flatMap(({ peerUrls }) => peerUrls.map(addressOfUrl))
      .filter((one) => one !== this.address)
    this.#peers = peers
    if (memoryPath === '') return
    void this.#ports.writeText(memoryPath, JSON.stringify({ version: 1, peers }))
  }

  /**
   * Whether another member, asked at its page, no longer lists this one; false where none says.
   * @param memberId of this member; its address in the list may be an older one
   */
  async isRemoved(memberId: string): Promise<boolean> {
    const { clock } = this.#ctx
    const self = { clusterId: this.client.clusterId, memberId }
    const untilMs = clock.monotonicMs() + limits.clusterCallMs.default
    for (;;) {
      for (const peer of this.#peers)
        if ((await foundAt(this.#ports, this.#config, peer, self)) === 'missing') return true
      // What was decided may not have come to all of them yet.
      if (clock.monotonicMs() > untilMs) return false
      await this.#pause()
    }
  }

  /** Ends it; it stays a member unless it was removed before. */
  async stop(): Promise<void> {
    this.state = 'stopped'
    await this.#closeDoor()
    await this.#ctx.ask('cluster.stop-engine', {}, limits.clusterEngineStopMs.default + 300)
  }

  /** What it leaves behind is of no more use to anybody. */
  async forget(): Promise<void> {
    await this.#ports.setAside(this.#config.folder)
    if (this.#config.memoryPath !== '')
      await this.#ports.writeText(
        this.#config.memoryPath,
        JSON.stringify({ version: 1, peers: [] }),
      )
  }

  async #plan(forceNew: boolean): Promise<StartPlan> {
    const { bootstrap, join, folder } = this.#config
    const lastKnown = await this.#lastKnown()
    const notSelf = (address: string) => address !== this.address
    return planStart({
      hasData: this.#ports.hasData(folder),
      ...{ bootstrap, forceNew, lastKnown },
      join: join.filter(notSelf),
    })
  }

  async #lastKnown(): Promise<readonly string[]> {
    if (this.#peers.length > 0) return this.#peers
    const text = await this.#ports.readText(this.#config.memoryPath)
    const peers = objectOf(text ?? '')?.['peers']
    if (!Array.isArray(peers)) return []
    const most = limits.clusterMembersMax.max
    return peers.filter((one) => typeof one === 'string' && one !== this.address).slice(0, most)
  }

  async #openDoor(): Promise<void> {
    const { tls, door, bind } = this.#config
    const at = doorOf({ door }, door === '' ? bind : this.address)
    const [host = '', port = ''] = splitEndpoint(at)
    const opened = await this.#ports.openDoor({
      ...{ host, port: Number(port) },
      ...(tls === undefined ? {} : { tls }),
      handle: (text) =>
        answerDoor(this.#ctx, this.#isStopped ? undefined : this.client, text, this.doorkeeper),
      heard: (tell) => this.#pulse.heard(tell),
    })
    if (opened.code === 'failed')
      failStart(`cluster.join_address ${at}: ${opened.message}; nodes that join are heard there`)
    this.#closeDoor = opened.close
  }

  async #come(plan: StartPlan, mayJoinAnew: boolean): Promise<void> {
    if (plan.kind === 'impossible') failStart(plan.why)
    // A member that starts again has forgotten whom it heard from, and votes for anybody. Whoever
    // leads by its word must have lost its lease before (core/cluster/raft-fence.ts).
    if (plan.kind === 'resume') await this.#pause(this.#config.times.electionMs)
    // Who is let in and cannot come stays in the list of members, and keeps the next one out.
    else await this.#find()
    const founding = await this.#founding(plan)
    if (this.#isStopped) return
    await this.#run(founding)
    const patienceMs =
      plan.kind === 'resume'
        ? limits.clusterResumePatienceMs.default
        : limits.clusterServePatienceMs.default
    const fault = await this.#untilServing(patienceMs)
    if (this.#isStopped) return
    if (fault === undefined || (fault.kind === 'silent' && plan.kind === 'resume')) {
      this.state = 'running'
      if (plan.kind === 'resume' && plan.forceNew)
        await this.#refounding.done(this.#ctx.clock.nowMs())
      if (fault !== undefined) this.#ctx.log.warn('etcd waits for a quorum of its members')
      return
    }
    if (fault.kind === 'removed' && mayJoinAnew) {
      this.#ctx.log.warn('this node was removed from the cluster; its data is set aside')
      await this.#ports.setAside(this.#config.folder)
      return this.#come(await this.#plan(false), false)
    }
    failStart(`etcd did not come up: ${fault.text}`)
  }

  async #founding(plan: Exclude<StartPlan, { kind: 'impossible' }>): Promise<Founding> {
    if (plan.kind === 'resume') return { kind: 'data', forceNew: plan.forceNew }
    const { clock, log } = this.#ctx
    const untilMs = clock.monotonicMs() + limits.clusterJoinPatienceMs.default
    let said = ''
    for (;;) {
      const entry = await askEntry(this.#ports, this.#config, plan.candidates, this.#request)
      if (entry.kind === 'admitted') {
        this.admittedBy = entry.members
        const list = initialCluster(entry.members, this.#request)
        return { kind: 'existing', initialCluster: list }
      }
      if (entry.kind === 'refused') failStart(`the cluster does not take this node: ${entry.why}`)
      const isOver = plan.candidates.length === 0 || clock.monotonicMs() > untilMs
      // Nobody of those it was told of came: the first node founds, as it was asked to.
      if (isOver && entry.kind === 'nobody' && plan.kind === 'found') return { kind: 'new' }
      const hint = plan.kind === 'join' ? this.#hint : ''
      if (isOver) failStart(`cluster.join: no member lets this node in: ${entry.why}${hint}`)
      if (entry.why !== said) log.warn('waiting to be let into the cluster', { reason: entry.why })
      said = entry.why
      await this.#pause()
      if (this.#isStopped) failStart('this node stops')
    }
  }

  get #isStopped(): boolean {
    return this.state === 'stopped'
  }

  /** Where those that the first node knew are gone for good. */
  get #hint(): string {
    const { bootstrap, memoryPath } = this.#config
    if (!bootstrap || memoryPath === '') return ''
    return `; without the members in ${memoryPath} this node would found a cluster of its own`
  }

  /** Whether there is an etcd to start. */
  async #find(): Promise<void> {
    const { binary } = this.#config
    const timeoutMs = limits.clusterServePatienceMs.default
    const reply = await this.#ctx.ask('cluster.find-engine', { binary }, timeoutMs)
    if (!reply.ok) failStart(`the engine actor did not answer: ${reply.error.code}`)
    if (reply.value.message !== '') failStart(reply.value.message)
  }

  async #run(founding: Founding): Promise<void> {
    const { binary, folder, bind, times, snapshotCount, tls, door } = this.#config
    const scheme = tls === undefined ? 'http' : 'https'
    const settings = {
      ...{ name: this.#self, bind, times, snapshotCount },
      peerUrl: this.#request.peerUrl,
      doorUrl: `${scheme}://${doorOf({ door }, this.address)}`,
      ...(tls === undefined ? {} : { tls }),
    }
    const args = engineArguments(settings, founding)
    const timeoutMs = limits.clusterServePatienceMs.default
    // As long as the others wait for a heartbeat.
    const watcher = this.#ports.watcher(folder, times.electionMs)
    const order = { binary, args, folder, watcher }
    const reply = await this.#ctx.ask('cluster.start-engine', order, timeoutMs)
    if (!reply.ok) failStart(`the engine actor did not answer: ${reply.error.code}`)
    this.version = reply.value.version
    if (reply.value.pid === 0) failStart(reply.value.message)
  }

  /** Undefined once it answers; else why it does not. */
  async #untilServing(patienceMs: number) {
    const { clock } = this.#ctx
    const untilMs = clock.monotonicMs() + patienceMs
    while (clock.monotonicMs() < untilMs) {
      if ((await this.client.status(limits.clusterAskPauseMs.default)) !== undefined) return
      const seen = await this.#ctx.ask('cluster.read-engine', {})
      if (seen.ok && seen.value.state === 'ended') {
        const { fault, text } = faultOf(seen.value.lines)
        const last = lastWords(seen.value.lines)
        return { kind: fault, text: last === '' ? text : `${text} (${last})` } as const
      }
      await this.#pause()
    }
    return { kind: 'silent', text: `it did not answer within ${patienceMs / 1_000} s` } as const
  }

  async #restart(): Promise<void> {
    await this.#pause(Math.max(limits.clusterRestartMs.default, this.#config.times.electionMs))
    if (this.#isStopped) return
    try {
      // Emptied while this process runs, as the log asks for where data is damaged.
      if (this.#ports.hasData(this.#config.folder))
        await this.#run({ kind: 'data', forceNew: false })
      else {
        // The lease of its former member ended while its etcd was away.
        this.onNewMember()
        await this.#come(await this.#plan(false), false)
      }
    } catch (error) {
      this.#ctx.log.error('etcd does not start', { error: (error as Error).message })
    }
  }

  #pause(ms: number = limits.clusterAskPauseMs.default): Promise<void> {
    return new Promise((resolve) => {
      this.#ctx.clock.after(ms, resolve)
    })
  }
}

function splitEndpoint(text: string): readonly string[] {
  const colon = text.lastIndexOf(':')
  return [text.slice(0, colon).replace(/^\[|\]$/g, ''), text.slice(colon + 1)]
}
