/**
 * Saves what the member of this node has stored, every `cluster.raft.snapshot_interval`, where it
 * changed: a file that `etcdctl snapshot restore` takes when a majority was lost with its disks.
 *
 * Each node saves its own copy, so that the one disk which is left has it. How long etcd keeps its
 * log is another matter, and follows `snapshot_threshold`. A member without a quorum is not asked:
 * what it has may never have been agreed upon.
 */
import { limits } from '../../core/base/limits.ts'
import type { Cancel } from '../../kernel/clock.ts'
import type { ClusterPorts, SnapshotOutcome } from './contract.ts'
import type { ClusterCtx } from './standing.ts'

export interface SnapshotsWorld {
  readonly ctx: ClusterCtx
  readonly ports: Pick<ClusterPorts, 'saveSnapshot'>
  /** The folder of the member. */
  readonly folder: string
  readonly intervalMs: number
  /** Revision of the store that this node has come to; 0 while it has read nothing. */
  readonly revision: () => number
  /** Whether a quorum was heard of lately. */
  readonly hasLeader: () => boolean
}

export class Snapshots {
  readonly counts = { saved: 0, failed: 0 }
  /** Unix milliseconds; 0 before the first of this process. */
  lastMs = 0
  readonly #world: SnapshotsWorld
  #revision = 0
  #isSaving = false
  #fault = ''
  #cancel: Cancel = () => {}

  constructor(world: SnapshotsWorld) {
    this.#world = world
  }

  start(): void {
    const { ctx, intervalMs } = this.#world
    // Nodes that were started together must not all write at once.
    const phaseMs = ctx.random.below(intervalMs)
    this.#cancel = ctx.clock.every(intervalMs, phaseMs, () => void this.#save())
  }

  stop(): void {
    this.#cancel()
  }

  async #save(): Promise<void> {
    const { ctx, ports, folder, revision, hasLeader } = this.#world
    const now = revision()
    if (this.#isSaving || now === 0 || now === this.#revision || !hasLeader()) return
    this.#isSaving = true
    const outcome = await ports.saveSnapshot(folder, limits.clusterSnapshotMs.default)
    this.#isSaving = false
    this.#note(outcome, now)
    if (outcome.code === 'saved') this.lastMs = ctx.clock.nowMs()
  }

  #note(outcome: SnapshotOutcome, revision: number): void {
    const { log } = this.#world.ctx
    if (outcome.code === 'saved') {
      this.counts.saved++
      this.#revision = revision
      if (this.#fault !== '') log.info('snapshots are saved again')
      this.#fault = ''
      log.debug('snapshot saved', { revision, bytes: outcome.bytes })
      return
    }
    this.counts.failed++
    // A full disk would say so at each interval.
    if (outcome.message !== this.#fault) log.warn('no snapshot saved', { error: outcome.message })
    this.#fault = outcome.message
  }
}
