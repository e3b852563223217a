/**
 * The gossip actor: a member of the cluster, and on it the half that its mode wants.
 *
 * It opens sockets, keeps time and carries octets; what a member does is decided in
 * core/gossip/swim, what agents and overwatches say in core/gossip/app and core/gossip/peers.
 */
import { limits } from '../../core/base/limits.ts'
import type { Endpoint, VersionVector } from '../../core/gossip/messages.ts'
import type { MembershipEvent } from '../../core/gossip/swim/outputs.ts'
import { formatAddress } from '../../core/net/address.ts'
import type { Ctx } from '../../kernel/actor.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import { defineActor } from '../define.ts'
import { Agent, bootPayload } from './agent.ts'
import type { AgentIdentity, GossipConfig, GossipPorts, GossipSocket } from './contract.ts'
import { KnownMembers, placeOf } from './members.ts'
import { MembersTold } from './members-told.ts'
import { type GossipMetrics, gossipMetrics, type Levels } from './metrics.ts'
import { Node } from './node.ts'
import { Notices } from './notices.ts'
import { Overwatch } from './overwatch.ts'
import { Rejoin } from './rejoin.ts'
import { wantedSeeds } from './seeds.ts'
import { advertised, identityOf, metaOf, settingsOf } from './setup.ts'
import { Transport } from './transport.ts'

type GossipCtx = Ctx<ProductCatalogue, 'gossip'>

/** Protocol 1 to 5, spoken as 2, as most members of the protocol have it; no delegate. */
const VSN: VersionVector = [1, 5, 2, 0, 0, 0]

export const gossip = defineActor(
  'gossip',
  async (ctx, ports: GossipPorts, first: GossipConfig) => {
    const running = await Running.start(ctx, ports, first)
    return {
      receive: {
        'prober.verdict-changed': ({ target, verdict, reason }) =>
          running.agent?.verdict(target, verdict, reason),
        'vitals.reading-changed': ({ vitals }) => running.agent?.vitals(vitals),
        'vitals.drain-changed': ({ backend, drain }) => running.agent?.drain(backend, drain),
        'vitals.clients-counted': ({ backend, connections }) =>
          running.agent?.connections(backend, connections),
        'latency.rows-measured': ({ service, rows }) => running.agent?.latency(service, rows),
        'latency.record-told': (record) => void running.overwatch?.sharing.tell(record),
        'registry.record-told': (record) => running.overwatch?.told(record),
        'registry.drains-set': (message) => running.overwatch?.drains(message),
        'api.list-agents': () => ({ agents: running.overwatch?.list() ?? [] }),
        'api.revoke-agent': ({ agentId, reason, by }) =>
          running.overwatch?.revoke(agentId, reason, by) ?? noAgents,
        'api.forget-agent': ({ agentId, by }) => running.overwatch?.forget(agentId, by) ?? noAgents,
        'api.rotate-agent': ({ agentId, by }) =>
          running.overwatch?.rotate(agentId, by) ?? { ...noAgents, fingerprint: '' },
        'api.pin-agent': ({ by, ...order }) =>
          running.overwatch?.pin(order, by) ?? {
            outcome: 'refused',
            message: 'an agent knows no agents',
          },
      },
      onPeerStarted: (peer) => running.sayAgain(peer),
      onReconfigured: (config) => running.configure(config),
      onStop: () => running.stop(),
    }
  },
)

const noAgents = { outcome: 'not-found', message: 'an agent knows no agents' } as const

class Running {
  overwatch: Overwatch | undefined
  agent: Agent | undefined
  readonly #ctx: GossipCtx
  readonly #node: Node
  readonly #members: KnownMembers
  readonly #notices: Notices
  readonly #metrics: GossipMetrics
  readonly #told: MembersTold
  readonly #rejoin: Rejoin
  readonly #boot: number
  readonly #bootPayload: Uint8Array
  readonly #remembered = new Set<string>()
  #config: GossipConfig

  static async start(ctx: GossipCtx, ports: GossipPorts, config: GossipConfig): Promise<Running> {
    const identity = config.mode === 'agent' ? identityOf(ctx, ports, config) : undefined
    let running: Running | undefined
    const opened = await ports.open(config.bindAddress, {
      datagrams: (batch) => running?.node.datagrams(batch),
      accept: (from) => running?.node.accept(from),
    })
    if (!opened.ok) {
      const key = `${config.mode === 'agent' ? 'agent' : 'overwatch'}.gossip.bind_address`
      throw new Error(`${key}: ${opened.error.message}`)
    }
    const self = await advertised(ports, config, opened.value)
    running = new Running(ctx, ports, config, opened.value, self, identity)
    await running.#begin()
    return running
  }

  private constructor(
    ctx: GossipCtx,
    ports: GossipPorts,
    config: GossipConfig,
    socket: GossipSocket,
    self: Endpoint,
    identity: AgentIdentity | undefined,
  ) {
    this.#ctx = ctx
    this.#config = config
    // This start of the actor: it begins with nothing, whatever the process has been before.
    this.#boot = ctx.clock.nowMs()
    this.#bootPayload = bootPayload(this.#boot)
    this.#notices = new Notices(ctx)
    this.#metrics = gossipMetrics(ctx.metrics, () => this.#levels())
    this.#members = new KnownMembers(ctx.clock.nowMs() - ctx.clock.monotonicMs())
    const name = identity?.agentId ?? (config.mode === 'overwatch' ? config.node : '')
    const transport = new Transport(socket, ports, config.encryptionKeys)
    const description = { name, ...self, meta: metaOf(config, name, this.#boot) }
    this.#node = new Node(
      ctx,
      transport,
      { ...description, vsn: config.vsn ?? VSN },
      settingsOf(config),
      {
        member: (event) => this.#memberChanged(event),
        user: (arrived) => (this.agent ?? this.overwatch)?.hear(arrived),
        pong: (seqNo, payload, from) => this.#pong(seqNo, payload, from),
        payloadFor: (asker) => this.#payloadFor(asker),
      },
    )
    this.#told = new MembersTold(ctx, this.#node.membership, this.#members, name)
    this.#rejoin = new Rejoin(ctx, ports, {
      wanted: (attempt) => wantedSeeds(this.#config, this.#members, this.#remembered, attempt),
      isJoined: (place) => this.#members.at(place) !== undefined || this.#isSelf(place),
      join: (endpoints) => this.#node.join(endpoints),
      ping: (endpoint) => void this.#node.ping(endpoint, ''),
    })
    this.#addHalf(ports, identity, formatAddress(self.addr))
    ctx.log.info('gossip listens', { member: name, address: this.#selfPlace() })
  }

  #addHalf(ports: GossipPorts, identity: AgentIdentity | undefined, ownAddress: string): void {
    const world = {
      ctx: this.#ctx,
      ports,
      node: this.#node,
      members: this.#members,
      notices: this.#notices,
      metrics: this.#metrics,
    }
    const config = this.#config
    if (config.mode === 'agent' && identity !== undefined)
      this.agent = new Agent({ ...world, ownAddress }, config, identity, this.#boot)
    else if (config.mode === 'overwatch') {
      const remember = (places: readonly string[]) => this.#remember(places)
      this.overwatch = new Overwatch({ ...world, remember }, config, this.#boot)
    }
  }

  get node(): Node {
    return this.#node
  }

  async #begin(): Promise<void> {
    this.#node.start()
    await this.overwatch?.start()
    this.agent?.start()
    this.#rejoin.start()
    this.#told.all()
  }

  #memberChanged(event: MembershipEvent): void {
    if (event.kind === 'leave-told') this.#told.onLeaveTold()
    const known = this.#members.take(event)
    this.#notices.member(event, known)
    this.#metrics.member(event)
    if (known === undefined) return
    this.#told.changed(known.member.name)
    if (known.meta?.role === 'overwatch') {
      this.overwatch?.membersChanged()
      this.agent?.membersChanged()
      if (event.kind === 'failed' || event.kind === 'left') this.#rejoin.hasten()
    }
  }

  #pong(seqNo: number, payload: Uint8Array, from: Endpoint): void {
    if (this.agent?.pong(seqNo, payload, from) === true) return
    // A seed that was silent answers.
    this.#node.join([from])
  }

  /** Agents of ours are told the start of this process with each answer to a ping. */
  #payloadFor(asker: Endpoint): Uint8Array {
    if (this.overwatch === undefined) return noOctets
    const known = this.#members.at(placeOf(asker))
    // A stranger may be an agent that knows us from before we were restarted.
    const ours =
      known === undefined || (known.meta?.role === 'agent' && known.meta.boot !== undefined)
    return ours ? this.#bootPayload : noOctets
  }

  #remember(places: readonly string[]): void {
    for (const place of places)
      if (this.#remembered.size < limits.gossipSeeds.default) this.#remembered.add(place)
    this.#rejoin.hasten()
  }

  #selfPlace(): string {
    return placeOf(this.#node.membership.self)
  }

  #isSelf(place: string): boolean {
    return place === this.#selfPlace()
  }

  configure(config: GossipConfig): void {
    this.#config = config
    this.#node.transport.configure(config.encryptionKeys)
    if (config.mode === 'agent') this.agent?.configure(config)
    else this.overwatch?.configure(config)
    this.#rejoin.hasten()
  }

  sayAgain(peer: string): void {
    this.#told.all()
    if (peer === 'registry') this.overwatch?.sayAgain()
    if (peer === 'latency') this.overwatch?.latency.sayAgain()
    if (peer === 'vitals') this.agent?.sayAgain()
  }

  async stop(): Promise<void> {
    this.#rejoin.stop()
    await this.agent?.stop('shutdown')
    await this.overwatch?.stop()
    const told = new Promise<void>((resolve) => {
      this.#ctx.clock.after(limits.gossipLeaveMs.default, resolve)
      this.#told.onLeaveTold = resolve
    })
    this.#node.act((membership, nowMs) => membership.leave(nowMs))
    await told
    this.#told.stop()
    await this.#node.close()
  }

  #levels(): Levels | undefined {
    const { overwatch } = this
    const { receiver, sharing } = overwatch ?? {}
    return {
      members: this.#node.membership.counts,
      transport: this.#node.transport.counts,
      socket: this.#node.transport.socket.counts(),
      queued: this.#node.inbox.size,
      queueDropped: this.#node.inbox.dropped,
      overwatch:
        overwatch === undefined || receiver === undefined || sharing === undefined
          ? undefined
          : {
              pins: receiver.trust.list(),
              heard: overwatch.agents.heard,
              refusals: receiver.refusalCounts,
              unsigned: receiver.unsigned,
              unanswered: receiver.unanswered,
              peersAgree: sharing.exchange.agrees(),
              records: sharing.exchange.ledger.size,
              framesRefused: sharing.refused,
            },
      nowMs: this.#ctx.clock.nowMs(),
    }
  }
}

const noOctets = new Uint8Array(0)
