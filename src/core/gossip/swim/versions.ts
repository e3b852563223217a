/**
 * Whether members speak versions of the protocol that all of them understand.
 *
 * The check spans all alive members of both sides: one that cannot be understood would divide the
 * cluster, so the whole exchange is refused rather than that one.
 */
import { fail, ok, type Result } from '../../base/result.ts'
import type { VersionVector } from '../messages.ts'

export interface Incompatible {
  readonly code: 'incompatible-version'
  readonly node: string
  readonly of: 'protocol' | 'delegate'
  readonly version: number
  /** The range that all others understand. */
  readonly range: readonly [number, number]
}

interface Spoken {
  readonly name: string
  readonly vsn: VersionVector
}

/** An alive message outside this is ignored. */
export const saneVersions = ([min, max]: VersionVector): boolean => min > 0 && max > 0 && min <= max

/** Every current version must lie between the largest minimum and the smallest maximum. */
export function checkVersions(alive: readonly Spoken[]): Result<undefined, Incompatible> {
  for (const [of, at] of [
    ['protocol', 0],
    ['delegate', 3],
  ] as const) {
    let low = 0
    let high = 255
    for (const { vsn } of alive) {
      low = Math.max(low, vsn[at])
      high = Math.min(high, vsn[at + 1]!)
    }
    for (const { name, vsn } of alive) {
      const version = vsn[at + 2]!
      if (version < low || version > high) {
        return fail({ code: 'incompatible-version', node: name, of, version, range: [low, high] })
      }
    }
  }
  return ok(undefined)
}
