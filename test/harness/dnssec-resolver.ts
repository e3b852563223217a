/** A validating resolver as far as rollovers matter: what it holds, and until when. */
import type { DsSet, KeySet } from '../../src/core/dnssec/roll/types.ts'

export interface Cached<T> {
  readonly value: T
  readonly untilSeconds: number
}

export class Resolver {
  readonly isStrict: boolean
  ds: Cached<DsSet> | undefined
  keys: Cached<KeySet> | undefined
  readonly answers: (Cached<readonly string[]> | undefined)[] = [undefined, undefined, undefined]

  constructor(isStrict: boolean) {
    this.isStrict = isStrict
  }
}
