/**
 * Programmer errors.
 *
 * On in production too: an actor that breaks one dies and is restarted by its supervisor, which
 * beats serving from a state that cannot be. Never used for input from outside.
 */
export function assert(condition: boolean, whatHolds: string): asserts condition {
  if (!condition) throw new AssertionFailed(whatHolds)
}

export class AssertionFailed extends Error {
  override readonly name = 'AssertionFailed'
  readonly code = 'assertion-failed'
}
