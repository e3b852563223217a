/**
 * What the store refuses, told in the log: without it an operator sees only that nothing answers.
 */
import { limits } from '../../core/base/limits.ts'
import type { MemberStatus } from '../../core/cluster/raft-fence.ts'
import type { Client } from './client.ts'
import type { ClusterCtx } from './standing.ts'

const KINDS = ['reads', 'writes'] as const

/** Of the quota: past it the log warns, and above it no alarm is taken back. */
const WELL_FILLED = 0.8

const HINT = 'compact and defragment it: see "A full store" in the guide of cluster mode'

export class Complaints {
  readonly #ctx: ClusterCtx
  readonly #client: Pick<Client, 'troubles' | 'disarm'>
  /** Octets its file may come to; undefined where that is the affair of others. */
  readonly #quotaBytes: number | undefined
  readonly #since = new Map<string, number>()
  readonly #said = new Set<string>()
  #alarms = ''
  #isFilled = false
  #isDisarming = false

  /** @param quotaBytes of the own member; undefined where the store is an etcd of others */
  constructor(
    ctx: ClusterCtx,
    client: Pick<Client, 'troubles' | 'disarm'>,
    quotaBytes: number | undefined,
  ) {
    this.#ctx = ctx
    this.#client = client
    this.#quotaBytes = quotaBytes
  }

  /** Whether etcd raises an alarm, by the last look. */
  get hasAlarm(): boolean {
    return this.#alarms !== ''
  }

  /** @param status of the own member, or of the endpoint that answered; undefined for neither */
  look(status: MemberStatus | undefined): void {
    this.#lookForAlarms(status)
    this.#lookForRoom(status)
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
        hint: HINT,
      })
  }

  /**
   * A file that fills up is told before it is full. etcd takes no alarm back by itself: each node
   * does that for its own member, once the operator has made room.
   */
  #lookForRoom(status: MemberStatus | undefined): void {
    const quotaBytes = this.#quotaBytes
    if (status === undefined || quotaBytes === undefined || status.dbBytes === 0) return
    const { dbBytes, memberId, errors } = status
    const isFilled = dbBytes > quotaBytes * WELL_FILLED
    if (isFilled && !this.#isFilled && !this.hasAlarm)
      this.#ctx.log.warn('the store of the cluster fills up: past its quota it takes no writes', {
        ...{ bytes: dbBytes, quota: quotaBytes },
        hint: HINT,
      })
    this.#isFilled = isFilled
    const isOwn = (error: string) =>
      error.includes('NOSPACE') && error.split(/\s+/).includes(`memberID:${memberId}`)
    if (!isFilled && errors.some(isOwn)) void this.#disarm(memberId)
  }

  async #disarm(memberId: string): Promise<void> {
    if (this.#isDisarming) return
    this.#isDisarming = true
    const isDone = await this.#client.disarm(memberId)
    this.#isDisarming = false
    if (isDone) this.#ctx.log.info('there is room in the store again: its alarm is taken back')
  }
}
