/** What becomes of a batch on its way between simulated threads. */
import type { Frame } from '../../src/kernel/wire.ts'

/** A transferred buffer no longer belongs to the sender; what is shared belongs to both. */
export function handOver(batch: Exclude<Frame, number>): Frame {
  const { buffer } = 'bytes' in batch ? batch.bytes : batch
  return structuredClone(batch, { transfer: [buffer as ArrayBuffer] })
}
