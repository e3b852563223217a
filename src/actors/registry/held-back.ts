/** What is recorded of a change that the guard-rail held back. */
import { limits } from '../../core/base/limits.ts'
import type { GuardedChange, GuardHeld } from '../../core/health/events.ts'
import type { Refusal } from '../../core/health/guard.ts'

export const heldBack = (
  { pool, keys, message }: Refusal,
  change: GuardedChange,
  atMs: number,
): GuardHeld => ({
  ...{ kind: 'guard-held', pool, change, atMs },
  keys: keys.slice(0, limits.eventKeysMax.default),
  reason: message,
})
