/**
 * How a pool is asked: what the numbers of its row mean, and the mode of each family.
 */

/** Numbers of a row; for each family in turn where two are named. */
export const ROW = 8
/** Index of the turn counters. */
export const SLOT = 0
/** Which families the pool has addresses of: FAMILY_4, FAMILY_6. */
export const FAMILIES = 1
/** Where the places of IPv4 begin, which is also where the pool's addresses begin; then IPv6. */
export const FROM = 2
/** How many candidates, and how to choose among them: for IPv4, then for IPv6. */
export const COUNT = 4
export const MODE = 5

// A mode is one of these, the basis from bit 8, and the number of answers from bit 16.
/** A word changed: the row is to be made anew. */
export const STALE = 0
/** No candidate, and the name exists. */
export const EMPTY = 1
/** No candidate, and that is a failure. */
export const DOWN = 2
/** Turns go round. */
export const RING = 3
/** Turns go round, and some server gives away a part of its own. */
export const RING_SHARED = 4
export const WEIGHTED = 5
/** The first takes all. */
export const FIRST = 6
/** The first gives away a part. */
export const FIRST_SHARED = 7
/** By weight inside the region nearest to the client that has a candidate, then the next. */
export const PLACED = 8
/** The same inside the client's own region alone. */
export const FENCED = 9
/** By what was learned of the client's round-trip times, then as PLACED. */
export const ROUTED = 10

/** By a policy made of others, whose leaf decides. */
export const COMPOSED = 11
/** By the client's network, among all. */
export const STICKY = 12

export const methodOf = (mode: number): number => mode & 0xff
/** Whether some candidate is to be chosen. */
export const choosesAt = (mode: number): boolean => (mode & 0xff) > DOWN
/** Whether the client's place decides. */
export const placesAt = (mode: number): boolean => (mode & 0xff) >= PLACED
/** The number of the basis, as in view.ts. */
export const basisAt = (mode: number): number => (mode >> 8) & 0xff
export const wantedOf = (mode: number): number => mode >>> 16
