/**
 * Which zones have their turn: all of few; of many so many that other work of the thread does not
 * wait, the next ones with each turn.
 */
import { limits } from '../../core/base/limits.ts'

export class ZoneQueue {
  #done = 0

  next(zones: readonly { readonly zone: string }[]): readonly string[] {
    const most = limits.rollTurnZones.default
    if (zones.length <= most) return zones.map(({ zone }) => zone)
    const from = this.#done % zones.length
    const some = [...zones, ...zones].slice(from, from + most)
    this.#done = from + most
    return some.map(({ zone }) => zone)
  }
}
