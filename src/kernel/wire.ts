/**
 * One end of a channel between two actors.
 *
 * A frame is a batch of messages, or a number: how many batches the sender of the number has
 * handled since it last said so. Frames arrive in the order they were posted, or not at all once
 * an end has died.
 */
export type Frame = Uint8Array | SharingBatch | number

/** A batch with what its messages share, in order. */
export interface SharingBatch {
  readonly bytes: Uint8Array
  readonly shared: readonly unknown[]
}

export interface Wire {
  /** A batch is handed over: its bytes no longer belong to the caller. */
  post(frame: Frame): void
  /** Called once; frames posted before it are kept and delivered. */
  listen(onFrame: (frame: Frame) => void): void
  /** Frames not delivered yet are lost. */
  close(): void
}
