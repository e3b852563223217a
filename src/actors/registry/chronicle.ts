/**
 * The registry's account of what it published: each word, and a checkpoint of everything with each
 * epoch and each hour, so that a past moment can be looked at.
 *
 * It says exactly what the readers are told, and decides nothing. A checkpoint is everything there
 * is, so editions that follow each other closely share the last one's; it comes before any word of
 * them, and before anyone reads.
 */
import { limits } from '../../core/base/limits.ts'
import type { ServingPool, WordChange } from '../../core/steer/snapshot.ts'
import type { Clock } from '../../kernel/clock.ts'
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
  readonly #clock: Pick<Clock, 'nowMs' | 'after'>
  readonly #published: () => Published | undefined
  #configHash = ''
  #checkpointMs = Number.NEGATIVE_INFINITY
  /** Words since then. */
  #words = 0
  /** A checkpoint is to be made; ends the wait for it. */
  #cancel: (() => void) | undefined
  /** When the edition came into force that it is to hold. */
  #issuedMs = 0

  constructor(
    ports: RegistryPorts,
    clock: Pick<Clock, 'nowMs' | 'after'>,
    published: () => Published | undefined,
  ) {
    this.#ports = ports
    this.#clock = clock
    this.#published = published
  }

  /** A configuration came into force. */
  configured({ plain }: RegistryConfig): void {
    // What waits was published under the one before.
    this.settle()
    this.#configHash = plain?.hash ?? ''
    if (plain !== undefined) this.#ports.history.keepConfig(plain.hash, plain.text)
  }

  /** An edition was published. */
  issued(): void {
    const waitMs = limits.historyGatherMs.default
    this.#issuedMs = this.#nowMs()
    this.#cancel ??= this.#clock.after(waitMs, () => this.settle())
  }

  /** Makes the checkpoint that waits, if one does. */
  settle(): void {
    if (this.#cancel !== undefined) this.checkpoint(this.#issuedMs)
  }

  /** All of it was published, and holds since then. */
  checkpoint(atMs = this.#nowMs()): void {
    this.#cancel?.()
    this.#cancel = undefined
    const published = this.#published()
    if (published === undefined) return
    const { epoch, version, pools, words } = published.snapshot()
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
    const isWanted = isOld || isLong || this.#cancel !== undefined
    if (changes.length > 0 && isWanted) this.checkpoint()
    else for (const change of changes) this.#word(change, atMs)
  }

  #nowMs(): number {
    return Math.floor(this.#clock.nowMs())
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
