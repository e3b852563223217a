/**
 * Answers of several addresses, by which addresses they hold.
 *
 * An rrset has no order, so a set of addresses is signed once however an answer ranks them. Each
 * place holds a run and the addresses of the set, ascending, counted in the pool, -1 behind the
 * last. Nothing here allocates but the listing of sets.
 */

/** Where the search for a set begins. */
export function hashOfSet(addresses: ArrayLike<number>, count: number): number {
  let hash = count
  for (let at = 0; at < count; at++) {
    hash = Math.imul(hash ^ addresses[at]!, 0x9e3779b1)
    hash = (hash ^ (hash >>> 15)) | 0
  }
  return hash
}

/** The place in `subsets` of a set, or the free one where it would be. */
export function placeOfSet(
  subsets: Int32Array,
  from: number,
  mask: number,
  most: number,
  addresses: ArrayLike<number>,
  count: number,
): number {
  const stride = most + 1
  for (let slot = hashOfSet(addresses, count) & mask; ; slot = (slot + 1) & mask) {
    const at = from + slot * stride
    if (subsets[at] === 0) return at
    let same = 0
    while (same < count && subsets[at + 1 + same] === addresses[same]) same++
    if (same === count && (count === most || subsets[at + 1 + count] === -1)) return at
  }
}

/** n over k, or Infinity past 2^53. */
export function combinations(n: number, k: number): number {
  let count = 1
  for (let step = 1; step <= k; step++) count = (count * (n - k + step)) / step
  return count > Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : Math.round(count)
}

/**
 * All sets of 2 to `most` of the addresses, the small ones first, whole sizes at a time while they
 * are no more than `setsMax` together.
 */
export function setsWithin(
  addresses: readonly number[],
  most: number,
  setsMax: number,
): (readonly number[])[] {
  const sets: (readonly number[])[] = []
  for (let size = 2; size <= Math.min(most, addresses.length); size++) {
    if (sets.length + combinations(addresses.length, size) > setsMax) break
    addSets(sets, addresses, size)
  }
  return sets
}

function addSets(sets: (readonly number[])[], addresses: readonly number[], size: number): void {
  const chosen = Array.from({ length: size }, (_, at) => at)
  for (;;) {
    sets.push(chosen.map((at) => addresses[at]!))
    let last = size - 1
    while (last >= 0 && chosen[last] === addresses.length - size + last) last--
    if (last < 0) return
    chosen[last]!++
    for (let at = last + 1; at < size; at++) chosen[at] = chosen[at - 1]! + 1
  }
}

const ascending = (a: number, b: number): number => a - b

/** Every stretch of `most` neighbours in ring order. */
function* stretches(ring: readonly number[], most: number): Generator<readonly number[]> {
  for (const from of ring.keys())
    yield Array.from({ length: most }, (_, at) => ring[(from + at) % ring.length]!).sort(ascending)
}

/**
 * The sets that turns around the ring give while every address serves, then while one of them does
 * not; at most `setsMax`, none twice.
 */
export function setsAround(
  addresses: readonly number[],
  most: number,
  setsMax: number,
): (readonly number[])[] {
  if (most < 2 || addresses.length <= most) return []
  const sets = new Map<string, readonly number[]>()
  const add = (ring: readonly number[]): void => {
    for (const set of stretches(ring, most)) if (sets.size < setsMax) sets.set(set.join(), set)
  }
  add(addresses)
  for (const gone of addresses) {
    if (sets.size >= setsMax) break
    add(addresses.filter((address) => address !== gone))
  }
  return [...sets.values()]
}
