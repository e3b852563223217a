/**
 * The agent's voice: tells every overwatch what holds, until each one confirms it.
 *
 * The law it keeps: whatever is lost, repeated or overtaken on the way, each overwatch that can be
 * reached ends up with the latest content, without being told anything but whole reports. A change
 * is sent at once and again from 100 ms up to every 2 s until it is confirmed or superseded; a
 * heartbeat goes out at every interval; an overwatch that restarted is told everything. Overwatches
 * of the Go program confirm nothing and are told three times. Time is an argument and only grows.
 */
import { limits } from '../../base/limits.ts'
import type { Random } from '../../base/random.ts'
import type { AgentKey, Digests } from './crypto.ts'
import type { LatencyRow } from './envelope.ts'
import {
  AgentMessages,
  type Outgoing,
  type PreparedReport,
  prepareReport,
  type ReportContent,
  type SenderSelf,
  type Via,
} from './messages.ts'
import { type Ack, type Challenge, parseReply, type Refused, type RefusalSaid } from './replies.ts'
import { type OverwatchMember, ReporterPeer } from './reporter-peer.ts'

export interface ReporterOptions extends SenderSelf {
  /** Start of this process, Unix milliseconds. */
  readonly boot: number
  readonly key: AgentKey
  /** The key before, when a renewed certificate may not be known everywhere. */
  readonly previousKey?: AgentKey | undefined
  /** `agent.heartbeat.interval`. */
  readonly intervalMs: number
}

export type ReporterOutput =
  /** Octets for the member `to`. */
  | {
      readonly kind: 'send'
      readonly to: string
      readonly via: Via
      readonly bytes: Uint8Array
    }
  /** The overwatch holds this sequence now. */
  | { readonly kind: 'acknowledged'; readonly node: string; readonly seq: number }
  /** For the log; said once until it changes. */
  | { readonly kind: 'refused'; readonly node: string; readonly refusal: RefusalSaid }
  | { readonly kind: 'restarted'; readonly node: string }
  | { readonly kind: 'challenged'; readonly node: string }

export interface OverwatchStatus {
  readonly node: string
  readonly acks: boolean
  readonly heldSeq: number
  readonly current: boolean
  readonly refused: RefusalSaid | undefined
}

const NOTHING: PreparedReport = { pages: [[]], predictive: undefined, vitals: undefined }

/** What must be told at once, and what may wait a second; the figures of vitals wait for a beat. */
function urgencyOf(content: ReportContent): readonly [urgent: string, soon: string] {
  const { vitals } = content
  const urgent = content.backends.map(({ connections: _, ...backend }) => backend)
  const soon = content.backends.map(({ connections }) => connections ?? null)
  const signal = vitals && [vitals.signal, vitals.reason, vitals.share, vitals.sinceMs]
  return [JSON.stringify([urgent, signal]), JSON.stringify(soon)]
}

export class Reporter {
  readonly #messages: AgentMessages
  readonly #agentId: string
  readonly #random: Random
  #intervalMs: number
  readonly #peers = new Map<string, ReporterPeer>()
  #content: ReportContent = { backends: [] }
  #prepared = NOTHING
  #urgency: readonly [string, string] = ['', '']
  #written = ''
  /** Whether the present report fits a packet, as was seen when it was sent. */
  #isPacket = false
  #leaving: { readonly reason: string; readonly untilMs: number } | undefined
  #bootBumps = 0

  constructor(options: ReporterOptions, digests: Digests, random: Random) {
    this.#messages = new AgentMessages(options, options.boot, options.key, digests)
    this.#messages.previousKey = options.previousKey
    this.#agentId = options.agentId
    this.#intervalMs = options.intervalMs
    this.#random = random
  }

  /** The sequence of the present content; 0 before there is any. */
  get seq(): number {
    return this.#messages.seq
  }

  get boot(): number {
    return this.#messages.boot
  }

  status(): readonly OverwatchStatus[] {
    return [...this.#peers.values()].map(({ node, acks, heldSeq, refused }) => {
      return { node, acks, heldSeq, current: acks && heldSeq === this.seq, refused }
    })
  }

  /**
   * Since when every overwatch that confirms holds content of this sequence or later; undefined
   * while one does not, or when there is none.
   */
  acknowledgedMs(seq: number): number | undefined {
    let latest: number | undefined
    for (const peer of this.#peers.values()) {
      if (!peer.acks) continue
      const atMs = peer.acknowledgedMs(seq)
      if (atMs === undefined) return undefined
      latest = Math.max(latest ?? 0, atMs)
    }
    return latest
  }

  /** Another `agent.heartbeat.interval`; the next beat of each overwatch is planned anew. */
  beatEvery(intervalMs: number, nowMs: number): void {
    if (intervalMs === this.#intervalMs) return
    this.#intervalMs = intervalMs
    for (const peer of this.#peers.values()) peer.beatMs = nowMs + this.#random.next() * intervalMs
  }

  /** The overwatches that are members now; those past the limit are left out. */
  setOverwatches(members: readonly OverwatchMember[], nowMs: number): readonly ReporterOutput[] {
    const out: ReporterOutput[] = []
    const some = members.slice(0, limits.reportOverwatches.default)
    const names = new Set(some.map(({ node }) => node))
    for (const node of this.#peers.keys()) if (!names.has(node)) this.#peers.delete(node)
    for (const member of some) {
      const peer = this.#peers.get(member.node)
      if (peer === undefined) {
        // A phase of its own for each, so that they are not all spoken to in the same instant.
        const fresh = new ReporterPeer(member, nowMs + this.#random.next() * this.#intervalMs)
        if (this.seq > 0) fresh.urge(nowMs)
        this.#peers.set(member.node, fresh)
      } else {
        peer.acks ||= member.acks
        if (!peer.isNewBoot(member.boot)) continue
        if (peer.boot > 0) out.push({ kind: 'restarted', node: peer.node })
        peer.restarted(member.boot!, this.#spread(nowMs))
      }
    }
    return out
  }

  #spread(nowMs: number): number {
    return this.seq === 0
      ? Number.POSITIVE_INFINITY
      : nowMs + this.#random.next() * limits.reportRestartSpreadMs.default
  }

  /**
   * What holds from now on. Gives the sequence it has; content that says nothing new keeps the one
   * before. Backends past the limit are left out.
   */
  set(content: ReportContent, nowMs: number): number {
    if (this.#leaving !== undefined) return this.seq
    const prepared = prepareReport(content)
    const written = JSON.stringify(prepared)
    if (written === this.#written && this.seq > 0) return this.seq
    const urgency = urgencyOf(content)
    const [urgent, soon] = urgency.map((text, index) => text !== this.#urgency[index])
    this.#forgetRemoved(content)
    this.#content = content
    this.#prepared = prepared
    this.#written = written
    this.#urgency = urgency
    this.#messages.seq++
    for (const peer of this.#peers.values()) {
      if (urgent) peer.urge(nowMs)
      else if (soon && peer.acks) peer.nudge(nowMs, limits.reportFiguresMs.default)
    }
    return this.seq
  }

  /** The Go program only adds, so what is announced no more is taken out one by one. */
  #forgetRemoved(content: ReportContent): void {
    const keyOf = (backend: ReportContent['backends'][number]) =>
      `${backend.service} ${backend.address} ${backend.port}`
    const now = new Set(content.backends.map(keyOf))
    const gone = this.#content.backends.filter((backend) => !now.has(keyOf(backend)))
    const left = limits.reportLegacySends.default
    for (const { removals, acks } of this.#peers.values()) {
      for (const key of removals.keys()) if (now.has(key)) removals.delete(key)
      for (const backend of acks ? [] : gone)
        if (removals.size < limits.reportLegacyRemovals.default)
          removals.set(keyOf(backend), { backend, left })
    }
  }

  /** The agent goes: said until every overwatch confirmed it, for a second at most. */
  leave(reason: string, nowMs: number): void {
    if (this.#leaving !== undefined) return
    this.#forgetRemoved({ backends: [] })
    this.#leaving = { reason, untilMs: nowMs + limits.reportLeaveMs.default }
    this.#messages.seq++
    for (const peer of this.#peers.values()) peer.urge(nowMs)
  }

  /** Whether the farewell is over. */
  hasLeft(nowMs: number): boolean {
    if (this.#leaving === undefined) return false
    const peers = [...this.#peers.values()]
    return (
      nowMs >= this.#leaving.untilMs ||
      peers.every((peer) => (peer.acks ? peer.heldSeq === this.seq : peer.dueMs === Infinity))
    )
  }

  /** From now on another key signs; the one before introduces it, at once and where it is asked. */
  rotate(key: AgentKey, nowMs: number): readonly ReporterOutput[] {
    const out: ReporterOutput[] = []
    this.#messages.previousKey = this.#messages.key
    this.#messages.key = key
    if (this.seq === 0) return out
    // Overwatches pass reports on as they were signed, and keep them: those of the old key must go.
    this.#messages.seq++
    for (const peer of this.#peers.values()) {
      const introduction = peer.acks ? this.#messages.introduce(nowMs) : undefined
      if (introduction !== undefined) send(out, peer.node, [introduction])
      peer.enrolling = introduction !== undefined
      // The report follows the answer; where that is lost it goes out all the same.
      peer.urge(nowMs + (peer.enrolling ? limits.reportRetryMs.default : 0))
    }
    return out
  }

  /** Learned latencies, told once to everyone. */
  latency(service: string, rows: readonly LatencyRow[], nowMs: number): readonly ReporterOutput[] {
    const out: ReporterOutput[] = []
    for (const { node } of this.#peers.values())
      send(out, node, this.#messages.latency(service, rows, nowMs))
    return out
  }

  nextDueMs(): number {
    let next = this.#leaving?.untilMs ?? Number.POSITIVE_INFINITY
    for (const peer of this.#peers.values()) {
      const beatMs = this.#beats() ? peer.beatMs : Number.POSITIVE_INFINITY
      next = Math.min(next, peer.dueMs, beatMs)
    }
    return next
  }

  #beats(): boolean {
    return this.seq > 0 && this.#leaving === undefined
  }

  /** Sends what is due. */
  tick(nowMs: number): readonly ReporterOutput[] {
    const out: ReporterOutput[] = []
    for (const peer of this.#peers.values()) {
      const beat = this.#beats() && peer.beatMs <= nowMs
      if (beat) {
        const missed = Math.floor((nowMs - peer.beatMs) / this.#intervalMs)
        peer.beatMs += (missed + 1) * this.#intervalMs
      }
      if (peer.dueMs <= nowMs) this.#tell(peer, nowMs, out)
      else if (beat) this.#beat(peer, nowMs, out)
    }
    return out
  }

  #tell(peer: ReporterPeer, nowMs: number, out: ReporterOutput[]): void {
    const outgoing =
      this.#leaving !== undefined
        ? peer.acks
          ? [this.#messages.leave(this.#leaving.reason, nowMs)]
          : []
        : this.#messages.report(this.#prepared, nowMs)
    send(out, peer.node, outgoing)
    const byStream = outgoing.some(({ via }) => via === 'stream')
    this.#isPacket = !byStream
    for (const [key, removal] of peer.removals) {
      send(out, peer.node, [this.#messages.deregister(removal.backend, nowMs)])
      if (--removal.left <= 0) peer.removals.delete(key)
    }
    peer.sent(nowMs, byStream, this.#random)
  }

  /** A heartbeat says everything where that is one packet, or where it is not known to be held. */
  #beat(peer: ReporterPeer, nowMs: number, out: ReporterOutput[]): void {
    const held = peer.acks && peer.heldSeq === this.seq
    if (!held) {
      if (peer.acks) this.#tell(peer, nowMs, out)
      else send(out, peer.node, this.#messages.report(this.#prepared, nowMs))
      return
    }
    const outgoing = this.#isPacket
      ? this.#messages.report(this.#prepared, nowMs)
      : [this.#messages.beatAlone(nowMs)]
    send(out, peer.node, outgoing)
  }

  /** Takes what an overwatch said. Octets that are no reply to this agent are passed over. */
  onMessage(bytes: Uint8Array, nowMs: number): readonly ReporterOutput[] {
    const out: ReporterOutput[] = []
    const parsed = parseReply(bytes)
    if (!parsed.ok || parsed.value.agentId !== this.#agentId) return out
    const reply = parsed.value
    const peer = this.#peers.get(reply.overwatch)
    // An answer to something never said, or from a process that is no more, is not ours.
    if (peer === undefined || reply.beat > this.#messages.beat) return out
    if (reply.overwatchBoot < peer.boot) return out
    if (reply.overwatchBoot > peer.boot) {
      if (peer.boot > 0) out.push({ kind: 'restarted', node: peer.node })
      peer.restarted(reply.overwatchBoot, peer.boot > 0 ? this.#spread(nowMs) : peer.dueMs)
    }
    peer.acks = true
    if (reply.type === 'ack') this.#onAck(peer, reply, nowMs, out)
    else if (reply.type === 'challenge') this.#onChallenge(peer, reply, nowMs, out)
    else this.#onRefused(peer, reply, nowMs, out)
    return out
  }

  #onAck(peer: ReporterPeer, ack: Ack, nowMs: number, out: ReporterOutput[]): void {
    if (ack.beat <= peer.ackBeat) return
    peer.ackBeat = ack.beat
    const held = ack.boot === this.boot ? ack.seq : 0
    const [refusal] = ack.refused
    this.#noteRefused(peer, refusal, out)
    if (held >= this.seq && this.seq > 0) {
      if (peer.heldSeq !== this.seq)
        out.push({ kind: 'acknowledged', node: peer.node, seq: this.seq })
      peer.acknowledged(this.seq, nowMs)
    } else if (this.seq > 0) {
      const forgot = peer.heldSeq > held
      peer.heldSeq = held
      // Its answer to our proof, or its word that it forgot us: it wants the report now.
      if (peer.enrolling || forgot || peer.dueMs === Number.POSITIVE_INFINITY) peer.urge(nowMs)
    }
    peer.enrolling = false
  }

  #noteRefused(peer: ReporterPeer, refusal: RefusalSaid | undefined, out: ReporterOutput[]): void {
    const same = peer.refused?.code === refusal?.code && peer.refused?.message === refusal?.message
    peer.refused = refusal
    if (!same && refusal !== undefined) out.push({ kind: 'refused', node: peer.node, refusal })
  }

  #onChallenge(
    peer: ReporterPeer,
    challenge: Challenge,
    nowMs: number,
    out: ReporterOutput[],
  ): void {
    // A challenge to the key before is overtaken: what follows is signed by the present one.
    if (challenge.fingerprint !== this.#messages.key.fingerprint) return
    if (this.#leaving !== undefined || !peer.mayAnswer(nowMs)) return
    const services = [...new Set(this.#content.backends.map(({ service }) => service))]
    if (services.length === 0) return
    peer.enrolling = true
    out.push({ kind: 'challenged', node: peer.node })
    send(out, peer.node, this.#messages.prove(challenge, services, nowMs))
  }

  #onRefused(peer: ReporterPeer, refused: Refused, nowMs: number, out: ReporterOutput[]): void {
    const { code, message } = refused
    if (code === 'other-key' && refused.fingerprint === this.#messages.previousKey?.fingerprint) {
      const introduction = peer.mayAnswer(nowMs) ? this.#messages.introduce(nowMs) : undefined
      if (introduction !== undefined) {
        peer.enrolling = true
        send(out, peer.node, [introduction])
        return
      }
    }
    // Another overwatch told it of our present key before we could.
    if (code === 'other-key' && refused.fingerprint === this.#messages.key.fingerprint) {
      peer.enrolling = false
      peer.urge(nowMs)
      return
    }
    if (code === 'stale-boot' && this.#bump(refused, nowMs)) return
    // These pass by themselves: the next attempt is soon enough.
    if (code === 'stale-nonce' || code === 'busy') return
    this.#noteRefused(peer, { code, message }, out)
    peer.dueMs = Math.max(peer.dueMs, nowMs + limits.reportRefusedRetryMs.default)
  }

  /** The clock went back since the last start: this start is moved past that one. */
  #bump(refused: Refused, nowMs: number): boolean {
    if (refused.boot < this.boot) return true
    if (this.#bootBumps >= limits.trustBootBumps.default) return false
    this.#bootBumps++
    this.#messages.boot = refused.boot + 1
    for (const peer of this.#peers.values()) peer.forgotten(nowMs)
    return true
  }
}

function send(out: ReporterOutput[], to: string, outgoing: readonly Outgoing[]): void {
  for (const { bytes, via } of outgoing) out.push({ kind: 'send', to, via, bytes })
}
