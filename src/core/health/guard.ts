/**
 * The guard-rail on orders: what an operator may not do to a pool at one stroke.
 *
 * It holds back an order that would empty a pool or take out too large a share of it; what it does
 * on a reload is in holds.ts. A verdict confirmed by its thresholds is never held: a server that is
 * down is down, and `when_all_down` takes over. A server of weight 0 serves nobody and is not
 * counted. Orders that follow each other are added up: what was taken out within the last while and
 * is still out counts with what is to go now, or a pool could be emptied piece by piece.
 */
import { limits } from '../base/limits.ts'
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

/** Servers that orders took out of service lately. */
export class Withdrawn {
  readonly #atMs = new Map<string, number>()

  note(key: string, nowMs: number): void {
    if (this.#atMs.size >= limits.guardWithdrawnMax.default) this.#forgetOld(nowMs)
    if (this.#atMs.size >= limits.guardWithdrawnMax.default) return
    this.#atMs.set(key, nowMs)
  }

  isRecent(key: string, nowMs: number): boolean {
    const atMs = this.#atMs.get(key)
    // A clock that was set back makes nothing recent for ever.
    return atMs !== undefined && Math.abs(nowMs - atMs) < limits.guardWindowMs.default
  }

  #forgetOld(nowMs: number): void {
    for (const key of this.#atMs.keys()) if (!this.isRecent(key, nowMs)) this.#atMs.delete(key)
  }
}

/**
 * Whether one order may take these servers out of service.
 * @param keys the servers that would stop serving
 * @param wentLately whether an order took the server out a moment ago
 * @returns why not, or undefined when it may
 */
export function refusalOf(
  pools: Iterable<PoolState>,
  keys: ReadonlySet<string>,
  settings: GuardSettings,
  wentLately: (key: string) => boolean = () => false,
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
    const isOut = ({ key, weight }: MemberSpec, index: number) =>
      weight > 0 && !pool.isServing(index) && !keys.has(key) && wentLately(key)
    const lately = pool.members.filter(isOut).length
    const served = serving.length + lately
    if ((leaving.length + lately) / served <= settings.maxWithdrawnShare) continue
    const most = Math.round(settings.maxWithdrawnShare * 100)
    const message =
      `"${name}" would lose ${leaving.length + lately} of ${served} serving servers at once` +
      `${lately > 0 ? ` (${lately} of them went a moment ago)` : ''}, ` +
      `more than the ${most}% that overwatch.guard_rail.max_withdrawn_share allows`
    return { pool: name, keys: held, message }
  }
  return
}
