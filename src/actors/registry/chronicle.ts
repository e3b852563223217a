/**
 * The registry's account of what it published: each word, and a checkpoint of everything with each
 * epoch and each hour, so that a past moment can be looked at.
 *
 * It says exactly what the readers are told, when they are told it, and decides nothing.
 */
import { limits } from '../../core/base/limits.ts'
import type { ServingPool, WordChange } from '../../core/steer/snapshot.ts'
import type { RegistryConfig, RegistryPorts } from './contract.ts'

export interface Snapshotted {
  readonly epoch: number
  readonly version: number
  readonly pools: readonly ServingPool[]
  readonly words: readonly (readonly number[])[]
}

/** What is in force. */
export interface Published {
  snapshot(): Snapshotted
  named(change: WordChange): { readonly name: string; readonly key: string } | undefined
}

export class Chronicle {
  readonly #ports: RegistryPorts
  readonly #nowMs: () => number
  readonly #published: () => Published | undefined
  #configHash = ''
  #checkpointMs = Number.NEGATIVE_INFINITY
  /** Words since then. */
  #words = 0

  constructor(ports: RegistryPorts, nowMs: () => number, published: () => Published | undefined) {
    this.#ports = ports
    this.#nowMs = nowMs
    this.#published = published
  }

  /** A configuration came into force. */
  configured({ plain }: RegistryConfig): void {
    this.#configHash = plain?.hash ?? ''
    if (plain !== undefined) this.#ports.history.keepConfig(plain.hash, plain.text)
  }

  /** All of it was published. */
  checkpoint(): void {
    const published = this.#published()
    if (published === undefined) return
    const { epoch, version, pools, words } = published.snapshot()
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

  #word(change: WordChange, atMs: number): void {
    const named = this.#published()?.named(change)
    if (named === undefined) return
    const { epoch, version, word } = change
    const { name: pool, key: server } = named
    const record = { kind: 'word', atMs, epoch, version, pool, server, word } as const
    this.#ports.history.append(record)
  }
}
