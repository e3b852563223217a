/**
 * The health word: all that steering knows of one server of one pool, in 32 bits.
 *
 * The registry writes words, the DNS threads read them; a word is self-contained, so a later one
 * simply replaces an earlier one. Layout, low bit first:
 *
 *   0      serving        gets traffic
 *   1      lastHealthy    served when the pool last had a server to serve (`when_all_down`)
 *   2      heldDown       healthy again, waiting out the failover hold-down
 *   3      guarded        kept in service by the guard-rail
 *   4-7    status         see `statuses`
 *   8-11   cause          see `causes`: which rule of the precedence decided
 *   12-15  spill          of clients that stick to it, sixteenths that it passes on to others
 *   16-25  share          thousandths of its weight, 0-1000 (a bleeding server's share falls)
 *   26-30  level          under the policy `latency`, its part of the turns by the times of its
 *                         checks, 0-31; all 0 where nothing is known of them
 */
export const statuses = ['unknown', 'healthy', 'unhealthy', 'stale', 'draining'] as const
export type Status = (typeof statuses)[number]

export const causes = [
  'none',
  'override',
  'drain',
  'validation',
  'agent',
  'age',
  'restored',
  'predictive',
] as const
export type Cause = (typeof causes)[number]

export interface WordFields {
  readonly serving: boolean
  readonly lastHealthy: boolean
  readonly heldDown: boolean
  readonly guarded: boolean
  readonly status: Status
  readonly cause: Cause
  /** 0-1000. */
  readonly share: number
  /** 0-15; absent means 0. */
  readonly spill?: number
  /** 0-31; absent means 0. */
  readonly level?: number
}

export const SERVING = 1
export const LAST_HEALTHY = 2
export const HELD_DOWN = 4
export const GUARDED = 8
export const SPILL_SHIFT = 12
export const SPILL_BITS = 15
export const LEVEL_SHIFT = 26
export const LEVEL_BITS = 31

/** Sixteenths of the clients that stick to a server that it passes on. */
export const spillOf = (word: number): number => (word >>> SPILL_SHIFT) & SPILL_BITS

/** The word of a server nothing is known about yet. */
export const UNKNOWN_WORD = 1000 << 16

export function packWord(fields: WordFields): number {
  return (
    (fields.serving ? SERVING : 0) |
    (fields.lastHealthy ? LAST_HEALTHY : 0) |
    (fields.heldDown ? HELD_DOWN : 0) |
    (fields.guarded ? GUARDED : 0) |
    (statuses.indexOf(fields.status) << 4) |
    (causes.indexOf(fields.cause) << 8) |
    ((fields.spill ?? 0) << SPILL_SHIFT) |
    (fields.share << 16) |
    ((fields.level ?? 0) << LEVEL_SHIFT)
  )
}

export function unpackWord(word: number): WordFields {
  return {
    serving: (word & SERVING) !== 0,
    lastHealthy: (word & LAST_HEALTHY) !== 0,
    heldDown: (word & HELD_DOWN) !== 0,
    guarded: (word & GUARDED) !== 0,
    status: statuses[(word >> 4) & 15] ?? 'unknown',
    cause: causes[(word >> 8) & 15] ?? 'none',
    share: Math.min(1000, (word >> 16) & 0x3ff),
    ...(spillOf(word) === 0 ? {} : { spill: spillOf(word) }),
    ...(word >>> LEVEL_SHIFT === 0 ? {} : { level: (word >>> LEVEL_SHIFT) & LEVEL_BITS }),
  }
}
