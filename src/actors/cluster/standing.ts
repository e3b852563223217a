/**
 * Where this node stands: the leadership it knows of, and the lease that follows from it.
 *
 * Each word of leadership goes to the lease of the DNS threads in the same turn, then to the log.
 */
import { limits } from '../../core/base/limits.ts'
import { type Change, Leadership } from '../../core/cluster/leadership.ts'
import { Lease } from '../../core/cluster/lease.ts'
import { Silence } from '../../core/cluster/silence.ts'
import type { Ctx } from '../../kernel/actor.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { ClusterConfig } from './contract.ts'
import { Notices } from './notices.ts'

export type ClusterCtx = Ctx<ProductCatalogue, 'cluster'>

export class Standing {
  readonly leadership: Leadership
  elections = 0
  /** Unix milliseconds; 0 before the first. */
  lastElectionMs = 0
  /**
   * Whether this node is fit to lead: it knows what the store holds, and has something to answer
   * with. Until then a proof of leadership gives no lease, and a follower does not serve.
   */
  mayLead: () => boolean = () => true
  /** Called once for each change, after the lease. */
  onChange: (change: Change) => void = () => {}
  readonly #ctx: ClusterCtx
  readonly #lease: Lease
  readonly #notices: Notices
  readonly #silence: Silence
  /** Another that leads is not believed to answer before its pulse says so. */
  hasPulse = false
  /** Until when the last word of a leader counts, of the monotonic clock. */
  #leaderUntilMs = Number.NEGATIVE_INFINITY
  #isSuspect = false
  #isSilent = false

  constructor(ctx: ClusterCtx, config: ClusterConfig) {
    this.#ctx = ctx
    this.leadership = new Leadership(config)
    this.#lease = new Lease(config.lease)
    this.#notices = new Notices(ctx, config)
    this.#silence = new Silence(config.silenceMs)
    // A former incarnation may have left one that nobody would renew.
    this.#lease.revoke()
    this.#lease.hush(0)
    this.#lease.deafen()
  }

  get answers(): boolean {
    return this.#lease.holds(this.#ctx.clock.monotonicMs())
  }

  /** Whether another node is heard that leads and answers. */
  get hears(): boolean {
    return this.#lease.hears && !this.#isSuspect
  }

  /**
   * Whether the members have a leader, one that answers or not. Without one signs of life do not
   * end in the store: what it holds of others is of the past.
   */
  get hasLeader(): boolean {
    return this.#ctx.clock.monotonicMs() < this.#leaderUntilMs
  }

  /** What was asked at that moment was answered as only members with a leader do. */
  knew(sentMs: number): void {
    const untilMs = sentMs + limits.clusterPresenceSeconds.default * 1_000
    this.#leaderUntilMs = Math.max(this.#leaderUntilMs, untilMs)
  }

  led(epoch: number, untilMs: number): void {
    if (!this.mayLead()) return
    this.#follow(this.leadership.led(epoch, untilMs))
  }

  followed(leader: string, epoch: number, untilMs: number): void {
    this.#follow(this.leadership.followed(leader, epoch, untilMs, this.mayLead()))
  }

  leaderless(): void {
    this.#leaderUntilMs = Number.NEGATIVE_INFINITY
    this.#follow(this.leadership.leaderless())
  }

  tick(): void {
    this.#follow(this.leadership.tick(this.#ctx.clock.monotonicMs()))
  }

  yield(): void {
    this.#follow(this.leadership.yield())
  }

  resume(): void {
    this.leadership.resume()
  }

  /** Whether the leader is not known to answer, by its pulse. */
  suspect(isSuspect: boolean): void {
    this.#isSuspect = isSuspect
    this.#hush()
  }

  /** The pulse of the leader said that it answers; undefined: nobody is listened to. */
  heard(answers: boolean | undefined): void {
    if (answers === undefined) this.#lease.deafen()
    else if (answers) this.#lease.hear()
  }

  #hush(): void {
    const { role, leave } = this.leadership
    const nowMs = this.#ctx.clock.monotonicMs()
    const untilMs = this.#silence.until({ role, leave, isSuspect: this.#isSuspect }, nowMs)
    this.#lease.hush(untilMs)
    const isSilent = role !== 'leader' && untilMs > nowMs
    if (isSilent && !this.#isSilent) this.#ctx.log.info('DNS queries get no reply (no leader)')
    this.#isSilent = isSilent
  }

  #follow(changes: readonly Change[]): void {
    const { leave } = this.leadership
    if (changes.some(({ kind }) => kind === 'elected' || kind === 'became-follower'))
      this.#isSuspect = this.hasPulse
    // Before the lease: it may end a leave, and what comes then must be silence already.
    this.#hush()
    if (leave === 'none') this.#lease.revoke()
    else if (leave === 'endless') this.#lease.grantForGood()
    else this.#lease.grant(leave)
    for (const change of changes) {
      if (change.kind === 'elected') {
        this.elections++
        this.lastElectionMs = this.#ctx.clock.nowMs()
      }
      this.#notices.changed(change)
      this.onChange(change)
    }
  }
}
