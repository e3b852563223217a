/**
 * The kinds of field a message may have.
 *
 * A field carries its TypeScript type as a phantom, its kind for the decoder's check, and one line
 * of doc for docs/reference/messages.md.
 */
/**
 * `maxBytes` of an order that passes on what a client of the API wrote: a request line and headers
 * (8 KiB, of which a name may double in UTF-8) and some texts of a body, each within its bound.
 */
export const ASKED_BYTES = 32 * 1_024

export type FieldKind = 'text' | 'number' | 'boolean' | 'bytes' | 'list' | 'object' | 'shared'

export interface Field<T> {
  readonly kind: FieldKind
  readonly optional: boolean
  readonly doc: string
  /** Never set; carries the type. */
  readonly type?: T
}

const make = <T>(kind: FieldKind, doc: string): Field<T> => ({ kind, optional: false, doc })

export const field = {
  text: <T extends string = string>(doc: string) => make<T>('text', doc),
  number: (doc: string) => make<number>('number', doc),
  boolean: (doc: string) => make<boolean>('boolean', doc),
  bytes: (doc: string) => make<Uint8Array>('bytes', doc),
  list: <T>(doc: string) => make<readonly T[]>('list', doc),
  object: <T>(doc: string) => make<T>('object', doc),
  /**
   * Large tables in shared memory, which reader and writer hold alike: not copied, and not counted
   * in `maxBytes`. Only facts have one.
   */
  shared: <T extends object>(doc: string) => make<T>('shared', doc),
  optional: <T>(inner: Field<T>): Field<T | undefined> => ({ ...inner, optional: true }),
}

export type Fields = Readonly<Record<string, Field<unknown>>>

type OptionalKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends Field<infer T> ? (undefined extends T ? K : never) : never
}[keyof F]

type TypeOf<F> = F extends Field<infer T> ? T : never

/** The message a set of fields describes. */
export type Shape<F extends Fields> = {
  readonly [K in Exclude<keyof F, OptionalKeys<F>>]: TypeOf<F[K]>
} & { readonly [K in OptionalKeys<F>]?: TypeOf<F[K]> }
