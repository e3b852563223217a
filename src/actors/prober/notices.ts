/**
 * What the prober writes to the log: each change once, each failed check at debug, a certificate
 * near its end once a day, and when more hang than there are places for.
 */
import { limits } from '../../core/base/limits.ts'
import type { Outcome } from '../../core/health/outcome.ts'
import type { VerdictChange } from '../../core/health/verdicts.ts'
import type { MemberSpec } from '../../core/steer/topology.ts'
import type { Log } from '../../kernel/log.ts'

const DAY_MS = 86_400_000

const words = { up: 'healthy', down: 'unhealthy', unknown: 'unknown' } as const

const fieldsOf = (member: MemberSpec, outcome: Outcome) => ({
  address: member.address,
  port: member.port,
  service: member.service,
  region: member.region,
  reason: outcome.error ?? '',
  latency_ms: Math.round(outcome.latencyMs * 10) / 10,
})

export class Notices {
  readonly #log: Log
  /** By key of the target: when its certificate was last warned about. */
  readonly #warnedMs = new Map<string, number>()
  #localFaultMs = Number.NEGATIVE_INFINITY
  #isCrowded = false
  #crowdedMs = Number.NEGATIVE_INFINITY

  constructor(log: Log) {
    this.#log = log
  }

  checked(member: MemberSpec, outcome: Outcome, nowMs: number): void {
    if (outcome.inconclusive === true) this.#ownFault(member, outcome, nowMs)
    else if (!outcome.ok) this.#log.debug('health check failed', fieldsOf(member, outcome))
    this.#certificate(member, outcome, nowMs)
  }

  changed(member: MemberSpec, outcome: Outcome, change: VerdictChange): void {
    this.#log.info('health status changed', {
      ...fieldsOf(member, outcome),
      old_status: words[change.previous],
      new_status: words[change.verdict],
    })
  }

  /** Says each change once; one that comes soon after another when it still holds then. */
  crowded(isCrowded: boolean, running: number, nowMs: number): void {
    if (isCrowded === this.#isCrowded) return
    if (nowMs - this.#crowdedMs < limits.probeCrowdedLogMs.default) return
    this.#isCrowded = isCrowded
    this.#crowdedMs = nowMs
    if (isCrowded) this.#log.warn('health checks are late: both lanes are full', { running })
    else this.#log.info('health checks are on time again', { running })
  }

  forget(key: string): void {
    this.#warnedMs.delete(key)
  }

  /** A lack of descriptors or ports hits every check at once, so one line a second is enough. */
  #ownFault(member: MemberSpec, outcome: Outcome, nowMs: number): void {
    if (nowMs - this.#localFaultMs < 1_000) return
    this.#localFaultMs = nowMs
    this.#log.warn('health check could not run', fieldsOf(member, outcome))
  }

  #certificate(member: MemberSpec, outcome: Outcome, nowMs: number): void {
    const expiresMs = outcome.certificateExpiresMs
    const { certificateWarnDays } = member.check
    if (expiresMs === undefined || certificateWarnDays <= 0) return
    const leftMs = expiresMs - nowMs
    if (leftMs > certificateWarnDays * DAY_MS) {
      this.#warnedMs.delete(member.key)
      return
    }
    const warnedMs = this.#warnedMs.get(member.key) ?? Number.NEGATIVE_INFINITY
    if (nowMs - warnedMs < limits.probeCertificateWarnEveryMs.default) return
    this.#warnedMs.set(member.key, nowMs)
    this.#log.warn(leftMs > 0 ? 'certificate expires soon' : 'certificate has expired', {
      address: member.address,
      port: member.port,
      service: member.service,
      region: member.region,
      host: member.check.serverName || member.check.host,
      expires_at: new Date(expiresMs).toISOString(),
      days_left: Math.floor(leftMs / DAY_MS),
    })
  }
}
