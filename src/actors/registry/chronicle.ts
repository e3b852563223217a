/**
 * The registry's account of what it published: each word, and a checkpoint of everything with each
 * epoch and each hour, so that a past moment can be looked at.
 *
 * It says exactly what the readers are told, when they are told it, and decides nothing.
 */
import { limits } from '../../core/base/limits.ts'
import type { Fleet } from '../../core/health/fleet.ts'
import type { ServingPool, WordChange } from '../../core/steer/snapshot.ts'
import type { RegistryConfig, RegistryPorts } from './contract.ts'

export interface Snapshotted {
  readonly epoch: number
  readonly version: number
  readonly pools: readonly ServingPool[]
  readonly words: readonly (readonly number[])[]
}

export class Chronicle {
  readonly #ports: RegistryPorts
  readonly #fleet: Fleet
  readonly #nowMs: () => number
  readonly #snapshot: () => Snapshotted
  #configHash = ''
  #checkpointMs = Number.NEGATIVE_INFINITY
  /** Words since then. */
  #words = 0

  constructor(
    ports: RegistryPorts,
    fleet: Fleet,
    nowMs: () => number,
    snapshot: () => Snapshotted,
  ) {
    this.#ports = ports
    this.#fleet = fleet
    this.#nowMs = nowMs
    this.#snapshot = snapshot
  }

  /** A configuration came into force. */
  configured({ plain }: RegistryConfig): void {
    this.#configHash = plain?.hash ?? ''
    if (plain !== undefined) this.#ports.history.keepConfig(plain.hash, plain.text)
  }

  /** All of it was published. */
  checkpoint(): void {
    const { epoch, version, pools, words } = this.#snapshot()
    const atMs = this.#nowMs()
    this.#checkpointMs = atMs
    this.#words = 0
    const configHash = this.#configHash
    this.#ports.history.checkpoint({
      kind: 'checkpoint',
      ...{ atMs, epoch, version, configHash, pools, words },
    })
  }

  /** These words were published. */
  words(changes: readonly WordChange[]): void {
    const atMs = this.#nowMs()
    const agoMs = atMs - this.#checkpointMs
    // A clock that was set back begins a new stretch too.
    const isOld = agoMs > limits.historyCheckpointMs.default || agoMs < 0
    const isLong = this.#words + changes.length > limits.historyStretchWords.default
    this.#words += changes.length
    // The checkpoint holds these words already.
    if (changes.length > 0 && (isOld || isLong)) this.checkpoint()
    else for (const change of changes) this.#word(change, atMs)
  }

  #word({ epoch, version, pool, member, word }: WordChange, atMs: number): void {
    const state = this.#fleet.pools[pool]
    const server = state?.members[member]?.key
    if (state === undefined || server === undefined) return
    const { name } = state.spec
    const record = { kind: 'word', atMs, epoch, version, pool: name, server, word } as const
    this.#ports.history.append(record)
  }
}
