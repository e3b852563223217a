/**
 * Whose first check comes first.
 *
 * A name has an answer once one of its servers has a verdict. Where ten thousand names start at
 * once their checks take seconds: one server of each service is checked before a second of any.
 */

/** One of so many equal parts of a first round, the first of them 0. */
export interface Turn {
  readonly turn: number
  readonly turns: number
}

/** The turns of servers, in their order: those of a service follow one another. */
export function turnsOf(services: readonly string[]): Turn[] {
  const counts = new Map<string, number>()
  const places = services.map((service) => {
    const turn = counts.get(service) ?? 0
    counts.set(service, turn + 1)
    return turn
  })
  return places.map((turn, at) => ({ turn, turns: counts.get(services[at]!)! }))
}
