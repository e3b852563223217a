/**
 * How many of the clients that stick to a server it passes on, so that it takes no more than a
 * stated multiple of its fair share of the answers counted.
 *
 * Consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam 2018), with the bound
 * kept from one interval to the next rather than from one answer to the next: a level in the word
 * says which part of its clients is passed on, so that it is the same clients until the level
 * changes. A level rises as far as the counts ask, and falls by one where that would leave room.
 */

/** Levels are sixteenths; the last sixteenth is never passed on. */
const SIXTEENTHS = 16
const MOST = 15
/** A level rises by no more at once: counts of one interval are a sample. */
const RISE = 4
/** A level falls where the load that comes back would leave so much of the cap free. */
const SPARE = 0.05
/** Answers for each server below which counts say nothing: their deviation is past a tenth. */
export const ANSWERS_LEAST = 100

/** One interval of servers that clients may be moved between. */
export interface Crowd {
  /** Answers counted. */
  readonly counts: ArrayLike<number>
  /** Effective weights; 0 for those that do not serve. */
  readonly weights: ArrayLike<number>
  /** A server takes at most so much of its fair share. */
  readonly balance: number
}

/** Sets the levels for the next interval in place; false where nothing changed. */
export function settleCrowd({ counts, weights, balance }: Crowd, levels: Uint8Array): boolean {
  let [answers, whole, serving] = [0, 0, 0]
  for (let at = 0; at < levels.length; at++) {
    answers += counts[at]!
    whole += weights[at]!
    if (weights[at]! > 0) serving++
  }
  let changed = false
  const set = (at: number, level: number) => {
    if (levels[at] === level) return
    levels[at] = level
    changed = true
  }
  const isKnown = answers >= ANSWERS_LEAST * serving
  for (let at = 0; at < levels.length; at++) {
    // One that takes nothing, or has nobody to pass clients on to, keeps none of its memory.
    if (weights[at] === 0 || serving < 2) set(at, 0)
    else if (isKnown)
      set(at, nextLevel(levels[at]!, counts[at]!, (balance * answers * weights[at]!) / whole))
  }
  return changed
}

function nextLevel(level: number, load: number, cap: number): number {
  const kept = SIXTEENTHS - level
  if (load > cap) {
    const asked = Math.ceil(SIXTEENTHS - (kept * cap) / load)
    return Math.min(MOST, Math.max(level + 1, Math.min(level + RISE, asked)))
  }
  const isRoomy = (load * (kept + 1)) / kept <= cap * (1 - SPARE)
  return level > 0 && isRoomy ? level - 1 : level
}
