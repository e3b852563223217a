/**
 * What one entry of the catalogue says, and the types derived from a whole catalogue.
 *
 * The kernel is written against these shapes and never against the product's own catalogue, so
 * that its tests can use small ones.
 */
import type { Fields, Shape } from './fields.ts'

export interface FactEntry {
  readonly kind: 'fact'
  /** Append only: a number is never used again for something else. */
  readonly id: number
  readonly from: string
  readonly to: readonly string[]
  /** `latest`: under pressure the newest for each key survives. `each`: the oldest is dropped. */
  readonly delivery: 'latest' | 'each'
  /** Names of the fields that form the key of `latest`; none means one value for the message. */
  readonly key: readonly string[]
  readonly maxBytes: number
  readonly fields: Fields
  readonly doc: string
}

export interface RequestEntry {
  readonly kind: 'request'
  readonly id: number
  readonly from: string
  readonly to: readonly [string]
  readonly maxBytes: number
  readonly fields: Fields
  readonly reply: Fields
  readonly doc: string
}

export type Entry = FactEntry | RequestEntry
export type Catalogue = Readonly<Record<string, Entry>>

export type Names<C extends Catalogue> = C[keyof C]['from'] | C[keyof C]['to'][number]

type Matching<C extends Catalogue, Pattern> = {
  [K in keyof C]: C[K] extends Pattern ? K : never
}[keyof C] &
  string

/** Facts an actor publishes. */
export type PublishedBy<C extends Catalogue, Name> = Matching<C, { kind: 'fact'; from: Name }>
/** Requests an actor sends. */
export type AskedBy<C extends Catalogue, Name> = Matching<C, { kind: 'request'; from: Name }>

type ReceivedKeys<C extends Catalogue, Name, Kind> = {
  [K in keyof C]: C[K]['kind'] extends Kind ? (Name extends C[K]['to'][number] ? K : never) : never
}[keyof C] &
  string

export type FactsTo<C extends Catalogue, Name> = ReceivedKeys<C, Name, 'fact'>
export type RequestsTo<C extends Catalogue, Name> = ReceivedKeys<C, Name, 'request'>

export type MessageOf<C extends Catalogue, Id extends keyof C> = Shape<C[Id]['fields']>
export type ReplyOf<C extends Catalogue, Id extends keyof C> = C[Id] extends { reply: infer R }
  ? R extends Fields
    ? Shape<R>
    : never
  : never
