/**
 * Whether the answers of this node may hold a server: because it serves, or because it stands in
 * where nobody does (`when_all_down`). A drain alone says neither.
 */
import { isServing, standsIn } from '../steer/view.ts'
import type { Fleet, Server } from './fleet.ts'
import type { PoolState } from './pool-state.ts'

function isIn({ spec, members, words }: PoolState, at: number): boolean {
  const own = members[at]!
  const word = words[at]!
  if (isServing(word)) return true
  const { geofence, whenAllDown } = spec
  const isOther = members.some(
    ({ family, region, weight }, index) =>
      isServing(words[index]!) &&
      weight > 0 &&
      family === own.family &&
      // In a fenced pool each region falls back by itself.
      (geofence === undefined || region === own.region),
  )
  if (isOther) return false
  if (whenAllDown === 'fallback') return spec.fallback.includes(own.address)
  return standsIn(whenAllDown, word, own.weight)
}

export const isAnswered = ({ pools }: Fleet, { places }: Server): boolean =>
  places.some(({ pool, member }) => isIn(pools[pool]!, member))
