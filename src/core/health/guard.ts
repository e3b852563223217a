/**
 * The guard-rail on orders: what an operator may not do to a pool at one stroke.
 *
 * It holds back an order that would empty a pool or take out too large a share of it; what it does
 * on a reload is in holds.ts. A verdict confirmed by its thresholds is never held: a server that is
 * down is down, and `when_all_down` takes over. A server of weight 0 serves nobody and is not
 * counted.
 */
import type { MemberSpec } from '../steer/topology.ts'
import { families } from './holds.ts'
import type { PoolState } from './pool-state.ts'

export interface GuardSettings {
  readonly enabled: boolean
  /**
   * Largest part of the serving servers of a pool that one order may take out, or a reload before
   * the new ones are known; 0-1.
   */
  readonly maxWithdrawnShare: number
}

export interface Refusal {
  readonly pool: string
  /** The servers that stay in service. */
  readonly keys: readonly string[]
  /** One sentence for the operator. */
  readonly message: string
}

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
