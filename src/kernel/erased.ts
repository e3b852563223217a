/**
 * An actor with its message types taken off.
 *
 * The compiler checks actors against their catalogue where they are written; the runtime carries
 * any of them, and the codec checks at run time what crosses a thread.
 */
import type { Random } from '../core/base/random.ts'
import type { Result } from '../core/base/result.ts'
import type { AskFault } from './actor.ts'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'

export interface AnyCtx {
  readonly name: string
  readonly incarnation: number
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  lend(memory: unknown): () => void
  publish(id: string, message: unknown): void
  fill(id: string): number
  ask(id: string, message: unknown, timeoutMs?: number): Promise<Result<unknown, AskFault>>
}

export interface AnyBehaviour {
  readonly receive: Readonly<Record<string, ((message: unknown) => unknown) | undefined>>
  readonly onPeerStarted?: (peer: string) => unknown
  readonly onReconfigured?: (config: unknown) => unknown
  readonly onStop?: () => unknown
}

export interface AnyActor {
  readonly name: string
  readonly start: (
    ctx: AnyCtx,
    ports: unknown,
    config: unknown,
  ) => AnyBehaviour | Promise<AnyBehaviour>
}

/** True for a value that will settle later. */
export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'

/** Narrows whatever a module exports to an actor of the expected name. */
export const isActor = (value: unknown, name: string): value is AnyActor =>
  typeof value === 'object' &&
  value !== null &&
  (value as AnyActor).name === name &&
  typeof (value as AnyActor).start === 'function'
