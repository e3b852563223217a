/**
 * What an overwatch holds of each agent it believes: the last whole report, as claimed and as
 * admitted, and how far the agent was heard.
 *
 * Judging again (another owner left, a service was proven, settings changed) works on the claim
 * that is held, so nothing has to be asked for.
 */
import { limits } from '../../base/limits.ts'
import type { AgentReport, ReportedBackend, Vitals } from '../../health/report.ts'
import { Admission, type AdmissionSettings, type Admitted } from './admission.ts'
import type { Hearing, Voice } from './outputs.ts'
import type { RefusalSaid } from './replies.ts'

export interface AgentRecord {
  readonly agentId: string
  region: string
  boot: number
  seq: number
  /** The highest of this boot. */
  beat: number
  /** Of an unsigned agent's last message, microseconds by its clock. */
  timeUs: number
  readonly signed: boolean
  claimed: readonly ReportedBackend[]
  vitals: Vitals | undefined
  admitted: readonly ReportedBackend[]
  refused: readonly RefusalSaid[]
  wantsProof: boolean
  heardMs: number
  left: boolean
  /** The messages of the last report, as received, and of a later sign of life. */
  raw: readonly Uint8Array[]
  rawBeat: Uint8Array | undefined
  /** Beats of messages that stand for themselves, lowest first. */
  window: number[]
}

export const newRecord = (agentId: string, signed: boolean): AgentRecord => ({
  agentId,
  region: '',
  boot: 0,
  seq: 0,
  beat: 0,
  timeUs: 0,
  signed,
  claimed: [],
  vitals: undefined,
  admitted: [],
  refused: [],
  wantsProof: false,
  heardMs: 0,
  left: false,
  raw: [],
  rawBeat: undefined,
  window: [],
})

/** Whether a message that stands for itself is new; it may be out of order within the window. */
export function isFresh({ window }: AgentRecord, beat: number): boolean {
  const most = limits.trustWindowBeats.default
  if ((window.length === most && beat < window[0]!) || window.includes(beat)) return false
  window.push(beat)
  window.sort((a, b) => a - b)
  if (window.length > most) window.shift()
  return true
}

export function reportOf(record: AgentRecord, atMs: number): AgentReport {
  return {
    agentId: record.agentId,
    region: record.region,
    boot: record.boot,
    seq: record.seq,
    atMs,
    backends: record.admitted,
    ...(record.vitals === undefined ? {} : { vitals: record.vitals }),
  }
}

export class Agents {
  readonly records = new Map<string, AgentRecord>()
  readonly admission: Admission
  readonly #voice: Voice
  readonly #servicesOf: (agentId: string) => readonly string[]
  #silentMs: number

  /** `servicesOf` gives what an agent has proven; after `silentMs` its backends may be taken. */
  constructor(
    settings: AdmissionSettings,
    silentMs: number,
    voice: Voice,
    servicesOf: (agentId: string) => readonly string[],
  ) {
    this.admission = new Admission(settings)
    this.#silentMs = silentMs
    this.#voice = voice
    this.#servicesOf = servicesOf
  }

  configure(settings: AdmissionSettings, silentMs: number): void {
    this.admission.configure(settings)
    this.#silentMs = silentMs
  }

  /** Whether there is no room for this agent. */
  isFull(agentId: string): boolean {
    return this.records.size >= limits.trustPins.default && !this.records.has(agentId)
  }

  isHeard(agentId: string, nowMs: number): boolean {
    const record = this.records.get(agentId)
    return record !== undefined && !record.left && nowMs - record.heardMs <= this.#silentMs
  }

  /** Judges the claim a record holds; whether something else is admitted now. */
  #judge(record: AgentRecord, nowMs: number): { changed: boolean; displaced: readonly string[] } {
    const services = record.signed ? new Set(this.#servicesOf(record.agentId)) : undefined
    const result: Admitted = this.admission.judge(
      { agentId: record.agentId, services },
      record.claimed,
      (agentId) => this.isHeard(agentId, nowMs),
    )
    const before = record.admitted
    record.admitted = result.backends
    record.refused = result.refused
    record.wantsProof = result.wantsProof
    const changed =
      before.length !== result.backends.length ||
      before.some((backend, index) => backend !== result.backends[index])
    return { changed, displaced: result.displaced }
  }

  /** Judges new content and publishes it. */
  tell(record: AgentRecord, h: Hearing): void {
    const { displaced } = this.#judge(record, h.nowMs)
    for (const refused of record.refused) this.#voice.note(refused, record.agentId, h)
    const report = reportOf(record, h.aliveMs ?? h.nowMs)
    h.out.push({ kind: 'report', report, signed: record.signed })
    this.#giveWay(displaced, h)
  }

  /** Judges content that is held again; speaks only when something else is admitted now. */
  rejudge(record: AgentRecord, h: Hearing): void {
    if (record.left) return
    const { changed, displaced } = this.#judge(record, h.nowMs)
    if (changed) {
      const report = reportOf(record, record.heardMs)
      h.out.push({ kind: 'report', report, signed: record.signed, again: true })
    }
    this.#giveWay(displaced, h)
  }

  /** Those that were silent and lost a backend. What they lost is heard, so this ends. */
  #giveWay(displaced: readonly string[], h: Hearing): void {
    for (const agentId of displaced) {
      const record = this.records.get(agentId)
      if (record !== undefined) this.rejudge(record, h)
    }
  }

  /** Takes out what an agent announced; the record stays, so that nothing older is taken again. */
  farewell(record: AgentRecord, reason: string, h: Hearing): void {
    record.claimed = []
    record.admitted = []
    record.refused = []
    record.wantsProof = false
    this.admission.release(record.agentId)
    if (record.left) return
    record.left = true
    h.out.push({ kind: 'left', agentId: record.agentId, reason })
    this.#wakeWaiting(h)
  }

  /** Forgets the agent; `reason` is what others are told, nothing when it is undefined. */
  drop(agentId: string, reason: string | undefined, h: Hearing): void {
    const record = this.records.get(agentId)
    if (record === undefined) return
    this.admission.release(agentId)
    this.records.delete(agentId)
    if (!record.left && reason !== undefined) h.out.push({ kind: 'left', agentId, reason })
    this.#wakeWaiting(h)
  }

  /** Judges those again that wait for a backend another one had. */
  #wakeWaiting(h: Hearing): void {
    for (const record of this.records.values())
      if (record.refused.some(({ code }) => code === 'backend-owned')) this.rejudge(record, h)
  }

  /** All records, those that are heard first, so that they keep what they have. */
  inOrder(nowMs: number): readonly AgentRecord[] {
    const heard = (record: AgentRecord) => (this.isHeard(record.agentId, nowMs) ? 0 : 1)
    return [...this.records.values()].sort((a, b) => heard(a) - heard(b))
  }
}
