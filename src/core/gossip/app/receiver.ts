/**
 * The overwatch's ear: what agents send goes in, and reports, signs of life, farewells and replies
 * come out.
 *
 * The law it keeps: what it shows of an agent never goes back. Each agent's content is ordered by
 * (boot, seq), its signs of life by beat, and nothing older than what was shown is ever shown
 * again, however the network repeats or reorders. Messages forwarded by another overwatch
 * (`from: PEER`) pass the same gates and get no reply. Time is an argument; nothing throws.
 */
import { limits } from '../../base/limits.ts'
import { type AdmissionSettings, unknownService } from './admission.ts'
import { type AgentRecord, Agents, isFresh, newRecord } from './agents.ts'
import type { TrustCrypto } from './crypto.ts'
import { type AgentAuth, type Envelope, type Heartbeat, parseEnvelope } from './envelope.ts'
import {
  badSignaturePlace,
  type Hearing,
  PEER,
  type Received,
  type ReceiverOutput,
  tooManyAgents,
  Voice,
} from './outputs.ts'
import { Assembly, type WholeReport } from './pages.ts'
import { NO_FENCE, type Pin } from './pins.ts'
import type { RefusalSaid } from './replies.ts'
import { splitSignature } from './sign.ts'
import { Trust } from './trust.ts'
import { UnsignedAgents } from './unsigned.ts'

export interface ReceiverSettings extends AdmissionSettings {
  /** Whether agents without a signature are believed. */
  readonly allowUnsigned: boolean
  /** After so long without a sign of life an agent's backends may be taken over. */
  readonly silentMs: number
}

export interface ReceiverSelf {
  /** Name of this overwatch among the members. */
  readonly node: string
  /** Start of this process, Unix milliseconds. */
  readonly boot: number
  /** At least 16 octets drawn at this start, for nonces. */
  readonly secret: Uint8Array
}

export class Receiver {
  readonly trust: Trust
  /** Messages without a signature that were offered. */
  unsigned = 0
  readonly #voice: Voice
  readonly #agents: Agents
  readonly #assembly = new Assembly()
  readonly #unsigned: UnsignedAgents
  #settings: ReceiverSettings

  constructor(self: ReceiverSelf, settings: ReceiverSettings, crypto: TrustCrypto) {
    this.#settings = settings
    this.trust = new Trust(crypto, self.node, self.secret)
    this.#voice = new Voice(self.node, self.boot)
    this.#agents = new Agents(
      settings,
      settings.silentMs,
      this.#voice,
      (agentId) => this.trust.find(agentId)?.services ?? [],
    )
    this.#unsigned = new UnsignedAgents(self.boot, settings.silentMs)
  }

  /** How often each code was refused. */
  get refusalCounts(): ReadonlyMap<string, number> {
    return this.#voice.refusals.counts
  }

  /** Replies left unsaid because too many were due. */
  get unanswered(): number {
    return this.#voice.unanswered
  }

  /** Agents of which something is held, and octets of unfinished reports. */
  get sizes(): { readonly agents: number; readonly pendingBytes: number } {
    return { agents: this.#agents.records.size, pendingBytes: this.#assembly.bytes }
  }

  /**
   * The messages of an agent's last report (or of its farewell) as they were received, in pages,
   * and a later sign of life if there was one: what another overwatch needs to believe the same.
   */
  rawOf(
    agentId: string,
  ): { readonly pages: readonly Uint8Array[]; readonly beat: Uint8Array | undefined } | undefined {
    const record = this.#agents.records.get(agentId)
    return record === undefined || record.raw.length === 0
      ? undefined
      : { pages: record.raw, beat: record.rawBeat }
  }

  /** Takes other settings and judges everyone again. */
  configure(settings: ReceiverSettings, nowMs: number): readonly ReceiverOutput[] {
    const h = quietly(nowMs)
    this.#settings = settings
    this.#unsigned.silentMs = settings.silentMs
    this.#agents.configure(settings, settings.silentMs)
    for (const record of this.#agents.inOrder(nowMs)) {
      if (record.signed || settings.allowUnsigned) this.#agents.rejudge(record, h)
      else this.#agents.drop(record.agentId, 'unsigned', h)
    }
    return h.out
  }

  /** From an address, or `PEER` when an overwatch passed on what it knew by `aliveMs`. */
  receive(bytes: Uint8Array, from: string, nowMs: number, aliveMs = nowMs) {
    const h: Hearing = { from, nowMs, aliveMs, out: [] }
    const parsed = parseEnvelope(bytes)
    if (!parsed.ok) {
      const { code, message } = parsed.error
      if (code === 'malformed') this.#voice.note({ code, message }, '', h)
      return h.out
    }
    const envelope = parsed.value
    const { head } = envelope
    const parts = head === undefined ? undefined : splitSignature(bytes)
    if (head === undefined) this.#receiveUnsigned(envelope, h)
    else if (parts !== undefined) this.#receiveSigned({ envelope, head, bytes, parts, ...h })
    else this.#voice.note(badSignaturePlace, envelope.agentId, h)
    return h.out
  }

  #receiveSigned(m: Received): void {
    const { envelope, head, nowMs } = m
    const auth = envelope.body.type === 'agent_auth' ? envelope.body : undefined
    if (head.boot > nowMs + limits.trustClockAheadMs.default) {
      const message = `the start of ${envelope.agentId} lies in our future: look at the clocks`
      this.#refuse(m, { code: 'clock-off', message })
    } else if (auth !== undefined && auth.possession === '') this.#enrol(m, auth)
    else {
      const verified = this.trust.verify(envelope, head, m.parts, nowMs)
      if (verified.ok && auth !== undefined) this.#rotate(m, auth)
      // The key it introduces is pinned already, as another overwatch has told.
      else if (auth !== undefined && this.trust.isPinned(envelope.agentId, auth)) this.#ack(m, [])
      else if (verified.ok) this.#inOrder(m, verified.value)
      else if (verified.error.code === 'unknown-agent' && m.from !== PEER) this.#greet(m)
      else this.#refuse(m, verified.error)
    }
  }

  /** A stranger: asked for proofs, unless no token could admit it. */
  #greet(m: Received): void {
    const { body } = m.envelope
    const { tokens } = this.#agents.admission
    const services =
      body.type === 'heartbeat' ? (body.backends ?? []).map(({ service }) => service) : []
    const hopeless = services.every((service) => tokens.tokenOf(service) === undefined)
    if (tokens.size === 0 || (hopeless && services.length > 0))
      this.#refuse(m, unknownService(services[0] ?? '<service>'))
    else this.#challenge(m)
  }

  #enrol(m: Received, auth: AgentAuth): void {
    // A proof answers our own nonce; what a peer passes on is a pin, not a proof.
    if (m.from === PEER) return
    const { tokens } = this.#agents.admission
    const enrolled = this.trust.enrol(m.envelope, m.head, auth, m.parts, tokens, m.nowMs)
    if (!enrolled.ok) {
      this.#refuse(m, enrolled.error)
      return
    }
    const { pin, refused } = enrolled.value
    for (const one of refused) this.#voice.note(one, pin.agentId, m)
    if (enrolled.value.isNews) m.out.push({ kind: 'pinned', pin })
    const record = this.#agents.records.get(pin.agentId)
    // An agent that was believed without a signature is heard anew with one.
    if (record?.signed === false) this.#agents.drop(pin.agentId, undefined, m)
    else if (record !== undefined) this.#agents.rejudge(record, m)
    this.#ack(m, refused)
  }

  #rotate(m: Received, auth: AgentAuth): void {
    const rotated = this.trust.rotate(m.envelope, m.head, auth, m.nowMs)
    if (!rotated.ok) this.#refuse(m, rotated.error)
    else {
      m.out.push({ kind: 'pinned', pin: rotated.value })
      this.#ack(m, [])
    }
  }

  /** A believed message, put in its place among those before it. */
  #inOrder(m: Received, pin: Pin): void {
    const { envelope, head } = m
    const { body } = envelope
    const record = this.#signedRecord(envelope.agentId)
    // After a restart of ours the fence that was kept with the pin stands for the record.
    const at = record ?? pin.fence
    const newer = head.boot > at.boot || (head.boot === at.boot && head.seq > at.seq)
    if (head.boot < at.boot) {
      const message = `a later start of ${envelope.agentId} was heard; two agents may share a key`
      this.#refuse(m, { code: 'stale-boot', message })
    } else if (body.type === 'latency') this.#latency(m, record)
    else if (body.type !== 'heartbeat' && body.type !== 'leave') this.#ack(m, [])
    else if (!newer && (head.seq < at.seq || head.beat <= at.beat)) {
      const code = head.seq < at.seq ? 'stale' : 'replayed'
      this.#voice.note({ code, message: 'was overtaken' }, envelope.agentId, m)
      this.#ack(m, record?.refused ?? [])
    } else if (body.type === 'leave') this.#leave(m, record, body.reason)
    else if (!newer && record !== undefined) this.#seen(m, record, body)
    // A sign of life for content we do not hold: the ack says so, and the agent tells everything.
    else if (body.backends === undefined) this.#ack(m, [])
    else this.#content(m, body, record)
  }

  #signedRecord(agentId: string): AgentRecord | undefined {
    const record = this.#agents.records.get(agentId)
    return record?.signed === true ? record : undefined
  }

  #seen(m: Received, record: AgentRecord, body: Heartbeat): void {
    this.#heard(m, record)
    if (body.backends === undefined) record.rawBeat = m.bytes.slice()
    m.out.push({ kind: 'seen', agentId: record.agentId, atMs: m.nowMs })
    if (record.refused.length > 0) this.#agents.rejudge(record, m)
    this.#answer(m, record)
  }

  #heard(m: Received, record: AgentRecord): void {
    const { boot, seq, beat } = m.head
    const heardMs = Math.max(record.heardMs, m.aliveMs ?? m.nowMs)
    Object.assign(record, { boot, seq, beat, heardMs })
    this.trust.heard(record.agentId, { boot, seq, beat }, heardMs)
  }

  #content(m: Received, body: Heartbeat, known: AgentRecord | undefined): void {
    const { agentId } = m.envelope
    if (this.#agents.isFull(agentId)) {
      this.#refuse(m, tooManyAgents)
      return
    }
    const whole = this.#whole(m, body)
    if (whole === undefined) return
    const record = known ?? newRecord(agentId, true)
    if (record.boot !== m.head.boot) record.window = []
    Object.assign(record, {
      region: m.envelope.region,
      claimed: whole.backends,
      vitals: body.vitals,
      raw: whole.raw,
      rawBeat: undefined,
      left: false,
    })
    this.#agents.records.set(agentId, record)
    this.#heard(m, record)
    this.#agents.tell(record, m)
    this.#answer(m, record)
  }

  /** The report when all of its pages are there. */
  #whole(m: Received, body: Heartbeat): WholeReport | undefined {
    const { agentId } = m.envelope
    if (body.pages === 1) {
      this.#assembly.drop(agentId)
      return { backends: body.backends ?? [], raw: [m.bytes.slice()] }
    }
    const outcome = this.#assembly.add(agentId, m.head, body, m.bytes, m.nowMs)
    if (outcome.kind === 'refused') this.#refuse(m, outcome.refusal)
    return outcome.kind === 'whole' ? outcome.report : undefined
  }

  #leave(m: Received, known: AgentRecord | undefined, reason: string): void {
    const { agentId } = m.envelope
    this.#assembly.drop(agentId)
    const record = known ?? newRecord(agentId, true)
    if (!this.#agents.isFull(agentId)) this.#agents.records.set(agentId, record)
    this.#heard(m, record)
    record.raw = [m.bytes.slice()]
    record.rawBeat = undefined
    this.#agents.farewell(record, reason, m)
    this.#ack(m, [])
  }

  /** Rows stand for themselves, so they only have to be new, not in order. */
  #latency(m: Received, record: AgentRecord | undefined): void {
    const { agentId, region, body } = m.envelope
    if (body.type !== 'latency' || record === undefined || record.boot !== m.head.boot) return
    if (isFresh(record, m.head.beat))
      m.out.push({ kind: 'latency', agentId, region, service: body.service, rows: body.rows })
    else this.#voice.note({ code: 'replayed', message: 'was heard before' }, agentId, m)
  }

  #receiveUnsigned(e: Envelope, h: Hearing): void {
    const { agentId, region, body } = e
    this.unsigned++
    if (!this.#settings.allowUnsigned) {
      const key = 'overwatch.gossip.allow_unsigned_agents'
      const message = `${agentId} signs nothing; ${key}: true admits such agents`
      this.#voice.note({ code: 'unsigned', message }, agentId, h)
    } else if (this.trust.find(agentId) !== undefined) {
      const message = `${agentId} is pinned to a key and must sign`
      this.#voice.note({ code: 'unsigned-for-pinned', message }, agentId, h)
    } else if (body.type === 'latency')
      h.out.push({ kind: 'latency', agentId, region, service: body.service, rows: body.rows })
    else if (this.#agents.isFull(agentId)) this.#voice.note(tooManyAgents, agentId, h)
    else if (body.type !== 'agent_auth') this.#takeUnsigned(e, h)
  }

  #takeUnsigned(e: Envelope, h: Hearing): void {
    const known = this.#agents.records.get(e.agentId)
    const { record, outcome } = this.#unsigned.take(known, e, h.nowMs)
    if (outcome === 'stale')
      this.#voice.note({ code: 'stale', message: 'was overtaken' }, e.agentId, h)
    if (outcome === 'stale' || outcome === 'unknown') return
    this.#agents.records.set(e.agentId, record)
    if (outcome === 'left') this.#agents.farewell(record, 'deregistered', h)
    else if (outcome === 'content') this.#agents.tell(record, h)
    else {
      h.out.push({ kind: 'seen', agentId: e.agentId, atMs: h.nowMs })
      if (record.refused.length > 0) this.#agents.rejudge(record, h)
    }
  }

  /** Forgets what an agent said, as when it was silent for too long; its pin stays. */
  forget(agentId: string, nowMs: number): readonly ReceiverOutput[] {
    const h = quietly(nowMs)
    this.#assembly.drop(agentId)
    this.#agents.drop(agentId, undefined, h)
    return h.out
  }

  /** From now on the agent's key is refused, and what it announced is gone. */
  revoke(agentId: string, reason: string, nowMs: number): readonly ReceiverOutput[] {
    const pin = this.trust.revoke(agentId, reason, nowMs)
    const h: Hearing = {
      from: PEER,
      nowMs,
      out: pin === undefined ? [] : [{ kind: 'pinned', pin }],
    }
    this.#assembly.drop(agentId)
    if (pin !== undefined) this.#agents.drop(agentId, 'revoked', h)
    return h.out
  }

  /** Forgets an agent's key, so that its next message is a first contact. */
  unpin(agentId: string, nowMs: number): readonly ReceiverOutput[] {
    if (!this.trust.unpin(agentId)) return []
    const h: Hearing = { from: PEER, nowMs, out: [{ kind: 'unpinned', agentId }] }
    this.#assembly.drop(agentId)
    this.#agents.drop(agentId, 'unpinned', h)
    return h.out
  }

  /** Takes a pin from disk or from another overwatch. */
  importPin(pin: Pin, nowMs: number): readonly ReceiverOutput[] {
    const h = quietly(nowMs)
    const taken = this.trust.importPin(pin)
    const record = this.#agents.records.get(pin.agentId)
    if (!taken.ok)
      this.#voice.note({ code: 'bad-certificate', message: taken.error }, pin.agentId, h)
    else if (taken.value.revoked || record?.signed === false)
      this.#agents.drop(pin.agentId, 'revoked', h)
    else if (record !== undefined) this.#agents.rejudge(record, h)
    return h.out
  }

  /** Once in a while: lets go of reports whose pages stopped coming. */
  sweep(nowMs: number): void {
    this.#assembly.sweep(nowMs)
  }

  /** What is held of the agent that is answered. */
  #held(m: Received): { readonly boot: number; readonly seq: number } {
    const { boot, seq } = this.#signedRecord(m.envelope.agentId) ?? NO_FENCE
    return { boot, seq }
  }

  #answer(m: Received, record: AgentRecord): void {
    this.#ack(m, record.refused)
    if (record.wantsProof) this.#challenge(m)
  }

  #ack(m: Received, refused: readonly RefusalSaid[]): void {
    this.#voice.reply(m, { ...this.#held(m), type: 'ack', refused })
  }

  #challenge(m: Received): void {
    const { fingerprint } = m.head
    const nonce = this.trust.nonce(m.envelope.agentId, fingerprint, m.nowMs)
    this.#voice.reply(m, { ...this.#held(m), type: 'challenge', nonce, fingerprint })
  }

  #refuse(m: Received, refusal: RefusalSaid): void {
    const { agentId } = m.envelope
    this.#voice.note(refusal, agentId, m)
    const pin = this.trust.find(agentId)
    const { boot, seq } = this.#held(m)
    const fingerprint = refusal.code === 'other-key' ? (pin?.fingerprint ?? '') : ''
    const heardBoot = Math.max(boot, pin?.fence.boot ?? 0)
    this.#voice.reply(m, { ...refusal, boot: heardBoot, seq, type: 'refused', fingerprint })
  }
}

/** For what was not asked for by a message. */
const quietly = (nowMs: number): Hearing => ({ from: PEER, nowMs, out: [] })
