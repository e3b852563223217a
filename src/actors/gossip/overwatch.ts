/**
 * The overwatch's half: agents are heard, believed or refused, and told on; overwatches agree.
 *
 * Who is believed is decided in core/gossip/app, what overwatches exchange in core/gossip/peers;
 * here their outputs become facts for the registry, messages for members, and lines of the log.
 */
import { PEER, type ReceiverOutput } from '../../core/gossip/app/outputs.ts'
import { Receiver } from '../../core/gossip/app/receiver.ts'
import type { Endpoint } from '../../core/gossip/messages.ts'
import { isFrame } from '../../core/gossip/peers/frames.ts'
import type { SharedRecord } from '../../core/gossip/peers/record.ts'
import type { AgentReport } from '../../core/health/report.ts'
import type { Ctx } from '../../kernel/actor.ts'
import type { Cancel } from '../../kernel/clock.ts'
import { Paced } from '../../kernel/paced.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { AgentView } from '../../messages/agent-views.ts'
import { everything } from './again.ts'
import { KnownAgents } from './agents-known.ts'
import type { GossipPorts, OverwatchGossip } from './contract.ts'
import type { Arrived } from './inbox.ts'
import { LatencyWay } from './latency.ts'
import { type KnownMembers, isThere, placeOf } from './members.ts'
import type { GossipMetrics } from './metrics.ts'
import type { Node } from './node.ts'
import type { Notices } from './notices.ts'
import { Orders } from './orders.ts'
import { PeerPort } from './peer-port.ts'
import { PinSaves } from './pin-saves.ts'
import { notFound, type Outcome, type PinOrder, pinOfOrder } from './pinning.ts'
import { type PinReply, rotationOf, type RotateReply } from './pinning.ts'
import { pinOf, pinRecord, reportIds, reportRecords } from './records.ts'
import { samePin, toldMsOf, unpinRecord, viaOf } from './records.ts'
import { receiverSettingsOf } from './setup.ts'
import { macOf, Sharing } from './sharing.ts'
import { Strangers } from './strangers.ts'

export interface OverwatchWorld {
  readonly ctx: Ctx<ProductCatalogue, 'gossip'>
  readonly ports: GossipPorts
  readonly node: Node
  readonly members: KnownMembers
  readonly notices: Notices
  readonly metrics: GossipMetrics
  /** Joins places remembered from before. */
  remember(places: readonly string[]): void
}

export class Overwatch {
  readonly agents = new KnownAgents()
  readonly receiver: Receiver
  readonly sharing: Sharing
  readonly latency: LatencyWay
  readonly #world: OverwatchWorld
  readonly #pinSaves: PinSaves
  readonly #orders: Orders
  readonly #again: Paced
  readonly #strangers: Strangers
  #config: OverwatchGossip
  #peerPort: PeerPort | undefined
  #cancels: Cancel[] = []

  constructor(world: OverwatchWorld, config: OverwatchGossip, boot: number) {
    this.#world = world
    this.#again = new Paced(world.ctx.clock, () => world.ctx.fill('gossip.record-learned'))
    this.#config = config
    this.#pinSaves = new PinSaves(boot)
    this.#strangers = new Strangers(world.ctx.clock, world.node, world.members)
    const self = { node: config.node, boot, secret: world.ports.secret(32) }
    this.receiver = new Receiver(self, receiverSettingsOf(config), world.ports.crypto)
    const { agentTokens, peering } = config
    const mac = macOf(world.ports.crypto, agentTokens, peering.secret)
    this.sharing = new Sharing(world.ctx, { node: config.node, boot }, mac, {
      send: (to, octets, via) => this.#toPeer(to, octets, via),
      learned: (record) => this.#learned(record),
    })
    this.latency = new LatencyWay(world.ctx, this.agents, () => this.sharing.exchange.ledger)
    this.#orders = new Orders(
      world.ctx.clock,
      config.node,
      boot,
      (agentId, octets) => this.#toMember(agentId, octets),
      (agentId) => this.receiver.trust.find(agentId)?.fingerprint,
    )
  }

  async start(): Promise<void> {
    const { ctx, ports } = this.#world
    const { peering, encryptionKeys } = this.#config
    if (this.#config.allowUnsignedAgents) this.#world.notices.unsignedAdmitted()
    if (peering.enabled) {
      const own = { name: this.#config.node, place: placeOf(this.#world.node.membership.self) }
      const opened = await PeerPort.open(ctx, ports, peering, encryptionKeys, this.sharing, own)
      if (!opened.ok) throw new Error(`overwatch.peering.bind_address: ${opened.error.message}`)
      this.#peerPort = opened.value
    }
    this.sharing.start()
    this.#cancels = [ctx.clock.every(1_000, ctx.random.below(1_000), () => this.#everySecond())]
  }

  async stop(): Promise<void> {
    for (const cancel of this.#cancels) cancel()
    this.sharing.stop()
    await this.#peerPort?.close()
  }

  configure(config: OverwatchGossip): void {
    const { ctx, ports, notices } = this.#world
    if (config.allowUnsignedAgents && !this.#config.allowUnsignedAgents) notices.unsignedAdmitted()
    this.#config = config
    this.sharing.configure(macOf(ports.crypto, config.agentTokens, config.peering.secret))
    this.#peerPort?.configure(config.encryptionKeys, config.peering.bootstrapPeers)
    this.#carryOut(this.receiver.configure(receiverSettingsOf(config), ctx.clock.nowMs()), PEER)
  }

  /** Overwatches that are alive and share become the peers, unless peers have their own port. */
  membersChanged(): void {
    if (this.#peerPort !== undefined) return
    const names = this.#world.members
      .overwatches()
      .filter(({ member, meta }) => isThere(member) && meta?.peer === true)
      .map(({ member }) => member.name)
      .filter((name) => name !== this.#config.node)
    this.sharing.setPeers(names)
  }

  hear({ payload, from, via }: Arrived): void {
    if (isFrame(payload)) {
      const sender = this.#peerPort === undefined ? this.sharing.hear(payload) : undefined
      // Somebody who is known to an overwatch and not to us: we ask for the members.
      if (sender !== undefined && this.#world.members.find(sender) === undefined)
        if (via === 'packet') this.#strangers.meet(from)
      return
    }
    const place = placeOf(from)
    const { ctx, members, metrics } = this.#world
    metrics.heard(payload)
    // The far port of a stream is nobody's address: there an answer goes to a member or nowhere.
    const back = via === 'packet' ? from : undefined
    const outputs = this.receiver.receive(payload, place, ctx.clock.nowMs())
    this.#carryOut(outputs, place, back)
    if (back === undefined || members.at(place) !== undefined) return
    this.#strangers.believe(outputs, back, this.agents)
    this.#strangers.meet(back)
  }

  #carryOut(outputs: readonly ReceiverOutput[], from: string, endpoint?: Endpoint): void {
    for (const output of outputs) this.#carryOne(output, from === PEER, endpoint)
  }

  #carryOne(output: ReceiverOutput, isPeer: boolean, endpoint: Endpoint | undefined): void {
    const { ctx, notices, metrics } = this.#world
    const nowMs = ctx.clock.nowMs()
    switch (output.kind) {
      case 'report':
        // Judged again it is no sign of life: what was heard first-hand stays so, at its time.
        this.#reported(output.report, isPeer || output.again === true)
        break
      case 'seen':
        // What a peer passed on is as old as its record; whom it hears its registry says.
        if (isPeer) break
        this.agents.seen(output.agentId, output.atMs)
        ctx.publish('gossip.agent-seen', { agentId: output.agentId, atMs: output.atMs })
        this.#seen(output.agentId)
        break
      case 'left':
        this.#left(output.agentId, output.reason, isPeer)
        break
      case 'pinned':
        metrics.pinned(output.pin.revoked)
        notices.pinned(output.pin)
        this.#tell(pinRecord(output.pin, this.#config.node, nowMs))
        break
      case 'unpinned':
        this.#tell(unpinRecord(output.agentId, this.#config.node, nowMs))
        break
      case 'reply':
        this.#reply(output.node, output.bytes, endpoint)
        break
      case 'refusal':
        notices.refused(output.refusal)
        break
      case 'latency':
        this.latency.reported(output)
        break
    }
  }

  #reported(report: AgentReport, hearsay: boolean): void {
    const { ctx, metrics, notices } = this.#world
    const { agentId, atMs } = report
    const held = this.agents.heard.get(agentId)
    notices.reported(report, held?.report, hearsay)
    metrics.reported(report, held?.report, hearsay)
    // Of one that only others may hear it is known for as long as if it were heard now.
    this.agents.report(report, hearsay, Math.max(atMs, held?.heardMs ?? ctx.clock.nowMs()))
    ctx.publish('gossip.agent-reported', { agentId, report, hearsay, atMs })
    if (hearsay) return
    this.#share(report)
    this.#orders.heard(agentId)
  }

  #share({ agentId, boot, seq }: Pick<AgentReport, 'agentId' | 'boot' | 'seq'>): void {
    const raw = this.receiver.rawOf(agentId)
    if (raw === undefined) return
    const nowMs = this.#world.ctx.clock.nowMs()
    const { node } = this.#config
    for (const record of reportRecords(agentId, { boot, seq }, raw.pages, node, nowMs))
      this.#tell(record)
  }

  #seen(agentId: string): void {
    this.#orders.heard(agentId)
    const heard = this.agents.heard.get(agentId)
    const { ledger } = this.sharing.exchange
    if (heard !== undefined && ledger.get('agent', agentId) === undefined) this.#share(heard.report)
  }

  /** The registry may hold servers of an agent whose words are forgotten here for its silence. */
  #eject(agentId: string, why: string, outputs: readonly ReceiverOutput[]): void {
    this.#carryOut(outputs, PEER)
    if (!outputs.some(({ kind }) => kind === 'left')) this.#left(agentId, why, true)
  }

  #left(agentId: string, why: string, isPeer: boolean): void {
    const { ctx, notices, metrics } = this.#world
    const pin = this.receiver.trust.find(agentId)
    const boot = this.agents.heard.get(agentId)?.report.boot ?? pin?.fence.boot ?? 0
    // What an agent gives as its reason is a text of its own, so the pin is asked.
    const byPin = pin?.revoked === true ? 'revoked' : 'deregistered'
    const reason = pin === undefined && why !== 'deregistered' ? 'forgotten' : byPin
    this.agents.left(agentId)
    notices.agentLeft(agentId, why)
    metrics.agentLeft(agentId)
    const atMs = ctx.clock.nowMs()
    ctx.publish('gossip.agent-left', { agentId, boot, atMs, reason })
    if (reason === 'deregistered') this.agents.saidGoodbye(agentId, boot, atMs)
    if (reason === 'deregistered' && !isPeer && pin !== undefined)
      this.#share({ agentId, ...pin.fence })
  }

  #reply(name: string, octets: Uint8Array, from: Endpoint | undefined): void {
    const known = this.#world.members.find(name)
    const isMember = known !== undefined && isThere(known.member)
    // A datagram comes from where its sender listens; what is known of the member may be older, as
    // when it has just been started again.
    if (from !== undefined && (viaOf(octets) === 'packet' || !isMember))
      this.#world.node.sendUser(from, octets, 'packet')
    else this.#toMember(name, octets)
  }

  #toMember(name: string, octets: Uint8Array): void {
    const known = this.#world.members.find(name)
    if (known === undefined || !isThere(known.member)) return
    this.#world.node.sendUser(known.member, octets, viaOf(octets), known.member.vsn[1])
  }

  #toPeer(name: string, octets: Uint8Array, via: 'packet' | 'stream'): void {
    if (this.#peerPort !== undefined) this.#peerPort.send(name, octets, via)
    else {
      const known = this.#world.members.find(name)
      if (known !== undefined) this.#world.node.sendUser(known.member, octets, via, 0)
    }
    this.#world.metrics.told()
  }

  /** Ours: told to peers, and kept by the registry. */
  #tell(record: SharedRecord): void {
    this.sharing.tell(record)
    this.#world.ctx.publish('gossip.record-learned', record)
  }

  /** From the registry: what this node knows, or knew before it restarted. */
  told(record: SharedRecord): void {
    if (record.kind !== 'member') this.sharing.tell(record)
    this.#take(record)
  }

  #learned(record: SharedRecord): void {
    if (this.latency.takes(record)) return
    this.#world.ctx.publish('gossip.record-learned', record)
    this.#take(record)
  }

  /** What the receiver has to know of a record that was not made here. */
  #take(record: SharedRecord): void {
    const nowMs = this.#world.ctx.clock.nowMs()
    if (record.kind === 'member' && record.keepUntilMs > nowMs)
      this.#world.remember([new TextDecoder().decode(record.body)])
    else if (record.kind === 'pin') this.#takePin(record, nowMs)
    else if (record.kind === 'agent' && record.body.length > 0) {
      const toldMs = toldMsOf(record, nowMs)
      this.#carryOut(this.receiver.receive(record.body, PEER, nowMs, toldMs), PEER)
    }
  }

  #takePin(record: SharedRecord, nowMs: number): void {
    const { trust } = this.receiver
    if (record.body.length === 0) {
      if (trust.find(record.id) === undefined) return
      const outputs = this.receiver.unpin(record.id, nowMs)
      // It was told already: only what follows of it is carried out.
      const rest = outputs.filter(({ kind }) => kind !== 'unpinned')
      this.#eject(record.id, 'unpinned', rest)
      return
    }
    const pin = pinOf(record)
    if (pin === undefined) return
    const known = trust.find(pin.agentId)
    const outputs = this.receiver.importPin(pin, nowMs)
    const merged = trust.find(pin.agentId)
    if (known?.revoked === false && merged?.revoked === true)
      this.#eject(pin.agentId, 'revoked', outputs)
    else this.#carryOut(outputs, PEER)
    if (merged !== undefined && !samePin(merged, pin))
      this.#tell(pinRecord(merged, this.#config.node, nowMs))
    if (known !== undefined) return
    // Its report may have come before its key.
    for (const id of reportIds(pin.agentId)) {
      const held = this.sharing.exchange.ledger.get('agent', id)
      if (held === undefined) break
      this.#take(held)
    }
  }

  drains(message: Parameters<Orders['set']>[0]): void {
    this.#orders.set(message)
  }

  list(): readonly AgentView[] {
    const { members } = this.#world
    return this.agents.views(this.receiver.trust.list(), (name) => members.find(name))
  }

  revoke(agentId: string, reason: string, by: string): Outcome {
    const { ctx } = this.#world
    const pin = this.receiver.trust.find(agentId)
    if (pin === undefined) return notFound(agentId)
    if (pin.revoked) return { outcome: 'already-done', message: `${agentId} is revoked already` }
    this.#eject(agentId, 'revoked', this.receiver.revoke(agentId, reason, ctx.clock.nowMs()))
    ctx.log.warn('agent revoked', { agentId, reason, by })
    return { outcome: 'done', message: `the key of ${agentId} is refused from now on` }
  }

  forget(agentId: string, by: string): Outcome {
    const { ctx } = this.#world
    if (this.receiver.trust.find(agentId) === undefined) return notFound(agentId)
    this.#eject(agentId, 'unpinned', this.receiver.unpin(agentId, ctx.clock.nowMs()))
    ctx.log.warn('agent forgotten', { agentId, by })
    return { outcome: 'done', message: `the next message of ${agentId} is a first contact` }
  }

  /** Asks an agent that is there for another key; the pin follows when it introduces that. */
  rotate(agentId: string, by: string): RotateReply {
    const { ctx, members } = this.#world
    const reply = rotationOf(agentId, this.receiver.trust.find(agentId), members.find(agentId))
    if (reply.outcome !== 'done') return reply
    this.#orders.rotate(agentId, reply.fingerprint)
    ctx.log.info('agent asked for another key', { agentId, by })
    return reply
  }

  /** Believes a certificate by the word of an operator. */
  pin(order: PinOrder, by: string): PinReply {
    const { ctx, ports } = this.#world
    const nowMs = ctx.clock.nowMs()
    const pin = pinOfOrder(order, this.receiver.trust.find(order.agentId), ports.crypto, nowMs)
    if ('outcome' in pin) return pin
    this.#carryOut(this.receiver.importPin(pin, nowMs), PEER)
    this.#tell(pinRecord(this.receiver.trust.find(pin.agentId) ?? pin, this.#config.node, nowMs))
    ctx.log.warn('agent pinned', { agentId: pin.agentId, fingerprint: pin.fingerprint, by })
    return { outcome: 'done', message: `the certificate of ${pin.agentId} is believed from now on` }
  }

  /** The registry holds nothing: everything again. */
  sayAgain(): void {
    this.#again.run(everything(this.#world.ctx, this.sharing, this.agents))
  }

  #everySecond(): void {
    const nowMs = this.#world.ctx.clock.nowMs()
    this.receiver.sweep(nowMs)
    const { staleThresholdMs, removeAfterMs } = this.#config
    for (const [agentId, heard] of this.agents.heard) {
      const silentMs = nowMs - heard.heardMs
      if (heard.connected && silentMs > staleThresholdMs) {
        heard.connected = false
        this.#world.notices.agentSilent(agentId, silentMs)
        this.#world.metrics.stale(agentId)
      }
      if (silentMs <= removeAfterMs) continue
      // The registry decides by its own clocks what of the agent goes.
      this.agents.left(agentId)
      this.#world.metrics.agentLeft(agentId)
      this.#carryOut(this.receiver.forget(agentId, nowMs), PEER)
    }
    for (const pin of this.#pinSaves.next(this.receiver.trust.list()))
      this.#world.ctx.publish('gossip.record-learned', pinRecord(pin, this.#config.node, nowMs))
  }
}
