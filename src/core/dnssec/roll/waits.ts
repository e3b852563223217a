/**
 * What a move waits for, in a sentence: the words of `dnssec status`.
 */
import type { Move } from './moves.ts'
import { nameOfDs } from './moves.ts'
import type { RollFacts, RollState, RollWait } from './types.ts'
import { type Held, type Horizon, endOf } from './views.ts'

const CACHED = {
  keys: 'signatures or a DS that no longer fit',
  signing: 'a key set without the key',
  offer: 'a key set without the key',
} as const satisfies Record<Move['change'], string>

const listed = (names: readonly string[]): string => names.slice(0, 5).join(', ')

export function waitForUnheard(move: Move, unheard: readonly string[]): RollWait {
  const head = `“Key ${move.what}” waits until all nodes were heard once`
  return { text: `${head}, which may have other keys: not yet ${listed(unheard)}` }
}

export function waitFor(
  state: RollState,
  move: Move,
  { value, reason }: Held<unknown>,
  { safetySeconds, parentSeconds }: Horizon,
  { behind }: RollFacts,
): RollWait {
  const head = `“Key ${move.what}” waits`
  const cached = `validators may hold ${CACHED[move.change]}`
  if (reason.kind === 'past-ds') {
    const { past } = reason
    const untilSeconds = past.goneSeconds + past.ttlSeconds + safetySeconds
    return { text: `${head}: validators may hold the DS that the parent had`, untilSeconds }
  }
  if (reason.kind === 'past') {
    const { past } = reason
    const isOffer = state.pastOffers.some((offer) => offer === past)
    if (isOffer && state.ds === undefined)
      return { text: `${head}: it is not known which DS the parent publishes` }
    if (isOffer) {
      const untilSeconds = endOf(past, safetySeconds + parentSeconds)
      const text = `${head}: the parent may still take up what it was offered before`
      return untilSeconds === undefined ? { text } : { text, untilSeconds }
    }
    const untilSeconds = endOf(past, safetySeconds)
    if (untilSeconds !== undefined) return { text: `${head}: ${cached}`, untilSeconds }
    const who = behind.length === 0 ? 'this node' : listed(behind)
    return { text: `${head} until version ${past.endedVersion} is served by all: not yet ${who}` }
  }
  const names = Array.isArray(value) ? listed(value.map((id) => nameOfDs(state, String(id)))) : ''
  if (move.change === 'keys' && names !== '')
    return { text: `${head}: the parent has the DS of ${names}, or is still offered it` }
  return { text: `${head} for another move` }
}
