/**
 * One probe after another, each of the next member: ping, then ask others and try a stream, then
 * suspect (SWIM, sections 3.1 and 4.3; Lifeguard, section IV-A).
 *
 * Only one probe is under way at a time. A round that is stretched by awareness skips the rounds
 * it covers, so a slow node also probes less.
 */
import type { Ack, Endpoint, IndirectPing, PacketMessage, Ping } from '../messages.ts'
import type { Cluster } from './cluster.ts'
import { following, type NodeRecord, viewOfNode } from './node.ts'
import { pingOf, Relays, sourceOf } from './relays.ts'
import { receiveSuspect } from './suspect.ts'

interface Round {
  readonly node: NodeRecord
  readonly seqNo: number
  indirectAtMs: number
  deadlineMs: number
  /** Put off at most once, so that a node that always stands still is judged in the end. */
  putOff: boolean
  asked: boolean
  nacksExpected: number
  nacks: number
  /** A stream ping that worked. Held until the deadline: a datagram may still come. */
  streamAcked: boolean
}

/** From these protocol versions on a member answers pings over streams, and sends nacks. */
const STREAM_PING_FROM = 3
const NACKS_FROM = 4

export class Prober {
  readonly #cluster: Cluster
  readonly #relays: Relays
  #seqNo: number
  #dueMs = Number.POSITIVE_INFINITY
  #round: Round | undefined

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.#relays = new Relays(cluster)
    // A random start, so that a restarted node takes no ack meant for its former life.
    this.#seqNo = cluster.random.below(0x1_0000_0000)
  }

  get nextDeadlineMs(): number {
    const round = this.#round
    let ownMs = this.#dueMs
    if (this.#cluster.leaving) ownMs = Number.POSITIVE_INFINITY
    else if (round !== undefined) ownMs = round.asked ? round.deadlineMs : round.indirectAtMs
    return Math.min(ownMs, this.#relays.nextDeadlineMs)
  }

  /** The first probe comes after a random part of the interval, so that nodes do not keep step. */
  start(nowMs: number): void {
    this.#dueMs = nowMs + this.#cluster.random.next() * this.#cluster.settings.probeIntervalMs
  }

  tick(nowMs: number): void {
    this.#relays.tick(nowMs)
    if (this.#cluster.leaving) return
    const round = this.#round
    if (round !== undefined) {
      if (!round.asked && nowMs >= round.indirectAtMs) this.#askOthers(round)
      if (nowMs >= round.deadlineMs) this.#conclude(round, nowMs)
    }
    if (this.#round === undefined && nowMs >= this.#dueMs) this.#begin(nowMs)
  }

  /** Somebody asks whether we live. A ping meant for another node at this address is not ours. */
  receivePing(ping: Ping, from: Endpoint): void {
    const ack = this.ackFor(ping)
    if (ack !== undefined) this.#cluster.send(sourceOf(ping, from), [ack], 0)
  }

  ackFor({ node, seqNo }: Ping): Ack | undefined {
    if (node !== '' && node !== this.#cluster.self.name) return undefined
    return { type: 'ack', seqNo, payload: noOctets }
  }

  receiveIndirect(request: IndirectPing, from: Endpoint, nowMs: number): void {
    if (request.target.length !== 4 && request.target.length !== 16) return
    if (request.port === 0) return
    this.#relays.begin(request, from, this.#nextSeqNo(), nowMs)
  }

  receiveAck(seqNo: number): void {
    if (this.#round?.seqNo === seqNo) this.#succeed()
    else this.#relays.acked(seqNo)
  }

  receiveNack(seqNo: number): void {
    const round = this.#round
    if (round?.seqNo === seqNo && round.nacks < round.nacksExpected) round.nacks++
  }

  streamAcked(seqNo: number): void {
    if (this.#round?.seqNo === seqNo) this.#round.streamAcked = true
  }

  /** Gives answers that wait unread until this time. */
  putOff(untilMs: number): void {
    const round = this.#round
    if (round === undefined || round.putOff) return
    round.putOff = true
    round.deadlineMs = Math.max(round.deadlineMs, untilMs)
    if (!round.asked) round.indirectAtMs = Math.max(round.indirectAtMs, untilMs)
    round.deadlineMs = Math.max(round.deadlineMs, round.indirectAtMs)
  }

  #nextSeqNo(): number {
    this.#seqNo = following(this.#seqNo)
    return this.#seqNo
  }

  #begin(nowMs: number): void {
    const { settings, members, awareness, self } = this.#cluster
    // Rounds that were missed are not made up for.
    this.#dueMs = Math.max(this.#dueMs, nowMs - settings.probeIntervalMs) + settings.probeIntervalMs
    const node = members.nextProbed(nowMs, settings.gossipToTheDeadMs)
    if (node === undefined) return
    const seqNo = this.#nextSeqNo()
    const deadlineMs = nowMs + awareness.scaleMs(settings.probeIntervalMs)
    this.#round = {
      node,
      seqNo,
      indirectAtMs: Math.min(nowMs + settings.probeTimeoutMs, deadlineMs),
      deadlineMs,
      putOff: false,
      asked: false,
      nacksExpected: 0,
      nacks: 0,
      streamAcked: false,
    }
    const messages: PacketMessage[] = [pingOf(self, node.name, seqNo)]
    if (node.state === 'suspect') {
      // The accused hears of it with the ping and can refute at once (Lifeguard, section IV-C).
      const { name, incarnation } = node
      messages.push({ type: 'suspect', incarnation, node: name, from: self.name })
    }
    this.#cluster.send(node, messages, node.vsn[1])
  }

  #askOthers(round: Round): void {
    const { settings, members, self } = this.#cluster
    const { node, seqNo, deadlineMs } = round
    round.asked = true
    const askable = (one: NodeRecord) => one !== self && one !== node && one.state === 'alive'
    for (const peer of members.pick(settings.indirectChecks, askable)) {
      const nack = peer.vsn[1] >= NACKS_FROM
      if (nack) round.nacksExpected++
      const request = { type: 'indirect-ping', seqNo, target: node.addr, port: node.port } as const
      const source = { sourceAddr: self.addr, sourcePort: self.port, sourceNode: self.name }
      this.#cluster.send(peer, [{ ...request, node: node.name, nack, ...source }], peer.vsn[1])
    }
    if (!settings.streamPing || node.vsn[1] < STREAM_PING_FROM) return
    const to = { addr: node.addr, port: node.port }
    const name = node.name
    this.#cluster.put({ kind: 'stream-ping', id: seqNo, to, node: name, seqNo, deadlineMs })
  }

  #conclude(round: Round, nowMs: number): void {
    const { node, nacks, nacksExpected } = round
    const { awareness, self } = this.#cluster
    if (round.streamAcked) {
      this.#cluster.emit({ kind: 'stream-only', member: viewOfNode(node) })
      this.#succeed()
      return
    }
    this.#round = undefined
    // Helpers that did not even say no make our own hearing doubtful (Lifeguard, section IV-A).
    awareness.apply(nacksExpected > 0 ? nacksExpected - nacks : 1)
    const { name, incarnation } = node
    const suspect = { type: 'suspect', incarnation, node: name, from: self.name } as const
    receiveSuspect(this.#cluster, suspect, nowMs)
  }

  #succeed(): void {
    this.#round = undefined
    this.#cluster.awareness.apply(-1)
  }
}

const noOctets = new Uint8Array()
