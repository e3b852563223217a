/**
 * Who leads, as this node knows it, and until when it may answer.
 *
 * It is told what was learned of the cluster and when the question was sent, and gives back what
 * changed. The lease always counts from the sending of the question, never from its answer: what
 * was true while it was on the way may end by then. Whether an answer proves leadership is decided
 * before, in raft-fence.ts for a member of our own and in election.ts for a cluster of others.
 */
import { limits } from '../base/limits.ts'

export interface LeadershipSettings {
  /** Name of this node. */
  readonly self: string
  /** `serve`: a follower that hears of a leader answers too, and some seconds longer. */
  readonly followerDns: 'refuse' | 'serve'
  /** `serve`: who led goes on answering until it hears of another leader. */
  readonly onLostLease: 'refuse' | 'serve'
}

export type Role = 'leader' | 'follower' | 'candidate'

/** What others are told. */
export type Change =
  | { readonly kind: 'elected'; readonly leader: string; readonly epoch: number }
  | { readonly kind: 'became-leader'; readonly epoch: number }
  | { readonly kind: 'became-follower'; readonly leader: string }
  | { readonly kind: 'stepped-down'; readonly why: StepDown }
  | { readonly kind: 'leader-lost' }

export type StepDown = 'another-leads' | 'no-leader' | 'lease-over' | 'handed-over'

/** Until when queries may be answered, of the monotonic clock. */
export type Leave = number | 'endless' | 'none'

export class Leadership {
  readonly #settings: LeadershipSettings
  #role: Role = 'candidate'
  #leader = ''
  #epoch = 0
  /** The newest epoch whose leader was told. */
  #announced = 0
  #leave: Leave = 'none'
  /** The leave is that of a follower that serves. */
  #isGrace = false
  #hasYielded = false

  constructor(settings: LeadershipSettings) {
    this.#settings = settings
  }

  get role(): Role {
    return this.#role
  }

  /** Name of the leader; empty for none. */
  get leader(): string {
    return this.#leader
  }

  /** Grows with each leader. */
  get epoch(): number {
    return this.#epoch
  }

  get leave(): Leave {
    return this.#leave
  }

  /** It is proved that this node leads, at least until then. */
  led(epoch: number, untilMs: number): readonly Change[] {
    // An answer of an earlier epoch came late, and proves nothing of now.
    if (this.#hasYielded || epoch < this.#epoch) return []
    const { self, onLostLease } = this.#settings
    const changes = this.#elected(self, epoch)
    if (this.#role !== 'leader') {
      this.#role = 'leader'
      changes.push({ kind: 'became-leader', epoch })
    }
    if (onLostLease === 'serve') this.#leave = 'endless'
    else if (typeof this.#leave !== 'number' || this.#isGrace || untilMs > this.#leave)
      this.#leave = untilMs
    this.#isGrace = false
    return changes
  }

  /**
   * Another node leads; it was known at the moment before `untilMs` minus the length of a lease.
   * @param leader its name, or what is known of it
   * @param mayServe what it would answer is what the others do
   */
  followed(leader: string, epoch: number, untilMs: number, mayServe = true): readonly Change[] {
    if (epoch < this.#epoch) return []
    const changes = this.#elected(leader, epoch)
    if (this.#role === 'leader') changes.push({ kind: 'stepped-down', why: 'another-leads' })
    if (this.#role !== 'follower') changes.push({ kind: 'became-follower', leader })
    this.#role = 'follower'
    const serves = this.#settings.followerDns === 'serve' && !this.#hasYielded && mayServe
    // Its answers are its own, and go on while the others elect: else all would refuse at once.
    this.#leave = serves ? untilMs + limits.clusterFollowerGraceMs.default : 'none'
    this.#isGrace = serves
    return changes
  }

  /** The member says that there is no leader. */
  leaderless(): readonly Change[] {
    const changes: Change[] = []
    if (this.#leader !== '') changes.push({ kind: 'leader-lost' })
    if (this.#role === 'leader') changes.push({ kind: 'stepped-down', why: 'no-leader' })
    this.#leader = ''
    this.#role = 'candidate'
    // Who chose to answer without a lease goes on until another is known to lead.
    if (this.#leave !== 'endless' && !this.#isGrace) this.#leave = 'none'
    return changes
  }

  /** Time passes without word: a lease that is over ends what it allowed. */
  tick(nowMs: number): readonly Change[] {
    if (typeof this.#leave !== 'number' || nowMs < this.#leave) return []
    this.#leave = 'none'
    if (this.#role !== 'leader') return []
    // Who leads is not known to have changed: a late proof goes on in the same epoch.
    this.#role = 'candidate'
    return [{ kind: 'stepped-down', why: 'lease-over' }]
  }

  /** Gives leadership away: this node answers nothing and leads no more, until it resumes. */
  yield(): readonly Change[] {
    this.#hasYielded = true
    this.#isGrace = false
    this.#leave = 'none'
    if (this.#role !== 'leader') return []
    this.#role = 'candidate'
    return [{ kind: 'stepped-down', why: 'handed-over' }]
  }

  /** The reason to give it away is gone: what is proved counts again. */
  resume(): void {
    this.#hasYielded = false
  }

  /** Epochs of another store begin anew; no lease of the old one may be left by then. */
  forget(): void {
    this.#epoch = 0
    this.#announced = 0
  }

  #elected(leader: string, epoch: number): Change[] {
    this.#leader = leader
    this.#epoch = epoch
    // An epoch has one leader, whatever it is called and however often it is lost sight of.
    if (epoch === this.#announced || leader === '') return []
    this.#announced = epoch
    return [{ kind: 'elected', leader, epoch }]
  }
}
