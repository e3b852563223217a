/**
 * A value or a fault, without exceptions.
 *
 * Bad input is an ordinary outcome, so functions of `core` return it (design section 6); only a
 * broken promise of our own code throws, through `assert`.
 */
export type Result<T, E> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E }

export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value })

export const fail = <E>(error: E): { readonly ok: false; readonly error: E } => ({
  ok: false,
  error,
})
