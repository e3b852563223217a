/**
 * Type lists read for checking (RFC 4034 section 4.1.2).
 */

/** The types in a list; undefined when it is not one. */
export function readTypes(octets: Uint8Array, from: number): ReadonlySet<number> | undefined {
  const types = new Set<number>()
  let last = -1
  for (let at = from; at < octets.length; ) {
    const window = octets[at]!
    const length = octets[at + 1] ?? 0
    // In order, 1 to 32 octets each, all of them there.
    const isWindow =
      window > last && length >= 1 && length <= 32 && at + 2 + length <= octets.length
    if (!isWindow) return undefined
    for (let bit = 0; bit < length * 8; bit++)
      if ((octets[at + 2 + Math.floor(bit / 8)]! & (128 >> (bit % 8))) !== 0)
        types.add(window * 256 + bit)
    last = window
    at += 2 + length
  }
  return types
}

export const NS = 2
export const CNAME = 5
export const SOA = 6
export const DNAME = 39
export const DS = 43
/** RFC 9824 section 2. */
export const NXNAME = 128

/**
 * Whether a name's list shows that it does not hold the type, and may speak for it.
 *
 * RFC 6840 section 4.1: the parent's record at a delegation says nothing of the child's names but
 * the DS, and the child's says nothing of the DS. Section 4.3: a CNAME would have answered.
 */
export function deniesType(types: ReadonlySet<number>, type: number, isRoot: boolean): boolean {
  if (types.has(type) || types.has(CNAME)) return false
  if (type === DS) return !types.has(SOA) || isRoot
  return !types.has(NS) || types.has(SOA)
}

/** RFC 6840 section 4.1: such a name's record cannot deny what lies below it. */
export const hidesBelow = (types: ReadonlySet<number>): boolean =>
  types.has(DNAME) || (types.has(NS) && !types.has(SOA))
