/**
 * What gossip says in the log: who came and went, who is refused and why, what does not answer.
 *
 * What a stranger can cause is said once a minute at the most, with its count.
 */
import { limits } from '../../core/base/limits.ts'
import type { Pin } from '../../core/gossip/app/pins.ts'
import type { RefusalLogged } from '../../core/gossip/app/refusals.ts'
import type { RefusalSaid } from '../../core/gossip/app/replies.ts'
import type { MembershipEvent } from '../../core/gossip/swim/outputs.ts'
import type { AgentReport } from '../../core/health/report.ts'
import type { Ticking } from './contract.ts'
import { type Known, placeOf } from './members.ts'

/** Kinds of repeated warning that are remembered; the events below are a handful. */
const KINDS_MAX = 64

export class Notices {
  readonly #here: Ticking
  readonly #repeated = new Map<string, { untilMs: number; times: number }>()

  constructor(here: Ticking) {
    this.#here = here
  }

  member(event: MembershipEvent, known: Known | undefined): void {
    const { log } = this.#here
    if (event.kind === 'joined' || event.kind === 'left' || event.kind === 'failed') {
      const fields = {
        member: event.member.name,
        address: placeOf(event.member),
        role: known?.meta?.role ?? 'unknown',
      }
      if (event.kind === 'joined') log.info('member joined', fields)
      else if (event.kind === 'left') log.info('member left', fields)
      else log.warn('member failed', fields)
    } else if (event.kind === 'conflict') {
      const claimed = placeOf(event.claimed)
      this.#seldom('name taken twice', { member: event.member.name, claimed })
    } else if (event.kind === 'stream-only')
      this.#seldom('member answers streams and no datagrams', { member: event.member.name })
    else if (event.kind === 'stalled')
      this.#seldom('stood still', { late_ms: Math.round(event.lateMs) })
    else if (event.kind === 'refused') this.#seldom('too many members', { member: event.name })
  }

  pinned({ agentId, fingerprint, region, services, revoked }: Pin): void {
    if (revoked) return
    const list = services.join(' ')
    this.#here.log.info('agent believed', {
      agent_id: agentId,
      ...{ fingerprint, region, services: list },
    })
  }

  refused({ code, agentId, from, message, times }: RefusalLogged): void {
    this.#here.log.warn('agent refused', {
      agent_id: agentId,
      ...{ code, from, reason: message, times },
    })
  }

  unsignedAdmitted(): void {
    this.#here.log.warn(
      'UNSIGNED AGENTS ARE ADMITTED: anyone who holds the gossip key can announce backends',
      { key: 'overwatch.gossip.allow_unsigned_agents' },
    )
  }

  reported(report: AgentReport, before: AgentReport | undefined, hearsay: boolean): void {
    if (before?.boot === report.boot || hearsay) return
    const { agentId, region, backends } = report
    this.#here.log.info('agent registered', {
      agent_id: agentId,
      ...{ region, backends: backends.length },
    })
  }

  agentLeft(agentId: string, reason: string): void {
    this.#here.log.info('agent left', { agent_id: agentId, reason })
  }

  agentSilent(agentId: string, silentMs: number): void {
    this.#here.log.warn('agent silent', {
      agent_id: agentId,
      silent_ms: Math.round(silentMs),
    })
  }

  overwatchRefuses(overwatch: string, { code, message }: RefusalSaid): void {
    this.#here.log.error('refused by an overwatch', { overwatch, code, reason: message })
  }

  heartbeatMissed(overwatch: string, missed: number, threshold: number): void {
    const fields = { overwatch, missed }
    if (missed === threshold) this.#here.log.error('overwatch does not answer heartbeats', fields)
    else if (missed < threshold) this.#here.log.warn('heartbeat not answered', fields)
  }

  overwatchAnswers(overwatch: string): void {
    this.#here.log.info('overwatch answers again', { overwatch })
  }

  #seldom(message: string, fields: Readonly<Record<string, unknown>>): void {
    const nowMs = this.#here.clock.monotonicMs()
    const said = this.#repeated.get(message)
    if (said !== undefined && nowMs < said.untilMs) {
      said.times++
      return
    }
    if (this.#repeated.size >= KINDS_MAX) this.#repeated.clear()
    this.#here.log.warn(message, { ...fields, times: (said?.times ?? 0) + 1 })
    this.#repeated.set(message, { untilMs: nowMs + limits.gossipLogEveryMs.default, times: 0 })
  }
}
