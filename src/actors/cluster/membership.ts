/**
 * Who is a member and who is alive: the list of the engine, the signs of life of the nodes, and the
 * vote that a new member is given once it has caught up.
 */
import { limits } from '../../core/base/limits.ts'
import type { RaftMember } from '../../core/cluster/gateway.ts'
import { addressOfUrl } from '../../core/cluster/planning.ts'
import { NODES, type NodePresence } from '../../core/cluster/records.ts'
import type { ClusterMemberView } from '../../messages/cluster-views.ts'
import type { Client } from './client.ts'
import type { ClusterCtx, Standing } from './standing.ts'

export interface MembershipWorld {
  readonly ctx: ClusterCtx
  readonly standing: Standing
  readonly client: () => Client | undefined
  readonly self: NodePresence
  /** The members are those of another cluster, and not these nodes. */
  readonly isExternal: boolean
  /**
   * Where others reach the member of this node, and whether somebody named that address; absent
   * where it has none.
   */
  readonly reached: { readonly peerUrl: string; readonly isNamed: boolean } | undefined
  /** Told of a list that is not the one before. */
  readonly changed: (members: readonly RaftMember[]) => void
}

export class Membership {
  members: readonly RaftMember[] = []
  readonly present = new Map<string, NodePresence>()
  readonly #world: MembershipWorld
  /** Members without a name, which have not started yet, and since when they are seen so. */
  readonly #unstarted = new Map<string, number>()
  /** The last address that the members do not take, and why. */
  #notTold = ''
  #lease = ''
  #isBusy = false
  #hasLeft = false
  #stop: () => void = () => {}

  constructor(world: MembershipWorld) {
    this.#world = world
  }

  start(): void {
    const everyMs = limits.clusterMembersMs.default
    this.#stop = this.#world.ctx.clock.every(everyMs, 0, () => void this.#beat())
  }

  stop(): void {
    this.#stop()
  }

  /** Reads the list again, as when another leads. */
  async refresh(): Promise<void> {
    if (this.#world.isExternal) return
    const members = await this.#world.client()?.members()
    if (members === undefined || members.length === 0) return
    this.#noteUnstarted(members)
    const isSame = JSON.stringify(members) === JSON.stringify(this.members)
    this.members = members
    if (!isSame) this.#world.changed(members)
  }

  #noteUnstarted(members: readonly RaftMember[]): void {
    const nowMs = this.#world.ctx.clock.monotonicMs()
    const ids = members.filter(({ name }) => name === '').map(({ id }) => id)
    for (const id of this.#unstarted.keys()) if (!ids.includes(id)) this.#unstarted.delete(id)
    for (const id of ids) if (!this.#unstarted.has(id)) this.#unstarted.set(id, nowMs)
  }

  readonly isPresent = (name: string): boolean => this.present.has(name)

  /** One that was let in and had the time of two starts to come up, and did not. */
  readonly neverCame = (): RaftMember | undefined => {
    const untilMs = this.#world.ctx.clock.monotonicMs() - limits.clusterServePatienceMs.default * 2
    return this.members.find(({ id, isLearner }) => {
      const sinceMs = this.#unstarted.get(id)
      return isLearner && sinceMs !== undefined && sinceMs <= untilMs
    })
  }

  /** By its name or its id; one that never started has no name, and its address will do. */
  meant(word: string): RaftMember | undefined {
    return this.members.find(
      ({ name, id, peerUrls }) =>
        name === word || id === word || (name === '' && peerUrls.map(addressOfUrl).includes(word)),
    )
  }

  nameOf(id: string): string {
    return this.members.find((member) => member.id === id)?.name || id
  }

  find(name: string): RaftMember | undefined {
    return this.members.find((member) => member.name === name)
  }

  /** Another voter that is alive, to hand leadership to. */
  heir(): RaftMember | undefined {
    const { self } = this.#world
    const voters = this.members.filter(({ isLearner, name }) => !isLearner && name !== self.name)
    return voters.find(({ name }) => this.present.has(name)) ?? voters[0]
  }

  /** Takes back the sign of life, so that the others know at once. */
  async leave(): Promise<void> {
    this.#hasLeft = true
    if (this.#lease === '') return
    await this.#world.client()?.revoke(this.#lease, limits.clusterHandOverMs.default)
  }

  /** Names of nodes that live, as far as this one can know: without a leader, itself. */
  alive(): readonly string[] {
    const { standing, self } = this.#world
    return standing.hasLeader ? [...this.present.keys()] : [self.name]
  }

  views(): readonly ClusterMemberView[] {
    const { standing, isExternal } = this.#world
    const { leader } = standing.leadership
    const alive = new Set(this.alive())
    const rows = isExternal
      ? [...this.present.values()].map(({ name, address }) => ({ id: name, name, address }))
      : this.members.map(({ id, name, peerUrls }) => {
          const address = addressOfUrl(peerUrls[0] ?? '')
          return { id, name: name || address, address }
        })
    return rows
      .map(({ id, name, address }) => {
        const isLearner = this.members.find((one) => one.id === id)?.isLearner === true
        return {
          ...{ id, name, address, isVoter: !isLearner, isAlive: alive.has(name) },
          role: isLearner ? 'learner' : name === leader ? 'leader' : 'follower',
          version: this.present.get(name)?.version ?? '',
        } as const
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async #beat(): Promise<void> {
    if (this.#isBusy || this.#hasLeft) return
    this.#isBusy = true
    await this.refresh()
    await this.#readdress()
    if (this.#world.standing.leadership.role === 'leader') await this.#promote()
    await this.#appear()
    this.#isBusy = false
  }

  /**
   * etcd reads its own address from its data, whatever it is started with. What nobody named is a
   * guess that depends on which interfaces were up: others go on with what they know.
   */
  async #readdress(): Promise<void> {
    const { ctx, reached, self } = this.#world
    const [client, own] = [this.#world.client(), this.find(self.name)]
    if (reached === undefined || own === undefined || client === undefined) return
    const [address, former] = [reached.peerUrl, own.peerUrls.join()]
    if (former === address) return
    const reason = reached.isNamed
      ? await client.readdress(own.id, address)
      : 'nobody named it: set cluster.advertise_address'
    const told = `${former} ${address} ${reason ?? ''}`
    if (reason === undefined) {
      ctx.log.info('members told of a new address', { address, former })
      await this.refresh()
    } else if (told !== this.#notTold)
      ctx.log.warn('members know another address of this node', { address, former, reason })
    this.#notTold = told
  }

  /** One that is not in step with the leader is refused its vote, and asked again later. */
  async #promote(): Promise<void> {
    const learner = this.members.find(({ isLearner, name }) => isLearner && name !== '')
    if (learner === undefined) return
    if (!(await this.#world.client()?.promote(learner.id))) return
    this.#world.ctx.log.info('member votes from now on', { member: learner.name })
    await this.refresh()
  }

  async #appear(): Promise<void> {
    const { self, standing, ctx } = this.#world
    const client = this.#world.client()
    if (client === undefined) return
    const sentMs = ctx.clock.monotonicMs()
    if (this.#lease !== '') {
      const seconds = await client.keepAlive(this.#lease)
      if (seconds !== undefined) standing.knew(sentMs)
      // Without an answer it may live on; what is gone is granted anew.
      if (seconds !== 0) return
      this.#lease = ''
    }
    const granted = await client.grant(limits.clusterPresenceSeconds.default)
    if (granted === undefined || this.#hasLeft) return
    if (await client.put(`${NODES}${self.name}`, JSON.stringify(self), granted.id))
      this.#lease = granted.id
  }
}
