/**
 * The cluster actor: one of several nodes answers, and all of them know the same orders.
 *
 * It joins the parts of this folder: the member of this node or its place in a cluster of others,
 * the fence that proves who leads, the list of members, and the store of records. Whether a query
 * may be answered is a lease in memory that the DNS threads read; they ask nobody.
 */
import { limits } from '../../core/base/limits.ts'
import { QUOTA_BYTES } from '../../core/cluster/engine.ts'
import type { SharedRecord } from '../../core/gossip/peers/record.ts'
import { SUMMARY_RECORD } from '../../core/health/summary.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { ReplyOf } from '../../messages/entry.ts'
import type { ClusterView } from '../../messages/cluster-views.ts'
import { defineActor } from '../define.ts'
import { Client } from './client.ts'
import { Complaints } from './complaints.ts'
import type { ClusterConfig, ClusterPorts } from './contract.ts'
import { Election } from './election.ts'
import { Embedded } from './embedded.ts'
import { Fence } from './fence.ts'
import { Membership } from './membership.ts'
import { clusterMetrics, type StoreLevels, storeMetrics } from './metrics.ts'
import { openOutpost, outpostUrl } from './outpost.ts'
import { Pulse } from './pulse.ts'
import { removed } from './removal.ts'
import { Replica } from './replica.ts'
import { Snapshots } from './snapshots.ts'
import { type ClusterCtx, Standing } from './standing.ts'

type Reply = ReplyOf<ProductCatalogue, 'api.leave-cluster'>

/** A cluster in which a member has just come back changes nothing for some seconds. */
const notRemoved = ({ lastFault }: Client): string =>
  `not removed: ${lastFault}; try again in a few seconds`

/** What leads and what is led by it, whichever engine there is. */
class Node {
  readonly standing: Standing
  readonly membership: Membership
  readonly replica: Replica
  readonly embedded: Embedded | undefined
  /** Of the member of this node; those of another cluster save their own. */
  readonly snapshots: Snapshots | undefined
  /** Absent where the members are those of another cluster and nodes have no door. */
  readonly pulse: Pulse | undefined
  readonly #fence: Fence | undefined
  readonly #election: Election | undefined
  readonly #client: Client
  readonly #complaints: Complaints
  /** Of the own member; those of an etcd of others set their own. */
  readonly #quotaBytes: number | undefined
  #storeBytes = 0
  readonly #ctx: ClusterCtx
  readonly #ports: ClusterPorts
  readonly #config: ClusterConfig
  #closeOutpost: () => Promise<void> = async () => {}
  /** There is something to answer with. */
  isServing = false
  /** Pages of the summary of this node, by their id. */
  readonly #summary = new Map<string, SharedRecord>()

  constructor(ctx: ClusterCtx, ports: ClusterPorts, config: ClusterConfig) {
    const { engine, self, version, startedAtMs } = config
    this.#ctx = ctx
    this.#ports = ports
    this.#config = config
    this.standing = new Standing(ctx, config)
    if (engine.kind === 'embedded') {
      const { standing } = this
      const doorOf = (name: string) => this.membership.find(name)?.clientUrls[0]
      this.pulse = new Pulse({ ctx, ports, standing, self, tls: engine.tls, doorOf })
      this.embedded = new Embedded(ctx, ports, config, engine, this.pulse)
    }
    const door = engine.kind === 'external' ? outpostUrl(engine, ports.ownAddress()) : undefined
    if (engine.kind === 'external' && door !== undefined) {
      const { standing } = this
      const doorOf = (name: string) => this.membership.present.get(name)?.door
      this.pulse = new Pulse({ ctx, ports, standing, self, tls: engine.nodeTls, doorOf })
    }
    this.#client =
      this.embedded?.client ??
      new Client(ports.gateway(engine as Extract<typeof engine, { kind: 'external' }>))
    this.#quotaBytes = engine.kind === 'embedded' ? QUOTA_BYTES : undefined
    this.#complaints = new Complaints(ctx, this.#client, this.#quotaBytes)
    const client = () => this.#client
    const address = this.embedded?.address ?? config.dnsAddress
    this.membership = new Membership({
      ...{ ctx, client, standing: this.standing },
      self: { name: self, address, version, startedAtMs, ...(door === undefined ? {} : { door }) },
      isExternal: engine.kind === 'external',
      reached: this.embedded?.reached,
      changed: (members) => this.embedded?.remember(members),
    })
    const { present } = this.membership
    this.replica = new Replica({
      ...{ ctx, client, present, caughtUp: () => this.#caughtUp() },
      vacated: () => this.#election?.look(),
    })
    const revision = () => this.replica.revision
    const hasLeader = () => this.standing.leadership.leader !== ''
    if (engine.kind === 'embedded')
      this.snapshots = new Snapshots({
        ...{ ctx, ports, revision, hasLeader },
        ...{ folder: engine.folder, intervalMs: engine.snapshotMs },
      })
    this.#client.onOtherStore = () => this.#startOver()
    this.standing.mayLead = () => this.isServing && this.replica.counts.reads > 0
    if (engine.kind === 'embedded')
      this.#fence = new Fence({
        ...{ ctx, client, standing: this.standing, times: engine.times },
        nameOf: (id) => this.membership.nameOf(id),
      })
    else this.#election = new Election(ctx, this.standing, this.#client, { ...engine, self })
  }

  async start(): Promise<void> {
    await this.embedded?.start()
    const { engine } = this.#config
    if (engine.kind === 'external' && this.pulse !== undefined)
      this.#closeOutpost = await openOutpost(this.#ports, engine, this.pulse)
    // Names are wanted before the first word of a leader.
    this.membership.members = this.embedded?.admittedBy ?? []
    if (this.embedded !== undefined) {
      const { neverCame, isPresent } = this.membership
      // Before the first reading anybody may live.
      const mayLive = (name: string) => this.replica.counts.reads === 0 || isPresent(name)
      this.embedded.doorkeeper = { neverCame, isPresent: mayLive }
      this.embedded.onNewMember = () => this.standing.leadership.forget()
    }
    await this.membership.refresh()
    this.#fence?.start()
    this.#election?.start()
    this.pulse?.start()
    this.membership.start()
    this.replica.start()
    this.snapshots?.start()
    const { clock } = this.#ctx
    const everyMs = limits.clusterMembersMs.default
    if (this.embedded !== undefined)
      clock.every(everyMs, everyMs, () => void this.embedded?.check())
    clock.every(everyMs, 0, () => this.tellNodes())
    clock.every(everyMs, everyMs, () => void this.#lookAtStore())
    clock.every(everyMs, everyMs, () => void this.#passOn())
    const sweepMs = limits.peerTombstoneMs.min
    clock.every(sweepMs, sweepMs, () => {
      if (this.standing.leadership.role === 'leader') void this.replica.sweep()
    })
  }

  /** The own member is read anyway; an etcd of others is asked. */
  async #lookAtStore(): Promise<void> {
    const status =
      this.#fence === undefined
        ? await this.#client.status(limits.clusterCallMs.default)
        : this.#fence.status
    this.#storeBytes = status?.dbBytes ?? this.#storeBytes
    this.#complaints.look(status)
  }

  /** How full the store is; a quota of 0 is not known here. */
  store(): StoreLevels {
    const { hasAlarm } = this.#complaints
    return { bytes: this.#storeBytes, quotaBytes: this.#quotaBytes ?? 0, hasAlarm }
  }

  /** Whether what was told is stored in time; `why` where it cannot be before somebody helps. */
  async stored(): Promise<ReplyOf<ProductCatalogue, 'registry.await-stored'>> {
    const stored = await this.replica.stored(limits.clusterWriteMs.default)
    const why = stored ? undefined : this.#client.writeFault
    return why === undefined ? { stored } : { stored, why }
  }

  /** Only an etcd of others is put back, or replaced, while this node runs. */
  #startOver(): void {
    const { engine } = this.#config
    this.#ctx.log.error('the store of the cluster is another one, or an earlier state of it', {
      hint: 'this node reads it anew, and tells it what it lacks',
    })
    this.replica.startOver()
    if (engine.kind !== 'external') return
    const leaseMs = engine.leaseSeconds * 1_000
    this.#ctx.clock.after(leaseMs, () => this.standing.leadership.forget())
  }

  /** The store is read by a quorum: who waits for keys of others need not wait for a beat. */
  #caughtUp(): void {
    this.standing.knew(this.#ctx.clock.monotonicMs())
    this.tellNodes()
  }

  /** Says who is alive; keys are changed by nodes that hear most of the others. */
  tellNodes(): void {
    const live = this.membership.alive()
    const isCurrent = this.replica.counts.reads > 0 && this.standing.hasLeader
    this.#ctx.publish('cluster.nodes-set', { live, isCurrent })
  }

  /** What checks found is of use to others as far as it was in the answers. */
  summed(record: SharedRecord): void {
    if (this.standing.leadership.role === 'leader') this.replica.told(record)
    if (record.body.length > 0) this.#summary.set(record.id, record)
    else this.#summary.delete(record.id)
  }

  /** This node leads from now on: what it found while it followed counts. */
  led(): void {
    for (const record of this.#summary.values()) this.replica.told(record)
  }

  view(): ClusterView {
    const { leader, role, epoch } = this.standing.leadership
    const status = this.#fence?.status
    const members = this.membership.views()
    const isStopped = this.embedded?.state === 'stopped'
    return {
      node: this.#config.self,
      state: isStopped ? 'stopped' : status?.isLearner === true ? 'learner' : role,
      engine: this.#config.engine.kind,
      leader,
      leaderAddress: members.find(({ name }) => name === leader)?.address ?? '',
      answers: this.standing.answers,
      term: status?.term ?? epoch,
      commitIndex: status?.index ?? 0,
      members,
      pending: this.replica.pending,
      elections: this.standing.elections,
      lastElectionMs: this.standing.lastElectionMs,
      engineVersion: status?.version ?? '',
    }
  }

  /** Elected before it is fit to lead: one that is fit should, so that somebody answers. */
  async #passOn(): Promise<void> {
    const status = this.#fence?.status
    if (status === undefined || status.leaderId !== status.memberId) return
    const heir = this.membership.heir()
    if (this.standing.mayLead() || heir === undefined) return
    if (!this.membership.present.has(heir.name)) return
    const isDone = await this.#client.transfer(heir.id, limits.clusterHandOverMs.default)
    const said = { to: heir.name, done: isDone, why: 'this node has nothing to answer with yet' }
    this.#ctx.log.info('leadership handed over', said)
  }

  /** Answers no more, and makes another lead without an election timeout. */
  async handOver(): Promise<void> {
    const status = this.#fence?.status
    const wasLeader = status !== undefined && status.leaderId === status.memberId
    this.standing.yield()
    await this.#election?.yield()
    const heir = this.membership.heir()
    if (this.#fence === undefined || !wasLeader || heir === undefined) return
    const isDone = await this.#client.transfer(heir.id, limits.clusterHandOverMs.default)
    this.#ctx.log.info('leadership handed over', { to: heir.name, done: isDone })
  }

  /** Is a member no more. */
  async leave(): Promise<Reply> {
    const { self } = this.#config
    if (this.embedded === undefined)
      return { outcome: 'refused', message: 'the members are those of another cluster' }
    const own = this.membership.find(self)
    if (own === undefined) return { outcome: 'not-found', message: `${self} is no member` }
    if (this.membership.members.length === 1)
      return { outcome: 'refused', message: `${self} is the only member` }
    await this.handOver()
    if (!(await this.#removed(own.id))) {
      this.standing.resume()
      return { outcome: 'unavailable', message: notRemoved(this.#client) }
    }
    await this.membership.leave()
    this.embedded.state = 'stopped'
    this.#ctx.log.warn('this node left the cluster', { node_name: self })
    return { outcome: 'done', message: `${self} is no member any more; stop its process` }
  }

  async remove(name: string): Promise<Reply> {
    if (this.embedded === undefined)
      return { outcome: 'refused', message: 'the members are those of another cluster' }
    if (name === this.#config.self) return this.leave()
    const found = this.membership.meant(name)
    if (found === undefined) return { outcome: 'not-found', message: `there is no member ${name}` }
    if (!(await this.#removed(found.id)))
      return { outcome: 'unavailable', message: notRemoved(this.#client) }
    await this.membership.refresh()
    this.#ctx.log.warn('member removed', { member: found.name || name })
    return { outcome: 'done', message: `${found.name || name} is no member any more` }
  }

  async stop(): Promise<void> {
    const { leaveOnStop } = this.#config
    const isLeaving = leaveOnStop && this.embedded?.state === 'running'
    const left = isLeaving ? await this.leave() : undefined
    if (left !== undefined && left.outcome !== 'done')
      this.#ctx.log.warn('this node stays a member: it could not leave', { error: left.message })
    if (left?.outcome !== 'done') {
      await this.handOver()
      await this.membership.leave()
    }
    this.#fence?.stop()
    this.#election?.stop()
    this.pulse?.stop()
    await this.#closeOutpost()
    this.membership.stop()
    this.replica.stop()
    this.snapshots?.stop()
    await this.embedded?.stop()
    if (left?.outcome === 'done') await this.embedded?.forget()
  }

  async #removed(id: string): Promise<boolean> {
    const client = this.#client
    const isSelf = this.membership.find(this.#config.self)?.id === id
    const isMissed = async () => (await this.embedded?.isRemoved(id)) === true
    const remove = () => client.remove(id)
    return await removed({ remove, members: () => client.members(), isMissed }, id, isSelf)
  }
}

export const cluster = defineActor(
  'cluster',
  async (ctx, ports: ClusterPorts, config: ClusterConfig) => {
    ctx.log.info('initializing cluster mode components', { node_name: config.self })
    const node = new Node(ctx, ports, config)
    // Who is elected may be a member whose name was not known a moment ago.
    node.standing.onChange = ({ kind }) => {
      node.pulse?.changed()
      if (kind === 'elected') void node.membership.refresh()
      if (kind === 'became-leader') node.led()
      if (kind === 'stepped-down') node.replica.drop(SUMMARY_RECORD)
    }
    await node.start()
    const { counts } = node.replica
    const { snapshots, standing } = node
    const levels = { view: () => node.view(), hears: () => standing.hears, counts, snapshots }
    clusterMetrics(ctx.metrics, levels)
    storeMetrics(ctx.metrics, () => node.store())
    return {
      receive: {
        'gossip.overwatches-set': ({ addresses }) => node.embedded?.others.heard(addresses),
        'registry.record-told': (record) => node.replica.told(record),
        'registry.serving-issued': () => {
          node.isServing = true
        },
        'registry.summary-told': (record) => node.summed(record),
        'signer.record-told': (record) => node.replica.told(record),
        'registry.await-stored': () => node.stored(),
        'api.read-cluster': () => ({ cluster: node.view() }),
        'api.leave-cluster': async ({ by }) => {
          ctx.log.warn('this node is asked to leave the cluster', { by })
          return await node.leave()
        },
        'api.remove-member': async ({ name, by }) => {
          ctx.log.warn('a member is to be removed', { member: name, by })
          return await node.remove(name)
        },
      },
      onPeerStarted: (peer) => {
        if (peer === 'registry' || peer === 'signer') node.replica.tellAll(peer)
        if (peer === 'signer') node.tellNodes()
      },
      onStop: () => node.stop(),
    }
  },
)
