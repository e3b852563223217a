/**
 * The learned choice as tables: for each class of clients its regions in order, how turns are
 * shared among near-equals, and which region it explores.
 *
 * A decision reads these tables, a turn and a slot, nothing else, so the same query in the same
 * slot at the same turn gets the same answer, in an explanation and in a replay as well. A slot is
 * a stretch of time with a number; whether a class explores in it follows from a hash, so the share
 * of explored answers is bounded over time, and no two threads have to agree on anything.
 */

/** Why a row is what it is: `learned`, geography alone, or nothing known at all. */
export const LEARNED = 0
export const GEO_FALLBACK = 1
export const COLD_START = 2
export const methods = ['learned', 'geo_fallback', 'cold_start'] as const

export interface LatencyRows {
  readonly regions: number
  /** ranking[row * regions + rank]: a region, the best first. */
  readonly ranking: Uint8Array
  /** Thousandths of the turns, beside `ranking`; those past the near-equals are 0. */
  readonly shares: Uint16Array
  /** By row, how many of its regions clients may be sent to; the others stand last. */
  readonly lengths: Uint8Array
  /** By row, the region to explore; -1 for none. */
  readonly explore: Int8Array
  /** By row, one of `LEARNED` to `COLD_START`. */
  readonly method: Uint8Array
  /** By row, a hash of its key and the name that stays when tables are made anew. */
  readonly keys: Uint32Array
}

/** 32 bits of a text, for keys of rows (FNV-1a). */
export function keyOf(text: string, from = 0x811c9dc5): number {
  let hash = from
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}

/** Whether a row explores in a slot; `budget` is a share of slots, in ten-thousandths. */
export function explores(key: number, slot: number, budget: number): boolean {
  // Two rounds of a multiplicative hash (the finalizer of MurmurHash3).
  let hash = Math.imul(key ^ Math.imul(slot, 0x9e3779b1), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  hash = (hash ^ (hash >>> 16)) >>> 0
  return hash % 10_000 < budget
}

/** What besides the row a choice depends on. */
export interface LatencyTurn {
  /** Counts the questions of a name and type. */
  readonly turn: number
  readonly slot: number
  /** Ten-thousandths of slots; 0 for clients that stick to a server. */
  readonly budget: number
  /** By region: 1 where it has a server that may be served, and is not fenced off. */
  readonly open: Uint8Array
}

/** Nothing is known: turns go round. */
export const UNKNOWN_REGION = -1
/** No region that this class may be sent to is open; nothing else may take its place. */
export const NO_REGION = -2

/** The region for a turn; or one of the two above. Allocates nothing. */
export function regionFor(rows: LatencyRows, row: number, asked: LatencyTurn): number {
  const { regions, ranking, shares } = rows
  if (rows.method[row] === COLD_START) return UNKNOWN_REGION
  const target = rows.explore[row]!
  if (target >= 0 && asked.open[target] === 1)
    if (explores(rows.keys[row]!, asked.slot, asked.budget)) return target
  const from = row * regions
  let whole = 0
  let first = NO_REGION
  const length = rows.lengths[row]!
  for (let rank = 0; rank < length; rank++) {
    const region = ranking[from + rank]!
    if (asked.open[region] !== 1) continue
    if (first === NO_REGION) first = region
    const share = shares[from + rank]!
    if (share === 0) break
    whole += share
  }
  if (whole === 0) return first
  // The golden-ratio sequence, whose points spread most evenly.
  let point = ((Math.imul(asked.turn, 0x9e3779b1) >>> 0) / 0x1_0000_0000) * whole
  for (let rank = 0; rank < length; rank++) {
    const region = ranking[from + rank]!
    if (asked.open[region] !== 1) continue
    point -= shares[from + rank]!
    if (point < 0) return region
  }
  return first
}
