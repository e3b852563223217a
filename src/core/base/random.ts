/**
 * A small seeded random source (Marsaglia's xorshift32).
 *
 * Cores and simulated worlds take it as an argument, so one seed replays one run. It must never
 * produce secrets, message ids or cookies.
 */
export interface Random {
  /** A float in [0, 1). */
  next(): number
  /** An integer in [0, bound); 0 when the bound is 0 or less. */
  below(bound: number): number
}

export function seededRandom(seed: number): Random {
  // Zero is the one fixed point of xorshift, so it is moved away.
  let state = seed >>> 0 || 0x9e3779b9
  const next = () => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 0x1_0000_0000
  }
  // The first outputs of small seeds are correlated; a few turns spread them.
  for (let turn = 0; turn < 8; turn++) next()
  return { next, below: (bound) => (bound <= 0 ? 0 : Math.floor(next() * bound)) }
}
