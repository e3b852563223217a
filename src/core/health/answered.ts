/**
 * Whether the answers of this node may hold a server: because it serves, or because it stands in
 * where nobody does (`when_all_down`). A drain alone says neither.
 */
import { isServing, standsIn } from '../steer/view.ts'
import type { Fleet, Server } from './fleet.ts'
import type { PoolState } from './pool-state.ts'

function isIn(pool: PoolState, at: number): boolean {
  const { address, weight } = pool.members[at]!
  const word = pool.words[at]!
  if (isServing(word)) return true
  if (pool.served.beside(at) > 0) return false
  const { fallback, whenAllDown } = pool.spec
  if (whenAllDown === 'fallback') return fallback.includes(address)
  return standsIn(whenAllDown, word, weight)
}

export const isAnswered = ({ pools }: Fleet, { places }: Server): boolean =>
  places.some(({ pool, member }) => isIn(pools[pool]!, member))
