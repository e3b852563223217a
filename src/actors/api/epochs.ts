/**
 * The tables of the newest epochs, in the memory that the DNS threads read too, with the names of
 * their pools, so that an answer of before a reload can still be made again.
 */
import { limits } from '../../core/base/limits.ts'
import type { ServingParts } from '../../core/dns/serving.ts'
import type { PoolSnapshot, ServingPool } from '../../core/steer/snapshot.ts'

export interface Epoch {
  readonly epoch: number
  readonly parts: ServingParts
  readonly pools: readonly ServingPool[]
}

export class Epochs {
  readonly #parts = new Map<number, ServingParts>()
  readonly #pools = new Map<number, readonly ServingPool[]>()

  compiled({ epoch, parts }: { readonly epoch: number; readonly parts: ServingParts }): void {
    keep(this.#parts, epoch, parts)
  }

  named({ epoch, pools }: PoolSnapshot): void {
    keep(this.#pools, epoch, pools)
  }

  of(epoch: number): Epoch | undefined {
    const parts = this.#parts.get(epoch)
    const pools = this.#pools.get(epoch)
    return parts === undefined || pools === undefined ? undefined : { epoch, parts, pools }
  }
}

function keep<T>(held: Map<number, T>, epoch: number, value: T): void {
  held.set(epoch, value)
  for (const old of held.keys()) {
    if (held.size <= limits.sampleEpochs.default) return
    if (old !== epoch) held.delete(old)
  }
}
