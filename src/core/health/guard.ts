/**
 * The guard-rail: what may not happen to a pool at one stroke.
 *
 * It holds back an operator's order that would empty a pool or take out too large a share of it,
 * and it keeps the servers of a pool through a reload until the new ones are known. A verdict
 * confirmed by its thresholds is never held: a server that is down is down, and `when_all_down`
 * takes over.
 */
import type { Family } from '../net/address.ts'
import type { MemberSpec, PoolSpec } from '../steer/topology.ts'
import type { PoolState } from './pool-state.ts'
import type { Judgement } from './precedence.ts'

export interface GuardSettings {
  readonly enabled: boolean
  /** Largest part of the serving servers of a pool that one order may take out, 0-1. */
  readonly maxWithdrawnShare: number
}

export interface Refusal {
  readonly pool: string
  /** The servers that stay in service. */
  readonly keys: readonly string[]
  /** One sentence for the operator. */
  readonly message: string
}

const families = [4, 6] as const

/**
 * Whether one order may take these servers out of service.
 * @param keys the servers that would stop serving
 * @returns why not, or undefined when it may
 */
export function refusalOf(
  pools: Iterable<PoolState>,
  keys: ReadonlySet<string>,
  settings: GuardSettings,
): Refusal | undefined {
  if (!settings.enabled) return
  for (const pool of pools) {
    const serving = pool.members.filter((_, index) => pool.isServing(index))
    const leaving = serving.filter((member) => keys.has(member.key))
    if (leaving.length === 0) continue
    const name = pool.spec.name
    const held = leaving.map((member) => member.key)
    for (const family of families) {
      const of = (list: readonly MemberSpec[]) => list.filter((one) => one.family === family).length
      if (of(leaving) === 0 || of(leaving) < of(serving)) continue
      const message = `"${name}" would have no IPv${family} server left to answer with`
      return { pool: name, keys: held, message }
    }
    if (leaving.length / serving.length <= settings.maxWithdrawnShare) continue
    const most = Math.round(settings.maxWithdrawnShare * 100)
    const message =
      `"${name}" would lose ${leaving.length} of ${serving.length} serving servers at once, ` +
      `more than the ${most}% that overwatch.guard_rail.max_withdrawn_share allows`
    return { pool: name, keys: held, message }
  }
  return
}

/** Whether a family of a pool has servers, none of which serves and some of which are unknown. */
function awaits(
  members: readonly MemberSpec[],
  judgementOf: (key: string) => Judgement,
  family: Family,
): boolean {
  let unknown = false
  for (const member of members) {
    if (member.family !== family) continue
    const judged = judgementOf(member.key)
    if (judged.serving) return false
    if (judged.status === 'unknown') unknown = true
  }
  return unknown
}

/**
 * The servers that a reload must not take out of a pool yet: those that served before, where all
 * the new ones are still unknown or down and at least one is unknown.
 */
export function guestsOf(
  previous: PoolState | undefined,
  next: PoolSpec,
  judgementOf: (key: string) => Judgement,
): readonly MemberSpec[] {
  if (previous === undefined) return []
  const declared = new Set(next.members.map((member) => member.key))
  const kept = families.filter((family) => awaits(next.members, judgementOf, family))
  if (kept.length === 0) return []
  return previous.members.filter(
    (member, index) =>
      kept.includes(member.family) && previous.isServing(index) && !declared.has(member.key),
  )
}

/** Whether some guest of the pool is no longer needed. */
export function isOver(pool: PoolState, judgementOf: (key: string) => Judgement): boolean {
  const guests = pool.members.slice(pool.spec.members.length)
  return families.some(
    (family) =>
      guests.some((guest) => guest.family === family) &&
      !awaits(pool.spec.members, judgementOf, family),
  )
}
