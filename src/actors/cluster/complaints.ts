/**
 * What the store refuses, told in the log: without it an operator sees only that nothing answers.
 */
import { limits } from '../../core/base/limits.ts'
import type { MemberStatus } from '../../core/cluster/raft-fence.ts'
import type { Client } from './client.ts'
import type { ClusterCtx } from './standing.ts'

const KINDS = ['reads', 'writes'] as const

export class Complaints {
  readonly #ctx: ClusterCtx
  readonly #client: Pick<Client, 'troubles'>
  readonly #since = new Map<string, number>()
  readonly #said = new Set<string>()
  #alarms = ''

  constructor(ctx: ClusterCtx, client: Pick<Client, 'troubles'>) {
    this.#ctx = ctx
    this.#client = client
  }

  /** @param status of the own member, where there is one */
  look(status: MemberStatus | undefined): void {
    this.#lookForAlarms(status)
    // One without a vote may not read yet.
    if (status?.isLearner === true) return
    for (const kind of KINDS) this.#lookFor(kind)
  }

  #lookFor(kind: (typeof KINDS)[number]): void {
    const { log, clock } = this.#ctx
    const error = this.#client.troubles.get(kind)
    const message = `the store of the cluster takes no ${kind}`
    if (error === undefined) {
      this.#since.delete(kind)
      if (this.#said.delete(kind)) log.info(`${message}: that is over`)
      return
    }
    const nowMs = clock.monotonicMs()
    const sinceMs = this.#since.get(kind) ?? nowMs
    this.#since.set(kind, sinceMs)
    // An election is over sooner.
    if (nowMs - sinceMs < limits.clusterCallMs.default * 5 || this.#said.has(kind)) return
    this.#said.add(kind)
    log.warn(message, { error })
  }

  #lookForAlarms(status: MemberStatus | undefined): void {
    if (status === undefined) return
    const alarms = status.errors.filter((error) => /NOSPACE|CORRUPT/.test(error)).join('; ')
    if (alarms === this.#alarms) return
    this.#alarms = alarms
    const { log } = this.#ctx
    if (alarms === '') log.info('etcd raises no alarm any more')
    else
      log.error('etcd raises an alarm, and stores nothing until it is disarmed', {
        alarms,
        hint: 'see "A full store" in the guide of cluster mode',
      })
  }
}
