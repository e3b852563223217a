/**
 * Leadership as a lease in an etcd cluster of others: who holds the key leads.
 *
 * The key lives as long as the lease of its node, and only one node can make it. A renewal that was
 * sent at some moment keeps the lease for its whole time from then on at least, so until that (less
 * a tenth for the rates of clocks) no other node can have made the key.
 */
import { limits } from '../../core/base/limits.ts'
import { compares, requestDelete, requestPut, requestRange } from '../../core/cluster/gateway.ts'
import { textOf } from '../../core/cluster/gateway.ts'
import { LEADER } from '../../core/cluster/records.ts'
import type { Client } from './client.ts'
import type { ClusterCtx, Standing } from './standing.ts'

const TRIES_A_LEASE = 5
/** Left of the lease for clocks that run at other rates than the servers'. */
const CERTAIN = 0.9

export class Election {
  readonly #ctx: ClusterCtx
  readonly #standing: Standing
  readonly #client: Client
  readonly #self: string
  readonly #ttlSeconds: number
  #lease = ''
  #ownSince = 0
  #isBusy = false
  /** Asked to look again while a look was on its way. */
  #isLate = false
  #hasYielded = false
  #stop: () => void = () => {}

  constructor(
    ctx: ClusterCtx,
    standing: Standing,
    client: Client,
    settings: { readonly self: string; readonly leaseSeconds: number },
  ) {
    this.#ctx = ctx
    this.#standing = standing
    this.#client = client
    this.#self = settings.self
    this.#ttlSeconds = settings.leaseSeconds
  }

  start(): void {
    const everyMs = (this.#ttlSeconds * 1_000) / TRIES_A_LEASE
    this.#stop = this.#ctx.clock.every(Math.floor(everyMs), 0, () => void this.#beat())
    // A lease that ends is to be noticed sooner than the next beat.
    const stopTicking = this.#ctx.clock.every(limits.clusterPollMs.default, 0, () =>
      this.#standing.tick(),
    )
    const stopBeating = this.#stop
    this.#stop = () => {
      stopBeating()
      stopTicking()
    }
  }

  stop(): void {
    this.#stop()
  }

  /** Gives the key back, so that another can have it at once. */
  async yield(): Promise<void> {
    this.#hasYielded = true
    const compare = [compares.created(LEADER, this.#ownSince)]
    if (this.#ownSince > 0)
      await this.#client.transact({ compare, success: [requestDelete(LEADER)] })
    if (this.#lease !== '') await this.#client.revoke(this.#lease, limits.clusterHandOverMs.default)
  }

  /** Looks now: the leader may have given its key back. */
  look(): void {
    if (this.#isBusy) this.#isLate = true
    else void this.#beat()
  }

  async #beat(): Promise<void> {
    if (this.#isBusy || this.#hasYielded) return
    this.#isBusy = true
    const { clock } = this.#ctx
    const sentMs = clock.monotonicMs()
    const aliveSeconds = await this.#renew()
    if (aliveSeconds > 0 && this.#standing.mayLead())
      await this.#stand(sentMs + aliveSeconds * 1_000 * CERTAIN)
    this.#standing.tick()
    this.#isBusy = false
    if (!this.#isLate) return
    this.#isLate = false
    await this.#beat()
  }

  /** Seconds the lease of this node lives from the sending on; 0 without one. */
  async #renew(): Promise<number> {
    const timeoutMs = (this.#ttlSeconds * 1_000) / 2
    if (this.#lease !== '') {
      const seconds = await this.#client.keepAlive(this.#lease, timeoutMs)
      if (seconds === undefined || seconds > 0) return seconds ?? 0
    }
    const granted = await this.#client.grant(this.#ttlSeconds)
    this.#lease = granted?.id ?? ''
    return granted?.ttlSeconds ?? 0
  }

  async #stand(untilMs: number): Promise<void> {
    const tried = await this.#client.transact({
      compare: [compares.absent(LEADER)],
      success: [requestPut(LEADER, this.#self, this.#lease)],
      failure: [requestRange(LEADER)],
    })
    if (tried === undefined || this.#hasYielded) return
    if (tried.hasSucceeded) {
      this.#ownSince = tried.revision
      this.#standing.led(tried.revision, untilMs)
      return
    }
    const held = tried.found[0]
    if (held === undefined) return
    // By its lease, not by what was answered: the answer to who made it may have been lost. A key
    // of a former life of this node is another's, and ends with the lease of that life.
    if (held.lease !== '' && held.lease === this.#lease) {
      this.#ownSince = held.createRevision
      this.#standing.led(this.#ownSince, untilMs)
    } else {
      this.#ownSince = 0
      this.#standing.followed(textOf(held.value) ?? '', held.createRevision, untilMs)
    }
  }
}
