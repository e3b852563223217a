/**
 * "Did you mean": the nearest of some names by edit distance.
 *
 * Distance is optimal string alignment: an insertion, a deletion, a replacement and a swap of
 * neighbours cost one each, since those are the four ways a finger slips.
 */
export function editDistance(a: string, b: string): number {
  let twoBack: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let best = Math.min(
        last[column]! + 1,
        current[column - 1]! + 1,
        last[column - 1]! + (same ? 0 : 1),
      )
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2]
      if (swapped && a[row - 2] === b[column - 1]) best = Math.min(best, twoBack[column - 2]! + 1)
      current.push(best)
    }
    twoBack = last
    last = current
  }
  return last[b.length]!
}

/** Longer words are cut: no key is longer, and the table is quadratic. */
const LONGEST = 64
/** Past this many candidates guessing costs more than it helps. */
const CANDIDATES_MAX = 2_000

/** The nearest candidate within a third of the word's length (at least 1, at most 3 edits). */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase().replaceAll('-', '_')
  if (wanted.length > LONGEST) return undefined
  const allowed = Math.min(3, Math.max(1, Math.floor(wanted.length / 3)))
  let best: string | undefined
  let bestDistance = allowed + 1
  let seen = 0
  for (const candidate of candidates) {
    if (++seen > CANDIDATES_MAX) break
    if (Math.abs(candidate.length - wanted.length) > allowed) continue
    const distance = editDistance(wanted, candidate.toLowerCase().replaceAll('-', '_'))
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}
