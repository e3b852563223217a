/**
 * Agents of the Go program: they sign nothing, number nothing and are told nothing back.
 *
 * Their messages are ordered by the time they carry, as long as that moves on; after a silence any
 * time is taken, since a clock may have been set. Sequence numbers are given here, under the start
 * of this overwatch, so that what is shown of them still only moves forward.
 */
import { limits } from '../../base/limits.ts'
import type { ReportedBackend } from '../../health/report.ts'
import { type AgentRecord, newRecord } from './agents.ts'
import type { BackendAddress, Body, Envelope } from './envelope.ts'

export interface UnsignedTaken {
  readonly record: AgentRecord
  /**
   * `content`: something else is announced; `seen`: a sign of life; `left`: nothing is announced
   * any more; `stale`: overtaken by a later message; `unknown`: a sign of life of someone unheard
   * of.
   */
  readonly outcome: 'content' | 'seen' | 'left' | 'stale' | 'unknown'
}

const sameBackend = (a: BackendAddress, b: BackendAddress) =>
  a.service === b.service && a.address === b.address && a.port === b.port

export class UnsignedAgents {
  silentMs: number
  readonly #boot: number
  #seq = 0

  constructor(boot: number, silentMs: number) {
    this.#boot = boot
    this.silentMs = silentMs
  }

  /** Takes a message into the record of its agent, which is made when there is none. */
  take(known: AgentRecord | undefined, envelope: Envelope, nowMs: number): UnsignedTaken {
    const record = known ?? newRecord(envelope.agentId, false)
    const silent = nowMs - record.heardMs > this.silentMs
    // Go's clock has nanoseconds, so two messages of one agent never carry the same time.
    if (known !== undefined && !silent && envelope.timeUs <= record.timeUs)
      return { record, outcome: 'stale' }
    const announced = announcedBy(record.claimed, envelope.body)
    if (announced === undefined && known === undefined) return { record, outcome: 'unknown' }
    record.timeUs = envelope.timeUs
    record.heardMs = nowMs
    record.region = envelope.region
    const vitals = vitalsOf(envelope.body) ?? record.vitals
    const backends = announced ?? record.claimed
    if (backends.length === 0 && announced !== undefined) return { record, outcome: 'left' }
    const before = JSON.stringify([record.claimed, record.vitals])
    if (!record.left && JSON.stringify([backends, vitals]) === before)
      return { record, outcome: 'seen' }
    record.claimed = backends
    record.vitals = vitals
    record.boot = this.#boot
    record.seq = ++this.#seq
    record.left = false
    return { record, outcome: 'content' }
  }
}

/** All that is announced after the message; undefined when it says nothing of that. */
function announcedBy(
  before: readonly ReportedBackend[],
  body: Body,
): readonly ReportedBackend[] | undefined {
  const most = limits.reportBackends.default
  if (body.type === 'heartbeat')
    // An empty list is how the Go program writes "nothing new", not "nothing any more".
    return body.backends === undefined || body.backends.length === 0 ? undefined : body.backends
  if (body.type === 'register') {
    const others = before.filter((backend) => !sameBackend(backend, body.backend))
    // What registers is healthy until it says otherwise, as the Go program has it.
    return others.length < most ? [...others, { healthy: true, ...body.backend }] : undefined
  }
  if (body.type === 'deregister')
    return before.filter((backend) => !sameBackend(backend, body.backend))
  return body.type === 'leave' ? [] : undefined
}

const vitalsOf = (body: Body) =>
  body.type === 'heartbeat' || body.type === 'predictive' ? body.vitals : undefined
