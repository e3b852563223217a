/**
 * The agent's half: what its own checks, drains and vitals say is told to every overwatch.
 *
 * When and how often is decided by the reporter of core/gossip/app. Beside it each overwatch is
 * pinged once a second for the start of its process, so that one that was restarted is told
 * everything within two seconds, also while the cluster still takes it for dead.
 */
import { limits } from '../../core/base/limits.ts'
import { type OrderedDrain, parseOrders } from '../../core/gossip/app/orders.ts'
import { parseReply } from '../../core/gossip/app/replies.ts'
import { Reporter, type ReporterOutput } from '../../core/gossip/app/reporter.ts'
import type { OverwatchMember } from '../../core/gossip/app/reporter-peer.ts'
import type { Endpoint } from '../../core/gossip/messages.ts'
import type { LatencyRow } from '../../core/gossip/app/envelope.ts'
import type { ConnectionsSeen, Drain, Vitals } from '../../core/health/report.ts'
import { AgentSelf } from '../../core/health/self.ts'
import type { Ctx } from '../../kernel/actor.ts'
import type { Cancel } from '../../kernel/clock.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { AgentGossip, AgentIdentity, GossipPorts } from './contract.ts'
import { Hearts } from './hearts.ts'
import type { Arrived } from './inbox.ts'
import { isThere, type Known, type KnownMembers } from './members.ts'
import type { GossipMetrics } from './metrics.ts'
import type { Node } from './node.ts'
import type { Notices } from './notices.ts'
import { OrdersHeard } from './orders-heard.ts'
import { Renewal } from './renewal.ts'

export interface AgentWorld {
  readonly ctx: Ctx<ProductCatalogue, 'gossip'>
  readonly ports: GossipPorts
  readonly node: Node
  readonly members: KnownMembers
  readonly notices: Notices
  readonly metrics: GossipMetrics
  /** The address overwatches reach us at, as text. */
  readonly ownAddress: string
}

interface Boot {
  meta: number | undefined
  current: number | undefined
}

export class Agent {
  readonly reporter: Reporter
  readonly #agentId: string
  readonly #self = new AgentSelf()
  readonly #world: AgentWorld
  readonly #hearts: Hearts
  readonly #orders: OrdersHeard
  readonly #boots = new Map<string, Boot>()
  /** Names of the overwatches asked, by the number of the ping. */
  readonly #asked = new Map<number, string>()
  #config: AgentGossip
  #cancel: Cancel = () => {}
  #cancelPing: Cancel = () => {}
  readonly #renewal: Renewal
  #leftNow: (() => void) | undefined

  constructor(world: AgentWorld, config: AgentGossip, identity: AgentIdentity, boot: number) {
    this.#world = world
    this.#config = config
    const { ctx, ports, notices, metrics } = world
    const { agentId, region, key, previousKey } = identity
    const { serviceToken } = config.identity
    const intervalMs = config.heartbeatIntervalMs
    this.#agentId = agentId
    const timeOfDay = () => ctx.clock.nowMs()
    const self = { agentId, region, node: agentId, serviceToken, timeOfDay }
    const options = { ...self, boot, key, previousKey, intervalMs }
    this.reporter = new Reporter(options, ports.crypto, ctx.random)
    this.#hearts = new Hearts(ctx, config, notices, metrics)
    this.#orders = new OrdersHeard(agentId, (drains) => this.#wanted(drains))
    this.#renewal = new Renewal(ctx, ports, identity, (renewed) => {
      this.#carryOut(this.reporter.rotate(renewed.key, this.#nowMs))
      this.#tick()
    })
    this.#self.configure(config.backends, world.ownAddress)
  }

  start(): void {
    this.changed()
    this.#renewal.start(this.#config.identity)
    this.#planPing()
    this.#hearts.start(() => this.reporter.status())
  }

  configure(config: AgentGossip): void {
    this.#config = config
    this.reporter.beatEvery(config.heartbeatIntervalMs, this.#nowMs)
    this.#renewal.look(config.identity)
    this.#hearts.configure(config, () => this.reporter.status())
    this.#self.configure(config.backends, this.#world.ownAddress)
    // The same order may mean a backend that is checked elsewhere now.
    this.#orders.sayAgain()
    this.changed()
  }

  /** Overwatches name a backend by the address that answers hold, vitals by the checked one. */
  #wanted(drains: readonly OrderedDrain[]): void {
    const own = drains.map(({ backend, drain }) => {
      return { backend: this.#self.ownKey(backend) ?? backend, drain }
    })
    this.#world.ctx.publish('gossip.drains-wanted', { drains: own })
  }

  verdict(target: string, verdict: 'up' | 'down', reason: string): void {
    this.#self.verdict(target, verdict, reason)
    this.changed()
  }

  vitals(vitals: Vitals): void {
    this.#self.vitals(vitals)
    this.changed()
  }

  drain(backend: string, drain: Drain | undefined): void {
    this.#self.drain(backend, drain)
    this.changed()
  }

  connections(backend: string, connections: ConnectionsSeen | undefined): void {
    this.#self.connections(backend, connections)
    this.changed()
  }

  /** Learned latencies: told once, as they are told anew with the next report. */
  latency(service: string, rows: readonly LatencyRow[]): void {
    this.#carryOut(this.reporter.latency(service, rows, this.#nowMs))
  }

  /** Something of ourselves may be another now. */
  changed(): void {
    this.reporter.set(this.#self.content(), this.#nowMs)
    this.#world.metrics.agent.backends = this.#config.backends.length
    this.#tick()
  }

  /** For planning alone: differences mean something. */
  get #nowMs(): number {
    return this.#world.ctx.clock.monotonicMs()
  }

  membersChanged(): void {
    const overwatches = this.#overwatches()
    this.#carryOut(this.reporter.setOverwatches(overwatches, this.#nowMs))
    const names = new Set(overwatches.map(({ node }) => node))
    for (const name of this.#boots.keys()) if (!names.has(name)) this.#boots.delete(name)
    this.#orders.retain(names)
    this.#world.metrics.agent.overwatches = overwatches.length
    this.#tick()
  }

  /** Those that are there, with the start heard of last, be it in metadata or in a pong. */
  #overwatches(): readonly OverwatchMember[] {
    return this.#world.members
      .overwatches()
      .filter(({ member }) => isThere(member))
      .map(({ member: { name }, meta }) => ({
        node: name,
        acks: meta?.acks === true,
        boot: this.#bootOf(name, meta?.boot),
      }))
  }

  #bootOf(name: string, meta: number | undefined): number | undefined {
    const known = this.#boots.get(name)
    if (known === undefined) this.#boots.set(name, { meta, current: meta })
    else if (known.meta !== meta) Object.assign(known, { meta, current: meta })
    return this.#boots.get(name)?.current
  }

  hear({ payload }: Arrived): void {
    const orders = parseOrders(payload)
    if (orders.ok) {
      this.#orders.take(orders.value)
      const { agentId, rotate } = orders.value
      if (agentId === this.#agentId && rotate !== undefined)
        this.#renewal.replace(this.#config.identity, rotate)
      return
    }
    const reply = parseReply(payload)
    if (!reply.ok) return
    this.#world.metrics.heard(payload)
    if (reply.value.type === 'ack') this.#hearts.answered(reply.value.overwatch)
    this.#carryOut(this.reporter.onMessage(payload, this.#nowMs))
    this.#tick()
  }

  #carryOut(outputs: readonly ReporterOutput[]): void {
    const { ctx, notices, node, members, metrics } = this.#world
    for (const output of outputs) {
      if (output.kind === 'send') {
        const known = members.find(output.to)
        if (known === undefined) continue
        node.sendUser(known.member, output.bytes, output.via, known.member.vsn[1])
        metrics.saidToOverwatch(output.bytes)
      } else if (output.kind === 'refused') notices.overwatchRefuses(output.node, output.refusal)
      else if (output.kind === 'restarted')
        ctx.log.info('overwatch restarted', { overwatch: output.node })
    }
  }

  /** Says what is due, and comes back when something is. */
  #tick(): void {
    const { clock } = this.#world.ctx
    this.#carryOut(this.reporter.tick(this.#nowMs))
    if (this.#leftNow !== undefined && this.reporter.hasLeft(this.#nowMs)) this.#leftNow()
    this.#cancel()
    const dueMs = this.reporter.nextDueMs()
    if (dueMs === Number.POSITIVE_INFINITY) return
    this.#cancel = clock.after(Math.max(1, dueMs - this.#nowMs), () => this.#tick())
  }

  #planPing(): void {
    const { ctx, members } = this.#world
    const perMs = limits.gossipPingMembersPerSecond.default / 1_000
    const everyMs = Math.max(limits.gossipPingMs.default, members.size / perMs)
    const nextMs = everyMs * (0.9 + ctx.random.next() * 0.2)
    this.#cancelPing = ctx.clock.after(nextMs, () => {
      for (const known of members.overwatches()) if (known.member.state !== 'left') this.#ask(known)
      this.#planPing()
    })
  }

  #ask({ member }: Known): void {
    this.#asked.set(this.#world.node.ping(member, member.name), member.name)
    if (this.#asked.size > limits.reportOverwatches.default * 4)
      this.#asked.delete(this.#asked.keys().next().value!)
  }

  /** True when it was an answer to a ping of ours; another process under the name is noticed. */
  pong(seqNo: number, payload: Uint8Array, from: Endpoint): boolean {
    const name = this.#asked.get(seqNo)
    if (name === undefined) return false
    this.#asked.delete(seqNo)
    const known = this.#world.members.find(name)
    const boot = bootIn(payload)
    if (known === undefined) return true
    // It answers and is taken for dead: it learns of that in an exchange, and contradicts.
    if (!isThere(known.member)) this.#world.node.join([from])
    const heard = this.#boots.get(name)
    if (boot === undefined || heard === undefined || heard.current === boot) return true
    heard.current = boot
    this.membersChanged()
    this.#world.node.join([from])
    return true
  }

  sayAgain(): void {
    this.#orders.sayAgain()
  }

  /** Deregisters, and waits until every overwatch confirmed it, for a second at the most. */
  async stop(reason: string): Promise<void> {
    this.#cancelPing()
    this.#renewal.stop()
    this.#hearts.stop()
    const left = new Promise<void>((resolve) => {
      this.#leftNow = resolve
    })
    this.reporter.leave(reason, this.#nowMs)
    this.#tick()
    await left
    this.#cancel()
  }
}

/** The start of an overwatch in its answer to a ping: eight octets, Unix milliseconds. */
export function bootPayload(boot: number): Uint8Array {
  const octets = new Uint8Array(8)
  new DataView(octets.buffer).setFloat64(0, boot)
  return octets
}

function bootIn(octets: Uint8Array): number | undefined {
  if (octets.length !== 8) return undefined
  const boot = new DataView(octets.buffer, octets.byteOffset, 8).getFloat64(0)
  return Number.isSafeInteger(boot) && boot > 0 ? boot : undefined
}
