/**
 * Reads the member of this node on a fixed beat, and proves its leadership where it says it leads.
 *
 * The two questions are asked apart: a proof that waits for a quorum must not keep the node from
 * learning that its member has lost its leader.
 */
import { limits } from '../../core/base/limits.ts'
import { PROOF } from '../../core/cluster/records.ts'
import {
  leaseMs,
  type MemberStatus,
  proves,
  type RaftTimes,
  verdictOf,
} from '../../core/cluster/raft-fence.ts'
import type { Client } from './client.ts'
import type { ClusterCtx, Standing } from './standing.ts'

export interface FenceWorld {
  readonly ctx: ClusterCtx
  readonly standing: Standing
  readonly times: RaftTimes
  readonly client: () => Client | undefined
  /** The name of a member, or its id where it is not known. */
  readonly nameOf: (id: string) => string
}

export class Fence {
  /** The last reading; undefined while the member does not answer. */
  status: MemberStatus | undefined
  readonly #world: FenceWorld
  readonly #leaseMs: number
  #isReading = false
  #proofs = 0
  #stop: () => void = () => {}

  constructor(world: FenceWorld) {
    this.#world = world
    this.#leaseMs = leaseMs(world.times)
  }

  start(): void {
    const everyMs = limits.clusterPollMs.default
    this.#stop = this.#world.ctx.clock.every(everyMs, 0, () => void this.#beat())
  }

  stop(): void {
    this.#stop()
  }

  async #beat(): Promise<void> {
    const { ctx, standing, client } = this.#world
    standing.tick()
    const own = client()
    if (own === undefined || this.#isReading) return
    this.#isReading = true
    const sentMs = ctx.clock.monotonicMs()
    // Its own state needs no quorum: a member that cannot tell it in time is as good as gone.
    const status = await own.status(Math.max(this.#leaseMs, limits.clusterPollMs.default))
    this.#isReading = false
    this.status = status
    if (status === undefined) standing.tick()
    else this.#judge(own, status, sentMs)
  }

  #judge(own: Client, status: MemberStatus, sentMs: number): void {
    const { standing, nameOf } = this.#world
    const verdict = verdictOf(status)
    if (verdict.kind !== 'no-leader') standing.knew(sentMs)
    if (verdict.kind === 'no-leader') standing.leaderless()
    else if (verdict.kind === 'follows')
      standing.followed(nameOf(verdict.leaderId), verdict.term, sentMs + this.#leaseMs)
    else void this.#prove(own, verdict.term)
  }

  async #prove(own: Client, term: number): Promise<void> {
    // One that is late must not keep the next from renewing the lease.
    if (this.#proofs >= limits.clusterProofs.default) return
    this.#proofs++
    const { ctx, standing } = this.#world
    const sentMs = ctx.clock.monotonicMs()
    const answered = await own.confirmedTerm(PROOF, Math.max(1, this.#leaseMs))
    this.#proofs--
    if (answered === undefined || !proves(term, answered)) {
      standing.tick()
      return
    }
    standing.led(term, sentMs + this.#leaseMs)
    // The answer may have been so long on the way that it proves nothing of now.
    standing.tick()
  }
}
