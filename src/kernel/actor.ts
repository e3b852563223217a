/**
 * What an actor is: a name, and a function from the world it is given to a behaviour.
 *
 * Everything non-deterministic comes through `ctx` or through the actor's ports; a handler runs to
 * its end before the next message is looked at. See docs/semantics.md for what the runtime
 * promises.
 */
import type { Random } from '../core/base/random.ts'
import type { Result } from '../core/base/result.ts'
import type {
  AskedBy,
  Catalogue,
  FactsTo,
  MessageOf,
  PublishedBy,
  ReplyOf,
  RequestsTo,
} from '../messages/entry.ts'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'

export type AskFault =
  | { readonly code: 'timed-out' }
  | { readonly code: 'peer-down' }
  | { readonly code: 'too-many-asks' }
  | { readonly code: 'failed'; readonly message: string }

export interface Ctx<C extends Catalogue, Name extends string> {
  readonly name: Name
  /** 1 for the first start in this process, one more for each restart. */
  readonly incarnation: number
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  /**
   * Shows memory that this actor counts in to the main thread, which reads it with each scrape and
   * once more after the actor has ended or said, by calling what is returned, that it is done.
   */
  lend(memory: unknown): () => void
  publish<Id extends PublishedBy<C, Name>>(id: Id, message: MessageOf<C, Id>): void
  /** How full the fullest outbox is that this fact goes to, 0-1; past 1 the oldest is dropped. */
  fill(id: PublishedBy<C, Name>): number
  ask<Id extends AskedBy<C, Name>>(
    id: Id,
    message: MessageOf<C, Id>,
    timeoutMs?: number,
  ): Promise<Result<ReplyOf<C, Id>, AskFault>>
}

export interface Behaviour<C extends Catalogue, Name extends string, Config> {
  readonly receive: {
    readonly [Id in FactsTo<C, Name>]: (message: MessageOf<C, Id>) => void
  } & {
    readonly [Id in RequestsTo<C, Name>]: (
      message: MessageOf<C, Id>,
    ) => ReplyOf<C, Id> | Promise<ReplyOf<C, Id>>
  }
  /** A peer (re)started and holds nothing: say again what holds. */
  readonly onPeerStarted?: (peer: string) => void
  /** A new configuration, already validated. */
  readonly onReconfigured?: (config: Config) => void
  /** Last chance to flush; the runtime waits for it up to a deadline. */
  readonly onStop?: () => void | Promise<void>
}

export type Start<C extends Catalogue, Name extends string, Ports, Config> = (
  ctx: Ctx<C, Name>,
  ports: Ports,
  config: Config,
) => Behaviour<C, Name, Config> | Promise<Behaviour<C, Name, Config>>

export interface ActorDefinition<C extends Catalogue, Name extends string, Ports, Config> {
  readonly name: Name
  readonly start: Start<C, Name, Ports, Config>
}

/** Bound to a catalogue, so that an actor's messages are checked by the compiler. */
export const actorsOf =
  <C extends Catalogue>() =>
  <Name extends string, Ports, Config>(
    name: Name,
    start: Start<C, Name, Ports, Config>,
  ): ActorDefinition<C, Name, Ports, Config> => ({ name, start })
